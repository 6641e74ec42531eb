//! Writes bbolt's pages: leaves, branches, inline buckets and both meta pages, behind the pages of a file or into a new one.
//!
//! Copy-on-write as bbolt does it: a page that is in use is never changed, new ones go behind the last, and the meta pages
//! say which root counts. What it refuses to do: keep a list of free pages. etcd stores none and finds them when it opens
//! the file; a list that the file had is said to be gone.
//!
//! Source of the format: go.etcd.io/bbolt v1.4.3, `internal/common/{page,meta,bucket}.go`, `node.go`, `tx.go` (WriteTo).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::Db;
use super::meta::{FLAG, MAGIC, NO_FREELIST, SUMMED, VERSION, fnv1a};
use super::page::HEADER;

/// Bytes of each element of a branch or a leaf, and of a bucket's header.
const ELEMENT: usize = 16;
const BRANCH: u16 = 1;
const LEAF: u16 = 2;
/// Pages are gathered up to here before they are written.
const BUFFER: usize = 4 << 20;
/// A page counts its elements in 16 bits, of which bbolt leaves the highest value to itself.
pub(super) const MOST_ELEMENTS: usize = 0xFFFE;

/// A key and its value, or a bucket and its header, on the way into a leaf.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value; of a bucket its header.
    pub value: &'a [u8],
    /// Whether it is a bucket.
    pub is_bucket: bool,
}

impl Item<'_> {
    /// The bytes it takes in a leaf.
    pub(super) fn size(&self) -> usize {
        ELEMENT + self.key.len() + self.value.len()
    }
}

/// Pages on the way behind the last one of a file.
pub struct Appender<'f> {
    file: &'f File,
    page_size: usize,
    /// The id the next page gets.
    next: u64,
    buffer: Vec<u8>,
    /// Called with how far the file is written each time some of it is.
    written: Option<&'f dyn Fn(u64)>,
}

impl<'f> Appender<'f> {
    /// Appends pages of `page_size` bytes to `file`, the first of which is page `next`.
    pub fn new(file: &'f File, page_size: u32, next: u64) -> Appender<'f> {
        let page_size = usize::try_from(page_size).expect("invariant: a page is at most 16 MiB");
        Appender { file, page_size, next, buffer: Vec::new(), written: None }
    }

    /// Tells `written` how far the file is written, whenever that grew.
    #[must_use]
    pub fn telling(mut self, written: &'f dyn Fn(u64)) -> Appender<'f> {
        self.written = Some(written);
        self
    }

    pub(super) fn page_size(&self) -> usize {
        self.page_size
    }

    /// Appends a leaf, with as many overflow pages as it needs; gives its id.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn leaf(&mut self, items: &[Item<'_>]) -> io::Result<u64> {
        let id = self.next;
        let start = self.begin();
        put_leaf(&mut self.buffer, id, items)?;
        self.end(start)?;
        Ok(id)
    }

    /// Appends a branch to `children`, each by the lowest key below it; gives its id.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn branch(&mut self, children: &[(&[u8], u64)]) -> io::Result<u64> {
        let id = self.next;
        let start = self.begin();
        header(&mut self.buffer, id, BRANCH, children.len())?;
        let mut pos = children.len() * ELEMENT;
        for (index, (key, page)) in children.iter().enumerate() {
            self.buffer.extend(number32(pos - index * ELEMENT)?.to_le_bytes());
            self.buffer.extend(number32(key.len())?.to_le_bytes());
            self.buffer.extend(page.to_le_bytes());
            pos += key.len();
        }
        children.iter().for_each(|(key, _)| self.buffer.extend_from_slice(key));
        self.end(start)?;
        Ok(id)
    }

    /// Writes what is left and gives the number of pages.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> io::Result<u64> {
        self.flush()?;
        Ok(self.next)
    }

    fn begin(&self) -> usize {
        self.buffer.len()
    }

    /// Fills up the page that begins at `start` in the buffer and counts its overflow.
    fn end(&mut self, start: usize) -> io::Result<()> {
        let pages = (self.buffer.len() - start).div_ceil(self.page_size);
        self.buffer.resize(start + pages * self.page_size, 0);
        let overflow = number32(pages - 1)?;
        self.buffer[start + 12..start + HEADER].copy_from_slice(&overflow.to_le_bytes());
        self.next += pages as u64;
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let end = self.next * self.page_size as u64;
        self.file.write_all_at(&self.buffer, end - self.buffer.len() as u64)?;
        self.buffer.clear();
        if let Some(written) = self.written {
            written(end);
        }
        Ok(())
    }
}

/// A bucket's value: its header, and its only leaf where it is small, as bbolt keeps small buckets (`Bucket.inlineable`).
/// `None` if it is not small.
///
/// # Errors
/// If it has more than a page can.
pub fn inline(items: &[Item<'_>], sequence: u64, page_size: usize) -> io::Result<Option<Vec<u8>>> {
    let size = HEADER + items.iter().map(Item::size).sum::<usize>();
    if size > page_size / 4 || items.iter().any(|item| item.is_bucket) {
        return Ok(None);
    }
    let mut value = bucket(0, sequence);
    put_leaf(&mut value, 0, items)?;
    Ok(Some(value))
}

/// A bucket's value: its header.
pub fn bucket(root: u64, sequence: u64) -> Vec<u8> {
    [root.to_le_bytes(), sequence.to_le_bytes()].concat()
}

/// Writes both meta pages, as bbolt writes those of a copy: both point to the new root, so that a file of which one is
/// damaged does not fall back to what it was.
///
/// # Errors
/// If they cannot be written.
pub fn metas(file: &File, db: &Db<'_>, root: u64, high_water: u64) -> io::Result<()> {
    let old = db.meta();
    let page_size = usize::try_from(old.page_size).expect("invariant: a page is at most 16 MiB");
    // Even, so that the first page has the newer one and the next transaction takes the second.
    let txid = (old.txid + 2) & !1;
    for (number, txid) in [(0, txid), (1, txid - 1)] {
        let mut page = Vec::with_capacity(page_size);
        header(&mut page, number, FLAG, 0)?;
        page.extend(MAGIC.to_le_bytes());
        page.extend(VERSION.to_le_bytes());
        page.extend(old.page_size.to_le_bytes());
        page.extend(0_u32.to_le_bytes());
        for field in [root, 0, NO_FREELIST, high_water, txid] {
            page.extend(field.to_le_bytes());
        }
        let sum = fnv1a(&page[HEADER..HEADER + SUMMED]);
        page.extend(sum.to_le_bytes());
        page.resize(page_size, 0);
        file.write_all_at(&page, number * u64::from(old.page_size))?;
    }
    Ok(())
}

fn put_leaf(out: &mut Vec<u8>, id: u64, items: &[Item<'_>]) -> io::Result<()> {
    header(out, id, LEAF, items.len())?;
    let mut pos = items.len() * ELEMENT;
    for (index, item) in items.iter().enumerate() {
        out.extend(u32::from(item.is_bucket).to_le_bytes());
        out.extend(number32(pos - index * ELEMENT)?.to_le_bytes());
        out.extend(number32(item.key.len())?.to_le_bytes());
        out.extend(number32(item.value.len())?.to_le_bytes());
        pos += item.key.len() + item.value.len();
    }
    for item in items {
        out.extend_from_slice(item.key);
        out.extend_from_slice(item.value);
    }
    Ok(())
}

fn header(out: &mut Vec<u8>, id: u64, flags: u16, count: usize) -> io::Result<()> {
    if count > MOST_ELEMENTS {
        return Err(io::Error::other(format!("{count} elements are more than a page can count")));
    }
    out.extend(id.to_le_bytes());
    out.extend(flags.to_le_bytes());
    out.extend(u16::try_from(count).expect("invariant: counted above").to_le_bytes());
    out.extend(0_u32.to_le_bytes());
    Ok(())
}

fn number32(number: usize) -> io::Result<u32> {
    u32::try_from(number).map_err(|_| io::Error::other("a page of more than 4 GiB"))
}
