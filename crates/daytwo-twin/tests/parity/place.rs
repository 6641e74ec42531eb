//! Places in a JSON value, as scripts name them: `a.b[0].c`, with `\.` for a dot in a key.

use anyhow::Result;
use serde_json::Value;

/// YAML 1.2: `y` is a text.
pub fn yaml(text: &str) -> Result<Value> {
    let options = serde_saphyr::options! { budget: None, strict_booleans: true };
    Ok(serde_saphyr::from_str_with_options(text, options)?)
}

/// The text at `a.b[0].c`; `#` at the end for the length of a list. A `.` in a key is written `\.`.
pub fn found(value: &Value, path: &str) -> Option<String> {
    let (path, length) = path.strip_suffix('#').map_or((path, false), |path| (path, true));
    let value = value.pointer(&pointer(path));
    match (length, value) {
        (true, Some(Value::Array(items))) => Some(items.len().to_string()),
        (true, _) => Some("0".to_owned()),
        (false, Some(Value::String(text))) => Some(text.clone()),
        (false, Some(other)) => Some(other.to_string()),
        (false, None) => None,
    }
}

pub fn pointer(path: &str) -> String {
    let hidden = path.replace("\\.", "\u{0}");
    let parts = hidden.split(['.', '[']).filter(|part| !part.is_empty());
    parts.fold(String::new(), |out, part| {
        let part = part.trim_end_matches(']').replace('\u{0}', ".").replace('~', "~0").replace('/', "~1");
        format!("{out}/{part}")
    })
}

/// Takes out what is at `path`; `[*]` is every item of a list.
pub fn forget(value: &mut Value, path: &str) {
    if let Some((before, after)) = path.split_once("[*]") {
        if let Some(Value::Array(items)) = value.pointer_mut(&pointer(before)) {
            items.iter_mut().for_each(|item| forget(item, after.trim_start_matches('.')));
        }
        return;
    }
    let pointer = pointer(path);
    if let Some((parent, key)) = pointer.rsplit_once('/')
        && let Some(Value::Object(fields)) = value.pointer_mut(parent)
    {
        fields.remove(&key.replace("~1", "/").replace("~0", "~"));
    }
}
