//! CertificateSigningRequests (`pkg/apis/certificates/validation/validation.go`, Kubernetes 1.36).
//!
//! It refuses to look into a request or a certificate: only that they are PEM of the right type is checked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Case;
use super::resources::signer;
use crate::field::quoted;
use crate::rules::look::{At, Faults, same};
use crate::rules::words;

const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

const LEGACY: &str = "kubernetes.io/legacy-unknown";

/// Decisions that are only ever true.
const DECISIONS: [&str; 3] = ["Approved", "Denied", "Failed"];

/// A CertificateSigningRequest, its status or its approval.
pub(super) fn request(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    case.metadata(out);
    spec(case, out);
    conditions(case, out);
    let certificate = case.at("status").at("certificate");
    let before = case.was("status").at("certificate");
    if certificate.text() != before.text() && certified(before.text()).is_none() {
        out.extend(
            certified(certificate.text()).map(|words| certificate.invalid_as("<certificate data>", words)),
        );
    }
    if !case.updates() {
        return;
    }
    decisions(case, subresource == Some("approval"), out);
    if certificate.text() != before.text() {
        if subresource != Some("status") {
            out.push(certificate.forbidden("updates may not set certificate content"));
        } else if !before.empty() {
            out.push(certificate.forbidden("updates may not modify existing certificate content"));
        }
    }
    case.metadata_update(out);
}

fn pem_type(text: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (kind, rest) = rest.split_once("-----")?;
    rest.contains(&format!("-----END {kind}-----")).then(|| kind.to_owned())
}

/// What is wrong with certificates, if there are any.
fn certified(text: &str) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    match pem_type(text) {
        None => Some("must contain at least one CERTIFICATE PEM block".to_owned()),
        Some(kind) if kind != "CERTIFICATE" => {
            Some(format!("only CERTIFICATE PEM blocks are allowed, found {}", quoted(&kind)))
        }
        Some(_) => None,
    }
}

fn spec(case: &Case<'_>, out: &mut Faults) {
    let (spec, was) = (case.at("spec"), case.was("spec"));
    let request = spec.at("request");
    if pem_type(request.text()).as_deref() != Some("CERTIFICATE REQUEST") {
        out.push(request.invalid_as(request.text(), "PEM block type must be CERTIFICATE REQUEST"));
    }
    let (usages, before) = (spec.at("usages"), was.at("usages"));
    if usages.empty() {
        out.push(usages.required(""));
    }
    let unknown = |one: &At<'_>| !USAGES.contains(&one.text());
    if !before.items().any(|one| unknown(&one)) {
        out.extend(usages.items().filter(unknown).map(|one| one.unsupported(&USAGES)));
    }
    if repeated(&before).is_empty() {
        out.extend(repeated(&usages).iter().map(At::duplicate));
    }
    let name = spec.at("signerName");
    if name.text() == LEGACY && was.str("signerName") != LEGACY {
        out.push(name.invalid("the legacy signerName is not allowed via this API version"));
    } else {
        signer(&name, out);
    }
    let expiry = spec.at("expirationSeconds");
    if expiry.number().is_some_and(|seconds| seconds < 600) {
        out.push(expiry.invalid("may not specify a duration less than 600 seconds (10 minutes)"));
    }
}

/// The elements that stand there a second time.
fn repeated<'v>(place: &At<'v>) -> Vec<At<'v>> {
    let texts: Vec<&str> = place.values().map(|one| one.as_str().unwrap_or("")).collect();
    let again = place.items().enumerate().filter(|(index, one)| texts[..*index].contains(&one.text()));
    again.map(|(_, one)| one).collect()
}

fn types<'v>(place: &At<'v>) -> Vec<&'v str> {
    place.items().map(|one| one.str("type")).collect()
}

fn conditions(case: &Case<'_>, out: &mut Faults) {
    let place = case.at("status").at("conditions");
    let old = types(&case.was("status").at("conditions"));
    let both = old.contains(&"Approved") && old.contains(&"Denied");
    let twice = old.iter().enumerate().any(|(index, kind)| old[..index].contains(kind));
    let mut seen: Vec<&str> = Vec::new();
    for condition in place.items() {
        let (kind, status) = (condition.at("type"), condition.at("status"));
        if kind.empty() && !old.contains(&"") {
            out.push(kind.required(""));
        }
        let allowed: &[&str] = match DECISIONS.contains(&kind.text()) {
            true => &["True"],
            false => &["False", "True", "Unknown"],
        };
        super::table::needed(&status, allowed, out);
        let other = match kind.text() {
            "Approved" => Some("Denied"),
            "Denied" => Some("Approved"),
            _ => None,
        };
        if !both && other.is_some_and(|other| seen.contains(&other)) {
            out.push(place.invalid_as(kind.text(), "Approved and Denied conditions are mutually exclusive"));
        }
        if !twice && seen.contains(&kind.text()) {
            out.push(kind.duplicate());
        }
        seen.push(kind.text());
    }
}

/// Decisions stay; and only who approves makes or changes approval and denial.
fn decisions(case: &Case<'_>, approving: bool, out: &mut Faults) {
    let (place, was) = (case.at("status").at("conditions"), case.was("status").at("conditions"));
    let of = |place: &At<'_>, kind: &str| -> Vec<Value> {
        place.values().filter(|one| one["type"] == *kind).cloned().collect()
    };
    for kind in DECISIONS {
        if of(&place, kind).len() < of(&was, kind).len() {
            out.push(place.forbidden(format!("updates may not remove a condition of type {}", quoted(kind))));
        }
    }
    for kind in DECISIONS.into_iter().take(2).filter(|_| !approving) {
        let (new, old) = (of(&place, kind), of(&was, kind));
        if new.len() > old.len() {
            out.push(place.forbidden(format!("updates may not add a condition of type {}", quoted(kind))));
        } else if new.len() == old.len() && !new.iter().zip(&old).all(|(new, old)| same(new, old)) {
            let diff = words::diff(&Value::from(old), &Value::from(new));
            let words = format!("updates may not modify a condition of type {}\n{diff}", quoted(kind));
            out.push(place.forbidden(words));
        }
    }
}
