//! gzip (RFC 1952) in members that can be compressed and read apart from each other. Any gzip reader takes the members
//! as one file.
//!
//! Every member that daytwo writes says in its header how long it is, in an extra field (FEXTRA) with the subfield
//! `D2`: 8 bytes, two little-endian `u32`, the member's bytes as stored (header and trailer included) and the bytes it
//! holds. So a reader can cut a file into members without decompressing, and fetch one of them alone. Times, names and
//! the operating system are left out of the header: the same content gives the same bytes.

mod read;

pub(crate) use self::read::GzipReader;

use crate::deflate::{Deflate, Repeat};
use libdeflater::{CompressionLvl, Compressor};

/// Bytes a member holds before it is cut at the next boundary. Larger ones compress no better: the window of deflate is
/// 32 KiB.
pub const MEMBER_TARGET: usize = 1024 * 1024;

/// Level of lists of digests, which are random for the most part.
const LIST_LEVEL: i32 = 1;

const MAGIC: [u8; 2] = [0x1f, 0x8b];
const DEFLATE: u8 = 8;
const FHCRC: u8 = 1 << 1;
const FEXTRA: u8 = 1 << 2;
const FNAME: u8 = 1 << 3;
const FCOMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0xe0;
const SUBFIELD: [u8; 2] = *b"D2";

/// Bytes of the header of a member of ours: 10, the extra field's length, the subfield's id and length, two lengths.
const OUR_HEADER: usize = 10 + 2 + 4 + 8;

/// Bytes of a trailer: CRC-32 and length of what the member holds.
const TRAILER: usize = 8;

/// Most bytes a header may have. Names and comments in it have no bound of their own.
const HEADER_LIMIT: usize = 128 * 1024;

/// The lengths that the header of a member of ours says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Bytes as stored, header and trailer included.
    pub(crate) packed: u32,
    /// Bytes it holds.
    pub(crate) raw: u32,
}

impl Sizes {
    /// Whether these can be the lengths of a member: deflate shrinks by no more than 1032, and grows by little.
    pub(crate) fn plausible(self) -> bool {
        let (packed, raw) = (u64::from(self.packed), u64::from(self.raw));
        packed >= (OUR_HEADER + TRAILER) as u64 && raw <= packed * 1032 && packed <= raw + raw / 64 + 1024
    }
}

/// What the header of a member says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemberHeader {
    /// Its own length.
    pub(crate) length: usize,
    /// Lengths of the member, if daytwo wrote it.
    pub(crate) sizes: Option<Sizes>,
}

/// Why bytes are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoHeader {
    /// They end before it does.
    Short,
    /// They are something else.
    Wrong(&'static str),
}

impl MemberHeader {
    /// Reads the header that `bytes` begin with.
    pub(crate) fn parse(bytes: &[u8]) -> Result<MemberHeader, NoHeader> {
        let fixed = bytes.len().min(MAGIC.len());
        if bytes[..fixed] != MAGIC[..fixed] {
            return Err(NoHeader::Wrong("is not gzip"));
        }
        let [_, _, method, flags, ..] = *bytes else { return Err(NoHeader::Short) };
        if method != DEFLATE || flags & RESERVED != 0 {
            return Err(NoHeader::Wrong("is gzip of a kind that nobody writes"));
        }
        let mut at = 10;
        let mut sizes = None;
        if flags & FEXTRA != 0 {
            let length = bytes.get(at..at + 2).ok_or(NoHeader::Short)?;
            let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
            let extra = bytes.get(at + 2..at + 2 + length).ok_or(NoHeader::Short)?;
            sizes = subfield(extra);
            at += 2 + length;
        }
        for flag in [FNAME, FCOMMENT] {
            if flags & flag != 0 {
                let text = bytes.get(at..).ok_or(NoHeader::Short)?;
                match memchr::memchr(0, text) {
                    Some(end) => at += end + 1,
                    None if text.len() > HEADER_LIMIT => {
                        return Err(NoHeader::Wrong("has a gzip header without end"));
                    }
                    None => return Err(NoHeader::Short),
                }
            }
        }
        if flags & FHCRC != 0 {
            at += 2;
        }
        match bytes.len() < at {
            true => Err(NoHeader::Short),
            false => Ok(MemberHeader { length: at, sizes }),
        }
    }
}

/// Our subfield among those of an extra field.
fn subfield(mut extra: &[u8]) -> Option<Sizes> {
    while let [id0, id1, len0, len1, rest @ ..] = extra {
        let length = usize::from(u16::from_le_bytes([*len0, *len1]));
        let (value, after) = rest.split_at_checked(length)?;
        if [*id0, *id1] == SUBFIELD {
            let [a, b, c, d, e, f, g, h] = *value else { return None };
            return Some(Sizes {
                packed: u32::from_le_bytes([a, b, c, d]),
                raw: u32::from_le_bytes([e, f, g, h]),
            });
        }
        extra = after;
    }
    None
}

/// What a member holds, and so how it is compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holding {
    /// Entries of an archive, and which of them repeat earlier ones.
    Entries(Vec<Repeat>),
    /// A list.
    List,
}

/// Compresses members one after another, in buffers it keeps.
pub(crate) struct Packer {
    archive: Deflate,
    list: Compressor,
    out: Vec<u8>,
}

impl Default for Packer {
    fn default() -> Packer {
        let level = CompressionLvl::new(LIST_LEVEL).expect("invariant: a level of libdeflate");
        Packer { archive: Deflate::default(), list: Compressor::new(level), out: Vec::new() }
    }
}

impl Packer {
    /// One member that holds `raw`, which must be shorter than 2 GiB.
    pub(crate) fn pack(&mut self, raw: &[u8], holding: &Holding) -> &[u8] {
        self.out.clear();
        self.out.resize(OUR_HEADER, 0);
        match holding {
            Holding::Entries(repeats) => self.archive.compress(raw, repeats, &mut self.out),
            Holding::List => {
                self.out.resize(OUR_HEADER + self.list.deflate_compress_bound(raw.len()), 0);
                let length = self
                    .list
                    .deflate_compress(raw, &mut self.out[OUR_HEADER..])
                    .expect("invariant: the buffer has the bound's size");
                self.out.truncate(OUR_HEADER + length);
            }
        }
        let fits = "invariant: members are shorter than 2 GiB";
        let raw_length = u32::try_from(raw.len()).expect(fits);
        self.out.extend_from_slice(&libdeflater::crc32(raw).to_le_bytes());
        self.out.extend_from_slice(&raw_length.to_le_bytes());
        let packed = u32::try_from(self.out.len()).expect(fits);
        let header = &mut self.out[..OUR_HEADER];
        header[..10].copy_from_slice(&[MAGIC[0], MAGIC[1], DEFLATE, FEXTRA, 0, 0, 0, 0, 0, 255]);
        header[10..12].copy_from_slice(&12u16.to_le_bytes());
        header[12..14].copy_from_slice(&SUBFIELD);
        header[14..16].copy_from_slice(&8u16.to_le_bytes());
        header[16..20].copy_from_slice(&packed.to_le_bytes());
        header[20..24].copy_from_slice(&raw_length.to_le_bytes());
        &self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    const HELD: Holding = Holding::Entries(Vec::new());

    #[test]
    fn a_member_says_its_lengths_and_any_reader_takes_it() {
        let raw = b"members ".repeat(1000);
        let mut packer = Packer::default();
        let packed = packer.pack(&raw, &HELD).to_vec();
        let header = MemberHeader::parse(&packed).unwrap();
        let sizes = header.sizes.unwrap();
        assert_eq!((sizes.packed as usize, sizes.raw as usize), (packed.len(), raw.len()));
        assert!(sizes.plausible());
        let mut read = Vec::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut read).unwrap();
        assert_eq!(read, raw);
    }

    #[test]
    fn the_same_content_gives_the_same_bytes() {
        let mut packer = Packer::default();
        let large = packer.pack(&[7; 100_000], &HELD).to_vec();
        let small = packer.pack(b"x", &HELD).to_vec();
        assert_eq!(packer.pack(&[7; 100_000], &HELD), large);
        assert_eq!(Packer::default().pack(b"x", &HELD), small);
    }

    #[test]
    fn headers_with_names_and_comments_are_passed_over() {
        let bytes = [0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 2, 0, 9, 9, b'n', 0, b'c', 0, 1, 2, 0xff];
        let header = MemberHeader::parse(&bytes).unwrap();
        assert_eq!((header.length, header.sizes), (bytes.len() - 1, None));
        for short in 0..header.length {
            assert_eq!(MemberHeader::parse(&bytes[..short]), Err(NoHeader::Short), "{short}");
        }
        assert!(matches!(MemberHeader::parse(b"PK\x03\x04"), Err(NoHeader::Wrong(_))));
    }
}
