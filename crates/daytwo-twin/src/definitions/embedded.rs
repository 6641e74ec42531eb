//! Resources inside a resource: kind, version and metadata as of any (`pkg/apiserver/schema/objectmeta/validation.go`,
//! v0.36).
//!
//! It refuses the metadata of the resource itself: the rules of metadata look at that.

use serde_json::{Map, Value};

use super::names;
use super::path::Path;
use super::schema::{Additional, Schema};
use crate::deep;
use crate::field::FieldError;

/// What is wrong with the resources inside an object.
pub(crate) fn object(schema: &Schema, object: &Map<String, Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    fields(schema, object, &Path::root(""), &mut errors);
    errors
}

/// [`object`] for any value below `base`.
pub(crate) fn value(schema: &Schema, value: &Value, base: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    below(schema, value, &Path::root(base), &mut errors);
    errors
}

fn below(schema: &Schema, value: &Value, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    match value {
        Value::Object(object) => {
            if schema.embedded {
                resource(object, path, errors);
            }
            fields(schema, object, path, errors);
        }
        Value::Array(list) => {
            for (at, value) in list.iter().enumerate() {
                if let Some(items) = &schema.items {
                    below(items, value, &path.index(at), errors);
                }
            }
        }
        _ => {}
    }
}

fn fields(schema: &Schema, object: &Map<String, Value>, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    for (key, value) in object {
        match (schema.properties.get(key), &schema.additional) {
            (Some(inner), _) => below(inner, value, &path.field(key), errors),
            (None, Additional::Like(inner)) => below(inner, value, &path.key(key), errors),
            _ => {}
        }
    }
}

fn resource(object: &Map<String, Value>, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    for name in ["apiVersion", "kind"] {
        let place = || path.field(name).shown();
        let text = match object.get(name) {
            None => {
                errors.push(FieldError::required(place(), ""));
                continue;
            }
            Some(Value::String(text)) => text,
            Some(other) => {
                errors.push(FieldError::invalid(place(), deep::quotable(other), "must be a string"));
                continue;
            }
        };
        let detail = match name {
            _ if text.is_empty() => Some("must not be empty".to_owned()),
            "apiVersion" => {
                (text.matches('/').count() > 1).then(|| format!("unexpected GroupVersion string: {text}"))
            }
            _ => {
                let wrong = names::dns_1035(&text.to_lowercase());
                let wrong = (!wrong.is_empty()).then(|| wrong.join(","));
                wrong.map(|wrong| format!("may have mixed case, but should otherwise match: {wrong}"))
            }
        };
        errors.extend(detail.map(|detail| FieldError::invalid(place(), text.as_str(), detail)));
    }
    if let Some(Value::Object(metadata)) = object.get("metadata") {
        self::metadata(metadata, &path.field("metadata"), errors);
    }
}

/// Names, labels, annotations and finalizers (`k8s.io/apimachinery/pkg/api/validation/objectmeta.go`).
fn metadata(metadata: &Map<String, Value>, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    let mut each = |field: &str, value: &str, details: Vec<String>| {
        errors.extend(
            details.into_iter().map(|detail| FieldError::invalid(path.field(field).shown(), value, detail)),
        );
    };
    for field in ["generateName", "name"] {
        if let Some(name) = metadata.get(field).and_then(Value::as_str) {
            each(field, name, names::path_segment(name));
        }
    }
    if let Some(namespace) = metadata.get("namespace").and_then(Value::as_str) {
        each("namespace", namespace, names::label(namespace));
    }
    let map = |field: &str| metadata.get(field).and_then(Value::as_object).into_iter().flatten();
    for (key, value) in map("labels") {
        each("labels", key, names::label_key(key));
        let value = value.as_str().unwrap_or_default();
        each("labels", value, names::label_value(value));
    }
    for (key, _) in map("annotations") {
        each("annotations", key, names::label_key(&key.to_lowercase()));
    }
    let size =
        map("annotations").map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum::<usize>();
    for name in
        metadata.get("finalizers").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    {
        each("finalizers", name, names::label_key(name));
    }
    const MOST: usize = 256 * 1024;
    if size > MOST {
        errors.push(FieldError::too_long(path.field("annotations").shown(), MOST));
    }
}
