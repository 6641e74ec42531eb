//! Holds a whole file against what bbolt promises of it, in one pass that also shows every entry.
//!
//! What bbolt's own check does (`tx_check.go`: every page reached once or free, keys in order and within what the parent
//! says) and more: no element points out of its page or into the table of elements, inline buckets are looked into, loops
//! end. It tries to go on after a flaw, so that one damaged page does not hide the next.

use super::bucket::Root;
use super::page::Kind;
use super::{Bucket, DEPTH, Db, Entry, Flaw, Page, Pages, freelist};

/// Sees what a check comes across.
pub trait Visit<'a> {
    /// A bucket begins, which `entry` names; `path` are the names from the top down to it. Its entries follow, in order.
    ///
    /// # Errors
    /// [`Stop`] ends the check.
    fn bucket(&mut self, path: &[&'a [u8]], entry: &Entry<'a>) -> Result<(), Stop>;

    /// An entry of the bucket `path`, which is no bucket itself.
    ///
    /// # Errors
    /// [`Stop`] ends the check.
    fn entry(&mut self, path: &[&'a [u8]], entry: &Entry<'a>) -> Result<(), Stop>;

    /// Something is wrong.
    ///
    /// # Errors
    /// [`Stop`] ends the check.
    fn flaw(&mut self, flaw: Flaw) -> Result<(), Stop>;
}

/// Ends a check before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop;

/// What the pages of a file are used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// All pages, the two meta pages included.
    pub pages: u64,
    /// Pages with keys of other pages.
    pub branch: u64,
    /// Pages with entries.
    pub leaf: u64,
    /// Pages that belong to the page before them, of all kinds.
    pub overflow: u64,
    /// Pages that the freelist takes. etcd stores none.
    pub freelist: u64,
    /// Pages that are free.
    pub free: u64,
    /// Bytes of branch and leaf pages that hold something; the rest of these pages is slack.
    pub filled: u64,
}

/// Checks `db` and shows `visit` everything on the way. What it does not look at are the two meta pages, of which one
/// is enough: see [`super::metas`].
///
/// # Errors
/// [`Stop`] as soon as `visit` asks for it.
pub fn check<'a>(db: Db<'a>, visit: &mut dyn Visit<'a>) -> Result<Usage, Stop> {
    let high_water = db.meta().high_water;
    let mut reached = Pages::below(high_water);
    reached.add(0, 2).expect("invariant: a file has more than its two meta pages");
    let mut usage = Usage { pages: high_water, ..Usage::default() };
    let free = match freelist(db) {
        Ok(None) => None,
        Ok(Some(list)) => {
            reached
                .add(list.page, list.pages)
                .expect("invariant: its page was read, and nothing else was reached");
            usage.freelist = list.pages;
            Some(list.free)
        }
        Err(flaw) => {
            visit.flaw(flaw)?;
            None
        }
    };
    let mut check = Check { db, visit, reached, free, usage, path: Vec::new() };
    check.bucket(&db.root(), 0)?;
    check.lost()
}

struct Check<'a, 'v> {
    db: Db<'a>,
    visit: &'v mut dyn Visit<'a>,
    reached: Pages,
    /// As far as one is stored.
    free: Option<Pages>,
    usage: Usage,
    path: Vec<&'a [u8]>,
}

/// Between which keys a page's must lie: from the first on, below the second.
#[derive(Clone, Copy)]
struct Bounds<'a> {
    least: Option<&'a [u8]>,
    below: Option<&'a [u8]>,
}

impl<'a> Check<'a, '_> {
    fn bucket(&mut self, bucket: &Bucket<'a>, depth: usize) -> Result<(), Stop> {
        let open = Bounds { least: None, below: None };
        match bucket.root {
            Root::Page(id) => self.page(id, open, depth),
            Root::Inline(page) => self.leaf(page, open, depth),
        }
    }

    fn page(&mut self, id: u64, bounds: Bounds<'a>, depth: usize) -> Result<(), Stop> {
        let page = match self.db.page(id) {
            Ok(page) => page,
            Err(flaw) => return self.visit.flaw(flaw),
        };
        if depth >= DEPTH {
            return self.visit.flaw(page.flaw(format!("pages are nested deeper than {DEPTH}")));
        }
        if let Err(met) = self.reached.add(id, page.pages()) {
            return self.visit.flaw(page.flaw(format!("page {met} is reached more than once")));
        }
        let free = self.free.as_ref();
        if free.is_some_and(|free| (id..id + page.pages()).any(|id| free.contains(id))) {
            self.visit.flaw(page.flaw("it is in use and in the list of free pages".to_owned()))?;
        }
        self.usage.overflow += u64::from(page.overflow);
        match page.kind {
            Kind::Branch => {
                self.usage.branch += 1;
                self.branch(page, bounds, depth)
            }
            Kind::Leaf => {
                self.usage.leaf += 1;
                self.leaf(page, bounds, depth)
            }
            Kind::Freelist => self
                .visit
                .flaw(page.flaw("a freelist stands where a branch or a leaf was expected".to_owned())),
        }
    }

    fn branch(&mut self, page: Page<'a>, bounds: Bounds<'a>, depth: usize) -> Result<(), Stop> {
        if let Err(flaw) = page.holds_apart() {
            return self.visit.flaw(flaw);
        }
        let count = usize::from(page.count);
        let mut filled = page.elements_end();
        let mut next = page.branch(0);
        let mut before = None;
        for index in 0..count {
            let element = match next {
                Ok(element) => element,
                Err(flaw) => return self.visit.flaw(flaw),
            };
            next = if index + 1 < count { page.branch(index + 1) } else { page.branch(index) };
            let flaw = |what: String| Flaw { place: element.place, what };
            if let Some(what) = misplaced(element.key, before, bounds) {
                self.visit.flaw(flaw(what))?;
            }
            before = Some(element.key);
            filled += element.key.len();
            let below = match &next {
                Ok(next) if index + 1 < count => Some(next.key),
                _ => bounds.below,
            };
            self.page(element.page, Bounds { least: Some(element.key), below }, depth + 1)?;
        }
        self.usage.filled += filled as u64;
        Ok(())
    }

    /// Buckets inside of a leaf lie inside of its bytes, and those apart: however deep they are nested, no byte is looked at
    /// more often than there are levels.
    fn leaf(&mut self, page: Page<'a>, bounds: Bounds<'a>, depth: usize) -> Result<(), Stop> {
        if let Err(flaw) = page.holds_apart() {
            return self.visit.flaw(flaw);
        }
        let mut filled = page.elements_end();
        let mut before = None;
        for index in 0..usize::from(page.count) {
            let entry: Entry<'a> = match page.leaf(index) {
                Ok(leaf) => leaf.into(),
                Err(flaw) => {
                    self.visit.flaw(flaw)?;
                    continue;
                }
            };
            if let Some(what) = misplaced(entry.key, before, bounds) {
                self.visit.flaw(entry.flaw(what))?;
            }
            before = Some(entry.key);
            filled += entry.key.len() + entry.value.len();
            if entry.is_bucket {
                self.nested(&entry, depth)?;
            } else {
                self.visit.entry(&self.path, &entry)?;
            }
        }
        if !page.is_inline {
            self.usage.filled += filled as u64;
        }
        Ok(())
    }

    fn nested(&mut self, entry: &Entry<'a>, depth: usize) -> Result<(), Stop> {
        let bucket = match entry.bucket() {
            Ok(bucket) => bucket,
            Err(flaw) => return self.visit.flaw(flaw),
        };
        if self.path.len() >= DEPTH {
            return self.visit.flaw(entry.flaw(format!("buckets are nested deeper than {DEPTH}")));
        }
        self.path.push(entry.key);
        self.visit.bucket(&self.path, entry)?;
        self.bucket(&bucket, depth + 1)?;
        self.path.pop();
        Ok(())
    }

    /// Counts the pages nothing leads to. They are free; where a list of the free is stored they have to be in it.
    fn lost(mut self) -> Result<Usage, Stop> {
        let high_water = self.db.meta().high_water;
        self.usage.free = high_water - self.reached.count();
        let Some(free) = &self.free else { return Ok(self.usage) };
        let mut lost = (2..high_water).filter(|&id| !self.reached.contains(id) && !free.contains(id));
        if let Some(first) = lost.next() {
            let what = format!("neither in use nor in the list of free pages; {} more like it", lost.count());
            self.visit.flaw(Flaw { place: self.db.place(first, 0), what })?;
        }
        Ok(self.usage)
    }
}

/// Why `key` may not stand behind `before` on a page between `bounds`.
fn misplaced(key: &[u8], before: Option<&[u8]>, bounds: Bounds<'_>) -> Option<String> {
    if before.is_some_and(|before| before >= key) {
        return Some("its key is not higher than the one before".to_owned());
    }
    if bounds.least.is_some_and(|least| key < least) {
        return Some("its key is lower than its parent says".to_owned());
    }
    if bounds.below.is_some_and(|below| key >= below) {
        return Some("its key is not lower than the next one of its parent".to_owned());
    }
    None
}
