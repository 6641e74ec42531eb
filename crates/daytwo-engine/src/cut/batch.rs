//! What comes out of a list's body: its metadata, and objects in batches.

use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;

/// The longest object that is taken, in bytes; etcd refuses values over 1.5 MiB by default.
pub(super) const MAX_OBJECT: usize = 64 << 20;

/// A list's own metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListMeta {
    /// The revision the list was made at; absent from lists that no store stands behind.
    #[serde(default)]
    pub resource_version: String,
    /// The token that the next page is asked for with; empty on the last page.
    #[serde(default, rename = "continue")]
    pub next: String,
    /// How many objects follow this page, where the server says.
    pub remaining_item_count: Option<i64>,
}

/// Complete objects of a list, in the server's order, in one allocation.
#[derive(Debug, Clone)]
pub struct Batch {
    /// What they lie in.
    pub(super) bytes: Bytes,
    /// Where each lies.
    pub(super) items: Vec<Range<usize>>,
}

impl Batch {
    /// The objects' bytes.
    pub fn items(&self) -> impl Iterator<Item = &[u8]> {
        self.items.iter().map(|range| &self.bytes[range.clone()])
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The batch without its first `count` objects.
    pub fn skip(mut self, count: usize) -> Self {
        self.items.drain(..count.min(self.items.len()));
        self
    }
}

/// Why a list body cannot be cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// The body is no list.
    #[error("not a list: {what} at byte {at}")]
    Malformed {
        /// What stands there.
        what: &'static str,
        /// Where, from the start of the body.
        at: u64,
    },
    /// One object is longer than this tool takes.
    #[error("an object longer than {MAX_OBJECT} bytes")]
    TooLong,
    /// The body ended before the list did.
    #[error("the list ends in the middle, after {objects} objects")]
    Truncated {
        /// Objects that were complete.
        objects: u64,
    },
}
