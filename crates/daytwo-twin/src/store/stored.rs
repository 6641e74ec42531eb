//! An object as it is kept: its JSON, and what must be known of it without reading that.

use std::borrow::Cow;
use std::sync::Arc;

use daytwo_core::json::{self, JsonError, Meta, elements};
use serde_json::Value;

use super::text::{Base, Text};
use crate::ask::Object;

/// An object at one revision. It never changes; a write makes another.
#[derive(Debug)]
pub struct Stored {
    /// `namespace/name`, or the name of what has no namespace: ordered as etcd orders its keys.
    pub key: Box<str>,
    /// The revision it was written at: its resourceVersion.
    pub revision: u64,
    /// `metadata.uid`; empty if it has none.
    pub uid: Box<str>,
    /// Whether it has owners, or is being deleted.
    pub bound: bool,
    text: Text,
}

impl Stored {
    /// Keeps `object`, which becomes `revision`.
    pub fn new(key: &str, revision: u64, mut object: Object) -> Stored {
        stamp(&mut object, revision);
        let uid = field(&object, "uid").into();
        let has = |name: &str| object.get("metadata").is_some_and(|metadata| metadata.get(name).is_some());
        let bound = has("ownerReferences") || has("deletionTimestamp");
        let text = serde_json::to_vec(&Value::Object(object)).expect("invariant: a tree of values is JSON");
        Stored { key: key.into(), revision, uid, bound, text: Text::whole(text) }
    }

    /// Keeps JSON as it was found. What is like `base` shares its bytes.
    ///
    /// # Errors
    /// It is not an object with metadata.
    pub fn found(
        key: &str,
        revision: u64,
        json: &[u8],
        base: Option<&Arc<Base>>,
    ) -> Result<Stored, JsonError> {
        let meta = Meta::of(json)?;
        let uid = meta.uid.as_deref().unwrap_or_default().into();
        let bound = meta.owner_references.is_some() || meta.deletion_timestamp;
        let text = match base {
            Some(base) => Text::like(json, base),
            None => Text::whole(json.to_vec()),
        };
        Ok(Stored { key: key.into(), revision, uid, bound, text })
    }

    /// The JSON.
    pub fn json(&self) -> Cow<'_, [u8]> {
        self.text.bytes()
    }

    /// Adds the JSON to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.text.write(out);
    }

    /// How many bytes the JSON has.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// How many bytes it takes by itself.
    pub fn weight(&self) -> usize {
        self.text.weight() + self.key.len() + self.uid.len() + 96
    }

    /// The object as a tree.
    pub fn object(&self) -> Object {
        crate::body::object(&self.json()).unwrap_or_default()
    }

    /// The uids of its owners.
    pub fn owners(&self) -> Vec<Box<str>> {
        if !self.bound {
            return Vec::new();
        }
        let json = self.json();
        let Ok(Meta { owner_references: Some(references), .. }) = Meta::of(&json) else { return Vec::new() };
        elements(references)
            .map_while(Result::ok)
            .filter_map(|owner| Some(json::text_at(&references[owner], &["uid"]).ok()??.into()))
            .collect()
    }

    /// The namespace, if it has one.
    pub fn namespace(&self) -> Option<&str> {
        self.key.split_once('/').map(|(namespace, _)| namespace)
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.key.split_once('/').map_or(&*self.key, |(_, name)| name)
    }

    /// Whether its labels meet `selector`.
    pub fn has_labels(&self, selector: &daytwo_core::selector::Selector) -> bool {
        if selector.is_empty() {
            return true;
        }
        let json = self.json();
        let labels = Meta::labels_of(&json).unwrap_or_default();
        selector.matches_json(labels).unwrap_or(false)
    }

    /// The text at a path, where a string stands there.
    pub fn text_at(&self, path: &[&str]) -> Option<String> {
        json::text_at(&self.json(), path).ok().flatten().map(Cow::into_owned)
    }
}

/// The key of an object.
pub fn key(namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    }
}

/// A text of an object's metadata; empty if there is none.
pub fn field<'a>(object: &'a Object, name: &str) -> &'a str {
    object.get("metadata").and_then(|metadata| metadata.get(name)).and_then(Value::as_str).unwrap_or_default()
}

/// Writes a resourceVersion where Go has it: behind the uid.
pub fn stamp(object: &mut Object, revision: u64) {
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else { return };
    let revision = Value::String(revision.to_string());
    if let Some(there) = metadata.get_mut("resourceVersion") {
        *there = revision;
        return;
    }
    let after = ["uid", "selfLink", "namespace", "generateName", "name"];
    let at = after.iter().find_map(|name| metadata.keys().position(|key| key == name)).map_or(0, |at| at + 1);
    metadata.shift_insert(at, "resourceVersion".to_owned(), revision);
}
