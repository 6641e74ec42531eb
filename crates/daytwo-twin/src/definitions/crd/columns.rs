//! What tables show, what selectors may name, and where a scale's numbers stand.

use serde_json::{Map, Value};

use crate::definitions::cel::field_path;
use crate::definitions::schema::{Schema, text};
use crate::field::FieldError;

const TYPES: &str = "must be one of boolean,date,integer,number,string";
const FORMATS: &str = "must be one of byte,date,date-time,double,float,int32,int64,password";

fn list<'a>(
    version: &'a Map<String, Value>,
    field: &str,
) -> impl Iterator<Item = (usize, &'a Map<String, Value>)> {
    version
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .enumerate()
}

/// What is wrong with `additionalPrinterColumns`.
pub(super) fn columns(version: &Map<String, Value>, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (at, column) in list(version, "additionalPrinterColumns") {
        let path = format!("{path}.additionalPrinterColumns[{at}]");
        if text(column, "name").is_empty() {
            errors.push(FieldError::required(format!("{path}.name"), ""));
        }
        match text(column, "type").as_str() {
            "" => errors.push(FieldError::required(format!("{path}.type"), TYPES)),
            "boolean" | "date" | "integer" | "number" | "string" => {}
            other => errors.push(FieldError::invalid(format!("{path}.type"), other, TYPES)),
        }
        let format = text(column, "format");
        if !format.is_empty() && !FORMATS["must be one of ".len()..].split(',').any(|known| known == format) {
            errors.push(FieldError::invalid(format!("{path}.format"), format, FORMATS));
        }
        errors.extend(simple_path(&text(column, "jsonPath"), &format!("{path}.JSONPath"), &[], ""));
    }
    errors
}

/// What is wrong with a path in dot notation, which must be below one of `starts`; there must be one.
fn simple_path(path: &str, field: &str, starts: &[&str], wanted: &str) -> Option<FieldError> {
    match path {
        "" => Some(FieldError::required(field, "")),
        path if !path.starts_with('.') => {
            Some(FieldError::invalid(field, path, "must be a simple json path starting with ."))
        }
        path if !starts.is_empty() && !starts.iter().any(|start| path.starts_with(start)) => {
            Some(FieldError::invalid(field, path, format!("should be a json path under {wanted}")))
        }
        _ => None,
    }
}

/// What is wrong with `subresources`.
pub(super) fn subresources(version: &Map<String, Value>, path: &str) -> Vec<FieldError> {
    let scale = version
        .get("subresources")
        .and_then(|subresources| subresources.get("scale"))
        .and_then(Value::as_object);
    let Some(scale) = scale else { return Vec::new() };
    let path = format!("{path}.subresources.scale");
    let selector = text(scale, "labelSelectorPath");
    let checked = [
        simple_path(
            &text(scale, "specReplicasPath"),
            &format!("{path}.specReplicasPath"),
            &[".spec."],
            ".spec",
        ),
        simple_path(
            &text(scale, "statusReplicasPath"),
            &format!("{path}.statusReplicasPath"),
            &[".status."],
            ".status",
        ),
        match selector.is_empty() {
            true => None,
            false => {
                let starts = [".spec.", ".status."];
                simple_path(
                    &selector,
                    &format!("{path}.labelSelectorPath"),
                    &starts,
                    "either .spec or .status",
                )
            }
        },
    ];
    checked.into_iter().flatten().collect()
}

/// What is wrong with `selectableFields`.
pub(super) fn selectable(version: &Map<String, Value>, schema: &Schema, path: &str) -> Vec<FieldError> {
    const MOST: usize = 8;
    const KINDS: &str = "must point to a field of type string, boolean or integer. Enum string fields and strings with \
        formats are allowed.";
    let (mut errors, mut seen) = (Vec::new(), Vec::new());
    for (at, selectable) in list(version, "selectableFields") {
        let field = format!("{path}[{at}].jsonPath");
        let json_path = text(selectable, "jsonPath");
        if json_path.is_empty() {
            errors.push(FieldError::required(field, ""));
            continue;
        }
        let found = match field_path::read(&json_path, schema, false) {
            Ok(found) => found,
            Err(why) => {
                errors.push(FieldError::invalid(field, json_path, format!("is an invalid path: {why}")));
                continue;
            }
        };
        if found.first == "metadata" {
            errors.push(FieldError::invalid(
                field.as_str(),
                json_path.as_str(),
                "must not point to fields in metadata",
            ));
        }
        if !matches!(found.schema.kind.as_str(), "string" | "boolean" | "integer") {
            errors.push(FieldError::invalid(field.as_str(), json_path.as_str(), KINDS));
        }
        match seen.contains(&found.path) {
            true => errors.push(FieldError::duplicate(field, json_path)),
            false => seen.push(found.path),
        }
    }
    if seen.len() > MOST {
        errors.push(FieldError::too_many(path, seen.len(), MOST));
    }
    errors
}
