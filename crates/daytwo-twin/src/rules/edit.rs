//! Changes to an object, field by field.
//!
//! It refuses to keep the order of fields: whoever shows the object puts them in order.

use serde_json::Value;

use super::look::field;
use crate::ask::Object;

/// The object that a field holds, made where there is none.
pub(super) fn part<'o>(object: &'o mut Object, name: &str) -> &'o mut Object {
    let value = object.entry(name).or_insert(Value::Null);
    if !value.is_object() {
        *value = Value::Object(Object::new());
    }
    value.as_object_mut().expect("invariant: made an object just above")
}

/// The list that a field holds, made where there is none.
pub(super) fn list<'o>(object: &'o mut Object, name: &str) -> &'o mut Vec<Value> {
    let value = object.entry(name).or_insert(Value::Null);
    if !value.is_array() {
        *value = Value::Array(Vec::new());
    }
    value.as_array_mut().expect("invariant: made a list just above")
}

/// The objects in a list, none where there is no list.
pub(super) fn each<'o>(object: &'o mut Object, name: &str) -> impl Iterator<Item = &'o mut Object> {
    object.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Makes a field what it was.
pub(super) fn keep(new: &mut Object, old: &Object, name: &str) {
    set(new, name, field(old, name).clone());
}

/// Sets a field; null takes it away.
pub(super) fn set(object: &mut Object, name: &str, value: impl Into<Value>) {
    match value.into() {
        Value::Null => object.shift_remove(name),
        value => object.insert(name.to_owned(), value),
    };
}

/// Whether a field is missing, null, or an empty text, list or map.
pub(super) fn bare(object: &Object, name: &str) -> bool {
    match field(object, name) {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// A text field, empty where there is none.
pub(super) fn text<'o>(object: &'o Object, name: &str) -> &'o str {
    field(object, name).as_str().unwrap_or("")
}

/// The objects that a field holds, or nothing.
pub(super) fn inner<'o>(object: &'o Object, name: &str) -> &'o Object {
    static NOTHING: std::sync::LazyLock<Object> = std::sync::LazyLock::new(Object::new);
    field(object, name).as_object().unwrap_or(&NOTHING)
}

/// A pod's containers, those that run first and the ephemeral ones, in the server's order.
pub(super) fn containers(spec: &mut Object, change: &mut dyn FnMut(&mut Object)) {
    for name in ["initContainers", "containers", "ephemeralContainers"] {
        each(spec, name).for_each(&mut *change);
    }
}

/// The spec of the pods that a workload makes.
pub(super) fn pod_spec<'o>(resource: &str, object: &'o mut Object) -> Option<&'o mut Object> {
    let below = |value: &'o mut Object, name: &str| value.get_mut(name).and_then(Value::as_object_mut);
    match resource {
        "pods" => below(object, "spec"),
        "podtemplates" => below(below(object, "template")?, "spec"),
        "deployments.apps"
        | "replicasets.apps"
        | "statefulsets.apps"
        | "daemonsets.apps"
        | "jobs.batch"
        | "replicationcontrollers" => below(below(below(object, "spec")?, "template")?, "spec"),
        "cronjobs.batch" => {
            let job = below(below(below(object, "spec")?, "jobTemplate")?, "spec")?;
            below(below(job, "template")?, "spec")
        }
        _ => None,
    }
}
