//! How lists and maps are declared: what they hold, and what tells their elements apart.

use serde_json::{Map, Value};

use super::{flag, text, texts};
use crate::field::FieldError;

/// An enumeration or a bound on the type, of an extension.
fn typed(schema: &Map<String, Value>, path: &str, extension: &str, kind: &str) -> Option<FieldError> {
    let found = text(schema, "type");
    let detail = format!("must be {kind} if {extension} is specified");
    match found.as_str() {
        found if found == kind => None,
        "" => Some(FieldError::required(format!("{path}.type"), detail)),
        found => Some(FieldError::invalid(format!("{path}.type"), found, detail)),
    }
}

/// What is wrong with the extensions that declare how a value is kept.
pub(super) fn extensions(schema: &Map<String, Value>, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let preserve = "x-kubernetes-preserve-unknown-fields";
    if schema.get(preserve) == Some(&Value::Bool(false)) {
        errors.push(FieldError::invalid(format!("{path}.{preserve}"), false, "must be true or undefined"));
    }
    let (map, list) = ("x-kubernetes-map-type", "x-kubernetes-list-type");
    if let Some(value) = schema.get(map).and_then(Value::as_str) {
        errors.extend(typed(schema, path, map, "object"));
        if !matches!(value, "atomic" | "granular") {
            errors.push(FieldError::not_supported(format!("{path}.{map}"), value, &["atomic", "granular"]));
        }
    }
    if let Some(value) = schema.get(list).and_then(Value::as_str) {
        match typed(schema, path, list, "array") {
            Some(error) => errors.push(error),
            None if value == "set" => errors.extend(atomic_items(schema, path)),
            None => {}
        }
        if !matches!(value, "atomic" | "set" | "map") {
            errors.push(FieldError::not_supported(
                format!("{path}.{list}"),
                value,
                &["atomic", "set", "map"],
            ));
        }
    }
    errors
}

/// The elements of a set are compared as a whole.
fn atomic_items(schema: &Map<String, Value>, path: &str) -> Option<FieldError> {
    const DETAIL: &str = "must be atomic as item of a list with x-kubernetes-list-type=set";
    let items = schema.get("items").and_then(Value::as_object)?;
    let list = items.get("x-kubernetes-list-type").and_then(Value::as_str);
    let shown = list.map_or(Value::Null, Value::from);
    match text(items, "type").as_str() {
        "array" if list.is_some_and(|list| list != "atomic") => {
            Some(FieldError::invalid(format!("{path}.items.x-kubernetes-list-type"), shown, DETAIL))
        }
        "object" if text(items, "x-kubernetes-map-type") != "atomic" => {
            Some(FieldError::invalid(format!("{path}.items.x-kubernetes-map-type"), shown, DETAIL))
        }
        _ => None,
    }
}

/// What is wrong with a list that is a map.
pub(super) fn map_lists(schema: &Map<String, Value>, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let keys = texts(schema, "x-kubernetes-list-map-keys");
    let list = schema.get("x-kubernetes-list-type").and_then(Value::as_str);
    let field = |name: &str| format!("{path}.{name}");
    if !keys.is_empty() {
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        match list {
            None => errors.push(FieldError::required(field("x-kubernetes-list-type"), detail)),
            Some("map") => {}
            Some(other) => errors.push(FieldError::invalid(field("x-kubernetes-list-type"), other, detail)),
        }
    }
    if list != Some("map") {
        return errors;
    }
    if keys.is_empty() {
        let detail = "must not be empty if x-kubernetes-list-type is map";
        errors.push(FieldError::required(field("x-kubernetes-list-map-keys"), detail));
    }
    let items = match schema.get("items") {
        Some(Value::Object(items)) => items,
        Some(Value::Array(list)) => {
            let detail = "must only have a single schema if x-kubernetes-list-type is map";
            errors.push(FieldError::invalid(field("items"), list.clone(), detail));
            return errors;
        }
        _ => {
            errors.push(FieldError::required(
                field("items"),
                "must have a schema if x-kubernetes-list-type is map",
            ));
            return errors;
        }
    };
    let kind = text(items, "type");
    if kind != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        errors.push(FieldError::invalid(field("items.type"), kind, detail));
        return errors;
    }
    for (at, key) in keys.iter().enumerate() {
        let property =
            items.get("properties").and_then(|properties| properties.get(key)).and_then(Value::as_object);
        match property.map(|property| text(property, "type")).as_deref() {
            Some("array" | "object") => {
                let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                errors.push(FieldError::invalid(
                    field(&format!("items.properties[{key}].type")),
                    "object",
                    detail,
                ));
            }
            Some(_) => {}
            None => {
                let detail = "entries must all be names of item properties";
                errors.push(FieldError::invalid(field("x-kubernetes-list-map-keys"), keys.clone(), detail));
            }
        }
        if keys[..at].contains(key) {
            let detail = "must not contain duplicate entries";
            errors.push(FieldError::invalid(field("x-kubernetes-list-map-keys"), keys.clone(), detail));
        }
    }
    errors
}

/// Keys must be there in every element, and elements must be something.
pub(super) fn keys_are_there(schema: &Map<String, Value>, path: &str) -> Vec<FieldError> {
    let list = text(schema, "x-kubernetes-list-type");
    let Some(items) =
        schema.get("items").and_then(Value::as_object).filter(|_| matches!(list.as_str(), "set" | "map"))
    else {
        return Vec::new();
    };
    let mut errors = Vec::new();
    if flag(items, "nullable") {
        let detail = format!("cannot be nullable when x-kubernetes-list-type is {list}");
        errors.push(FieldError::forbidden(format!("{path}.items.nullable"), detail));
    }
    let required = texts(items, "required");
    let keys = if list == "map" { texts(schema, "x-kubernetes-list-map-keys") } else { Vec::new() };
    for key in keys {
        let property =
            items.get("properties").and_then(|properties| properties.get(&key)).and_then(Value::as_object);
        let Some(property) = property else { continue };
        let place = format!("{path}.items.properties[{key}]");
        if !required.contains(&key) && property.get("default").is_none_or(Value::is_null) {
            let detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required \
                property";
            errors.push(FieldError::required(format!("{place}.default"), detail));
        }
        if flag(property, "nullable") {
            let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            errors.push(FieldError::forbidden(format!("{place}.nullable"), detail));
        }
    }
    errors
}
