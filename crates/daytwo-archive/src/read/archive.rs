//! The objects of an archive, whoever wrote it, from its compressed bytes.

use crate::gzip::GzipReader;
use crate::tar::{Copy, Place, TarReader};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};

/// Most objects of an archive: what is known of each costs memory.
const MOST_OBJECTS: usize = 4_000_000;

/// An object of an archive.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// `deployments.apps`.
    pub resource: &'a str,
    /// `None` for objects outside namespaces.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// Its JSON.
    pub bytes: &'a [u8],
}

impl std::fmt::Debug for Found<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Found { resource, namespace, name, bytes } = self;
        write!(f, "Found({resource}/{}/{name}, {} bytes)", namespace.unwrap_or_default(), bytes.len())
    }
}

/// Reads a `.tar.gz` of Velero's layout object by object, each once. Memory: one object, and 8 to 16 bytes for each
/// object seen, by which one that comes twice is refused.
pub struct ArchiveReader<R> {
    tar: TarReader<GzipReader<R>>,
    path: Vec<u8>,
    bytes: Vec<u8>,
    seen: HashSet<u64>,
    hashing: RandomState,
    entries: u64,
}

impl<R: Read> ArchiveReader<R> {
    /// Reads from `source`, compressed.
    pub fn new(source: R) -> ArchiveReader<R> {
        ArchiveReader {
            tar: TarReader::new(GzipReader::new(source)),
            path: Vec::new(),
            bytes: Vec::new(),
            seen: HashSet::new(),
            hashing: RandomState::new(),
            entries: 0,
        }
    }

    /// The next object, or `None` after the last. An error of kind `InvalidData` or `UnexpectedEof` says what is wrong
    /// with the archive.
    #[expect(clippy::should_implement_trait, reason = "it lends what it read, which no iterator can")]
    pub fn next(&mut self) -> io::Result<Option<Found<'_>>> {
        let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
        loop {
            let Some(header) = self.tar.next()? else {
                return match self.entries {
                    0 => Err(wrong("holds nothing".into())),
                    _ => Ok(None),
                };
            };
            self.path.clear();
            self.path.extend_from_slice(header.path);
            self.entries += 1;
            let place = Place::of(&self.path).map_err(|refused| wrong(refused.to_string()))?;
            let Place::Object { copy, .. } = place else { continue };
            if copy != Copy::First {
                continue;
            }
            if !self.seen.insert(self.hashing.hash_one(&self.path)) {
                let path = String::from_utf8_lossy(&self.path);
                return Err(wrong(format!("holds {path:?} twice")));
            }
            if self.seen.len() > MOST_OBJECTS {
                return Err(wrong(format!("holds more than {MOST_OBJECTS} objects")));
            }
            self.tar.content(&mut self.bytes)?;
            break;
        }
        match Place::of(&self.path) {
            Ok(Place::Object { resource, namespace, name, .. }) => {
                Ok(Some(Found { resource, namespace, name, bytes: &self.bytes }))
            }
            _ => Ok(None),
        }
    }
}
