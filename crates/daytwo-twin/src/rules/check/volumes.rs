//! Persistent volumes and the claims on them (`pkg/apis/core/validation/validation.go`, Kubernetes 1.36).

mod claims;

pub(in crate::rules::check) use claims::{claim, claim_spec, claim_template};

use serde_json::{Value, json};

use super::Case;
use super::metadata::{IMMUTABLE, annotations, immutable, labels};
use super::pod::{node_selector, one_source};
use super::resources::amount;
use super::selector::{odd_values, selector_with, usable};
use super::table::chosen;
use crate::rules::look::{At, Faults, below, same};
use crate::rules::words::{self, Amount};

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const CLASS_NOTE: &str = "volume.beta.kubernetes.io/storage-class";

fn access(place: &At<'_>, out: &mut Faults) {
    for mode in place.items().filter(|mode| !MODES.contains(&mode.text())) {
        out.push(mode.called(place.path()).unsupported(&MODES));
    }
    let pod = |mode: &Value| mode == "ReadWriteOncePod";
    let other = |mode: &Value| !pod(mode) && mode.as_str().is_some_and(|mode| MODES.contains(&mode));
    if place.values().any(pod) && place.values().any(other) {
        out.push(place.forbidden("may not use ReadWriteOncePod with other access modes"));
    }
}

/// A PersistentVolume, or its status.
pub(super) fn volume(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if subresource.is_some() {
        return case.metadata_update(out);
    }
    whole_volume(case, out);
    if !case.updates() {
        return;
    }
    whole_volume(case, out);
    let (spec, was) = (case.at("spec"), case.was("spec"));
    let source = |spec: &At<'_>| {
        let known = words::shown("PersistentVolumeSource", spec.value());
        let mut known = known.as_object().cloned().unwrap_or_default();
        known.retain(|_, value| !value.is_null());
        known
    };
    let (mut new, old) = (source(&spec), source(&was));
    if !was.at("csi").at("controllerExpandSecretRef").has()
        && let Some(csi) = new.get_mut("CSI").and_then(Value::as_object_mut)
    {
        csi.insert("ControllerExpandSecretRef".into(), Value::Null);
    }
    if new != old {
        let full = |spec: &At<'_>| words::shown("PersistentVolumeSource", spec.value());
        let mut changed = full(&spec);
        if let Some(csi) = new.get("CSI") {
            changed["CSI"] = csi.clone();
        }
        let place = spec.shown("", "persistentvolumesource");
        let changes = words::diff(&full(&was), &changed);
        out.push(
            place.forbidden(format!("spec.persistentvolumesource is immutable after creation\n{changes}")),
        );
    }
    let mode = spec.at("volumeMode").called("volumeMode");
    immutable(&mode, &was.at("volumeMode"), out);
    let affinity = spec.at("nodeAffinity").called("nodeAffinity");
    if was.at("nodeAffinity").has() && !same(&stable(affinity.value()), &stable(was.get("nodeAffinity"))) {
        let said = words::shown("VolumeNodeAffinity", affinity.value());
        let said = if affinity.has() { said } else { Value::Null };
        out.push(affinity.invalid_as(said, "field is immutable, except for updating from beta label to GA"));
    }
    if was.at("volumeAttributesClassName").has() && !spec.at("volumeAttributesClassName").has() {
        out.push(
            spec.at("volumeAttributesClassName").forbidden("update from non-nil value to nil is forbidden"),
        );
    }
}

/// With labels of nodes by their newer names.
fn stable(affinity: &Value) -> Value {
    const NEWER: [(&str, &str); 5] = [
        ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
        ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
        ("beta.kubernetes.io/os", "kubernetes.io/os"),
        ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
        ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
    ];
    let mut affinity = affinity.clone();
    let terms = affinity.pointer_mut("/required/nodeSelectorTerms").and_then(Value::as_array_mut);
    for term in terms.into_iter().flatten() {
        for wanted in term.get_mut("matchExpressions").and_then(Value::as_array_mut).into_iter().flatten() {
            let newer = NEWER.iter().find(|(old, _)| below(wanted, "key") == *old);
            if let (Some((_, newer)), Some(key)) = (newer, wanted.get_mut("key")) {
                *key = json!(newer);
            }
        }
    }
    affinity
}

fn whole_volume(case: &Case<'_>, out: &mut Faults) {
    case.metadata(out);
    let odd = case.updates() && {
        let terms = case.was("spec").down(&["nodeAffinity", "required", "nodeSelectorTerms"]);
        terms.items().any(|term| odd_values(&term))
    };
    volume_spec(&case.at("spec"), case.at("metadata").str("name"), odd, out);
}

fn volume_spec(spec: &At<'_>, name: &str, odd: bool, out: &mut Faults) {
    if spec.at("accessModes").empty() {
        out.push(spec.at("accessModes").required(""));
    }
    access(&spec.at("accessModes"), out);
    let capacity = spec.at("capacity");
    if capacity.empty() {
        out.push(capacity.required(""));
    }
    if capacity.get("storage").is_null() || capacity.len() > 1 {
        let said = if capacity.empty() { Value::Null } else { capacity.value().clone() };
        out.push(capacity.with(&said).unsupported(&["storage"]));
    }
    for (_, entry) in capacity.entries() {
        let amount = Amount::of(entry.value());
        if amount.negative() {
            let said = i64::try_from(amount.value()).unwrap_or(i64::MIN);
            out.push(entry.invalid_as(said, "must be a valid resource quantity"));
        }
        if !amount.positive() {
            out.push(entry.invalid_as(entry.text(), "must be greater than zero"));
        }
    }
    let policy = spec.at("persistentVolumeReclaimPolicy");
    if !policy.empty() {
        chosen(&policy, &["Delete", "Recycle", "Retain"], out);
    }
    let affinity = spec.at("nodeAffinity");
    if affinity.at("required").has() {
        node_selector(&affinity.at("required"), odd, out);
    } else if affinity.has() {
        out.push(affinity.at("required").required("must specify required node constraints"));
    }
    let mut sources = one_source(spec, name, out);
    if spec.at("csi").has() {
        if sources > 0 {
            out.push(spec.at("csi").forbidden("may not specify more than 1 volume type"));
        } else {
            sources += 1;
            csi(&spec.at("csi"), out);
        }
    }
    if sources == 0 {
        out.push(spec.required("must specify a volume type"));
    }
    let host = spec.at("hostPath");
    if host.has()
        && host.str("path").split('/').all(|part| part.is_empty() || part == ".")
        && policy.text() == "Recycle"
    {
        out.push(policy.forbidden("may not be 'recycle' for a hostPath mount of '/'"));
    }
    words::formed_if(&spec.at("storageClassName"), words::subdomain, out);
    chosen(&spec.at("volumeMode"), &["Block", "Filesystem"], out);
    let class = spec.at("volumeAttributesClassName");
    if class.has() {
        if class.empty() {
            out.push(class.required("an empty string is disallowed"));
        } else {
            words::formed(&class, words::subdomain, out);
        }
        if !spec.at("csi").has() {
            out.push(spec.at("csi").required("has to be specified when using volumeAttributesClassName"));
        }
    }
}

fn csi(place: &At<'_>, out: &mut Faults) {
    super::storage::driver_name(&place.at("driver"), out);
    if place.at("volumeHandle").empty() {
        out.push(place.at("volumeHandle").required(""));
    }
    let secrets = [
        "controllerPublishSecretRef",
        "controllerExpandSecretRef",
        "nodePublishSecretRef",
        "nodeExpandSecretRef",
    ];
    for secret in secrets.iter().map(|name| place.at(name)).filter(At::has) {
        for (name, format) in [("name", words::subdomain as words::Format), ("namespace", words::label)] {
            let part = secret.at(name);
            if part.empty() {
                out.push(part.required(""));
            } else {
                words::formed(&part, format, out);
            }
        }
    }
}
