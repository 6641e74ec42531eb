//! An object on its way to another version: what it says, and the edits that are gathered for it. It refuses to hold
//! the object as a tree: a value that moves is carried over byte for byte.

use super::{Converted, Unconvertible};
use crate::json::{Edits, JsonError, elements, find, text_at};
use crate::resource::ResourceType;

/// An object, or a part of one, and what becomes of it.
pub(super) struct Draft<'a> {
    /// The type the object is of.
    pub from: &'a ResourceType,
    /// What it says.
    pub bytes: &'a [u8],
    /// What is changed.
    pub edits: Edits<'static>,
    /// What a person should know of that.
    pub notes: Vec<String>,
}

impl<'a> Draft<'a> {
    pub fn new(from: &'a ResourceType, bytes: &'a [u8]) -> Self {
        Self { from, bytes, edits: Edits::new(), notes: Vec::new() }
    }

    /// The value at `path`; `None` where it is absent or `null`.
    pub fn value(&self, path: &[&str]) -> Result<Option<&'a [u8]>, JsonError> {
        Ok(find(self.bytes, path)?.map(|span| &self.bytes[span]).filter(|value| *value != b"null"))
    }

    /// The text at `path`; `None` where it is absent or empty.
    pub fn text(&self, path: &[&str]) -> Result<Option<String>, JsonError> {
        Ok(text_at(self.bytes, path)?.map(|text| text.into_owned()))
    }

    /// Moves the value at `from` to `to`; whether there was one.
    pub fn rename(&mut self, from: &[&str], to: &[&str]) -> Result<bool, JsonError> {
        let value = self.value(from)?;
        self.edits.remove(from);
        if let Some(value) = value {
            self.edits.set(to, value);
        }
        Ok(value.is_some())
    }

    /// What the older version meant where nothing is written, since the newer one means something else by that.
    pub fn implied(&mut self, path: &[&str], json: &str) {
        self.edits.insert(path, json);
    }

    /// Takes out what the newer version does not have; whether it was there.
    pub fn gone(&mut self, path: &[&str]) -> Result<bool, JsonError> {
        let there = self.value(path)?.is_some();
        self.edits.remove(path);
        Ok(there)
    }

    /// Changes each element of the array at `path`, as an object of its own.
    pub fn each(
        &mut self,
        path: &[&str],
        change: impl Fn(&mut Draft<'a>) -> Result<(), Unconvertible>,
    ) -> Result<(), Unconvertible> {
        let Some(array) = self.value(path)?.filter(|value| value.starts_with(b"[")) else { return Ok(()) };
        let mut changed = vec![b'['];
        for element in elements(array) {
            let mut part = Draft::new(self.from, &array[element?]);
            change(&mut part)?;
            let Converted { bytes, notes } = part.finish()?;
            if changed.len() > 1 {
                changed.push(b',');
            }
            changed.extend_from_slice(&bytes);
            self.notes.extend(notes);
        }
        changed.push(b']');
        self.edits.set(path, changed);
        Ok(())
    }

    /// Changes the object at `path` by itself.
    pub fn within(
        &mut self,
        path: &[&str],
        change: impl Fn(&mut Draft<'a>) -> Result<(), Unconvertible>,
    ) -> Result<(), Unconvertible> {
        let Some(value) = self.value(path)? else { return Ok(()) };
        let mut part = Draft::new(self.from, value);
        change(&mut part)?;
        let Converted { bytes, notes } = part.finish()?;
        self.notes.extend(notes);
        self.edits.set(path, bytes);
        Ok(())
    }

    pub fn finish(self) -> Result<Converted, Unconvertible> {
        Ok(Converted { bytes: self.edits.apply(self.bytes)?, notes: self.notes })
    }
}
