//! Whether a rule holds values of Secrets. Rules stand in plans and journals, which refuse those.

use json_patch::{AddOperation, PatchOperation, ReplaceOperation, TestOperation};
use serde_json::{Map, Value};

use super::Patches;
use super::conditions::Conditions;

/// Whether a rule that may be about Secrets holds what may be one of their values.
pub(super) fn holds_values(conditions: &Conditions, patches: &Patches) -> bool {
    let secret = |path: &str| matches!(path.split('/').nth(1), Some("data" | "stringData"));
    let written = |operation: &PatchOperation| match operation {
        PatchOperation::Add(AddOperation { path, value })
        | PatchOperation::Replace(ReplaceOperation { path, value })
        | PatchOperation::Test(TestOperation { path, value }) => secret(path.as_str()) && !value.is_null(),
        PatchOperation::Remove(_) | PatchOperation::Move(_) | PatchOperation::Copy(_) => false,
    };
    let merged = |patch: &Value| {
        let keys = patch.as_object().into_iter().flat_map(Map::iter);
        keys.filter(|(key, _)| secret(&format!("/{key}"))).any(|(_, value)| holds(value))
    };
    conditions.matches.iter().any(|wanted| secret(&wanted.path) && !wanted.value.is_null())
        || match patches {
            Patches::Json(operations) => operations.iter().any(written),
            Patches::Merge(patches) | Patches::Strategic(patches) => patches.iter().any(merged),
        }
}

fn holds(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(map) => map.values().any(holds),
        _ => true,
    }
}
