//! Buckets: trees of their own, or a single leaf inside of the element that names them.

use super::page::u64_at;
use super::{Db, Direction, Entry, Flaw, Page, Pages, Place, Walk};

/// The bytes of a bucket's header: root u64, sequence u64. Root 0: an inline page follows.
const HEADER: usize = 16;

/// Where a bucket's entries are.
#[derive(Debug, Clone, Copy)]
pub struct Bucket<'a> {
    pub(super) root: Root<'a>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Root<'a> {
    Page(u64),
    Inline(Page<'a>),
}

impl<'a> Bucket<'a> {
    pub(super) fn at(root: u64) -> Bucket<'a> {
        Bucket { root: Root::Page(root) }
    }

    /// The bucket whose header is `value`, of an element that stands at `place`.
    pub(super) fn of(value: &'a [u8], place: Place) -> Result<Bucket<'a>, Flaw> {
        let flaw = || Flaw { place, what: format!("{} bytes are too few for a bucket", value.len()) };
        let root = u64_at(value, 0).ok_or_else(flaw)?;
        let inline = value.get(HEADER..).ok_or_else(flaw)?;
        match root {
            0 => Ok(Bucket { root: Root::Inline(Page::inline(inline, place)?) }),
            page => Ok(Bucket::at(page)),
        }
    }

    /// The first page of its own; none if it is inline.
    pub fn page(&self) -> Option<u64> {
        match self.root {
            Root::Page(page) => Some(page),
            Root::Inline(_) => None,
        }
    }

    /// Its entries in the order of their keys, or the other way round.
    pub fn walk(&self, db: Db<'a>, direction: Direction) -> Walk<'a> {
        Walk::new(db, self, direction, Pages::below(db.meta().high_water))
    }

    /// The value of `key`, by looking at one entry after the other: right for the few small buckets that need it.
    ///
    /// # Errors
    /// At the first page on the way that cannot be read.
    pub fn get(&self, db: Db<'a>, key: &[u8]) -> Result<Option<Entry<'a>>, Flaw> {
        for entry in self.walk(db, Direction::Forward) {
            let entry = entry?;
            if entry.key == key {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }
}
