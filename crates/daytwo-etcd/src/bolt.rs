//! Reads bbolt files: the B+ trees of pages that etcd keeps its data in.
//!
//! Zero-copy over a mapped file, and safe on any bytes: no offset, count or page id is believed before it was held against
//! the file's bounds. What it refuses to do: lock, write, repair, or read a file that somebody may shorten meanwhile.
//!
//! The format is that of go.etcd.io/bbolt v1.4.3, `internal/common/{page,meta,bucket}.go`; all numbers are little-endian.

mod bucket;
mod check;
mod freelist;
mod map;
mod meta;
mod page;
mod pages;
mod walk;
pub(crate) mod write;
pub(crate) mod write_tree;

use std::fmt;

pub use bucket::Bucket;
pub use check::{Stop, Usage, Visit, check};
pub use freelist::{Freelist, freelist};
pub use map::Map;
pub use meta::{Meta, metas};
pub use page::{Branch, Kind, Leaf, Page};
pub use pages::Pages;
pub use walk::{Direction, Entry, Walk};

use crate::Error;

/// How deep a tree may be, nested buckets included. A page of 4 KiB holds at least two keys, so 64 levels are more than any
/// file has pages for.
const DEPTH: usize = 64;

/// Where something stands in a bbolt file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The page's number.
    pub page: u64,
    /// Bytes from the beginning of the file.
    pub offset: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "page {}, offset {}", self.page, self.offset)
    }
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Where it was seen.
    pub place: Place,
    /// What stands there, and what should.
    pub what: String,
}

impl fmt::Display for Flaw {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.what)
    }
}

impl From<Flaw> for Error {
    fn from(flaw: Flaw) -> Error {
        Error::Corrupt { place: flaw.place.to_string(), what: flaw.what }
    }
}

/// A bbolt file as its newest valid meta page describes it.
#[derive(Debug, Clone, Copy)]
pub struct Db<'a> {
    /// Up to the high-water mark, not further.
    bytes: &'a [u8],
    meta: Meta,
}

impl<'a> Db<'a> {
    /// Opens what is in `bytes`, which may be longer than the file's pages.
    ///
    /// # Errors
    /// If neither meta page is valid, or the file is shorter than its pages.
    pub fn open(bytes: &'a [u8]) -> Result<Db<'a>, Flaw> {
        Db::at(bytes, Meta::newest(bytes)?)
    }

    /// As [`Db::open`], by a meta page that was read before.
    ///
    /// # Errors
    /// If the file is shorter than its pages.
    pub fn at(bytes: &'a [u8], meta: Meta) -> Result<Db<'a>, Flaw> {
        let end = meta.size().and_then(|size| usize::try_from(size).ok());
        match end.and_then(|end| bytes.get(..end)) {
            Some(bytes) => Ok(Db { bytes, meta }),
            None => Err(meta.flaw(format!(
                "{} pages of {} bytes are said to be there, but the file ends after {} bytes",
                meta.high_water,
                meta.page_size,
                bytes.len()
            ))),
        }
    }

    /// The meta page that counts.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The pages, and nothing that follows them.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The page `id` with its overflow pages.
    ///
    /// # Errors
    /// If it cannot be one: outside of the file, another's id in its header, flags that are none, more elements than fit.
    pub fn page(&self, id: u64) -> Result<Page<'a>, Flaw> {
        Page::read(self, id)
    }

    /// The bucket of buckets.
    pub fn root(&self) -> Bucket<'a> {
        Bucket::at(self.meta.root)
    }

    /// The bucket at the top whose name is `name`.
    ///
    /// # Errors
    /// At the first page on the way that cannot be read, or if what has that name is no bucket.
    pub fn bucket(&self, name: &[u8]) -> Result<Option<Bucket<'a>>, Flaw> {
        for entry in self.root().walk(*self, Direction::Forward) {
            let entry = entry?;
            if entry.key == name {
                return entry.bucket().map(Some);
            }
        }
        Ok(None)
    }

    fn place(&self, page: u64, within: usize) -> Place {
        Place { page, offset: page * u64::from(self.meta.page_size) + within as u64 }
    }
}

#[cfg(test)]
pub(crate) mod tests;
