//! What two copies of an object are compared by: everything a person decides, and nothing that a server does.
//!
//! The content is fed to a sink (a digest) in one order, whatever the order of keys, the spelling of strings and the
//! spaces of the text. It refuses to be more than a comparison: nobody can read an object back out of it.

use crate::json::{JsonError, elements, fields, find, string, text_at};

use super::later::UNFINISHED_MARK;
use super::prepare::{FINISHED_MARK, RECLAIM_MARK};

/// A part of an object that is not compared.
enum Noise {
    /// The whole of it.
    All,
    /// What is named inside it, of a list in each element.
    In(&'static [(&'static str, Noise)]),
}

use Noise::{All, In};

mod bare;

pub(super) use bare::compared;

const OBJECT: Noise = In(&[
    ("apiVersion", All),
    ("kind", All),
    ("status", All),
    (
        "metadata",
        In(&[
            ("uid", All),
            ("resourceVersion", All),
            ("creationTimestamp", All),
            ("deletionTimestamp", All),
            ("deletionGracePeriodSeconds", All),
            ("generation", All),
            ("selfLink", All),
            ("managedFields", All),
            ("ownerReferences", All),
            ("annotations", In(&[(RECLAIM_MARK, All), (FINISHED_MARK, All), (UNFINISHED_MARK, All)])),
        ]),
    ),
]);

const VOLUME: Noise = In(&[
    ("metadata", In(&[("annotations", In(&[("pv.kubernetes.io/bound-by-controller", All)]))])),
    ("spec", In(&[("claimRef", In(&[("uid", All), ("resourceVersion", All)]))])),
]);

const CLAIM: Noise = In(&[(
    "metadata",
    In(&[(
        "annotations",
        In(&[
            ("pv.kubernetes.io/bind-completed", All),
            ("pv.kubernetes.io/bound-by-controller", All),
            ("volume.beta.kubernetes.io/storage-provisioner", All),
            ("volume.kubernetes.io/storage-provisioner", All),
        ]),
    )]),
)]);

const EMPTIED_CLAIM: Noise = In(&[
    ("metadata", In(&[("annotations", In(&[("volume.kubernetes.io/selected-node", All)]))])),
    ("spec", In(&[("volumeName", All)])),
]);

const TOKEN: Noise = In(&[
    ("data", All),
    ("metadata", In(&[("annotations", In(&[("kubernetes.io/service-account.uid", All)]))])),
]);

const POD: Noise = In(&[(
    "spec",
    In(&[("nodeName", All), ("ephemeralContainers", All), ("priority", All), ("preemptionPolicy", All)]),
)]);

const JOB_LABELS: Noise = In(&[
    ("controller-uid", All),
    ("batch.kubernetes.io/controller-uid", All),
    ("job-name", All),
    ("batch.kubernetes.io/job-name", All),
]);

const JOB: Noise = In(&[
    ("metadata", In(&[("labels", JOB_LABELS)])),
    ("spec", In(&[("selector", All), ("template", In(&[("metadata", In(&[("labels", JOB_LABELS)]))]))])),
]);

/// What the Deployment controller counts with (`pkg/controller/deployment/util/deployment_util.go`).
const ROLLOUT: Noise = In(&[(
    "metadata",
    In(&[(
        "annotations",
        In(&[
            ("deployment.kubernetes.io/revision", All),
            ("deployment.kubernetes.io/revision-history", All),
            ("deployment.kubernetes.io/desired-replicas", All),
            ("deployment.kubernetes.io/max-replicas", All),
        ]),
    )]),
)]);

const AGGREGATED_ROLE: Noise = In(&[("rules", All)]);

const NEW_ADDRESS: Noise = In(&[("spec", In(&[("clusterIP", All), ("clusterIPs", All)]))]);

const NEW_PORTS: Noise =
    In(&[("spec", In(&[("healthCheckNodePort", All), ("ports", In(&[("nodePort", All)]))]))]);

/// What an object cannot get back in this cluster, so that what it got instead is not compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lost {
    /// A claim: its volume.
    pub volume: bool,
    /// A Service: its cluster IPs.
    pub address: bool,
    /// A Service: its node ports.
    pub ports: bool,
}

/// Feeds the content of `object`, one of `resource`, to `sink`, without what is `lost`.
///
/// # Errors
/// It is not JSON.
pub(super) fn feed(
    resource: &str,
    object: &[u8],
    lost: Lost,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<(), JsonError> {
    value(object, noise(resource, object, lost)?, sink)
}

/// What of `object`, one of `resource`, is not compared.
fn noise(resource: &str, object: &[u8], lost: Lost) -> Result<&'static [&'static Noise], JsonError> {
    let special: &'static [&'static Noise] = match resource {
        "persistentvolumes" => &[&OBJECT, &VOLUME],
        "persistentvolumeclaims" if lost.volume => &[&OBJECT, &CLAIM, &EMPTIED_CLAIM],
        "persistentvolumeclaims" => &[&OBJECT, &CLAIM],
        "services" if lost.address && lost.ports => &[&OBJECT, &NEW_ADDRESS, &NEW_PORTS],
        "services" if lost.address => &[&OBJECT, &NEW_ADDRESS],
        "services" if lost.ports => &[&OBJECT, &NEW_PORTS],
        "secrets"
            if text_at(object, &["type"])?.as_deref() == Some("kubernetes.io/service-account-token") =>
        {
            &[&OBJECT, &TOKEN]
        }
        "pods" => &[&OBJECT, &POD],
        "deployments.apps" | "replicasets.apps" => &[&OBJECT, &ROLLOUT],
        "jobs.batch" if !manual_selector(object)? => &[&OBJECT, &JOB],
        "clusterroles.rbac.authorization.k8s.io" if find(object, &["aggregationRule"])?.is_some() => {
            &[&OBJECT, &AGGREGATED_ROLE]
        }
        _ => &[&OBJECT],
    };
    Ok(special)
}

/// Whether a Job's selector is its author's.
pub(super) fn manual_selector(job: &[u8]) -> Result<bool, JsonError> {
    Ok(find(job, &["spec", "manualSelector"])?.is_some_and(|span| &job[span] == b"true"))
}

fn value(bytes: &[u8], noise: &[&Noise], sink: &mut dyn FnMut(&[u8])) -> Result<(), JsonError> {
    match bytes.first() {
        Some(b'{') => object(bytes, noise, sink),
        Some(b'[') => {
            sink(b"[");
            for element in elements(bytes) {
                value(&bytes[element?], noise, sink)?;
                sink(b",");
            }
            sink(b"]");
            Ok(())
        }
        Some(b'"') => {
            match string(bytes) {
                Some(text) => framed(text.as_bytes(), sink),
                None => framed(bytes, sink),
            }
            Ok(())
        }
        Some(b'-' | b'0'..=b'9') => {
            number(bytes, sink);
            Ok(())
        }
        _ => {
            sink(bytes);
            Ok(())
        }
    }
}

fn object(bytes: &[u8], noise: &[&Noise], sink: &mut dyn FnMut(&[u8])) -> Result<(), JsonError> {
    let mut kept = Vec::new();
    let mut sorted = true;
    for field in fields(bytes) {
        let field = field?;
        let inside: Vec<&Noise> = noise.iter().filter_map(|noise| below(noise, &field.key)).collect();
        let raw = &bytes[field.value];
        if inside.iter().any(|noise| matches!(noise, All)) || absent(&field.key, raw) {
            continue;
        }
        sorted &= kept.last().is_none_or(|(key, ..): &(_, _, _)| *key <= field.key);
        kept.push((field.key, raw, inside));
    }
    if !sorted {
        kept.sort_by(|one, other| one.0.cmp(&other.0));
    }
    sink(b"{");
    for (key, raw, inside) in kept {
        // An annotation map that holds nothing but noise counts as none at all.
        if matches!(&*key, "annotations" | "labels") && !inside.is_empty() {
            let mut content = Vec::new();
            value(raw, &inside, &mut |part| content.extend_from_slice(part))?;
            if content != b"{}" {
                framed(key.as_bytes(), sink);
                sink(&content);
            }
            continue;
        }
        framed(key.as_bytes(), sink);
        value(raw, &inside, sink)?;
    }
    sink(b"}");
    Ok(())
}

/// Absent, `null`, and an empty map of labels or annotations mean the same to a server.
fn absent(key: &str, raw: &[u8]) -> bool {
    raw == b"null" || (matches!(key, "annotations" | "labels") && raw == b"{}")
}

fn below<'n>(noise: &'n Noise, key: &str) -> Option<&'n Noise> {
    match noise {
        All => Some(&All),
        In(parts) => parts.iter().find(|(name, _)| *name == key).map(|(_, inside)| inside),
    }
}

/// A text behind its length, so that no two lists of texts look alike.
fn framed(text: &[u8], sink: &mut dyn FnMut(&[u8])) {
    sink(b"\"");
    sink(&(text.len() as u64).to_le_bytes());
    sink(text);
}

/// Whole numbers by their digits; others by their value, since servers and tools write those in several ways.
fn number(raw: &[u8], sink: &mut dyn FnMut(&[u8])) {
    let whole = raw.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
    let parsed = std::str::from_utf8(raw).ok().and_then(|text| text.parse::<f64>().ok());
    match parsed.filter(|value| !whole && value.is_finite()) {
        Some(value) => sink(value.to_string().as_bytes()),
        None => sink(raw),
    }
}

#[cfg(test)]
mod tests;
