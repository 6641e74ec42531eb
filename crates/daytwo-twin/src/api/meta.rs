//! An object's metadata, as writes read and change it.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::ask::Object;

/// The metadata, made if there is none.
pub(crate) fn metadata(object: &mut Object) -> &mut Map<String, Value> {
    let there = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if !there.is_object() {
        *there = Value::Object(Map::new());
    }
    there.as_object_mut().expect("invariant: made an object above")
}

/// A text of the metadata; empty if there is none.
pub(crate) fn text<'a>(object: &'a Object, name: &str) -> &'a str {
    crate::store::field(object, name)
}

/// The names in a list of the metadata.
pub(crate) fn names(object: &Object, list: &str) -> Vec<String> {
    let list = object.get("metadata").and_then(|metadata| metadata.get(list)).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether it is being deleted.
pub(crate) fn deleting(object: &Object) -> bool {
    !text(object, "deletionTimestamp").is_empty()
}

/// A number of the metadata.
pub(crate) fn number(object: &Object, name: &str) -> Option<i64> {
    object.get("metadata")?.get(name)?.as_i64()
}

/// Sets or takes away a field of the metadata, in the order Go writes them.
pub(crate) fn set(object: &mut Object, name: &str, value: Option<Value>) {
    const ORDER: [&str; 15] = [
        "name",
        "generateName",
        "namespace",
        "selfLink",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "labels",
        "annotations",
        "ownerReferences",
        "finalizers",
        "managedFields",
    ];
    let metadata = metadata(object);
    let Some(value) = value else {
        metadata.shift_remove(name);
        return;
    };
    if let Some(there) = metadata.get_mut(name) {
        *there = value;
        return;
    }
    let place = |name: &str| ORDER.iter().position(|one| *one == name).unwrap_or(ORDER.len());
    let at = metadata.keys().position(|key| place(key) > place(name)).unwrap_or(metadata.len());
    metadata.shift_insert(at, name.to_owned(), value);
}

/// A time as objects have it: whole seconds, in UTC.
pub(crate) fn time(now: Timestamp) -> Value {
    Value::String(now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// References to one owner twice are one, and the client is told.
pub(crate) fn once_each_owner(object: &mut Object, warnings: &mut Vec<String>) {
    let Some(Value::Array(owners)) = metadata(object).get_mut("ownerReferences") else { return };
    let mut twice: Vec<String> = Vec::new();
    let mut kept: Vec<Value> = Vec::with_capacity(owners.len());
    for owner in owners.drain(..) {
        if kept.contains(&owner) {
            let uid = owner.get("uid").and_then(Value::as_str).unwrap_or_default().to_owned();
            if !twice.contains(&uid) {
                twice.push(uid);
            }
            continue;
        }
        kept.push(owner);
    }
    *owners = kept;
    if !twice.is_empty() {
        warnings.push(format!(
            ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
            twice.join(", ")
        ));
    }
}

/// Sets the finalizers.
pub(crate) fn set_finalizers(object: &mut Object, finalizers: &[String]) {
    let list = (!finalizers.is_empty()).then(|| serde_json::json!(finalizers));
    set(object, "finalizers", list);
}
