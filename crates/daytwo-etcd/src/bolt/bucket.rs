//! Buckets: trees of their own, or a single leaf inside of the element that names them.

use super::page::{Kind, u64_at};
use super::{DEPTH, Db, Direction, Entry, Flaw, Page, Pages, Place, Walk};

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

    /// The entry of `key`, by halves: from the root to the one leaf that can have it. What is out of order in the file is
    /// not found; [`super::check`] says so.
    ///
    /// # Errors
    /// At the first page on the way that cannot be read.
    pub fn get(&self, db: Db<'a>, key: &[u8]) -> Result<Option<Entry<'a>>, Flaw> {
        let mut page = match self.root {
            Root::Inline(page) => page,
            Root::Page(id) => db.page(id)?,
        };
        for _ in 0..DEPTH {
            let count = usize::from(page.count);
            match page.kind {
                Kind::Branch => {
                    // The last child whose lowest key is not above; keys below all of them are in the first, if anywhere.
                    let above = first(count, |index| Ok(page.branch(index)?.key > key))?;
                    page = db.page(page.branch(above.saturating_sub(1))?.page)?;
                }
                Kind::Leaf => {
                    let at = first(count, |index| Ok(page.leaf(index)?.key >= key))?;
                    if at == count {
                        return Ok(None);
                    }
                    let leaf = page.leaf(at)?;
                    return Ok((leaf.key == key).then(|| leaf.into()));
                }
                Kind::Freelist => {
                    return Err(
                        page.flaw("the freelist stands where a branch or a leaf was expected".to_owned())
                    );
                }
            }
        }
        Err(page.flaw(format!("pages are nested deeper than {DEPTH}")))
    }
}

/// The first of `count` for which `holds`, which holds for all after it; `count` if there is none.
fn first(count: usize, holds: impl Fn(usize) -> Result<bool, Flaw>) -> Result<usize, Flaw> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle)? { high = middle } else { low = middle + 1 }
    }
    Ok(low)
}
