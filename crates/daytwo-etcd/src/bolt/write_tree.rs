//! Builds whole trees out of items in order, and puts an item behind the last one of a tree that is there.

use std::io;

use super::page::{HEADER, Kind};
use super::write::{Appender, Item, MOST_ELEMENTS, bucket, inline};
use super::{Bucket, DEPTH, Db, Flaw, Page};
use crate::Error;

/// How full pages of a bulk load get, in percent: as etcd's defragmentation fills them.
const FILL: usize = 90;

/// A tree under construction: leaves are appended as they fill, branches at the end.
pub struct Tree<'a, 'p, 'f> {
    pages: &'p mut Appender<'f>,
    items: Vec<Item<'a>>,
    size: usize,
    /// The leaves so far, each by its first key.
    leaves: Vec<(&'a [u8], u64)>,
}

impl<'a, 'p, 'f> Tree<'a, 'p, 'f> {
    /// An empty tree whose pages go to `pages`.
    pub fn new(pages: &'p mut Appender<'f>) -> Tree<'a, 'p, 'f> {
        Tree { pages, items: Vec::new(), size: HEADER, leaves: Vec::new() }
    }

    /// Adds the item that follows in order.
    ///
    /// # Errors
    /// If a page cannot be written.
    pub fn push(&mut self, item: Item<'a>) -> io::Result<()> {
        let full = self.size + item.size() > self.pages.page_size() * FILL / 100;
        if (full || self.items.len() == MOST_ELEMENTS) && !self.items.is_empty() {
            self.leaf()?;
        }
        self.size += item.size();
        self.items.push(item);
        Ok(())
    }

    /// Ends the tree and gives its root.
    ///
    /// # Errors
    /// If a page cannot be written.
    pub fn finish(mut self) -> io::Result<u64> {
        if !self.items.is_empty() || self.leaves.is_empty() {
            self.leaf()?;
        }
        let mut level = self.leaves;
        while level.len() > 1 {
            let mut above = Vec::new();
            for children in branches(&level, self.pages.page_size()) {
                above.push((children[0].0, self.pages.branch(children)?));
            }
            level = above;
        }
        Ok(level[0].1)
    }

    /// Ends a small bucket without a page of its own; gives the bucket's value.
    ///
    /// # Errors
    /// If a page cannot be written.
    pub fn finish_bucket(self, sequence: u64) -> io::Result<Vec<u8>> {
        if self.leaves.is_empty()
            && let Some(value) = inline(&self.items, sequence, self.pages.page_size())?
        {
            return Ok(value);
        }
        Ok(bucket(self.finish()?, sequence))
    }

    fn leaf(&mut self) -> io::Result<()> {
        let first = self.items.first().map_or([].as_slice(), |item| item.key);
        self.leaves.push((first, self.pages.leaf(&self.items)?));
        self.items.clear();
        self.size = HEADER;
        Ok(())
    }
}

/// Splits children into branches that fit a page, none of them with a single child: at least two each, however long the
/// keys are.
fn branches<'l, 'a>(level: &'l [(&'a [u8], u64)], page_size: usize) -> Vec<&'l [(&'a [u8], u64)]> {
    let mut found = Vec::new();
    let mut rest = level;
    while !rest.is_empty() {
        let mut size = HEADER;
        let fits = rest.iter().take(MOST_ELEMENTS).take_while(|(key, _)| {
            size += 16 + key.len();
            size <= page_size * FILL / 100
        });
        let mut count = fits.count().max(2).min(rest.len());
        // One that would be left alone stays with the others.
        if rest.len() - count == 1 {
            count = if count > 2 { count - 1 } else { count + 1 };
        }
        let (children, after) = rest.split_at(count);
        found.push(children);
        rest = after;
    }
    found
}

/// The value of `old` with `item` behind its last one: copies of the branches that lead there, and a leaf for the item.
///
/// # Errors
/// If a page on the way cannot be read, or one cannot be written (as `failed` makes it).
pub fn append(
    db: &Db<'_>,
    pages: &mut Appender<'_>,
    old: &Bucket<'_>,
    item: Item<'_>,
    failed: impl Fn(io::Error) -> Error + Copy,
) -> Result<u64, Error> {
    let leaf = pages.leaf(&[item]).map_err(failed)?;
    let Some(root) = old.page() else {
        let flaw =
            Flaw { place: db.place(0, 0), what: "an inline bucket has no page to append to".to_owned() };
        return Err(flaw.into());
    };
    let mut path = vec![db.page(root)?];
    while let Some(page) = path.last().copied().filter(|page| page.kind == Kind::Branch) {
        if path.len() >= DEPTH {
            return Err(page.flaw(format!("pages are nested deeper than {DEPTH}")).into());
        }
        path.push(db.page(page.branch(usize::from(page.count) - 1)?.page)?);
    }
    let last = path.pop().filter(|page| page.kind == Kind::Leaf);
    let last = last.ok_or_else(|| {
        db.page(root).map_or_else(|flaw| flaw, |page| page.flaw("it ends in no leaf".to_owned()))
    })?;
    if path.is_empty() {
        // The leaf was the whole tree.
        if last.count == 0 {
            return Ok(leaf);
        }
        let children = [(last.leaf(0)?.key, root), (item.key, leaf)];
        return pages.branch(&children).map_err(failed);
    }
    let mut child = None;
    while let Some(page) = path.pop() {
        let mut children = elements(&page)?;
        match (child, children.last_mut()) {
            (Some(id), Some(last)) => last.1 = id,
            _ => children.push((item.key, leaf)),
        }
        child = Some(pages.branch(&children).map_err(failed)?);
    }
    Ok(child.unwrap_or(leaf))
}

fn elements<'a>(page: &Page<'a>) -> Result<Vec<(&'a [u8], u64)>, Flaw> {
    let elements = (0..usize::from(page.count)).map(|index| page.branch(index));
    elements.map(|element| element.map(|element| (element.key, element.page))).collect()
}
