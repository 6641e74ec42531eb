//! A file's bytes, mapped. The one `unsafe` of this crate is here.
//!
//! It refuses to judge whether a file is live: whoever maps it has made sure that nobody shortens it, since reading
//! behind the end of a mapped file ends the process (SIGBUS).

use std::fs::File;
use std::ops::Deref;
use std::path::Path;

use crate::{Error, Result};

/// The bytes of a file that does not change, or of a piece of memory.
#[derive(Debug)]
pub struct Map(Bytes);

#[derive(Debug)]
enum Bytes {
    Mapped(memmap2::Mmap),
    Memory(Vec<u8>),
}

impl Map {
    /// Maps the file at `path` for reading. It must not be live: see [`Map::of`].
    ///
    /// # Errors
    /// [`Error::Io`] if the system does not give it, [`Error::Foreign`] if it is no regular file.
    pub fn open(path: &Path) -> Result<Map> {
        let io = |doing| move |source| Error::Io { doing, path: path.to_owned(), source };
        let file = File::open(path).map_err(io("open"))?;
        Map::of(&file, path)
    }

    /// Maps `file`, which is called `path` in errors.
    ///
    /// Nobody may shorten it while the map lives. A snapshot is never written again once it is there; a member's database
    /// is only when its etcd runs, so ask that first.
    ///
    /// # Errors
    /// As [`Map::open`].
    pub fn of(file: &File, path: &Path) -> Result<Map> {
        let io = |doing| move |source| Error::Io { doing, path: path.to_owned(), source };
        let found = file.metadata().map_err(io("look at"))?;
        if !found.is_file() {
            let what = "no regular file, where a bbolt file was expected".to_owned();
            return Err(Error::Foreign { path: path.to_owned(), what });
        }
        if found.len() == 0 {
            return Ok(Map::from(Vec::new()));
        }
        #[expect(unsafe_code, reason = "the one place that maps a file; see SAFETY")]
        // SAFETY: the map is private and read-only, and only handed out as `&[u8]` bound to its own life. That nobody writes
        // to or shortens the file meanwhile is what this function asks of its caller, who holds the file to be not live.
        let mapped = unsafe { memmap2::Mmap::map(file) }.map_err(io("map"))?;
        Ok(Map(Bytes::Mapped(mapped)))
    }

    /// Tells the system that all of it is about to be read, so that it reads ahead. Nothing is lost where it does not.
    pub fn read_ahead(&self) {
        #[cfg(unix)]
        if let Bytes::Mapped(mapped) = &self.0 {
            let _ = mapped.advise(memmap2::Advice::WillNeed);
        }
    }
}

impl From<Vec<u8>> for Map {
    fn from(bytes: Vec<u8>) -> Map {
        Map(Bytes::Memory(bytes))
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Mapped(mapped) => mapped,
            Bytes::Memory(bytes) => bytes,
        }
    }
}
