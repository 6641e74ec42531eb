//! One gzip member of an archive of daytwo's: what it is compressed from, and the lines a manifest should hold for it.

use crate::digest::Digest;
use crate::gzip::MemberHeader;
use crate::manifest::{Member, write_row};
use crate::tar::{Copy, LARGEST_ENTRY, Place, TarReader, VERSION, VERSION_PATH, is_second_copy};
use flate2::{Decompress, FlushDecompress, Status};
use libdeflater::Decompressor;

/// Most bytes a member can hold: it is cut after the object that makes it long enough.
pub(super) const LARGEST: u64 = 2 * LARGEST_ENTRY + 4 * 1024 * 1024;

/// Where in the archive a member stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stand {
    pub(super) first: bool,
    pub(super) last: bool,
}

/// What a member showed.
pub(super) struct Checked {
    /// As the manifest's lines of its objects should be, each with a newline.
    pub(super) lines: Vec<u8>,
    pub(super) objects: u64,
    /// What is wrong with it.
    pub(super) fault: Option<String>,
    /// What it is compressed from, as far as that can be told; only where there is a fault.
    pub(super) raw: Vec<u8>,
}

/// Checks members, in buffers it keeps.
pub(super) struct Checker {
    whole: Decompressor,
    raw: Vec<u8>,
    path: Vec<u8>,
}

impl Checker {
    pub(super) fn new() -> Checker {
        Checker { whole: Decompressor::new(), raw: Vec::new(), path: Vec::new() }
    }

    /// `lines` is a buffer to use.
    pub(super) fn check(
        &mut self,
        bytes: &[u8],
        member: &Member,
        stand: Stand,
        mut lines: Vec<u8>,
    ) -> Checked {
        lines.clear();
        match self.read(bytes, member, stand, &mut lines) {
            Ok(objects) => {
                if self.raw.capacity() as u64 > LARGEST / 16 {
                    self.raw = Vec::new();
                }
                Checked { lines, objects, fault: None, raw: Vec::new() }
            }
            Err(fault) => {
                Checked { lines: Vec::new(), objects: 0, fault: Some(fault), raw: salvage(bytes, member) }
            }
        }
    }

    fn read(
        &mut self,
        bytes: &[u8],
        member: &Member,
        stand: Stand,
        lines: &mut Vec<u8>,
    ) -> Result<u64, String> {
        let stored = Digest::of(bytes) == member.sha256;
        let length = raw_length(bytes, member)?;
        if self.raw.len() < length {
            self.raw.resize(length, 0);
        }
        let raw = &mut self.raw[..length];
        match self.whole.gzip_decompress(bytes, raw) {
            Ok(written) if written == length => {}
            _ => return Err("does not decompress to what its checksum says".into()),
        }
        let objects = objects(raw, stand, &mut self.path, lines)?;
        match stored {
            true => Ok(objects),
            false => Err("has other bytes than its digest says".into()),
        }
    }
}

/// Length of what the member holds, if its header and the manifest agree on it.
fn raw_length(bytes: &[u8], member: &Member) -> Result<usize, String> {
    let sizes = match MemberHeader::parse(bytes) {
        Ok(MemberHeader { sizes: Some(sizes), .. }) => sizes,
        _ => return Err("does not begin as a gzip member of daytwo's does".into()),
    };
    let agreed = (u64::from(sizes.packed), u64::from(sizes.raw)) == (member.packed, member.raw);
    match agreed && sizes.plausible() && member.raw <= LARGEST {
        true => Ok(sizes.raw as usize),
        false => Err("has other lengths than the manifest says".into()),
    }
}

/// Reads the entries of a member: groups of first copies, each followed by their second copies, and before the first
/// group of an archive its version.
fn objects(raw: &[u8], stand: Stand, path: &mut Vec<u8>, lines: &mut Vec<u8>) -> Result<u64, String> {
    let said = |error: std::io::Error| error.to_string();
    let mut tar = if stand.last { TarReader::new(raw) } else { TarReader::part(raw) };
    if stand.first {
        let version = tar.next().map_err(said)?.is_some_and(|header| header.path == VERSION_PATH.as_bytes());
        if !version || tar.content_in_place().map_err(said)? != VERSION.as_bytes() {
            return Err("does not begin with the version of the layout".into());
        }
    }
    let mut group = Group::default();
    let mut objects = 0;
    loop {
        match tar.next().map_err(said)? {
            None if group.complete() => return Ok(objects),
            None => return Err(ALONE.into()),
            Some(header) => {
                path.clear();
                path.extend_from_slice(header.path);
            }
        }
        let second = match Place::of(path) {
            Ok(Place::Object { copy: Copy::First, .. }) => false,
            Ok(Place::Object { copy: Copy::Preferred(_), .. }) => true,
            Ok(_) => return Err("has an entry out of place".into()),
            Err(refused) => return Err(refused.to_string()),
        };
        let content = tar.content_in_place().map_err(said)?;
        if second {
            group.second(path, content)?;
            continue;
        }
        group.first(path, content)?;
        let text = std::str::from_utf8(path).map_err(|_| "has a path that is not UTF-8")?;
        write_row(lines, text, content.len(), &Digest::of(content));
        lines.push(b'\n');
        objects += 1;
    }
}

const ALONE: &str = "has an object without its second copy";

/// First copies, as far as they were read, and how many of them a second copy was seen of.
#[derive(Default)]
struct Group<'a> {
    paths: Vec<u8>,
    /// Each with the end of its path in `paths`.
    firsts: Vec<(usize, &'a [u8])>,
    seconds: usize,
}

impl<'a> Group<'a> {
    fn complete(&self) -> bool {
        self.seconds == self.firsts.len()
    }

    fn first(&mut self, path: &[u8], content: &'a [u8]) -> Result<(), String> {
        if self.seconds > 0 {
            if !self.complete() {
                return Err(ALONE.into());
            }
            self.paths.clear();
            self.firsts.clear();
            self.seconds = 0;
        }
        self.paths.extend_from_slice(path);
        self.firsts.push((self.paths.len(), content));
        Ok(())
    }

    fn second(&mut self, path: &[u8], content: &[u8]) -> Result<(), String> {
        let start = self.seconds.checked_sub(1).map_or(0, |before| self.firsts[before].0);
        let &(end, first) = self.firsts.get(self.seconds).ok_or("has an entry out of place")?;
        if !is_second_copy(&self.paths[start..end], path) || content != first {
            return Err("has an object whose second copy differs".into());
        }
        self.seconds += 1;
        Ok(())
    }
}

/// Decompresses as far as it goes, whatever the checksum.
fn salvage(bytes: &[u8], member: &Member) -> Vec<u8> {
    /// Of a header of ours, where the one there is not one.
    const HEADER: usize = 24;
    /// Most bytes brought back: many damaged members may be under way at once.
    const MOST: u64 = 16 * 1024 * 1024;
    let start = MemberHeader::parse(bytes).map_or(HEADER, |header| header.length);
    let most = usize::try_from(member.raw.min(MOST)).unwrap_or(0);
    let mut raw = Vec::with_capacity(most.min(8 * 1024 * 1024));
    let mut inflate = Decompress::new(false);
    let mut chunk = vec![0; 64 * 1024];
    while raw.len() < most {
        let (read, written) = (inflate.total_in(), inflate.total_out());
        let at = usize::try_from(read).unwrap_or(usize::MAX).saturating_add(start);
        let status =
            inflate.decompress(bytes.get(at..).unwrap_or_default(), &mut chunk, FlushDecompress::None);
        let new = usize::try_from(inflate.total_out() - written).unwrap_or(0);
        raw.extend_from_slice(&chunk[..new.min(most - raw.len())]);
        match status {
            Ok(Status::Ok) if new > 0 || inflate.total_in() > read => {}
            _ => break,
        }
    }
    raw
}
