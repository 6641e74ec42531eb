//! A source that is digested while it is read, and what its errors mean.

use super::report::Report;
use crate::digest::{Digest, Hasher};
use crate::encrypt::{Identity, decryptor};
use crate::location::{Error, Location};
use crate::read::source::{Source, explain};
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

/// Digests what is read through it.
pub(super) struct Watched<R> {
    source: R,
    seen: Seen,
}

/// What went through a [`Watched`] source.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Hasher>>);

impl Seen {
    /// Bytes and digest of what has been read.
    pub(super) fn so_far(&self) -> (u64, Digest) {
        let hasher = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (hasher.length(), hasher.finish())
    }
}

impl<R: Read> Watched<R> {
    pub(super) fn new(source: R) -> (Watched<R>, Seen) {
        let seen = Seen::default();
        (Watched { source, seen: seen.clone() }, seen)
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(into)?;
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner).update(&into[..length]);
        Ok(length)
    }
}

/// A file of a backup, digested as stored and, if it is encrypted, as it is inside.
pub(super) struct Opened {
    pub(super) content: Box<dyn Read + Send>,
    pub(super) stored: Seen,
    pub(super) inside: Option<Seen>,
}

impl Opened {
    /// Opens `source`, decrypting it if `identities` are given: those that opened the manifest, so that a file which
    /// none of them opens is damaged.
    pub(super) fn new(source: Source, identities: Option<&[Identity]>) -> io::Result<Opened> {
        let (watched, stored) = Watched::new(source);
        let Some(identities) = identities else {
            return Ok(Opened { content: Box::new(watched), stored, inside: None });
        };
        let opened = decryptor(watched, identities).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => {
                io::Error::new(io::ErrorKind::InvalidData, "names other recipients than the manifest")
            }
            _ => error,
        })?;
        let (content, inside) = Watched::new(opened);
        Ok(Opened { content: Box::new(content), stored, inside: Some(inside) })
    }
}

/// Reads to the end, keeping nothing.
pub(super) fn drain(source: &mut impl Read) -> io::Result<u64> {
    let mut buffer = vec![0; 128 * 1024];
    let mut length = 0;
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(length),
            Ok(some) => length += some as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// What an error while reading means.
pub(super) enum Trouble {
    /// The bytes are wrong, and how.
    Damage(String),
    /// They could not be had.
    Unread(Error),
}

impl Trouble {
    /// Of an error met while reading.
    pub(super) fn of(error: io::Error, location: &Location, key: &str) -> Trouble {
        match error.kind() {
            io::ErrorKind::InvalidData => Trouble::Damage(error.to_string()),
            io::ErrorKind::UnexpectedEof => Trouble::Damage("ends too early".into()),
            _ => match explain(error, location, key) {
                Error::Corrupt { what, .. } => Trouble::Damage(what),
                Error::NotFound { .. } => Trouble::Damage("is missing".into()),
                other => Trouble::Unread(other),
            },
        }
    }
}

/// Where a file lies, for what is said of it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) location: Location,
    /// Inside the backup's directory.
    pub(super) file: String,
    /// Relative to the location.
    pub(super) key: String,
}

impl Place {
    /// Puts damage into the report; what could not be read at all is an error.
    pub(super) fn judge<T>(
        &self,
        read: io::Result<T>,
        id: &'static str,
        report: &mut Report,
    ) -> Result<Option<T>, Error> {
        match read.map_err(|error| Trouble::of(error, &self.location, &self.key)) {
            Ok(value) => Ok(Some(value)),
            Err(Trouble::Unread(error)) => Err(error),
            Err(Trouble::Damage(what)) => {
                report.damaged_file(id, &self.file, what);
                Ok(None)
            }
        }
    }
}
