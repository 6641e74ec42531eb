//! Checks documents against the published schemas, by the part of JSON Schema that these use.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema")
}

pub fn schema(kind: &str) -> Value {
    let path = folder().join(format!("{kind}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The part of JSON Schema that the schemas use. Stricter in one point: a field they do not describe is an error, so
/// that none is added without a word.
fn check(schema: &Value, value: &Value, at: &str, errors: &mut Vec<String>) {
    let found = type_of(value);
    let allowed: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let fits =
        allowed.iter().any(|allowed| *allowed == found || (*allowed == "number" && found == "integer"));
    if !allowed.is_empty() && !fits {
        errors.push(format!("{at} is {found}, not {allowed:?}"));
        return;
    }
    if let Some(constant) = schema.get("const").filter(|constant| *constant != value) {
        errors.push(format!("{at} is {value}, not {constant}"));
    }
    if let Some(values) = schema["enum"].as_array().filter(|values| !values.contains(value)) {
        errors.push(format!("{at} is {value}, not one of {values:?}"));
    }
    if let (Some(items), Some(schema)) = (value.as_array(), schema.get("items")) {
        for (index, item) in items.iter().enumerate() {
            check(schema, item, &format!("{at}[{index}]"), errors);
        }
    }
    let Some(object) = value.as_object().filter(|_| allowed.contains(&"object")) else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !object.contains_key(name) {
            errors.push(format!("{at} has no {name}"));
        }
    }
    for (name, value) in object {
        match schema["properties"].get(name).or_else(|| schema.get("additionalProperties")) {
            Some(schema) => check(schema, value, &format!("{at}.{name}"), errors),
            None => errors.push(format!("{at}.{name} is not in the schema")),
        }
    }
}

/// Checks a document against the schema of its own kind.
#[track_caller]
pub fn conforms(document: &Value) {
    assert_eq!(document["apiVersion"], "daytwo.dev/v1alpha1");
    let kind = document["kind"].as_str().expect("a kind");
    let mut errors = Vec::new();
    check(&schema(kind), document, kind, &mut errors);
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
}
