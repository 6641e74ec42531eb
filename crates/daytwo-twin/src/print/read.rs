//! What stands where in an object: printers read what is there and take anything else for absent.

use serde_json::Value;

use crate::ask::Object;

/// The value at a path of fields; `None` if a part of it is missing, null, or something else than an object.
pub(super) fn at<'a, P: AsRef<str>>(object: &'a Object, path: &[P]) -> Option<&'a Value> {
    let (last, before) = path.split_last()?;
    let mut fields = object;
    for name in before {
        fields = fields.get(name.as_ref())?.as_object()?;
    }
    fields.get(last.as_ref()).filter(|value| !value.is_null())
}

/// The value at a path from a value on.
pub(super) fn below<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    at(value.as_object()?, path)
}

/// The text there; empty if there is none.
pub(super) fn text<'a>(object: &'a Object, path: &[&str]) -> &'a str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// The text of a field; empty if there is none.
pub(super) fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The number there; 0 if there is none.
pub(super) fn int(object: &Object, path: &[&str]) -> i64 {
    at(object, path).and_then(Value::as_i64).unwrap_or_default()
}

/// The members of the list there; none if there is no list.
pub(super) fn list<'a>(object: &'a Object, path: &[&str]) -> &'a [Value] {
    at(object, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The members of a list that is a field.
pub(super) fn members<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A string as it is; a number or truth value as it is written; `None` for what is no scalar.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// The first condition of that type.
pub(super) fn condition<'a>(conditions: &'a [Value], kind: &str) -> Option<&'a Value> {
    conditions.iter().find(|condition| field(condition, "type") == kind)
}

/// Whether the first condition of that type is true.
pub(super) fn holds(conditions: &[Value], kind: &str) -> bool {
    condition(conditions, kind).is_some_and(|condition| field(condition, "status") == "True")
}

/// Whether it is being deleted.
pub(super) fn deleting(object: &Object) -> bool {
    at(object, &["metadata", "deletionTimestamp"]).is_some()
}
