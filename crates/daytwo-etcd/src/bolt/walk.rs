//! Goes over a bucket's entries, from either end, one leaf after the other.
//!
//! Each page is visited at most once and the depth is bounded, so that a walk ends on any file. What it does not look at:
//! the order of keys, and pages that lead nowhere; [`super::check`] does.

use super::bucket::Root;
use super::page::Kind;
use super::{Bucket, DEPTH, Db, Flaw, Leaf, Page, Pages, Place};

/// From which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// In the order of keys.
    Forward,
    /// Against it.
    Backward,
}

/// One entry of a bucket.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value; of a bucket its header.
    pub value: &'a [u8],
    /// Whether it is a bucket.
    pub is_bucket: bool,
    /// Where it stands.
    pub place: Place,
}

impl<'a> Entry<'a> {
    /// The bucket it is.
    ///
    /// # Errors
    /// If it is none, or its header cannot be one.
    pub fn bucket(&self) -> Result<Bucket<'a>, Flaw> {
        match self.is_bucket {
            true => Bucket::of(self.value, self.place),
            false => Err(self.flaw("a value stands where a bucket was expected")),
        }
    }

    /// That something is wrong with it.
    pub fn flaw(&self, what: impl Into<String>) -> Flaw {
        Flaw { place: self.place, what: what.into() }
    }
}

impl<'a> From<Leaf<'a>> for Entry<'a> {
    fn from(Leaf { key, value, is_bucket, place }: Leaf<'a>) -> Entry<'a> {
        Entry { key, value, is_bucket, place }
    }
}

/// A walk under way. It ends after the first error.
#[derive(Debug)]
pub struct Walk<'a> {
    db: Db<'a>,
    direction: Direction,
    /// The pages from the root to where it is, each with the number of elements that were taken.
    stack: Vec<(Page<'a>, usize)>,
    seen: Pages,
    failed: Option<Flaw>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(db: Db<'a>, bucket: &Bucket<'a>, direction: Direction, seen: Pages) -> Walk<'a> {
        let mut walk = Walk { db, direction, stack: Vec::new(), seen, failed: None };
        match bucket.root {
            Root::Inline(page) => match page.holds_apart() {
                Ok(()) => walk.stack.push((page, 0)),
                Err(flaw) => walk.failed = Some(flaw),
            },
            Root::Page(id) => walk.failed = walk.enter(id).err(),
        }
        walk
    }

    fn enter(&mut self, id: u64) -> Result<(), Flaw> {
        let page = self.db.page(id)?;
        if self.stack.len() >= DEPTH {
            return Err(page.flaw(format!("pages are nested deeper than {DEPTH}")));
        }
        if page.kind == Kind::Freelist {
            return Err(page.flaw("the freelist stands where a branch or a leaf was expected".to_owned()));
        }
        page.holds_apart()?;
        self.seen.add(id, page.pages()).map_err(|id| page.flaw(format!("page {id} was met before")))?;
        self.stack.push((page, 0));
        Ok(())
    }

    fn step(&mut self) -> Result<Option<Entry<'a>>, Flaw> {
        if let Some(flaw) = self.failed.take() {
            return Err(flaw);
        }
        while let Some((page, taken)) = self.stack.last_mut() {
            let (page, count) = (*page, usize::from(page.count));
            if *taken == count {
                self.stack.pop();
                continue;
            }
            let index = match self.direction {
                Direction::Forward => *taken,
                Direction::Backward => count - 1 - *taken,
            };
            *taken += 1;
            match page.kind {
                Kind::Leaf => return page.leaf(index).map(|leaf| Some(leaf.into())),
                _ => self.enter(page.branch(index)?.page)?,
            }
        }
        Ok(None)
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Entry<'a>, Flaw>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.stack.clear();
        }
        step.transpose()
    }
}
