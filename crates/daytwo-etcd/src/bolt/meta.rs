//! The two meta pages, of which the valid one with the higher transaction counts.
//!
//! The page size comes from here, never from the machine: files of 16 and 64 KiB pages exist.

use super::page::{HEADER, u16_at, u32_at, u64_at};
use super::{Flaw, Place};

pub(super) const MAGIC: u32 = 0xED0C_DAED;
pub(super) const VERSION: u32 = 2;
/// In the header of a meta page.
pub(super) const FLAG: u16 = 4;
/// Stands for "no freelist is stored", as in etcd's files.
pub(super) const NO_FREELIST: u64 = u64::MAX;
/// What the checksum covers.
pub(super) const SUMMED: usize = 56;
/// bbolt looks for the second meta page at 1 KiB, 2 KiB, up to 16 MiB (`db.go`, `getPageSizeFromSecondMeta`).
const SMALLEST: u32 = 1024;
const LARGEST: u32 = SMALLEST << 14;

/// What a meta page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// On which of the two pages it stands: 0 or 1.
    pub number: u64,
    /// Bytes of each page: a power of two from 1 KiB to 16 MiB.
    pub page_size: u32,
    /// The first page of the bucket of buckets.
    pub root: u64,
    /// Its freelist's page, where one is stored. etcd stores none.
    pub freelist: Option<u64>,
    /// The number of pages: ids are below it.
    pub high_water: u64,
    /// The transaction that wrote it.
    pub txid: u64,
}

impl Meta {
    /// The valid meta page with the higher transaction.
    ///
    /// # Errors
    /// If neither is valid, as the first one's flaw.
    pub fn newest(bytes: &[u8]) -> Result<Meta, Flaw> {
        match metas(bytes) {
            [Ok(first), Ok(second)] => Ok(if second.txid > first.txid { second } else { first }),
            [Ok(one), Err(_)] | [Err(_), Ok(one)] => Ok(one),
            [Err(mut first), Err(second)] => {
                first.what = format!("neither meta page is valid: {}; {second}", first.what);
                Err(first)
            }
        }
    }

    /// The bytes of all pages.
    pub fn size(&self) -> Option<u64> {
        self.high_water.checked_mul(u64::from(self.page_size))
    }

    pub(super) fn flaw(&self, what: String) -> Flaw {
        let offset = self.number * u64::from(self.page_size);
        Flaw { place: Place { page: self.number, offset }, what }
    }

    /// Reads meta page `number`, which begins at `offset`.
    fn read(bytes: &[u8], number: u64, offset: u64) -> Result<Meta, Flaw> {
        let flaw = |what: String| Flaw { place: Place { page: number, offset }, what };
        let short = || flaw(format!("the file ends after {} bytes, within this meta page", bytes.len()));
        let page = usize::try_from(offset).ok().and_then(|at| bytes.get(at..)).ok_or_else(short)?;
        let body = page.get(HEADER..).ok_or_else(short)?;
        let number32 = |at| u32_at(body, at).ok_or_else(short);
        let number64 = |at| u64_at(body, at).ok_or_else(short);

        let (magic, version) = (number32(0)?, number32(4)?);
        if magic != MAGIC {
            return Err(flaw(format!("{magic:#010x} stands where a meta page has {MAGIC:#010x}")));
        }
        if version != VERSION {
            return Err(flaw(format!("version {version} is not known, only {VERSION} is")));
        }
        let summed = fnv1a(body.get(..SUMMED).ok_or_else(short)?);
        let checksum = number64(SUMMED)?;
        if checksum != summed {
            return Err(flaw(format!(
                "the checksum of this meta page is {summed:#018x}, {checksum:#018x} is stored"
            )));
        }
        let freelist = number64(32)?;
        let meta = Meta {
            number,
            page_size: number32(8)?,
            root: number64(16)?,
            freelist: (freelist != NO_FREELIST).then_some(freelist),
            high_water: number64(40)?,
            txid: number64(48)?,
        };
        meta.sane(page).map_err(flaw)?;
        Ok(meta)
    }

    /// What a valid checksum does not say: that its numbers can be.
    fn sane(&self, page: &[u8]) -> Result<(), String> {
        let Meta { number, page_size, root, freelist, high_water, .. } = *self;
        if !page_size.is_power_of_two() || !(SMALLEST..=LARGEST).contains(&page_size) {
            return Err(format!("{page_size} bytes cannot be the size of a page"));
        }
        let inside = 2..high_water;
        if !inside.contains(&root) {
            return Err(format!("page {root} is said to be the root of {high_water} pages"));
        }
        if let Some(freelist) = freelist.filter(|id| !inside.contains(id)) {
            return Err(format!("page {freelist} is said to be the freelist of {high_water} pages"));
        }
        let (id, flags) = (u64_at(page, 0), u16_at(page, 8));
        if id != Some(number) || flags != Some(FLAG) {
            return Err("the header of this page is not that of a meta page".to_owned());
        }
        Ok(())
    }
}

/// Both meta pages, as far as each is valid. Where the first is not, the second is looked for at every size that a page
/// can have.
pub fn metas(bytes: &[u8]) -> [Result<Meta, Flaw>; 2] {
    let first = Meta::read(bytes, 0, 0);
    let second = match &first {
        Ok(first) => {
            let second = Meta::read(bytes, 1, u64::from(first.page_size));
            second.and_then(|second| match second.page_size == first.page_size {
                true => Ok(second),
                false => Err(second.flaw(format!(
                    "pages of {} bytes here, of {} bytes by the first meta page",
                    second.page_size, first.page_size
                ))),
            })
        }
        Err(_) => {
            let tries =
                (0..=14).map(|shift| SMALLEST << shift).map(|size| (size, Meta::read(bytes, 1, size.into())));
            let mut found =
                tries.filter(|(size, read)| read.as_ref().is_ok_and(|meta| meta.page_size == *size));
            found.next().map_or_else(|| Meta::read(bytes, 1, 4096), |(_, read)| read)
        }
    };
    [first, second]
}

/// FNV-1a of 64 bits, as in Go's `hash/fnv`.
pub(super) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
