//! Reads a manifest line by line, so that its length costs no memory.

use super::OPENING;
use std::io::{self, BufRead};

/// Longest line of an object: a path of 4,096 bytes, each escaped.
const LONGEST_LINE: usize = 32 * 1024;

/// Longest part after the objects.
pub(super) const LONGEST_TAIL: usize = 64 * 1024 * 1024;

/// The lines of the objects, then what follows them.
pub(crate) struct Rows<R> {
    source: R,
    line: Vec<u8>,
    ended: bool,
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("is damaged: {what}"))
}

impl<R: BufRead> Rows<R> {
    /// Begins to read a manifest, decompressed.
    pub(crate) fn new(source: R) -> io::Result<Rows<R>> {
        let mut rows = Rows { source, line: Vec::new(), ended: false };
        rows.read_line()?;
        match rows.line == OPENING.as_bytes() {
            true => Ok(rows),
            false => Err(wrong("it does not begin as a manifest of daytwo.dev/v1alpha1 does")),
        }
    }

    /// The next object's line, without its comma; `None` after the last.
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        if self.ended {
            return Ok(None);
        }
        self.read_line()?;
        if self.line == b"]," {
            self.ended = true;
            return Ok(None);
        }
        Ok(Some(self.line.strip_suffix(b",").unwrap_or(&self.line)))
    }

    /// All that follows the objects. Ask after [`Rows::next`] gave `None`.
    pub(crate) fn rest(mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        loop {
            let some = self.source.fill_buf()?;
            if some.is_empty() {
                return Ok(rest);
            }
            if rest.len() + some.len() > LONGEST_TAIL {
                return Err(wrong("it goes on without end"));
            }
            rest.extend_from_slice(some);
            let length = some.len();
            self.source.consume(length);
        }
    }

    fn read_line(&mut self) -> io::Result<()> {
        self.line.clear();
        loop {
            let some = self.source.fill_buf()?;
            if some.is_empty() {
                return Err(wrong("it ends among the objects"));
            }
            let (length, done) = match memchr::memchr(b'\n', some) {
                Some(end) => (end, true),
                None => (some.len(), false),
            };
            if self.line.len() + length > LONGEST_LINE {
                return Err(wrong("it has a line longer than any object's"));
            }
            self.line.extend_from_slice(&some[..length]);
            self.source.consume(length + usize::from(done));
            if done {
                return Ok(());
            }
        }
    }
}
