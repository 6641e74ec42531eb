//! Whether a rule holds values of Secrets. Rules stand in plans and journals, which refuse those.

use json_patch::{AddOperation, PatchOperation, ReplaceOperation, TestOperation};
use serde_json::{Map, Value};

use super::Patches;
use super::conditions::Conditions;
use crate::redact::{COPIES, LAST_APPLIED};

/// Whether a rule that may be about Secrets holds what may be one of their values.
pub(super) fn holds_values(conditions: &Conditions, patches: &Patches) -> bool {
    // What is no field of its own may hold any: an annotation that repeats the whole among them.
    let secret = |path: &str| match path.split('/').nth(1) {
        Some("data" | "stringData") => true,
        Some("metadata") => may_repeat(path),
        _ => false,
    };
    let written = |operation: &PatchOperation| match operation {
        PatchOperation::Add(AddOperation { path, value })
        | PatchOperation::Replace(ReplaceOperation { path, value })
        | PatchOperation::Test(TestOperation { path, value }) => secret(path.as_str()) && !value.is_null(),
        PatchOperation::Remove(_) | PatchOperation::Move(_) | PatchOperation::Copy(_) => false,
    };
    let merged = |patch: &Value| {
        let keys = patch.as_object().into_iter().flat_map(Map::iter);
        keys.filter(|(key, _)| secret(&format!("/{key}"))).any(|(key, value)| match key.as_str() {
            "metadata" => value.get("annotations").is_some_and(|annotations| {
                let copies = annotations.as_object().into_iter().flat_map(Map::iter);
                copies.filter(|(key, _)| copies_object(key)).any(|(_, value)| holds(value))
            }),
            _ => holds(value),
        })
    };
    conditions.matches.iter().any(|wanted| secret(&wanted.path) && !wanted.value.is_null())
        || match patches {
            Patches::Json(operations) => operations.iter().any(written),
            Patches::Merge(patches) | Patches::Strategic(patches) => patches.iter().any(merged),
        }
}

/// Whether `path`, a JSON pointer into `metadata`, leads to annotations that repeat the object.
fn may_repeat(path: &str) -> bool {
    let mut parts = path.split('/').skip(2);
    match (parts.next(), parts.next()) {
        (None | Some(""), _) => true,
        (Some("annotations"), Some(key)) => copies_object(&key.replace("~1", "/").replace("~0", "~")),
        (Some("annotations"), None) => true,
        _ => false,
    }
}

fn copies_object(annotation: &str) -> bool {
    annotation == LAST_APPLIED || COPIES.contains(&annotation)
}

fn holds(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(map) => map.values().any(holds),
        _ => true,
    }
}
