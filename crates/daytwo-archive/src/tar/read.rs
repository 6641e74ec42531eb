//! Reads entries one after another. Whoever made the archive: links, devices, contents beyond [`LARGEST_ENTRY`],
//! bytes after the end and endless padding are errors, and an entry's name is only what its header says.

use super::extended::Extended;
use super::header::{self, CHECKSUM, KIND, MAGIC, NAME, PREFIX, SIZE};
use super::path::shown;
use super::{BLOCK, LARGEST_ENTRY, padding};
use std::io::{self, BufRead};

/// Most bytes of an extended header or a long name.
const LARGEST_EXTENSION: u64 = 64 * 1024;

/// Most zeros after the end. Archives are filled up to some kilobytes at most.
const MOST_PADDING: u64 = 1024 * 1024;

/// The next entry: its path and length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryHeader<'a> {
    /// As it stands in the archive: not checked yet. [`super::Place::of`] does.
    pub path: &'a [u8],
    /// Bytes of the content.
    pub size: u64,
}

/// Reads an archive. Errors of kind `InvalidData` and `UnexpectedEof` mean that it is damaged or refused.
pub struct TarReader<R> {
    source: R,
    path: Vec<u8>,
    /// Of the content begun last: bytes not read yet, then its padding.
    rest: u64,
    pad: usize,
    /// What extended headers said of the next entry.
    long_path: Option<Vec<u8>>,
    long_size: Option<u64>,
    entries: u64,
    ended: bool,
    /// Whether the source may end after any entry, without an end of the archive.
    part: bool,
}

fn wrong(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

fn truncated() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "ends in the middle of an entry")
}

impl<R: BufRead> TarReader<R> {
    /// Reads from `source`, which gives the archive decompressed.
    pub fn new(source: R) -> TarReader<R> {
        TarReader {
            source,
            path: Vec::new(),
            rest: 0,
            pad: 0,
            long_path: None,
            long_size: None,
            entries: 0,
            ended: false,
            part: false,
        }
    }

    /// Reads some entries of an archive, which need not be followed by its end.
    pub(crate) fn part(source: R) -> TarReader<R> {
        TarReader { part: true, ..TarReader::new(source) }
    }

    /// The source, which may have been read beyond the last entry.
    pub fn into_inner(self) -> R {
        self.source
    }

    /// The next regular file, or `None` after the last. Directories are passed over. What is unread of the entry before
    /// is skipped.
    #[expect(clippy::should_implement_trait, reason = "it lends what it read, which no iterator can")]
    pub fn next(&mut self) -> io::Result<Option<EntryHeader<'_>>> {
        if self.ended {
            return Ok(None);
        }
        self.skip(self.rest)?;
        self.end_of_content()?;
        loop {
            let mut block = [0; BLOCK];
            if !self.block(&mut block)? {
                return match (self.part, self.entries) {
                    (true, _) => Ok(None),
                    (false, 0) => Err(wrong("is not a tar archive: it is empty")),
                    (false, _) => Err(wrong("ends without the end of a tar archive")),
                };
            }
            if block.iter().all(|&byte| byte == 0) {
                return self.end().map(|()| None);
            }
            if self.read_header(&block)? {
                let (path, size) = (&self.path, self.rest);
                return Ok(Some(EntryHeader { path, size }));
            }
        }
    }

    /// Reads the content of the entry begun last, all of it, replacing what `into` holds. A content larger than
    /// [`LARGEST_ENTRY`] is an error that names the entry.
    pub fn content(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        into.clear();
        if self.rest > LARGEST_ENTRY {
            let path = shown(&self.path);
            return Err(wrong(format!(
                "holds {path} with {} bytes, more than the {LARGEST_ENTRY} that are taken",
                self.rest
            )));
        }
        let mut rest = self.rest;
        while rest > 0 {
            let some = self.source.fill_buf()?;
            if some.is_empty() {
                return Err(truncated());
            }
            let length = some.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
            into.extend_from_slice(&some[..length]);
            self.source.consume(length);
            rest -= length as u64;
        }
        self.rest = 0;
        self.end_of_content()
    }

    /// Takes in one header block; `true` if an entry begins with it.
    fn read_header(&mut self, block: &[u8; BLOCK]) -> io::Result<bool> {
        let sum = header::read_number(&block[CHECKSUM]);
        if sum != Some(u64::from(header::checksum(block))) {
            return Err(wrong(if self.entries == 0 {
                "is not a tar archive"
            } else {
                "is damaged: a tar header does not have its checksum"
            }));
        }
        let size =
            header::read_number(&block[SIZE]).ok_or_else(|| wrong("is damaged: an entry has no length"))?;
        self.entries += 1;
        match block[KIND] {
            b'x' | b'g' | b'L' => {
                let kind = block[KIND];
                let text = self.extension(size)?;
                match kind {
                    b'L' => self.long_path = Some(header::text(&text).to_vec()),
                    b'x' => {
                        let said = Extended::parse(&text)
                            .ok_or_else(|| wrong("is damaged: an extended tar header cannot be read"))?;
                        self.long_path = said.path.or(self.long_path.take());
                        self.long_size = said.size.or(self.long_size);
                    }
                    // A comment for the whole archive, as git writes.
                    _ => {}
                }
                Ok(false)
            }
            b'0' | 0 => {
                self.take_path(block);
                self.start(self.long_size.unwrap_or(size))?;
                Ok(true)
            }
            b'5' => {
                self.take_path(block);
                self.start(0)?;
                Ok(false)
            }
            other => {
                self.take_path(block);
                let what = match other {
                    b'1' | b'2' => "a link".to_owned(),
                    b'3' | b'4' | b'6' => "a device".to_owned(),
                    _ => format!("an entry of kind {:?}", char::from(other)),
                };
                Err(wrong(format!("holds {what}, {}: only regular files are taken", shown(&self.path))))
            }
        }
    }

    fn start(&mut self, size: u64) -> io::Result<()> {
        (self.long_path, self.long_size) = (None, None);
        self.rest = size;
        let over = size % BLOCK as u64;
        self.pad = padding(usize::try_from(over).map_err(|_| truncated())?);
        Ok(())
    }

    fn take_path(&mut self, block: &[u8; BLOCK]) {
        self.path.clear();
        if let Some(long) = self.long_path.take() {
            self.path = long;
            return;
        }
        let prefix = header::text(&block[PREFIX]);
        if block[MAGIC] == *header::USTAR && !prefix.is_empty() {
            self.path.extend_from_slice(prefix);
            self.path.push(b'/');
        }
        self.path.extend_from_slice(header::text(&block[NAME]));
    }

    /// The content of an extended header.
    fn extension(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > LARGEST_EXTENSION {
            return Err(wrong(format!(
                "has an extended tar header of {size} bytes, more than the {LARGEST_EXTENSION} that are taken"
            )));
        }
        let (path, size_said) = (self.long_path.take(), self.long_size.take());
        self.start(size)?;
        (self.long_path, self.long_size) = (path, size_said);
        let mut text = Vec::new();
        self.content(&mut text)?;
        Ok(text)
    }

    /// Whole blocks; `false` at the end of the source.
    fn block(&mut self, block: &mut [u8; BLOCK]) -> io::Result<bool> {
        let mut have = 0;
        while have < BLOCK {
            let some = self.source.fill_buf()?;
            if some.is_empty() {
                return if have == 0 { Ok(false) } else { Err(truncated()) };
            }
            let length = some.len().min(BLOCK - have);
            block[have..have + length].copy_from_slice(&some[..length]);
            self.source.consume(length);
            have += length;
        }
        Ok(true)
    }

    fn skip(&mut self, mut rest: u64) -> io::Result<()> {
        while rest > 0 {
            let some = self.source.fill_buf()?.len();
            if some == 0 {
                return Err(truncated());
            }
            let length = some.min(usize::try_from(rest).unwrap_or(usize::MAX));
            self.source.consume(length);
            rest -= length as u64;
        }
        self.rest = 0;
        Ok(())
    }

    /// The padding behind a content, which must be zeros.
    fn end_of_content(&mut self) -> io::Result<()> {
        while self.pad > 0 {
            let some = self.source.fill_buf()?;
            if some.is_empty() {
                return Err(truncated());
            }
            let length = some.len().min(self.pad);
            let clean = some[..length] == [0; BLOCK][..length];
            self.source.consume(length);
            self.pad -= length;
            if !clean {
                return Err(wrong(format!("is damaged: {} is not followed by zeros", shown(&self.path))));
            }
        }
        Ok(())
    }

    /// After the first block of zeros: nothing but zeros may follow, and not many.
    fn end(&mut self) -> io::Result<()> {
        self.ended = true;
        if self.long_path.is_some() || self.long_size.is_some() {
            return Err(wrong("is damaged: an extended tar header belongs to no entry"));
        }
        let mut zeros = BLOCK as u64;
        loop {
            let some = self.source.fill_buf()?;
            if some.is_empty() {
                break;
            }
            if some.iter().any(|&byte| byte != 0) {
                return Err(wrong("goes on after the end of the tar archive"));
            }
            let length = some.len();
            self.source.consume(length);
            zeros += length as u64;
            if zeros > MOST_PADDING {
                return Err(wrong(format!(
                    "goes on with more than {MOST_PADDING} zeros after the end of the tar archive"
                )));
            }
        }
        match zeros < 2 * BLOCK as u64 {
            true => Err(wrong("ends without the end of a tar archive")),
            false => Ok(()),
        }
    }
}

impl<'a> TarReader<&'a [u8]> {
    /// The content of the entry begun last, where it lies.
    pub(crate) fn content_in_place(&mut self) -> io::Result<&'a [u8]> {
        let size = usize::try_from(self.rest).map_err(|_| truncated())?;
        let (content, rest) = self.source.split_at_checked(size).ok_or_else(truncated)?;
        self.source = rest;
        self.rest = 0;
        self.end_of_content()?;
        Ok(content)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
