//! Lists that are sets or maps have nothing twice (`pkg/apiserver/schema/listtype/validation.go`, v0.36).

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::path::Path;
use super::schema::{Additional, Schema};
use crate::deep;
use crate::field::FieldError;

/// What stands twice in an object.
pub(crate) fn object(schema: &Schema, object: &Map<String, Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    map(schema, object, &Path::root(""), &mut errors);
    errors
}

fn map(schema: &Schema, object: &Map<String, Value>, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    // A field is looked at as an entry as well where the schema has both; no definition may.
    if let Additional::Like(inner) = &schema.additional {
        for (key, value) in object {
            below(inner, value, &path.key(key), errors);
        }
    }
    for (key, value) in object {
        if let Some(inner) = schema.properties.get(key) {
            below(inner, value, &path.field(key), errors);
        }
    }
}

fn below(schema: &Schema, value: &Value, path: &Path<'_>, errors: &mut Vec<FieldError>) {
    match value {
        Value::Object(object) => map(schema, object, path, errors),
        Value::Array(list) => {
            match schema.list.as_deref() {
                Some("set") => {
                    for at in repeated(list.iter().map(deep::json)) {
                        errors.push(FieldError::duplicate(path.index(at).shown(), deep::quotable(&list[at])));
                    }
                }
                Some("map") => keyed(schema, list, path, errors),
                _ => {}
            }
            let Some(items) = &schema.items else { return };
            for (at, value) in list.iter().enumerate() {
                below(items, value, &path.index(at), errors);
            }
        }
        _ => {}
    }
}

/// Where something stands for the second time.
fn repeated(texts: impl Iterator<Item = String>) -> Vec<usize> {
    let (mut seen, mut twice) = (HashMap::new(), Vec::new());
    for (at, text) in texts.enumerate() {
        let times = seen.entry(text).or_insert(0_u32);
        *times += 1;
        if *times == 2 {
            twice.push(at);
        }
    }
    twice
}

fn keyed(schema: &Schema, list: &[Value], path: &Path<'_>, errors: &mut Vec<FieldError>) {
    if let Some(at) = list.iter().position(|one| !one.is_object() && !one.is_null()) {
        let detail = "must be an object for an array of list-type map";
        errors.push(FieldError::invalid(path.index(at).shown(), deep::quotable(&list[at]), detail));
        return;
    }
    let keys: Vec<Value> = list
        .iter()
        .map(|one| {
            schema.list_keys.iter().filter_map(|key| Some((key.clone(), deep::copy(one.get(key)?)))).collect()
        })
        .map(Value::Object)
        .collect();
    for at in repeated(keys.iter().map(deep::json)) {
        errors.push(FieldError::duplicate(path.index(at).shown(), deep::quotable(&keys[at])));
    }
}
