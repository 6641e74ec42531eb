//! Looks into an object while it remembers where it looks, so that what is wrong can be said of a field by its path.
//!
//! It refuses to change anything, and to look deeper than it is asked to.

use serde_json::Value;

use crate::ask::Object;
use crate::field::{Fault, FieldError};

static NOTHING: Value = Value::Null;

/// What is wrong, in the order found.
pub(super) type Faults = Vec<FieldError>;

/// A place in an object: a value (null where there is none) and its path.
#[derive(Debug, Clone)]
pub(super) struct At<'v> {
    value: &'v Value,
    path: String,
}

/// A field of an object, null where it is not there.
pub(super) fn field<'v>(object: &'v Object, name: &str) -> &'v Value {
    object.get(name).unwrap_or(&NOTHING)
}

/// A field below a value, null where there is none.
pub(super) fn below<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.get(name).unwrap_or(&NOTHING)
}

impl<'v> At<'v> {
    /// A field of an object itself.
    pub fn top(object: &'v Object, name: &str) -> Self {
        Self { value: field(object, name), path: name.to_owned() }
    }

    /// Any value under any path.
    pub fn new(value: &'v Value, path: impl Into<String>) -> Self {
        Self { value, path: path.into() }
    }

    pub fn value(&self) -> &'v Value {
        self.value
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether there is anything.
    pub fn has(&self) -> bool {
        !self.value.is_null()
    }

    /// Whether there is nothing, or emptiness: `""`, `0`, `false`, no elements.
    pub fn empty(&self) -> bool {
        match self.value {
            Value::Null => true,
            Value::Bool(flag) => !flag,
            Value::Number(number) => number.as_i64() == Some(0),
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
        }
    }

    pub fn get(&self, name: &str) -> &'v Value {
        below(self.value, name)
    }

    pub fn at(&self, name: &str) -> At<'v> {
        self.shown(name, name)
    }

    /// The field `name` under a path that calls it `shown`.
    pub fn shown(&self, name: &str, shown: &str) -> At<'v> {
        let mut path = String::with_capacity(self.path.len() + shown.len() + 1);
        path.push_str(&self.path);
        if !path.is_empty() && !shown.is_empty() {
            path.push('.');
        }
        path.push_str(shown);
        At { value: self.get(name), path }
    }

    /// Several fields down.
    pub fn down(&self, names: &[&str]) -> At<'v> {
        names.iter().fold(self.clone(), |place, name| place.at(name))
    }

    /// The same value under another path.
    pub fn called(&self, path: impl Into<String>) -> At<'v> {
        At { value: self.value, path: path.into() }
    }

    /// Another value under the same path.
    pub fn with<'w>(&self, value: &'w Value) -> At<'w> {
        At { value, path: self.path.clone() }
    }

    /// The entry of a map, as `path[key]`.
    pub fn key(&self, key: &str) -> At<'v> {
        At { value: self.get(key), path: format!("{}[{key}]", self.path) }
    }

    pub fn text(&self) -> &'v str {
        self.value.as_str().unwrap_or("")
    }

    pub fn str(&self, name: &str) -> &'v str {
        self.get(name).as_str().unwrap_or("")
    }

    pub fn number(&self) -> Option<i64> {
        self.value.as_i64()
    }

    /// A number below, 0 where there is none.
    pub fn int(&self, name: &str) -> i64 {
        self.get(name).as_i64().unwrap_or(0)
    }

    pub fn flag(&self, name: &str) -> bool {
        self.get(name).as_bool().unwrap_or(false)
    }

    pub fn len(&self) -> usize {
        match self.value {
            Value::Array(items) => items.len(),
            Value::Object(fields) => fields.len(),
            _ => 0,
        }
    }

    pub fn index(&self, index: usize) -> At<'v> {
        let value = self.value.get(index).unwrap_or(&NOTHING);
        At { value, path: format!("{}[{index}]", self.path) }
    }

    pub fn items(&self) -> impl Iterator<Item = At<'v>> + '_ {
        (0..self.value.as_array().map_or(0, Vec::len)).map(|index| self.index(index))
    }

    /// The elements without their paths.
    pub fn values(&self) -> impl Iterator<Item = &'v Value> + use<'v> {
        self.value.as_array().map(Vec::as_slice).unwrap_or_default().iter()
    }

    /// The entries of a map by key, each under `path[key]`.
    pub fn entries(&self) -> Vec<(&'v str, At<'v>)> {
        let Some(fields) = self.value.as_object() else { return Vec::new() };
        let mut keys: Vec<&str> = fields.keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys.into_iter().map(|key| (key, self.key(key))).collect()
    }

    pub fn required(&self, detail: impl Into<String>) -> FieldError {
        FieldError::required(self.path.as_str(), detail)
    }

    pub fn invalid(&self, detail: impl Into<String>) -> FieldError {
        let quoted = if shallow(self.value) { self.value.clone() } else { Value::Null };
        FieldError::invalid(self.path.as_str(), quoted, detail)
    }

    /// Invalid, with another value quoted than the one that stands here.
    pub fn invalid_as(&self, value: impl Into<Value>, detail: impl Into<String>) -> FieldError {
        FieldError::invalid(self.path.as_str(), value, detail)
    }

    /// Invalid, with no value quoted.
    pub fn wrong(&self, detail: impl Into<String>) -> FieldError {
        FieldError { fault: Fault::Invalid, ..FieldError::required(self.path.as_str(), detail) }
    }

    pub fn unsupported(&self, supported: &[&str]) -> FieldError {
        FieldError::not_supported(self.path.as_str(), self.value.clone(), supported)
    }

    pub fn forbidden(&self, detail: impl Into<String>) -> FieldError {
        FieldError::forbidden(self.path.as_str(), detail)
    }

    pub fn duplicate(&self) -> FieldError {
        FieldError::duplicate(self.path.as_str(), self.value.clone())
    }

    pub fn unknown(&self) -> FieldError {
        FieldError::not_found(self.path.as_str(), self.value.clone())
    }

    pub fn too_long(&self, most: usize) -> FieldError {
        FieldError::too_long(self.path.as_str(), most)
    }

    pub fn too_many(&self, most: usize) -> FieldError {
        FieldError::too_many(self.path.as_str(), self.len(), most)
    }
}

/// Whether a value is flat enough to be quoted: what is nested more than 200 deep is not.
pub(super) fn shallow(value: &Value) -> bool {
    let mut left = vec![(value, 0_u32)];
    while let Some((value, depth)) = left.pop() {
        if depth > 200 {
            return false;
        }
        match value {
            Value::Array(items) => left.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(fields) => left.extend(fields.values().map(|item| (item, depth + 1))),
            _ => {}
        }
    }
    true
}

/// Whether two values mean the same: nothing, null and no elements are one (Go's semantic equality,
/// `k8s.io/apimachinery/third_party/forked/golang/reflect/deep_equal.go`). Depth costs heap, not stack.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    let mut pairs = vec![(left, right)];
    while let Some((left, right)) = pairs.pop() {
        match (left, right) {
            (Value::Array(left), Value::Array(right)) => {
                if left.len() != right.len() {
                    return false;
                }
                pairs.extend(left.iter().zip(right));
            }
            (Value::Object(left), Value::Object(right)) => {
                for (key, value) in left {
                    pairs.push((value, field(right, key)));
                }
                pairs.extend(
                    right
                        .iter()
                        .filter(|(key, _)| !left.contains_key(*key))
                        .map(|(_, value)| (&NOTHING, value)),
                );
            }
            (Value::Null, Value::Array(items)) | (Value::Array(items), Value::Null) => {
                if !items.is_empty() {
                    return false;
                }
            }
            (left, right) => {
                if left != right {
                    return false;
                }
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_null_and_no_elements_are_one_and_depth_costs_no_stack() {
        assert!(same(&json!({"a": [], "b": 1}), &json!({"b": 1, "c": null})));
        assert!(!same(&json!({"a": {}}), &json!({})), "a pointer to nothing is not nothing: emptyDir");
        let deep = |bottom: &str| (0..100_000).fold(json!(bottom), |value, _| Value::Array(vec![value]));
        let (one, other) = (deep("a"), deep("b"));
        assert!(!same(&one, &other) && !shallow(&one));
        std::mem::forget((one, other)); // dropping such values recurses
    }
}
