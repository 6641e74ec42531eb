//! The lines of a manifest as they are read along with the archive: counted, digested, looked at for doubles.

use crate::digest::{Digest, Hasher};
use crate::gzip::GzipReader;
use crate::manifest::{Row, Rows};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};

/// Lines of objects, each with a newline.
pub(super) struct Lines<R> {
    rows: Option<Rows<GzipReader<R>>>,
    line: Vec<u8>,
    root: Hasher,
    count: u64,
    seen: HashSet<u64>,
    hashing: RandomState,
    doubles: u64,
    error: Option<io::Error>,
}

/// What the lines showed once all are read.
pub(super) struct Ended {
    pub(super) root: Digest,
    pub(super) count: u64,
    /// Objects named more than once.
    pub(super) doubles: u64,
    /// What follows the lines.
    pub(super) rest: Vec<u8>,
}

impl<R: Read> Lines<R> {
    /// Of a manifest as stored, decrypted.
    pub(super) fn new(manifest: R) -> Lines<R> {
        let (rows, error) = match Rows::new(GzipReader::new(manifest)) {
            Ok(rows) => (Some(rows), None),
            Err(error) => (None, Some(error)),
        };
        Lines {
            rows,
            line: Vec::new(),
            root: Hasher::default(),
            count: 0,
            seen: HashSet::new(),
            hashing: RandomState::new(),
            doubles: 0,
            error,
        }
    }

    /// The next line with its newline; `None` after the last, and where no more can be read.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        match self.rows.as_mut()?.next() {
            Ok(Some(line)) => {
                self.line.clear();
                self.line.extend_from_slice(line);
                self.line.push(b'\n');
            }
            Ok(None) => return None,
            Err(error) => {
                self.error = Some(error);
                self.rows = None;
                return None;
            }
        }
        self.root.update(&self.line);
        self.count += 1;
        // The path is what stands before the size.
        let path = memchr::memmem::rfind(&self.line, b",\"size\":").unwrap_or(self.line.len());
        if !self.seen.insert(self.hashing.hash_one(&self.line[..path])) {
            self.doubles += 1;
        }
        Some(&self.line)
    }

    /// Passes over some.
    pub(super) fn skip(&mut self, count: u64) {
        for _ in 0..count {
            if self.next().is_none() {
                return;
            }
        }
    }

    /// What a line says; `None` if it is damaged.
    pub(super) fn row(line: &[u8]) -> Option<Row> {
        serde_json::from_slice(line).ok()
    }

    /// Reads to the end of the manifest.
    pub(super) fn finish(mut self) -> io::Result<Ended> {
        while self.next().is_some() {}
        match (self.error, self.rows) {
            (Some(error), _) => Err(error),
            (None, Some(rows)) => Ok(Ended {
                root: self.root.finish(),
                count: self.count,
                doubles: self.doubles,
                rest: rows.rest()?,
            }),
            (None, None) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
