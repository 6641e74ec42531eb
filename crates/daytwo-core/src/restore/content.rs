//! What two copies of an object are compared by: everything a person decides, and nothing that a server does.
//!
//! The content is fed to a sink (a digest) in one order, whatever the order of keys, the spelling of strings and the
//! spaces of the text. It refuses to be more than a comparison: nobody can read an object back out of it.

use crate::json::{JsonError, elements, fields, find, string};

use super::prepare::{FINISHED_MARK, RECLAIM_MARK};
use super::rules::text_at;

/// A part of an object that is not compared.
enum Noise {
    /// The whole of it.
    All,
    /// What is named inside it.
    In(&'static [(&'static str, Noise)]),
}

use Noise::{All, In};

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
            ("annotations", In(&[(RECLAIM_MARK, All), (FINISHED_MARK, All)])),
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

const AGGREGATED_ROLE: Noise = In(&[("rules", All)]);

/// Feeds the content of `object`, one of `resource`, to `sink`. `emptied` tells that it is a claim which does not
/// get the volume it had, so that the one it got is not compared.
///
/// # Errors
/// It is not JSON.
pub(super) fn feed(
    resource: &str,
    object: &[u8],
    emptied: bool,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<(), JsonError> {
    let special: &[&Noise] = match resource {
        "persistentvolumes" => &[&OBJECT, &VOLUME],
        "persistentvolumeclaims" if emptied => &[&OBJECT, &CLAIM, &EMPTIED_CLAIM],
        "persistentvolumeclaims" => &[&OBJECT, &CLAIM],
        "secrets"
            if text_at(object, &["type"])?.as_deref() == Some("kubernetes.io/service-account-token") =>
        {
            &[&OBJECT, &TOKEN]
        }
        "pods" => &[&OBJECT, &POD],
        "jobs.batch" if !manual_selector(object)? => &[&OBJECT, &JOB],
        "clusterroles.rbac.authorization.k8s.io" if find(object, &["aggregationRule"])?.is_some() => {
            &[&OBJECT, &AGGREGATED_ROLE]
        }
        _ => &[&OBJECT],
    };
    value(object, special, sink)
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
                value(&bytes[element?], &[], sink)?;
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
mod tests {
    use super::*;

    fn content(resource: &str, object: &str) -> Vec<u8> {
        let mut out = Vec::new();
        feed(resource, object.as_bytes(), false, &mut |part| out.extend_from_slice(part)).unwrap();
        out
    }

    #[track_caller]
    fn same(resource: &str, one: &str, other: &str) {
        assert_eq!(content(resource, one), content(resource, other));
    }

    #[track_caller]
    fn differ(resource: &str, one: &str, other: &str) {
        assert_ne!(content(resource, one), content(resource, other));
    }

    #[test]
    fn what_the_server_decides_is_no_difference() {
        same(
            "configmaps",
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","uid":"1","resourceVersion":"2",
                "creationTimestamp":"2026-01-01T00:00:00Z","generation":3,"managedFields":[{"manager":"x"}],
                "ownerReferences":[{"uid":"9"}],"annotations":{}},"data":{"a":"b"},"status":{"x":1}}"#,
            r#"{"metadata":{"name":"a"},"data":{"a":"b"}}"#,
        );
    }

    #[test]
    fn order_of_keys_spelling_of_strings_and_of_numbers_are_no_difference() {
        same(
            "widgets.x.io",
            r#"{"metadata":{"name":"a"},"spec":{"b":1.0,"a":"\u003cx\u003e", "n":null,"e":1e3}}"#,
            r#"{"spec":{"a":"<x>","e":1000.0,"b":1.0},"metadata":{"name":"a"}}"#,
        );
    }

    #[test]
    fn digits_that_a_float_would_lose_are_a_difference() {
        differ("widgets.x.io", r#"{"spec":{"n":9007199254740993}}"#, r#"{"spec":{"n":9007199254740992}}"#);
    }

    #[test]
    fn texts_do_not_run_into_each_other() {
        differ("x", r#"{"a":["b\",\"c"]}"#, r#"{"a":["b","c"]}"#);
        differ("x", r#"{"a":{"b":"1"}}"#, r#"{"a":{"b1":""}}"#);
        differ("x", r#"{"a":"1"}"#, r#"{"a":1}"#);
    }

    #[test]
    fn a_field_called_status_deeper_inside_is_content() {
        differ("widgets.x.io", r#"{"spec":{"status":"on"}}"#, r#"{"spec":{"status":"off"}}"#);
        differ("widgets.x.io", r#"{"spec":{"kind":"a"}}"#, r#"{"spec":{"kind":"b"}}"#);
    }

    #[test]
    fn a_token_s_data_is_the_controller_s_and_another_secret_s_is_not() {
        let secret = |kind: &str, data: &str| {
            format!(
                r#"{{"metadata":{{"annotations":{{"kubernetes.io/service-account.uid":"{data}"}}}},"data":{{"token":"{data}"}},"type":"{kind}"}}"#
            )
        };
        let token = "kubernetes.io/service-account-token";
        same("secrets", &secret(token, "YQ=="), &secret(token, "Yg=="));
        differ("secrets", &secret("Opaque", "YQ=="), &secret("Opaque", "Yg=="));
    }

    #[test]
    fn a_job_s_generated_selector_is_no_difference_and_its_author_s_is() {
        let job = |manual: bool, uid: &str| {
            format!(
                r#"{{"metadata":{{"labels":{{"controller-uid":"{uid}"}}}},"spec":{{"manualSelector":{manual},"selector":{{"matchLabels":{{"batch.kubernetes.io/controller-uid":"{uid}"}}}},
                "template":{{"metadata":{{"labels":{{"batch.kubernetes.io/controller-uid":"{uid}","a":"b"}}}}}}}}}}"#
            )
        };
        same("jobs.batch", &job(false, "1"), &job(false, "2"));
        differ("jobs.batch", &job(true, "1"), &job(true, "2"));
    }

    #[test]
    fn an_emptied_claim_is_not_compared_by_the_volume_it_got() {
        let claim = |volume: &str| format!(r#"{{"spec":{{"volumeName":"{volume}"}}}}"#);
        let fed = |volume: &str, emptied| {
            let mut out = Vec::new();
            let claim = claim(volume);
            feed("persistentvolumeclaims", claim.as_bytes(), emptied, &mut |part| {
                out.extend_from_slice(part);
            })
            .unwrap();
            out
        };
        assert_eq!(fed("a", true), fed("b", true));
        assert_ne!(fed("a", false), fed("b", false));
    }

    #[test]
    fn annotations_of_nothing_but_noise_equal_none() {
        same(
            "persistentvolumeclaims",
            r#"{"metadata":{"name":"a","annotations":{"pv.kubernetes.io/bind-completed":"yes"}}}"#,
            r#"{"metadata":{"name":"a"}}"#,
        );
        differ(
            "persistentvolumeclaims",
            r#"{"metadata":{"name":"a","annotations":{"pv.kubernetes.io/bind-completed":"yes","x":"y"}}}"#,
            r#"{"metadata":{"name":"a"}}"#,
        );
    }
}
