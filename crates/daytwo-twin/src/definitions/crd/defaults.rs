//! Whether the defaults of a schema are what the schema says (`pkg/apiserver/schema/defaulting/validation.go`, v0.36).
//!
//! It refuses to look at defaults inside the metadata of embedded resources.

use serde_json::Value;

use crate::deep;
use crate::definitions::cel::Rules;
use crate::definitions::schema::Schema;
use crate::definitions::{check, embedded, meta, prune};
use crate::field::FieldError;

/// What is wrong with the defaults of a schema and of all below it.
pub(super) fn wrong(schema: &Schema, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    below(schema, path, false, &mut errors);
    errors
}

fn below(schema: &Schema, path: &str, inside_meta: bool, errors: &mut Vec<FieldError>) {
    let inside_meta = inside_meta && !schema.embedded;
    if let Some(default) = schema.default.as_ref().filter(|_| !inside_meta) {
        errors.extend(one(schema, default, &format!("{path}.default")));
    }
    if let Some(items) = &schema.items {
        below(items, &format!("{path}.items"), inside_meta, errors);
    }
    for (name, property) in &schema.properties {
        let meta = schema.embedded && matches!(name.as_str(), "metadata" | "apiVersion" | "kind");
        below(property, &format!("{path}.properties[{name}]"), inside_meta || meta, errors);
    }
}

fn one(schema: &Schema, default: &Value, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut copied = deep::copy(default);
    deep::read_numbers(&mut copied);
    let default = deep::copy(&copied);
    prune::value(&mut copied, schema);
    if !deep::equal(&copied, &default) {
        errors.push(FieldError::invalid(path, deep::quotable(&default), "must not have unknown fields"));
    }
    let mut coerced = deep::copy(&default);
    if let Err(error) = meta::coerce(&mut coerced, schema, false, path, &mut Vec::new()) {
        errors.push(*error);
        return errors;
    }
    let found = embedded::value(schema, &default, path);
    let found = if found.is_empty() { check::value(schema, &default, Some(path), None) } else { found };
    if !found.is_empty() {
        errors.extend(found);
        return errors;
    }
    if let Some(rules) = Rules::of(schema) {
        let kept = rules.value(schema, &default, Some(&default), path).errors;
        errors.extend(if kept.is_empty() { rules.value(schema, &default, None, path).errors } else { kept });
    }
    errors
}
