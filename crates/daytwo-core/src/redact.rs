//! Keeps the values of Secrets out of everything that is shown.
//!
//! Fails closed: of a Secret only what is known to be harmless is shown; an annotation that repeats a value, or that
//! may hold the whole object and cannot be read, is hidden; text that is not JSON is an error and not shown at all.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::value::RawValue;

use crate::diff::{Path, raw};
use crate::json::{Change, Edits, JsonError, fields, find, quote, string};

/// What stands in place of a hidden value.
pub const HIDDEN: &str = "<changed>";

/// The annotation in which kubectl keeps what was last applied.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Other tools' annotations that hold the whole object, some compressed.
pub(crate) const COPIES: [&str; 4] = [
    "banzaicloud.com/last-applied",
    "kapp.k14s.io/original",
    "kapp.k14s.io/original-diff",
    "objectset.rio.cattle.io/applied",
];

/// Plain fields of a Secret that hold none of its values (`core/v1` `Secret`).
const HARMLESS: [&str; 4] = ["apiVersion", "immutable", "kind", "type"];

/// Values shorter than this are not searched for: they would turn up by chance.
const SEARCHED_FROM: usize = 4;

/// The object as it may be shown: `resource` is its `plural.group`. Objects of other kinds stay as they are, but for
/// a Secret inside their annotation of what was last applied.
///
/// # Errors
/// A Secret that cannot be read; nothing of it may be shown.
pub fn redact(resource: &str, object: &[u8]) -> Result<Vec<u8>, JsonError> {
    if !is_secret(resource, object) {
        return other(object);
    }
    let values = values(object);
    hide(object, &values, true)
}

/// Whether an object holds values to hide: by its resource, or by its own word.
fn is_secret(resource: &str, object: &[u8]) -> bool {
    let text = |key: &str| find(object, &[key]).ok().flatten().and_then(|span| string(&object[span]));
    let core = || text("apiVersion").is_none_or(|version| version == "v1");
    resource == "secrets" || (text("kind").as_deref() == Some("Secret") && core())
}

/// An object of another kind, which may carry a Secret in its annotation.
fn other(object: &[u8]) -> Result<Vec<u8>, JsonError> {
    let mut edits = Edits::new();
    edits.replace(&["metadata", "annotations", LAST_APPLIED], |value| match string(value) {
        Some(text) if is_json(text.as_bytes()) && !is_secret("", text.as_bytes()) => Change::Keep,
        text => Change::With(applied(text.as_deref(), &[])),
    });
    edits.apply(object)
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// A Secret with its values hidden.
fn hide(object: &[u8], values: &[String], annotated: bool) -> Result<Vec<u8>, JsonError> {
    let mut edits = Edits::new();
    edits.each_field(&[], |key, value| match key {
        "data" | "stringData" => Change::With(hide_each(value)),
        "metadata" => keep_object(value),
        _ if is_harmless(key, value) => Change::Keep,
        _ => Change::With(hidden()),
    });
    edits.replace(&["metadata", "annotations"], keep_object);
    edits.each_field(&["metadata", "annotations"], |key, value| {
        let text = string(value);
        match (key, &text) {
            (LAST_APPLIED, text) if annotated => Change::With(applied(text.as_deref(), values)),
            (LAST_APPLIED, _) | (_, None) => Change::With(hidden()),
            (key, Some(text)) if COPIES.contains(&key) || repeats(text, values) => Change::With(hidden()),
            _ => Change::Keep,
        }
    });
    edits.apply(object)
}

fn is_harmless(key: &str, value: &[u8]) -> bool {
    HARMLESS.contains(&key) && !value.starts_with(b"{") && !value.starts_with(b"[")
}

/// Keeps what can be looked into.
fn keep_object(value: &[u8]) -> Change {
    if value.starts_with(b"{") || value == b"null" { Change::Keep } else { Change::With(hidden()) }
}

/// The annotation's text with the Secret inside it hidden, as a JSON string.
fn applied(text: Option<&str>, known: &[String]) -> Vec<u8> {
    let inner = text.map(str::as_bytes).filter(|json| json.starts_with(b"{") && is_json(json));
    let shown = inner.and_then(|json| hide(json, &[known, &values(json)].concat(), false).ok());
    match shown.and_then(|shown| String::from_utf8(shown).ok()) {
        Some(shown) => quote(&shown).into_bytes(),
        None => hidden(),
    }
}

/// `data` or `stringData`: its keys stay.
fn hide_each(value: &[u8]) -> Vec<u8> {
    match value {
        b"null" => b"null".to_vec(),
        [b'{', ..] => {
            let mut edits = Edits::new();
            edits.each_field(&[], |_, _| Change::With(hidden()));
            edits.apply(value).unwrap_or_else(|_| hidden())
        }
        _ => hidden(),
    }
}

fn hidden() -> Vec<u8> {
    quote(HIDDEN).into_bytes()
}

/// The values of a Secret: as written, decoded, encoded, and as JSON text inside an annotation holds them.
fn values(object: &[u8]) -> Vec<String> {
    let mut values = Vec::new();
    for key in ["data", "stringData"] {
        let Ok(Some(span)) = find(object, &[key]) else { continue };
        let data = &object[span];
        for field in fields(data).map_while(Result::ok) {
            let Some(text) = string(&data[field.value]) else { continue };
            let meant =
                BASE64_STANDARD.decode(text.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            values.extend(meant.map(|meant| meant.trim().to_owned()));
            values.push(BASE64_STANDARD.encode(text.as_bytes()));
            values.push(text.trim().to_owned());
        }
    }
    values.retain(|value| value.len() >= SEARCHED_FROM);
    // A copy inside JSON text holds escapes.
    let quoted: Vec<String> = values.iter().map(|value| quote(value).trim_matches('"').to_owned()).collect();
    values.extend(quoted);
    values.sort();
    values.dedup();
    values
}

fn repeats(text: &str, values: &[String]) -> bool {
    values.iter().any(|value| text.contains(value.as_str()))
}

/// Hides what may not be shown of `values`, each with its place in one of the `states` of an object.
pub(crate) fn hide_values<'v>(
    resource: &str,
    states: &[&[u8]],
    values: impl Iterator<Item = (&'v Path, &'v mut Box<RawValue>)>,
) {
    let secret = states.iter().any(|state| is_secret(resource, state));
    let known: Vec<String> =
        if secret { states.iter().flat_map(|state| self::values(state)).collect() } else { Vec::new() };
    for (path, value) in values {
        let json = value.get().as_bytes();
        let shown = if secret { part(path, json, &known) } else { part_of_other(path, json) };
        if let Some(shown) = shown {
            *value = raw(&shown).or_else(|_| raw(&hidden())).expect("invariant: the hidden text is JSON");
        }
    }
}

/// What may be shown of a part of a Secret; `None`: all of it.
fn part(path: &Path, json: &[u8], known: &[String]) -> Option<Vec<u8>> {
    let depth = path.segments().len();
    match (path.key(0), path.key(1)) {
        (None, _) if depth == 0 => Some(hide(json, known, true).unwrap_or_else(|_| hidden())),
        (Some("data" | "stringData"), _) if depth == 1 => Some(hide_each(json)),
        (Some("metadata"), None | Some("annotations")) => {
            Some(within(path, json, |object| hide(object, known, true)).unwrap_or_else(hidden))
        }
        // A label may repeat a value too.
        (Some("metadata"), _) => {
            let text = String::from_utf8_lossy(json);
            repeats(&text, known).then(hidden)
        }
        (Some(key), _)
            if HARMLESS.contains(&key)
                && depth == 1
                && !json.starts_with(b"{")
                && !json.starts_with(b"[") =>
        {
            None
        }
        _ => Some(hidden()),
    }
}

/// What may be shown of a part of another object; `None`: all of it.
fn part_of_other(path: &Path, json: &[u8]) -> Option<Vec<u8>> {
    match (path.key(0), path.key(1), path.key(2)) {
        (None, ..) if path.segments().is_empty() => Some(other(json).unwrap_or_else(|_| hidden())),
        (Some("metadata"), None, _) | (Some("metadata"), Some("annotations"), None | Some(LAST_APPLIED)) => {
            Some(within(path, json, other).unwrap_or_else(hidden))
        }
        _ => None,
    }
}

/// Shows a part as it would be shown in its object; `None` if it stands deeper than annotations do, or in a list.
fn within(path: &Path, json: &[u8], show: impl Fn(&[u8]) -> Result<Vec<u8>, JsonError>) -> Option<Vec<u8>> {
    let keys: Vec<&str> = (0..path.segments().len()).map(|index| path.key(index)).collect::<Option<_>>()?;
    if keys.len() > 3 {
        return None;
    }
    let object = Edits::new().set(&keys, json).apply(b"{}").ok()?;
    let shown = show(&object).ok()?;
    let span = find(&shown, &keys).ok().flatten()?;
    Some(shown[span].to_vec())
}

#[cfg(test)]
mod tests;
