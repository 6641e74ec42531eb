//! Pages: a header, then a table of elements, then what these point to. Views only; nothing is copied.

use super::{Db, Flaw, Place};

/// The bytes of a page's header: id u64, flags u16, count u16, overflow u32.
pub(super) const HEADER: usize = 16;
/// The bytes of each element of a branch (pos u32, ksize u32, pgid u64) and of a leaf (flags, pos, ksize, vsize, all u32).
const ELEMENT: usize = 16;
/// An element of a leaf that is a bucket.
const BUCKET: u32 = 1;

/// What a page is. A meta page is not among them: see [`super::metas`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Points to further pages.
    Branch,
    /// Holds keys and values.
    Leaf,
    /// Lists the pages that are free.
    Freelist,
}

/// One page with its overflow pages, or the page inside of an inline bucket.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// What it is.
    pub kind: Kind,
    /// How many elements its header counts.
    pub count: u16,
    /// How many pages follow that belong to it.
    pub overflow: u32,
    /// Its first byte. An inline one has the number of the page around it.
    pub place: Place,
    /// Whether it lies inside of an element.
    pub is_inline: bool,
    bytes: &'a [u8],
}

/// An element of a branch.
#[derive(Debug, Clone, Copy)]
pub struct Branch<'a> {
    /// The lowest key below `page` when it was written.
    pub key: &'a [u8],
    /// Where to look for it.
    pub page: u64,
    /// Where the element itself stands.
    pub place: Place,
}

/// An element of a leaf.
#[derive(Debug, Clone, Copy)]
pub struct Leaf<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value, or a bucket's header.
    pub value: &'a [u8],
    /// Whether it is a bucket.
    pub is_bucket: bool,
    /// Where the element itself stands.
    pub place: Place,
}

impl<'a> Page<'a> {
    /// The page `id` of `db`, its header held against the file.
    pub(super) fn read(db: &Db<'a>, id: u64) -> Result<Page<'a>, Flaw> {
        let meta = db.meta();
        let place = db.place(id.min(meta.high_water), 0);
        let place = Place { page: id, ..place };
        let flaw = |what: String| Flaw { place, what };
        if !(2..meta.high_water).contains(&id) {
            return Err(flaw(format!("there is no page {id}: data pages are 2 to {}", meta.high_water - 1)));
        }
        let rest = usize::try_from(place.offset).ok().and_then(|at| db.bytes.get(at..)).unwrap_or_default();
        let found = u64_at(rest, 0).unwrap_or_default();
        if found != id {
            return Err(flaw(format!("its header says page {found}")));
        }
        let overflow = u32_at(rest, 12).unwrap_or_default();
        let pages = u64::from(overflow) + 1;
        if pages > meta.high_water - id {
            return Err(flaw(format!(
                "{overflow} overflow pages would reach beyond page {}",
                meta.high_water - 1
            )));
        }
        let size = pages.checked_mul(u64::from(meta.page_size)).and_then(|size| usize::try_from(size).ok());
        let bytes = size.and_then(|size| rest.get(..size)).unwrap_or_default();
        Page::of(bytes, place, overflow, false)
    }

    /// The leaf inside of an inline bucket's value, which begins at `place`.
    pub(super) fn inline(bytes: &'a [u8], place: Place) -> Result<Page<'a>, Flaw> {
        let page = Page::of(bytes, place, 0, true)?;
        match page.kind {
            Kind::Leaf => Ok(page),
            kind => Err(page.flaw(format!("an inline bucket cannot be a {kind:?}").to_lowercase())),
        }
    }

    fn of(bytes: &'a [u8], place: Place, overflow: u32, is_inline: bool) -> Result<Page<'a>, Flaw> {
        let flaw = |what: String| Flaw { place, what };
        let header = bytes.first_chunk::<HEADER>().map(|header| (u16_at(header, 8), u16_at(header, 10)));
        let Some((Some(flags), Some(count))) = header else {
            return Err(flaw(format!("{} bytes are too few for a page's header", bytes.len())));
        };
        let kind = match flags {
            1 => Kind::Branch,
            2 => Kind::Leaf,
            16 => Kind::Freelist,
            _ => return Err(flaw(format!("flags {flags:#06x} are no kind of data page"))),
        };
        let page = Page { kind, count, overflow, place, is_inline, bytes };
        match kind {
            Kind::Branch | Kind::Leaf if bytes.len() < page.elements_end() => {
                Err(flaw(format!("{count} elements do not fit into {} bytes", bytes.len())))
            }
            Kind::Branch if count == 0 => Err(flaw("a branch without elements".to_owned())),
            _ => Ok(page),
        }
    }

    /// The bytes of it and its overflow pages, header included.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many pages it takes.
    pub fn pages(&self) -> u64 {
        u64::from(self.overflow) + 1
    }

    /// That what its elements point to fits behind its table: elements that share bytes would let a small page stand for
    /// any amount of keys and values.
    ///
    /// # Errors
    /// If it does not.
    pub(super) fn holds_apart(&self) -> Result<(), Flaw> {
        let mut held = 0_u64;
        for index in 0..usize::from(self.count) {
            let number = |at| {
                self.bytes
                    .get(HEADER + index * ELEMENT..)
                    .and_then(|from| u32_at(from, at))
                    .unwrap_or_default()
            };
            held += match self.kind {
                Kind::Branch => u64::from(number(4)),
                Kind::Leaf => u64::from(number(8)) + u64::from(number(12)),
                Kind::Freelist => 0,
            };
        }
        match held > (self.bytes.len() - self.elements_end()) as u64 {
            true if self.kind != Kind::Freelist => {
                Err(self.flaw(format!("its elements point to {held} bytes, which it has not")))
            }
            _ => Ok(()),
        }
    }

    /// Element `index` of a branch.
    ///
    /// # Errors
    /// If there is none, or what it points to is outside of the page.
    pub fn branch(&self, index: usize) -> Result<Branch<'a>, Flaw> {
        let (at, element) = self.element(index, Kind::Branch)?;
        let number = |at| u32_at(element, at).unwrap_or_default();
        let key = self.slice(at, number(0), number(4)).ok_or_else(|| self.outside(at))?;
        Ok(Branch { key, page: u64_at(element, 8).unwrap_or_default(), place: self.within(at) })
    }

    /// Element `index` of a leaf.
    ///
    /// # Errors
    /// As [`Page::branch`], and if it has flags that are not known.
    pub fn leaf(&self, index: usize) -> Result<Leaf<'a>, Flaw> {
        let (at, element) = self.element(index, Kind::Leaf)?;
        let number = |at| u32_at(element, at).unwrap_or_default();
        let (flags, pos, key_size, value_size) = (number(0), number(4), number(8), number(12));
        if flags > BUCKET {
            return Err(self.flaw_at(at, format!("flags {flags:#x} are not known of an element")));
        }
        let both = key_size.checked_add(value_size).and_then(|both| self.slice(at, pos, both));
        let size = usize::try_from(key_size).ok();
        let (key, value) = both
            .zip(size)
            .and_then(|(both, size)| both.split_at_checked(size))
            .ok_or_else(|| self.outside(at))?;
        Ok(Leaf { key, value, is_bucket: flags == BUCKET, place: self.within(at) })
    }

    /// Element `index`, and where it begins in the page.
    fn element(&self, index: usize, kind: Kind) -> Result<(usize, &'a [u8]), Flaw> {
        if self.kind != kind || index >= usize::from(self.count) {
            return Err(self.flaw(format!("no {kind:?} with an element {index}")));
        }
        let at = HEADER + index * ELEMENT;
        Ok((at, self.bytes.get(at..at + ELEMENT).unwrap_or_default()))
    }

    /// `size` bytes at `pos`, which counts from the element; they must lie behind all elements.
    fn slice(&self, element: usize, pos: u32, size: u32) -> Option<&'a [u8]> {
        let start = element.checked_add(usize::try_from(pos).ok()?)?;
        let end = start.checked_add(usize::try_from(size).ok()?)?;
        (start >= self.elements_end()).then(|| self.bytes.get(start..end)).flatten()
    }

    /// The bytes of the header and of all elements.
    pub(super) fn elements_end(&self) -> usize {
        HEADER + usize::from(self.count) * ELEMENT
    }

    fn within(&self, at: usize) -> Place {
        Place { offset: self.place.offset + at as u64, ..self.place }
    }

    fn outside(&self, at: usize) -> Flaw {
        self.flaw_at(at, "an element points out of its page, or into its table".to_owned())
    }

    fn flaw_at(&self, at: usize, what: String) -> Flaw {
        Flaw { place: self.within(at), what }
    }

    pub(super) fn flaw(&self, what: String) -> Flaw {
        Flaw { place: self.place, what }
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
