//! What differs between two states of one object, field by field.
//!
//! Works on the JSON text, not on parsed numbers: 1.0 and 1 are one number, 9007199254740993 and 9007199254740992 are
//! two. Items of lists are matched by their keys, so that a container put in front does not make all others differ.
//! It hides noise unless told not to ([`Noise`]) and Secrets' values ([`Secrets`]); it refuses to call two texts equal
//! that it cannot read.

mod lists;
mod noise;
mod number;
mod path;
mod text;
mod three;

pub use path::{Path, Segment};
pub use text::render;
pub use three::{Field, Origin, States, three_way};

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::json::{JsonError, elements, fields, skip_value, string};
use crate::redact;

/// Fields that change without anybody changing anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Noise {
    /// Left out of the diff: managedFields, resourceVersion, uid, generation, creation time, heartbeats, what kubectl
    /// last applied.
    #[default]
    Hide,
    /// Part of the diff.
    Show,
}

/// The values of Secrets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Secrets {
    /// Each is shown as [`redact::HIDDEN`].
    #[default]
    Hide,
    /// Shown as they are.
    Show,
}

/// How to compare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether noise counts.
    pub noise: Noise,
    /// Whether Secrets' values are shown.
    pub secrets: Secrets,
}

/// One field that differs.
#[derive(Debug, Clone, Serialize)]
pub struct FieldChange {
    /// Where it stands.
    pub path: Path,
    /// Whether only the order of a list's items differs; `before` and `after` then hold their keys.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub order: bool,
    /// The value before; absent if it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<RawValue>>,
    /// The value after; absent if it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Box<RawValue>>,
}

impl PartialEq for FieldChange {
    fn eq(&self, other: &FieldChange) -> bool {
        let text = |value: &Option<Box<RawValue>>| value.as_deref().map(RawValue::get).map(str::to_owned);
        self.path == other.path
            && self.order == other.order
            && text(&self.before) == text(&other.before)
            && text(&self.after) == text(&other.after)
    }
}

/// Every field in which two states of an object of `resource` (`secrets`, `deployments.apps`) differ, in the order of
/// their paths. Empty: nothing differs but noise, the order of keys, and how texts and numbers are written.
///
/// # Errors
/// One of them is not JSON.
pub fn diff(
    resource: &str,
    before: &[u8],
    after: &[u8],
    options: Options,
) -> Result<Vec<FieldChange>, JsonError> {
    let (before, after) = (whole(before)?, whole(after)?);
    if before == after {
        return Ok(Vec::new());
    }
    let mut walk = Walk { options, path: Path::default(), changes: Vec::new() };
    walk.values(before, after)?;
    let mut changes = walk.changes;
    if options.secrets == Secrets::Hide {
        let values = changes.iter_mut().flat_map(|change| {
            let FieldChange { path, before, after, .. } = change;
            let path = &*path;
            [before, after].into_iter().flatten().map(move |value| (path, value))
        });
        redact::hide_values(resource, &[before, after], values);
    }
    Ok(changes)
}

/// The value without whitespace around it. All of it must be read: what cannot be compared is not equal.
fn whole(json: &[u8]) -> Result<&[u8], JsonError> {
    let json = json.trim_ascii();
    let end = skip_value(json, 0)?;
    if end != json.len() {
        return Err(JsonError { offset: end, expected: "the end" });
    }
    Ok(json)
}

struct Walk {
    options: Options,
    path: Path,
    changes: Vec<FieldChange>,
}

impl Walk {
    fn values(&mut self, before: &[u8], after: &[u8]) -> Result<(), JsonError> {
        if before == after {
            return Ok(());
        }
        match (before.first(), after.first()) {
            (Some(b'{'), Some(b'{')) => self.objects(before, after),
            (Some(b'['), Some(b'[')) => self.arrays(before, after),
            _ if same_scalar(before, after) => Ok(()),
            _ => self.change(Some(before), Some(after)),
        }
    }

    fn objects(&mut self, before: &[u8], after: &[u8]) -> Result<(), JsonError> {
        let (before, mut after) = (members(before)?, members(after)?);
        let mut keys: Vec<lists::Pair<Cow<str>>> = Vec::new();
        for (key, value) in before {
            let other = after.remove(&key);
            keys.push((key, Some(value), other));
        }
        keys.extend(after.into_iter().map(|(key, value)| (key, None, Some(value))));
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        for (key, before, after) in keys {
            self.path.push(Segment::Key(key.into_owned()));
            self.optional(before, after)?;
            self.path.pop();
        }
        Ok(())
    }

    fn optional(&mut self, before: Option<&[u8]>, after: Option<&[u8]>) -> Result<(), JsonError> {
        if self.options.noise == Noise::Hide && noise::is_noise(&self.path) {
            return Ok(());
        }
        match (before, after) {
            (Some(before), Some(after)) => self.values(before, after),
            (None, Some(value)) | (Some(value), None) if self.only_noise(value)? => Ok(()),
            (before, after) => self.change(before, after),
        }
    }

    /// Whether a value that stands on one side only holds nothing but noise, as `annotations` may.
    fn only_noise(&mut self, value: &[u8]) -> Result<bool, JsonError> {
        if self.options.noise == Noise::Show || value.first() != Some(&b'{') {
            return Ok(false);
        }
        let members = members(value)?;
        let mut noisy = !members.is_empty();
        for key in members.into_keys() {
            self.path.push(Segment::Key(key.into_owned()));
            noisy &= noise::is_noise(&self.path);
            self.path.pop();
        }
        Ok(noisy)
    }

    fn arrays(&mut self, before: &[u8], after: &[u8]) -> Result<(), JsonError> {
        let (before, after) = (items(before)?, items(after)?);
        let matching = lists::matching(self.path.last_key(), &before, &after);
        for (segment, before, after) in matching.pairs {
            self.path.push(segment);
            self.optional(before, after)?;
            self.path.pop();
        }
        if let Some((before, after)) = matching.order {
            self.changes.push(FieldChange {
                path: self.path.clone(),
                order: true,
                before: Some(raw(before.as_bytes())?),
                after: Some(raw(after.as_bytes())?),
            });
        }
        Ok(())
    }

    fn change(&mut self, before: Option<&[u8]>, after: Option<&[u8]>) -> Result<(), JsonError> {
        let (before, after) = (before.map(raw).transpose()?, after.map(raw).transpose()?);
        self.changes.push(FieldChange { path: self.path.clone(), order: false, before, after });
        Ok(())
    }
}

/// The fields of an object; of duplicates the last, as JSON readers have it.
fn members(object: &[u8]) -> Result<BTreeMap<Cow<'_, str>, &[u8]>, JsonError> {
    fields(object).map(|field| field.map(|field| (field.key, &object[field.value]))).collect()
}

fn items(array: &[u8]) -> Result<Vec<&[u8]>, JsonError> {
    elements(array).map(|span: Result<Range<usize>, _>| span.map(|span| &array[span])).collect()
}

fn same_scalar(before: &[u8], after: &[u8]) -> bool {
    match (before.first(), after.first()) {
        (Some(b'"'), Some(b'"')) => string(before).is_some_and(|text| string(after) == Some(text)),
        (Some(b'-' | b'0'..=b'9'), Some(b'-' | b'0'..=b'9')) => number::same(before, after),
        _ => false,
    }
}

pub(crate) fn raw(json: &[u8]) -> Result<Box<RawValue>, JsonError> {
    serde_json::from_slice(json).map_err(|_| JsonError { offset: 0, expected: "a value to compare" })
}

#[cfg(test)]
mod tests;
