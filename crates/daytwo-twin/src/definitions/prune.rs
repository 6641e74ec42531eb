//! What a server takes away from a custom resource, and what it fills in, before anything looks at it: unknown fields,
//! nulls where none may be, defaults (`apiextensions-apiserver/pkg/apiserver/schema/{pruning,defaulting}`, v0.36).
//!
//! It refuses to look into metadata: [`super::meta`] does.

use serde_json::{Map, Value};

use super::schema::{Additional, Schema};
use crate::deep;

const META: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// The unknown fields met, as paths such as `spec.ports[0].x`; nothing is kept unless asked for.
pub(crate) struct Unknown {
    kept: bool,
    found: Vec<String>,
}

impl Unknown {
    pub(crate) fn new(kept: bool) -> Self {
        Self { kept, found: Vec::new() }
    }

    /// In order.
    pub(crate) fn into_sorted(mut self) -> Vec<String> {
        self.found.sort();
        self.found
    }

    fn record(&mut self, path: &str, key: &str) {
        if self.kept {
            self.found.push(child(path, key, true));
        }
    }
}

fn child(path: &str, key: &str, wanted: bool) -> String {
    match (wanted, path.is_empty()) {
        (false, _) => String::new(),
        (true, true) => key.to_owned(),
        (true, false) => format!("{path}.{key}"),
    }
}

fn element(path: &str, at: usize, wanted: bool) -> String {
    if wanted { format!("{path}[{at}]") } else { String::new() }
}

/// Takes unknown fields out of a whole resource.
pub(crate) fn resource(object: &mut Map<String, Value>, schema: &Schema, unknown: &mut Unknown) {
    map(object, schema, true, "", unknown);
}

/// Takes unknown fields out of a value; one that is an embedded resource keeps its metadata.
pub(crate) fn value(value: &mut Value, schema: &Schema) {
    prune(value, schema, "", &mut Unknown::new(false));
}

fn map(object: &mut Map<String, Value>, schema: &Schema, embedded: bool, path: &str, unknown: &mut Unknown) {
    let mut gone = Vec::new();
    for (key, value) in object.iter_mut() {
        let meta = META.contains(&key.as_str());
        if embedded && meta {
            continue;
        }
        let path_of = |unknown: &Unknown| child(path, key, unknown.kept);
        match (schema.properties.get(key), &schema.additional) {
            (Some(inner), _) => prune(value, inner, &path_of(unknown), unknown),
            (None, Additional::Like(inner)) => prune(value, inner, &path_of(unknown), unknown),
            (None, Additional::Allowed(_)) => strip(value, path_of(unknown), unknown),
            (None, Additional::Absent) if schema.preserve => {}
            (None, Additional::Absent) => {
                if !meta || !path.is_empty() {
                    unknown.record(path, key);
                }
                gone.push(key.clone());
            }
        }
    }
    for key in gone {
        if let Some(value) = object.shift_remove(&key) {
            deep::discard(value);
        }
    }
}

fn prune(value: &mut Value, schema: &Schema, path: &str, unknown: &mut Unknown) {
    match value {
        Value::Object(object) => map(object, schema, schema.embedded, path, unknown),
        Value::Array(list) => {
            for (at, value) in list.iter_mut().enumerate() {
                let path = element(path, at, unknown.kept);
                match &schema.items {
                    // What an array that preserves unknown fields holds is preserved as well.
                    Some(items) if schema.preserve => preserve(value, items, &path, unknown),
                    Some(items) => prune(value, items, &path, unknown),
                    None if schema.preserve => {}
                    None => strip(value, path, unknown),
                }
            }
        }
        _ => {}
    }
}

fn preserve(value: &mut Value, schema: &Schema, path: &str, unknown: &mut Unknown) {
    match value {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                if schema.embedded && META.contains(&key.as_str()) {
                    continue;
                }
                let path = child(path, key, unknown.kept);
                match (schema.properties.get(key), &schema.additional) {
                    (Some(inner), _) => prune(value, inner, &path, unknown),
                    (None, Additional::Like(inner)) => prune(value, inner, &path, unknown),
                    (None, Additional::Allowed(_)) => strip(value, path, unknown),
                    (None, Additional::Absent) => {}
                }
            }
        }
        Value::Array(list) => {
            for (at, value) in list.iter_mut().enumerate() {
                if let Some(items) = &schema.items {
                    preserve(value, items, &element(path, at, unknown.kept), unknown);
                }
            }
        }
        _ => {}
    }
}

/// Where no schema says anything, every field is unknown.
fn strip(value: &mut Value, path: String, unknown: &mut Unknown) {
    let mut left = vec![(value, path)];
    while let Some((value, path)) = left.pop() {
        match value {
            Value::Object(object) => {
                for (key, value) in std::mem::take(object) {
                    unknown.record(&path, &key);
                    deep::discard(value);
                }
            }
            Value::Array(list) => {
                let kept = unknown.kept;
                left.extend(list.iter_mut().enumerate().map(|(at, value)| (value, element(&path, at, kept))));
            }
            _ => {}
        }
    }
}

/// Takes out nulls of fields that may not be null and have no default to take their place.
pub(crate) fn nulls(object: &mut Map<String, Value>, schema: &Schema) {
    let goes = |key: &String, value: &Value| {
        let inner = schema.field(key);
        value.is_null() && inner.is_some_and(|inner| !inner.nullable && inner.default.is_none())
    };
    object.retain(|key, value| !goes(key, value));
    for (key, value) in object.iter_mut() {
        if let Some(inner) = schema.field(key) {
            nulls_below(value, inner);
        }
    }
}

fn nulls_below(value: &mut Value, schema: &Schema) {
    match (value, &schema.items) {
        (Value::Object(object), _) => nulls(object, schema),
        (Value::Array(list), Some(items)) => list.iter_mut().for_each(|value| nulls_below(value, items)),
        _ => {}
    }
}

/// Fills in the defaults of the schema.
pub(crate) fn defaults(object: &mut Map<String, Value>, schema: &Schema) {
    for (name, property) in &schema.properties {
        let Some(default) = &property.default else { continue };
        let missing = match object.get(name) {
            None => true,
            Some(value) => value.is_null() && !property.nullable,
        };
        if missing {
            object.insert(name.clone(), deep::copy(default));
        }
    }
    for (key, value) in object.iter_mut() {
        match (schema.properties.get(key), &schema.additional) {
            (Some(property), _) => defaults_below(value, property),
            (None, Additional::Like(inner)) => {
                stand_in(value, inner);
                defaults_below(value, inner);
            }
            _ => {}
        }
    }
}

fn defaults_below(value: &mut Value, schema: &Schema) {
    match (value, &schema.items) {
        (Value::Object(object), _) => defaults(object, schema),
        (Value::Array(list), Some(items)) => {
            for value in list {
                stand_in(value, items);
                defaults_below(value, items);
            }
        }
        _ => {}
    }
}

fn stand_in(value: &mut Value, schema: &Schema) {
    if let (true, false, Some(default)) = (value.is_null(), schema.nullable, &schema.default) {
        *value = deep::copy(default);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema(json: &Value) -> Schema {
        Schema::read(json).unwrap()
    }

    #[test]
    fn what_no_schema_knows_goes_and_is_named() {
        let schema = schema(&json!({"type": "object", "properties": {
            "spec": {"type": "object", "properties": {
                "a": {"type": "string"},
                "list": {"type": "array", "items": {"type": "object", "properties": {"k": {"type": "string"}}}},
                "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                    "properties": {"known": {"type": "object", "properties": {}}}},
                "free": {"type": "object", "additionalProperties": true},
                "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {"x": {"type": "string"}}}},
                "emb": {"type": "object", "x-kubernetes-embedded-resource": true, "properties": {"spec": {"type": "object"}}},
            }}
        }}));
        let mut object = json!({"apiVersion": "v", "kind": "K", "metadata": {"odd": 1}, "top": 1, "spec": {
            "a": {"deep": 1}, "b": 1, "list": [{"k": "a", "z": 1}, [{"q": 1}]],
            "any": {"x": {"y": 1}, "known": {"no": 1}}, "free": {"a": 1, "b": {"c": 1}, "d": [[{"e": 1}]]},
            "map": {"m": {"x": "1", "y": 2}}, "emb": {"kind": "E", "metadata": {"any": 1}, "other": 1},
        }});
        let mut unknown = Unknown::new(true);
        resource(object.as_object_mut().unwrap(), &schema, &mut unknown);
        assert_eq!(
            object,
            json!({"apiVersion": "v", "kind": "K", "metadata": {"odd": 1}, "spec": {
                "a": {}, "list": [{"k": "a"}, [{}]], "any": {"x": {"y": 1}, "known": {}},
                "free": {"a": 1, "b": {}, "d": [[{}]]}, "map": {"m": {"x": "1"}},
                "emb": {"kind": "E", "metadata": {"any": 1}},
            }})
        );
        let found = unknown.into_sorted();
        let named = [
            "spec.a.deep",
            "spec.any.known.no",
            "spec.b",
            "spec.emb.other",
            "spec.free.b.c",
            "spec.free.d[0][0].e",
            "spec.list[0].z",
            "spec.list[1][0].q",
            "spec.map.m.y",
            "top",
        ];
        assert_eq!(found, named);
    }

    #[test]
    fn defaults_stand_in_for_what_is_missing_and_for_nulls_that_may_not_be() {
        let schema = schema(&json!({"type": "object", "properties": {
            "d": {"type": "string", "default": "x"},
            "n": {"type": "string", "default": "x", "nullable": true},
            "gone": {"type": "string"},
            "kept": {"type": "string", "nullable": true},
            "list": {"type": "array", "items": {"type": "object", "properties": {"v": {"type": "integer", "default": 1}}}},
            "map": {"type": "object", "default": {}, "properties": {"in": {"type": "integer", "default": 2}}},
        }}));
        let mut object = json!({"d": null, "n": null, "gone": null, "kept": null, "list": [{}, {"v": 3}]});
        let fields = object.as_object_mut().unwrap();
        nulls(fields, &schema);
        defaults(fields, &schema);
        assert_eq!(
            object,
            json!({"d": "x", "n": null, "kept": null, "list": [{"v": 1}, {"v": 3}], "map": {"in": 2}})
        );
    }
}
