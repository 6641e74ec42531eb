//! Pods (`pkg/registry/core/pod/strategy.go`, Kubernetes 1.36).

use serde_json::{Value, json};

use crate::ask::{Ask, Object};
use crate::rules::edit::{bare, containers, each, inner, keep, list, part, set, text};
use crate::rules::look::{field, same};

/// A pod that is to be created, when its status is set.
pub(super) fn create(object: &mut Object, ask: &mut Ask<'_>) {
    let labels = inner(inner(object, "metadata"), "labels").clone();
    let notes = inner(inner(object, "metadata"), "annotations").clone();
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    let gated = !bare(spec, "schedulingGates");
    affinity(spec, &labels);
    for constraint in each(spec, "topologySpreadConstraints") {
        if !bare(constraint, "matchLabelKeys") && constraint.contains_key("labelSelector") {
            by_keys(constraint, "matchLabelKeys", "In", &labels);
        }
    }
    app_armor(spec, &notes, ask);
    if gated {
        let condition = json!({
            "type": "PodScheduled", "status": "False", "lastProbeTime": null, "lastTransitionTime": super::stamp(ask.now),
            "reason": "SchedulingGated", "message": "Scheduling is blocked due to non-empty scheduling gates",
        });
        set(part(object, "status"), "conditions", json!([condition]));
    }
}

/// Adds the pod's own values of some labels to the selector of a term.
fn by_keys(term: &mut Object, keys: &str, operator: &str, labels: &Object) {
    let keys = field(term, keys).as_array().cloned().unwrap_or_default();
    let values = keys.iter().filter_map(Value::as_str).filter_map(|key| Some((key, labels.get(key)?)));
    let wanted: Vec<Value> =
        values.map(|(key, value)| json!({"key": key, "operator": operator, "values": [value]})).collect();
    if !wanted.is_empty() {
        list(part(term, "labelSelector"), "matchExpressions").extend(wanted);
    }
}

fn affinity(spec: &mut Object, labels: &Object) {
    let Some(affinity) = spec.get_mut("affinity").and_then(Value::as_object_mut) else { return };
    for kind in ["podAffinity", "podAntiAffinity"] {
        let Some(terms) = affinity.get_mut(kind).and_then(Value::as_object_mut) else { continue };
        let term = |term: &mut Object| {
            if term.contains_key("labelSelector") {
                by_keys(term, "matchLabelKeys", "In", labels);
                by_keys(term, "mismatchLabelKeys", "NotIn", labels);
            }
        };
        each(terms, "preferredDuringSchedulingIgnoredDuringExecution")
            .filter_map(|weighted| weighted.get_mut("podAffinityTerm").and_then(Value::as_object_mut))
            .for_each(term);
        each(terms, "requiredDuringSchedulingIgnoredDuringExecution").for_each(term);
    }
}

/// The prefix of the annotations that AppArmor's field replaces; a container's name follows.
pub(in crate::rules) const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// The profile an annotation stands for.
pub(in crate::rules) fn profile(annotation: &str) -> Option<Value> {
    match annotation {
        "unconfined" => Some(json!({"type": "Unconfined"})),
        "runtime/default" => Some(json!({"type": "RuntimeDefault"})),
        other => {
            let name = other.strip_prefix("localhost/").filter(|name| !name.is_empty())?;
            let clean = name.trim() == name && name.len() <= 4095;
            clean.then(|| json!({"type": "Localhost", "localhostProfile": name}))
        }
    }
}

fn app_armor(spec: &mut Object, notes: &Object, ask: &mut Ask<'_>) {
    if text(inner(spec, "os"), "name") == "windows" {
        return;
    }
    let all = field(inner(spec, "securityContext"), "appArmorProfile").clone();
    containers(spec, &mut |container| {
        let key = format!("{APP_ARMOR}{}", text(container, "name"));
        let Some(note) = notes.get(&key).and_then(Value::as_str) else { return };
        if inner(container, "securityContext").contains_key("appArmorProfile") {
            return;
        }
        let profile = profile(note);
        if profile.as_ref().is_some_and(|profile| same(profile, &all)) {
            return;
        }
        if let Some(profile) = profile {
            set(part(container, "securityContext"), "appArmorProfile", profile);
        }
        let words = "deprecated since v1.30; use the \"appArmorProfile\" field instead";
        ask.warnings.push(format!("metadata.annotations[{key}]: {words}"));
    });
}

/// A pod's status, when the spec and the owners are as they were.
pub(super) fn status(new: &mut Object, old: &Object) {
    let before = inner(old, "status");
    let status = part(new, "status");
    if text(status, "qosClass").is_empty() {
        keep(status, before, "qosClass");
    }
    if field(status, "observedGeneration").as_i64().unwrap_or(0) == 0 {
        keep(status, before, "observedGeneration");
    }
    let mut olds: Vec<&Value> = field(before, "conditions").as_array().into_iter().flatten().collect();
    for condition in each(status, "conditions") {
        let Some(place) = olds.iter().position(|old| old["type"] == *text(condition, "type")) else {
            continue;
        };
        let generation = olds.remove(place)["observedGeneration"].clone();
        if field(condition, "observedGeneration").as_i64().unwrap_or(0) == 0 {
            set(condition, "observedGeneration", generation);
        }
    }
}

/// Only what a subresource is for comes from the client; all else is as it was.
fn all_but(new: &mut Object, old: &Object, spec: Value) {
    set(new, "spec", spec);
    keep(new, old, "status");
    let before = inner(old, "metadata");
    for name in [
        "deletionTimestamp",
        "generation",
        "selfLink",
        "labels",
        "annotations",
        "finalizers",
        "ownerReferences",
    ] {
        keep(part(new, "metadata"), before, name);
    }
}

/// A write of ephemeral containers.
pub(super) fn ephemeral(new: &mut Object, old: &Object) {
    let mut spec = inner(old, "spec").clone();
    keep(&mut spec, inner(new, "spec"), "ephemeralContainers");
    all_but(new, old, Value::Object(spec));
}

/// A write of resources. A client that writes other containers is answered by validation.
pub(super) fn resize(new: &mut Object, old: &Object) {
    let (written, before) = (inner(new, "spec"), inner(old, "spec"));
    let lists = ["containers", "initContainers"];
    let count = |spec: &Object, name: &str| field(spec, name).as_array().map_or(0, Vec::len);
    if lists.iter().any(|name| count(written, name) != count(before, name)) {
        return;
    }
    let mut spec = before.clone();
    keep(&mut spec, written, "resources");
    for name in lists {
        let wanted = field(written, name);
        if !merge(&mut spec, name, wanted) {
            set(&mut spec, name, wanted.clone());
        }
    }
    all_but(new, old, Value::Object(spec));
}

/// Takes on the resources; false where the containers are others.
fn merge(spec: &mut Object, name: &str, wanted: &Value) -> bool {
    let wanted = wanted.as_array().into_iter().flatten();
    for (container, wanted) in each(spec, name).zip(wanted.filter_map(Value::as_object)) {
        if text(container, "name") != text(wanted, "name") {
            return false;
        }
        keep(container, wanted, "resources");
        keep(container, wanted, "resizePolicy");
    }
    true
}
