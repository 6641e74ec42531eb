//! YAML as `sigs.k8s.io/yaml` reads it.
//!
//! It refuses to have all of its words: of what is wrong with a text it says the most common things as Go does.

use serde_json::Value;

/// The value of a YAML text.
///
/// # Errors
/// Where it is none.
pub fn yaml(bytes: &[u8]) -> Result<Value, String> {
    let mut value: Value =
        serde_saphyr::from_slice(bytes).map_err(|error| format!("yaml: {}", words(&error.to_string())))?;
    if unended(bytes)
        && let Some(last) = last(&mut value)
        && last.ends_with('\n')
    {
        last.pop();
    }
    Ok(value)
}

/// Whether the text ends within a line that is neither quoted nor in brackets: a block of text there ends without the
/// end of a line, which the reader adds.
fn unended(bytes: &[u8]) -> bool {
    bytes.last().is_some_and(|last| !matches!(last, b'\n' | b'"' | b'\'' | b']' | b'}'))
}

/// The text that stands last.
fn last(value: &mut Value) -> Option<&mut String> {
    match value {
        Value::String(text) => Some(text),
        Value::Array(list) => last(list.last_mut()?),
        Value::Object(map) => last(map.values_mut().next_back()?),
        _ => None,
    }
}

/// A reader's complaint in Go's words, where they are known; its first line elsewhere.
fn words(said: &str) -> String {
    let said = said.lines().next().unwrap_or_default();
    let said = said.strip_prefix("error: ").unwrap_or(said);
    let (place, what) = said.split_once(": ").unwrap_or(("", said));
    let line = place.split(' ').nth(1).unwrap_or("1");
    match what {
        "unclosed bracket '['" => format!("line {line}: did not find expected ',' or ']'"),
        "unclosed bracket '{'" => format!("line {line}: did not find expected ',' or '}}'"),
        // Go counts the lines before the mistake.
        other => match line.parse::<u32>().unwrap_or(1).saturating_sub(1) {
            0 => other.to_owned(),
            before => format!("line {before}: {other}"),
        },
    }
}
