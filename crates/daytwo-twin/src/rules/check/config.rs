//! What holds settings: ConfigMaps, Secrets, ServiceAccounts, Namespaces
//! (`pkg/apis/core/validation/validation.go`, Kubernetes 1.36).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Case;
use super::metadata::{IMMUTABLE, known_finalizer};
use crate::rules::look::{At, Faults, same};
use crate::rules::words;

/// All that one ConfigMap or Secret may hold, in bytes.
const MOST: usize = 1 << 20;

/// Bytes that a base64 text stands for.
fn decoded(text: &str) -> usize {
    text.len() / 4 * 3 - text.bytes().rev().take(2).filter(|byte| *byte == b'=').count()
}

fn frozen(case: &Case<'_>, fields: &[&str], out: &mut Faults) {
    const WORDS: &str = "field is immutable when `immutable` is set";
    if case.was("immutable").value() != &Value::Bool(true) {
        return;
    }
    if case.at("immutable").value() != &Value::Bool(true) {
        out.push(case.at("immutable").forbidden(WORDS));
    }
    for name in fields {
        if !same(case.at(name).value(), case.was(name).value()) {
            out.push(case.at(name).forbidden(WORDS));
        }
    }
}

/// A ConfigMap.
pub(super) fn config_map(case: &Case<'_>, out: &mut Faults) {
    if case.updates() {
        case.metadata_update(out);
        frozen(case, &["data", "binaryData"], out);
    }
    case.metadata(out);
    let (data, binary) = (case.at("data"), case.at("binaryData"));
    let mut size = 0;
    for (key, entry) in data.entries() {
        out.extend(words::config_key(key).into_iter().map(|words| entry.invalid_as(key, words)));
        if !binary.get(key).is_null() {
            out.push(entry.invalid_as(key, "duplicate of key present in binaryData"));
        }
        size += entry.text().len();
    }
    for (key, entry) in binary.entries() {
        out.extend(words::config_key(key).into_iter().map(|words| entry.invalid_as(key, words)));
        size += decoded(entry.text());
    }
    if size > MOST {
        out.push(At::new(&Value::Null, "[]").too_long(MOST));
    }
}

/// A Secret.
pub(super) fn secret(case: &Case<'_>, out: &mut Faults) {
    if case.updates() {
        case.metadata_update(out);
        let kind = case.at("type");
        if kind.text() != case.was("type").text() {
            out.push(kind.invalid_as(kind.text(), IMMUTABLE));
        }
        frozen(case, &["data"], out);
    }
    case.metadata(out);
    let data = case.at("data");
    let mut size = 0;
    for (key, entry) in data.entries() {
        out.extend(words::config_key(key).into_iter().map(|words| entry.invalid_as(key, words)));
        size += decoded(entry.text());
    }
    if size > MOST {
        out.push(data.too_long(MOST));
    }
    by_type(case, &data, out);
}

fn by_type(case: &Case<'_>, data: &At<'_>, out: &mut Faults) {
    let missing = |key: &str| data.get(key).is_null();
    match case.text("type") {
        "kubernetes.io/service-account-token" => {
            let name = case.at("metadata").at("annotations").key("kubernetes.io/service-account.name");
            if name.empty() {
                out.push(name.required(""));
            }
        }
        "kubernetes.io/dockercfg" => docker(&data.key(".dockercfg"), out),
        "kubernetes.io/dockerconfigjson" => docker(&data.key(".dockerconfigjson"), out),
        "kubernetes.io/basic-auth" if missing("username") && missing("password") => {
            out.push(data.key("username").required(""));
            out.push(data.key("password").required(""));
        }
        "kubernetes.io/ssh-auth" if data.key("ssh-privatekey").empty() => {
            out.push(data.key("ssh-privatekey").required(""));
        }
        "kubernetes.io/tls" => {
            for key in ["tls.crt", "tls.key"].into_iter().filter(|key| missing(key)) {
                out.push(data.key(key).required(""));
            }
        }
        _ => {}
    }
}

fn docker(entry: &At<'_>, out: &mut Faults) {
    if !entry.has() {
        return out.push(entry.required(""));
    }
    let bytes = STANDARD.decode(entry.text()).unwrap_or_default();
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
    let words = match (first, serde_json::from_slice::<serde::de::IgnoredAny>(&bytes)) {
        (None, _) => "unexpected end of JSON input".to_owned(),
        (Some(b'{' | b'n'), Ok(_)) => return,
        (Some(first), Ok(_)) => {
            let kind = match first {
                b'[' => "array",
                b'"' => "string",
                b't' | b'f' => "bool",
                _ => "number",
            };
            format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}")
        }
        (Some(first), Err(_)) if !b"{[\"tfn-0123456789".contains(&first) => {
            format!("invalid character '{}' looking for beginning of value", char::from(first))
        }
        (Some(_), Err(error)) if error.is_eof() => "unexpected end of JSON input".to_owned(),
        (Some(_), Err(_)) => "invalid character".to_owned(),
    };
    out.push(entry.invalid_as("<secret contents redacted>", words));
}

/// A ServiceAccount.
pub(super) fn service_account(case: &Case<'_>, out: &mut Faults) {
    if case.updates() {
        case.metadata_update(out);
    }
    case.metadata(out);
}

/// A Namespace, or one of its subresources.
pub(super) fn namespace(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    let finalizer = |one: At<'_>, out: &mut Faults| {
        words::formed(&one, words::qualified, out);
        known_finalizer(&one, out);
    };
    let finalizers = case.at("spec").at("finalizers");
    match subresource {
        Some("status") => {
            case.metadata_update(out);
            let gone = !case.at("metadata").at("deletionTimestamp").empty();
            let phase = case.at("status").shown("phase", "Phase");
            let (wanted, words) = match gone {
                false => ("Active", "may only be 'Active' if `deletionTimestamp` is empty"),
                true => ("Terminating", "may only be 'Terminating' if `deletionTimestamp` is not empty"),
            };
            if phase.text() != wanted {
                out.push(phase.invalid_as(phase.text(), words));
            }
        }
        Some("finalize") => {
            case.metadata_update(out);
            finalizers.items().for_each(|one| finalizer(one, out));
        }
        _ => {
            case.metadata(out);
            finalizers.items().for_each(|one| finalizer(one.called(finalizers.path()), out));
            if case.updates() {
                case.metadata_update(out);
            }
        }
    }
}
