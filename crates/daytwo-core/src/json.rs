//! Reads and edits JSON as byte spans.
//!
//! A backup keeps the bytes that the API server sent: every digit, unknown field and key order. This module finds
//! spans inside those bytes and replaces them; nothing is parsed into a tree and written anew. It refuses to judge
//! what it only passes over: a skipped value has balanced brackets and closed strings, and its grammar is left to
//! whoever reads it next.
//!
//! Nesting is bounded by [`MAX_DEPTH`]; damaged input gives a [`JsonError`] with an offset.

mod edit;
mod fields;
mod meta;
mod skip;
mod write;

pub use edit::{Change, Edits};
pub use fields::{Elements, Field, Fields, elements, fields, find};
pub use meta::Meta;
pub use skip::{MAX_DEPTH, Skip};

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

/// The bytes are not the JSON that was looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset} of the JSON text: expected {expected}")]
pub struct JsonError {
    /// Where, in bytes from the start of the slice that was passed in.
    pub offset: usize,
    /// What would have been right there.
    pub expected: &'static str,
}

impl JsonError {
    pub(crate) fn new(offset: usize, expected: &'static str) -> JsonError {
        JsonError { offset, expected }
    }

    /// The same error for a slice that starts `base` bytes earlier.
    pub(crate) fn shifted(self, base: usize) -> JsonError {
        JsonError { offset: self.offset.saturating_add(base), ..self }
    }
}

/// The end of the value that starts at `at` or after whitespace there.
///
/// # Errors
/// No value starts there, it does not end within `bytes`, its brackets do not match, or it nests deeper than
/// [`MAX_DEPTH`].
pub fn skip_value(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    let at = skip_whitespace(bytes, at);
    match bytes.get(at) {
        Some(b'"') => {
            skip::string_end(bytes, at + 1).ok_or(JsonError::new(bytes.len(), "the end of a string"))
        }
        Some(b'{' | b'[') => match Skip::new().advance(&bytes[at..]).map_err(|error| error.shifted(at))? {
            Some(length) => Ok(at + length),
            None => Err(JsonError::new(bytes.len(), "the end of an object or array")),
        },
        Some(byte) if skip::starts_scalar(*byte) => Ok(skip::scalar_end(bytes, at)),
        _ => Err(JsonError::new(at, "a value")),
    }
}

/// The text of a JSON string, quotes included in `raw`; borrowed unless it holds escapes.
///
/// `None` if `raw` is not one whole string: no quotes around it, a bad escape, a lone surrogate or bytes that are
/// not UTF-8.
pub fn string(raw: &[u8]) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr2(b'"', b'\\', inner).is_none() {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    serde_json::from_slice::<String>(raw).ok().map(Cow::Owned)
}

/// The string at `path`; `None` where there is none, or where it is empty.
pub fn text_at<'a>(bytes: &'a [u8], path: &[&str]) -> Result<Option<Cow<'a, str>>, JsonError> {
    let Some(span) = find(bytes, path)? else { return Ok(None) };
    Ok(string(&bytes[span]).filter(|text| !text.is_empty()))
}

/// The JSON text of a string, quotes and escapes included.
pub fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whether the raw key, quotes included, spells `name`.
fn key_is(raw: &[u8], name: &str) -> bool {
    let Some(inner) = raw.get(1..raw.len().saturating_sub(1)) else { return false };
    inner == name.as_bytes()
        || (memchr::memchr(b'\\', inner).is_some() && string(raw).is_some_and(|key| key == name))
}

fn is_whitespace(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn skip_whitespace(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| is_whitespace(*byte)) {
        at += 1;
    }
    at
}

/// A field that may be `null`, which is as if it were not there.
pub(crate) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

#[cfg(test)]
mod tests;
