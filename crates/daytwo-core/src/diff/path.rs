//! Where a field stands, in the form people write it.

use std::fmt;

use serde::{Serialize, Serializer};

/// The way from the top of an object to a field: `spec.template.spec.containers[name=app].image`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<Segment>);

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// A key of an object.
    Key(String),
    /// An item of a list, by its place.
    Index(usize),
    /// An item of a list, by the fields that tell it apart.
    Item(Vec<(&'static str, String)>),
    /// An item of a list of plain values that each stand there once.
    Value(String),
}

impl Path {
    /// The steps, from the top.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The nth step, if it is a key.
    pub(crate) fn key(&self, index: usize) -> Option<&str> {
        match self.0.get(index) {
            Some(Segment::Key(key)) => Some(key),
            _ => None,
        }
    }

    pub(super) fn last_key(&self) -> &str {
        match self.0.last() {
            Some(Segment::Key(key)) => key,
            _ => "",
        }
    }

    pub(super) fn push(&mut self, segment: Segment) {
        self.0.push(segment);
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }
}

impl FromIterator<Segment> for Path {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Path {
        Path(segments.into_iter().collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return formatter.write_str(".");
        }
        for (index, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if is_plain(key) => {
                    write!(formatter, "{}{key}", if index == 0 { "" } else { "." })?;
                }
                Segment::Key(key) => write!(formatter, "[{key:?}]")?,
                Segment::Index(place) => write!(formatter, "[{place}]")?,
                Segment::Item(keys) => {
                    let keys: Vec<String> =
                        keys.iter().map(|(name, value)| format!("{name}={value}")).collect();
                    write!(formatter, "[{}]", keys.join(","))?;
                }
                Segment::Value(value) => write!(formatter, "[{value:?}]")?,
            }
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$'))
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
