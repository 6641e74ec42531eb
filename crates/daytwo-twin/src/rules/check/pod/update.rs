//! What of a pod may change once it is there.

use serde_json::{Value, json};

use super::{containers, scheduling, whole};
use crate::rules::check::Case;
use crate::rules::look::{At, Faults, below, field, same};
use crate::rules::words;

const MAY_CHANGE: &str = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
    `spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set \
    to 1 if it was previously negative)";

/// An update of the pod itself.
pub(super) fn update(case: &Case<'_>, out: &mut Faults) {
    case.metadata_update(out);
    whole(case, out);
    annotations(case, out);
    let (spec, was) = (case.at("spec"), case.was("spec"));
    for list in ["containers", "initContainers"] {
        if spec.at(list).len() != was.at(list).len() {
            return out.push(spec.at(list).forbidden("pod updates may not add or remove containers"));
        }
        for container in spec.at(list).items() {
            if container.str("image").is_empty() {
                out.push(container.at("image").required(""));
            }
            containers::untrimmed(&container, out);
        }
    }
    if !deadline(&spec, &was, out) {
        return;
    }
    added_tolerations(&spec.at("tolerations"), &was.at("tolerations"), out);
    fewer_gates(&spec.at("schedulingGates"), &was.at("schedulingGates"), out);
    if !same(spec.value(), was.value()) {
        the_rest(&spec, &was, out);
    }
}

/// Annotations of the pod, as they may change.
pub(super) fn annotations(case: &Case<'_>, out: &mut Faults) {
    let (new, old) = (case.at("metadata").at("annotations"), case.was("metadata").at("annotations"));
    let apparmor = |key: &str| key.starts_with("container.apparmor.security.beta.kubernetes.io/");
    let mirror = |key: &str| key == "kubernetes.io/config.mirror";
    for (key, note) in old.entries().into_iter().filter(|(key, note)| new.get(key) != note.value()) {
        let place = note.called(new.key(key).path());
        if apparmor(key) {
            out.push(place.forbidden("may not remove or update AppArmor annotations"));
        }
        if mirror(key) {
            out.push(place.forbidden("may not remove or update mirror pod annotation"));
        }
    }
    for (key, note) in new.entries().into_iter().filter(|(key, _)| old.get(key).is_null()) {
        if apparmor(key) {
            out.push(note.forbidden("may not add AppArmor annotations"));
        }
        if mirror(key) {
            out.push(note.forbidden("may not add mirror pod annotation"));
        }
    }
    super::specific_annotations(&new, &case.at("spec"), Some(&old), out);
}

/// False where nothing more is to be said.
fn deadline(spec: &At<'_>, was: &At<'_>, out: &mut Faults) -> bool {
    let (new, old) = (spec.at("activeDeadlineSeconds"), was.at("activeDeadlineSeconds"));
    match (new.number(), old.number()) {
        (Some(seconds), _) if !(0..=i64::from(i32::MAX)).contains(&seconds) => {
            out.push(new.invalid(words::between(0, i64::from(i32::MAX))));
            return false;
        }
        (Some(seconds), Some(before)) if before < seconds => {
            out.push(new.invalid("must be less than or equal to previous value"));
            return false;
        }
        (None, Some(_)) => out.push(new.invalid("must not update from a positive integer to nil value")),
        _ => {}
    }
    true
}

fn added_tolerations(new: &At<'_>, old: &At<'_>, out: &mut Faults) {
    let without_seconds = |value: &Value| {
        let mut value = value.clone();
        if let Some(fields) = value.as_object_mut() {
            fields.remove("tolerationSeconds");
        }
        value
    };
    let kept: Vec<Value> = new.values().map(without_seconds).collect();
    if old.values().any(|toleration| !kept.contains(&without_seconds(toleration))) {
        let words = "existing toleration can not be modified except its tolerationSeconds";
        return out.push(new.forbidden(words));
    }
    scheduling::tolerations(new, out);
}

fn fewer_gates(new: &At<'_>, old: &At<'_>, out: &mut Faults) {
    let before: Vec<&Value> = old.values().map(|gate| below(gate, "name")).collect();
    for gate in new.items().filter(|gate| !before.contains(&gate.get("name"))) {
        let words = format!("only deletion is allowed, but found new scheduling gate '{}'", gate.str("name"));
        out.push(gate.at("name").forbidden(words));
    }
}

/// Puts back what may change, and says that nothing else may.
fn the_rest(spec: &At<'_>, was: &At<'_>, out: &mut Faults) {
    let mut munged = spec.value().clone();
    for list in ["containers", "initContainers"] {
        for (index, before) in was.at(list).values().enumerate() {
            set(&mut munged[list][index], "image", below(before, "image"));
        }
    }
    for name in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        set(&mut munged, name, was.get(name));
    }
    let grace = "terminationGracePeriodSeconds";
    if was.int(grace) < 0 && spec.int(grace) == 1 {
        set(&mut munged, grace, was.get(grace));
    }
    if !was.at("schedulingGates").empty() {
        gated(spec, was, &mut munged, out);
    }
    if !same(&munged, was.value()) {
        let (old, new) = (words::shown("PodSpec", was.value()), words::shown("PodSpec", &munged));
        let changes = words::diff(&old, &new);
        out.push(
            spec.forbidden(format!("pod updates may not change fields other than {MAY_CHANGE}\n{changes}")),
        );
    }
}

fn set(value: &mut Value, name: &str, to: &Value) {
    if let Some(fields) = value.as_object_mut() {
        if to.is_null() {
            fields.shift_remove(name);
        } else {
            fields.insert(name.to_owned(), to.clone());
        }
    }
}

/// A pod that is held back may still be narrowed to fewer nodes.
fn gated(spec: &At<'_>, was: &At<'_>, munged: &mut Value, out: &mut Faults) {
    let (new, old) = (spec.at("nodeSelector"), was.at("nodeSelector"));
    if !same(new.value(), old.value()) {
        if old.entries().iter().any(|(key, value)| new.get(key) != value.value()) {
            let words = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
            out.push(new.invalid(words));
        }
        set(munged, "nodeSelector", old.value());
    }
    let (new, old) = (spec.down(&["affinity", "nodeAffinity"]), was.down(&["affinity", "nodeAffinity"]));
    if same(new.value(), old.value()) {
        return;
    }
    narrower(&new, &old, out);
    let mut affinity = spec.get("affinity").clone();
    if affinity.is_null() && old.has() {
        affinity = json!({});
    }
    set(&mut affinity, "nodeAffinity", old.value());
    let bare = affinity.as_object().is_some_and(serde_json::Map::is_empty) && !was.at("affinity").has();
    set(munged, "affinity", if bare { &Value::Null } else { &affinity });
}

fn narrower(new: &At<'_>, old: &At<'_>, out: &mut Faults) {
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let terms = |place: &At<'_>| {
        place.at(required).at("nodeSelectorTerms").value().as_array().cloned().unwrap_or_default()
    };
    let (before, after) = (terms(old), terms(new));
    let place = new.at(required).at("nodeSelectorTerms");
    if before.is_empty() {
        return;
    }
    if before.len() != after.len() {
        let words = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        return out.push(place.invalid_as(
            words::shown("NodeSelector", new.get(required))["NodeSelectorTerms"].clone(),
            words,
        ));
    }
    for (index, (old, new)) in before.iter().zip(&after).enumerate() {
        let list = |term: &Value, name: &str| below(term, name).as_array().cloned().unwrap_or_default();
        let kept = ["matchExpressions", "matchFields"]
            .iter()
            .all(|name| list(new, name).starts_with(&list(old, name)));
        let nothing = ["matchExpressions", "matchFields"].iter().all(|name| list(old, name).is_empty());
        let something = ["matchExpressions", "matchFields"].iter().any(|name| !list(new, name).is_empty());
        if !kept || (nothing && something) {
            let said = words::shown("NodeSelectorTerm", new);
            out.push(
                place.index(index).invalid_as(said, "only additions are allowed (no mutations or deletions)"),
            );
        }
    }
}

/// A write of `ephemeralcontainers`.
pub(super) fn ephemeral(case: &Case<'_>, out: &mut Faults) {
    case.metadata_update(out);
    whole(case, out);
    annotations(case, out);
    let old = case.old.map_or(&Value::Null, |old| field(old, "metadata"));
    if old["annotations"].get("kubernetes.io/config.mirror").is_some() {
        out.clear();
        return out
            .push(At::new(&Value::Null, "").forbidden("static pods do not support ephemeral containers"));
    }
    let (new, was) = (case.at("spec").at("ephemeralContainers"), case.was("spec").at("ephemeralContainers"));
    for before in was.items() {
        let name = crate::field::quoted(before.str("name"));
        match new.items().filter(|now| now.str("name") == before.str("name")).last() {
            None => {
                out.push(new.forbidden(format!("existing ephemeral containers {name} may not be removed\n")));
            }
            Some(now) if !same(now.value(), before.value()) => {
                let show = |value: &Value| words::shown("EphemeralContainer", value);
                let changes = words::diff(&show(before.value()), &show(now.value()));
                out.push(new.forbidden(format!(
                    "existing ephemeral containers {name} may not be changed\n{changes}"
                )));
            }
            Some(_) => {}
        }
    }
}
