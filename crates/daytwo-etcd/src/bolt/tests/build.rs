//! Builds small bbolt files page by page, right or wrong as a test wants them.

use super::super::Map;

pub(crate) const PAGE: usize = 4096;

/// A file under construction. Pages 0 and 1 are written last.
#[derive(Debug, Clone)]
pub(crate) struct Build {
    pub(crate) page_size: usize,
    pub(crate) root: u64,
    pub(crate) freelist: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Build {
    pub(crate) fn new(pages: usize) -> Build {
        Build { page_size: PAGE, root: 2, freelist: u64::MAX, bytes: vec![0; pages * PAGE] }
    }

    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn header(&mut self, id: usize, flags: u16, count: u16, overflow: u32) {
        let header = header(id as u64, flags, count, overflow);
        self.put(id * self.page_size, &header);
    }

    /// Entries of key, value, and whether it is a bucket.
    pub(crate) fn leaf(&mut self, id: usize, entries: &[(&[u8], &[u8], bool)]) {
        let leaf = leaf(id as u64, entries);
        let overflow = leaf.len().div_ceil(self.page_size) - 1;
        self.put(id * self.page_size, &leaf);
        self.header(id, 2, entries.len().try_into().unwrap(), overflow.try_into().unwrap());
    }

    pub(crate) fn branch(&mut self, id: usize, children: &[(&[u8], u64)]) {
        let mut bytes = header(id as u64, 1, children.len().try_into().unwrap(), 0);
        let mut pos = 16 * children.len();
        for (index, (key, page)) in children.iter().enumerate() {
            bytes.extend(u32::try_from(pos - 16 * index).unwrap().to_le_bytes());
            bytes.extend(u32::try_from(key.len()).unwrap().to_le_bytes());
            bytes.extend(page.to_le_bytes());
            pos += key.len();
        }
        children.iter().for_each(|(key, _)| bytes.extend(*key));
        self.put(id * self.page_size, &bytes);
    }

    /// Writes both meta pages and gives the file.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        for number in [0, 1] {
            self.meta(number, 10 + (1 - number as u64));
        }
        self.bytes
    }

    pub(crate) fn meta(&mut self, number: usize, txid: u64) {
        let mut meta = Vec::new();
        meta.extend(0xED0C_DAED_u32.to_le_bytes());
        meta.extend(2_u32.to_le_bytes());
        meta.extend(u32::try_from(self.page_size).unwrap().to_le_bytes());
        meta.extend(0_u32.to_le_bytes());
        for field in [self.root, 0, self.freelist, (self.bytes.len() / self.page_size) as u64, txid] {
            meta.extend(field.to_le_bytes());
        }
        let sum = meta.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        meta.extend(sum.to_le_bytes());
        self.header(number, 4, 0, 0);
        self.put(number * self.page_size + 16, &meta);
    }

    pub(crate) fn map(self) -> Map {
        Map::from(self.finish())
    }
}

fn header(id: u64, flags: u16, count: u16, overflow: u32) -> Vec<u8> {
    let mut bytes = id.to_le_bytes().to_vec();
    bytes.extend(flags.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(overflow.to_le_bytes());
    bytes
}

fn leaf(id: u64, entries: &[(&[u8], &[u8], bool)]) -> Vec<u8> {
    let mut bytes = header(id, 2, entries.len().try_into().unwrap(), 0);
    let mut pos = 16 * entries.len();
    for (index, (key, value, is_bucket)) in entries.iter().enumerate() {
        bytes.extend(u32::from(*is_bucket).to_le_bytes());
        for number in [pos - 16 * index, key.len(), value.len()] {
            bytes.extend(u32::try_from(number).unwrap().to_le_bytes());
        }
        pos += key.len() + value.len();
    }
    for (key, value, _) in entries {
        bytes.extend(*key);
        bytes.extend(*value);
    }
    bytes
}

/// A bucket's value, its entries beside it on a page of their own.
pub(crate) fn bucket(root: u64) -> Vec<u8> {
    let mut value = root.to_le_bytes().to_vec();
    value.extend(0_u64.to_le_bytes());
    value
}

/// A bucket's value with its entries in it.
pub(crate) fn inline(entries: &[(&[u8], &[u8], bool)]) -> Vec<u8> {
    let mut value = bucket(0);
    value.extend(leaf(0, entries));
    value
}
