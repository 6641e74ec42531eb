//! Priority, tolerations, runtime classes and topology of pods (`plugin/pkg/admission/{priority,
//! defaulttolerationseconds,runtimeclass,podtopologylabels}`; Kubernetes 1.36).
//!
//! It refuses classes that are not there, and numbers that are not theirs.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{forbidden, is, objects};
use crate::ask::{Ask, Object};
use crate::field::quoted;
use crate::rules::edit::{bare, inner, keep, list, part, set, text};
use crate::rules::look::{field, same};
use crate::status::Result;

const SCHEDULING: &str = "scheduling.k8s.io";

/// The class of pods that name none: of several, that of the lowest priority.
fn default_class(ask: &Ask<'_>) -> Option<Arc<Object>> {
    let all = ask.around.list(SCHEDULING, "priorityclasses", None);
    let defaults = all.into_iter().filter(|class| field(class, "globalDefault") == &Value::Bool(true));
    defaults.min_by_key(|class| field(class, "value").as_i64().unwrap_or(0))
}

/// Sets a pod's priority by its class.
pub(super) fn priority(pod: &mut Object, old: Option<&Object>, ask: &Ask<'_>) -> Result<()> {
    if let Some(old) = old {
        let before = inner(old, "spec");
        for name in ["priority", "preemptionPolicy"].into_iter().filter(|name| before.contains_key(*name)) {
            let spec = part(pod, "spec");
            if !spec.contains_key(name) {
                keep(spec, before, name);
            }
        }
        return Ok(());
    }
    let name = text(inner(pod, "spec"), "priorityClassName").to_owned();
    let class = if name.is_empty() {
        default_class(ask)
    } else {
        let Some(class) = ask.around.get(SCHEDULING, "priorityclasses", None, &name) else {
            return Err(forbidden(pod, ask, format!("no PriorityClass with name {name} was found")));
        };
        Some(class)
    };
    let value = class.as_ref().map_or(0, |class| field(class, "value").as_i64().unwrap_or(0));
    let policy = match &class {
        Some(class) => text(class, "preemptionPolicy"),
        None => "PreemptLowerPriority",
    };
    let from = "admission controller computed";
    let spec = inner(pod, "spec");
    if let Some(given) = field(spec, "priority").as_i64().filter(|given| *given != value) {
        let why = format!(
            "the integer value of priority ({given}) must not be provided in pod spec; priority {from} {value} from the given \
             PriorityClass name"
        );
        return Err(forbidden(pod, ask, why));
    }
    let given = text(spec, "preemptionPolicy");
    if !policy.is_empty() && !given.is_empty() && given != policy {
        let why = format!(
            "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority {from} {policy} from the \
             given PriorityClass name"
        );
        return Err(forbidden(pod, ask, why));
    }
    let spec = part(pod, "spec");
    if let Some(class) = &class {
        set(spec, "priorityClassName", text(inner(class, "metadata"), "name"));
    }
    set(spec, "priority", value);
    if !policy.is_empty() {
        set(spec, "preemptionPolicy", policy);
    }
    Ok(())
}

/// Whether a PriorityClass may be the default.
pub(super) fn one_default(class: &Object, old: Option<&Object>, ask: &Ask<'_>) -> Result<()> {
    if !is(ask, SCHEDULING, "priorityclasses") || field(class, "globalDefault") != &Value::Bool(true) {
        return Ok(());
    }
    let Some(default) = default_class(ask) else { return Ok(()) };
    let name = text(inner(&default, "metadata"), "name");
    if old.is_some() && name == text(inner(class, "metadata"), "name") {
        return Ok(());
    }
    let why = format!("PriorityClass {name} is already marked as default. Only one default can exist");
    Err(forbidden(class, ask, why))
}

/// A pod stays for some minutes on a node that is not ready or not reached.
pub(super) fn tolerations(pod: &mut Object) {
    let all = list(part(pod, "spec"), "tolerations");
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = all.iter().any(|one| {
            let says = |name: &str, value: &str| {
                let text = one[name].as_str().unwrap_or("");
                text.is_empty() || text == value
            };
            says("key", key) && says("effect", "NoExecute")
        });
        if !tolerated {
            all.push(
                json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}),
            );
        }
    }
}

fn class_of(pod: &Object, ask: &Ask<'_>) -> Result<Option<Arc<Object>>> {
    let Some(name) = field(inner(pod, "spec"), "runtimeClassName").as_str() else { return Ok(None) };
    match ask.around.get("node.k8s.io", "runtimeclasses", None, name) {
        Some(class) => Ok(Some(class)),
        None => Err(forbidden(pod, ask, format!("pod rejected: RuntimeClass {} not found", quoted(name)))),
    }
}

const OTHER: &str = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

/// Gives a pod what its runtime class asks for.
pub(super) fn runtime_class(pod: &mut Object, ask: &Ask<'_>) -> Result<()> {
    let Some(class) = class_of(pod, ask)? else { return Ok(()) };
    if class.contains_key("overhead") {
        let fixed = field(inner(&class, "overhead"), "podFixed");
        let spec = inner(pod, "spec");
        if !bare(spec, "overhead") && !same(field(spec, "overhead"), fixed) {
            return Err(forbidden(pod, ask, OTHER));
        }
        set(part(pod, "spec"), "overhead", fixed.clone());
    }
    let scheduling = inner(&class, "scheduling");
    for (key, value) in inner(scheduling, "nodeSelector") {
        let chosen = field(inner(inner(pod, "spec"), "nodeSelector"), key);
        if !chosen.is_null() && chosen != value {
            let (value, chosen) = (value.as_str().unwrap_or(""), chosen.as_str().unwrap_or(""));
            let class = format!("runtimeClass.scheduling.nodeSelector[{key}] = {value}");
            return Err(forbidden(
                pod,
                ask,
                format!("conflict: {class}; pod.spec.nodeSelector[{key}] = {chosen}"),
            ));
        }
        set(part(part(pod, "spec"), "nodeSelector"), key, value.clone());
    }
    let all = list(part(pod, "spec"), "tolerations");
    for more in objects(scheduling, "tolerations").map(|one| Value::Object(one.clone())) {
        if !all.iter().any(|one| same(one, &more)) {
            all.push(more);
        }
    }
    Ok(())
}

/// Whether a pod's overhead is its runtime class's.
pub(super) fn overhead(pod: &Object, ask: &Ask<'_>) -> Result<()> {
    let class = class_of(pod, ask)?;
    let given = field(inner(pod, "spec"), "overhead");
    match class.as_ref().filter(|class| class.contains_key("overhead")) {
        Some(class) if !same(field(inner(class, "overhead"), "podFixed"), given) => {
            Err(forbidden(pod, ask, OTHER))
        }
        None if !given.is_null() => {
            let why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
            Err(forbidden(pod, ask, why))
        }
        _ => Ok(()),
    }
}

/// A pod that is created on a node is labelled with the node's zone and region.
pub(super) fn topology(pod: &mut Object, ask: &Ask<'_>) {
    let name = text(inner(pod, "spec"), "nodeName");
    if name.is_empty() {
        return;
    }
    let Some(node) = ask.around.get("", "nodes", None, name) else { return };
    for key in ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"] {
        let value = field(inner(inner(&node, "metadata"), "labels"), key);
        if !value.is_null() {
            set(part(part(pod, "metadata"), "labels"), key, value.clone());
        }
    }
}
