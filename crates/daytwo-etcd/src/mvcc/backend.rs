//! A backend, etcd's word for its bbolt file, as a store of records.

use std::ops::ControlFlow;

use super::bucket;
use super::record::{names, record, record_of};
use crate::bolt::{Bucket, Db, Direction, Flaw, Map, Meta, Walk};
use crate::{Each, Readable, Record, Result, Revision, Store};

/// Bytes of the sha256 that `etcdctl snapshot save` appends.
const TAIL: usize = 32;

/// An etcd snapshot, or the database of a member that does not run.
#[derive(Debug)]
pub struct Backend {
    map: Map,
    meta: Meta,
}

impl Backend {
    /// Opens what was mapped. Only the meta pages are looked at.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) if neither meta page is valid, or the file is shorter than its pages.
    pub fn open(map: Map) -> Result<Backend> {
        let meta = *Db::open(pages(&map))?.meta();
        Ok(Backend { map, meta })
    }

    /// The pages.
    pub fn db(&self) -> Db<'_> {
        Db::at(pages(&self.map), self.meta).expect("invariant: these bytes were opened by this meta page")
    }

    /// All bytes of the file, with what follows the pages.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// The bytes that the [tail](Backend::tail) is the sha256 of: all before it.
    pub fn before_tail(&self) -> &[u8] {
        pages(&self.map)
    }

    /// The sha256 at the end, which `etcdctl snapshot save` puts there and a member's database has not. As etcd tells
    /// (`etcdutl/snapshot/v3_snapshot.go`, `hasChecksum`): the size is 32 bytes beyond a multiple of 512.
    pub fn tail(&self) -> Option<&[u8; TAIL]> {
        has_tail(&self.map).then(|| self.map.last_chunk()).flatten()
    }

    /// Tells the system that all of it is about to be read.
    pub fn read_ahead(&self) {
        self.map.read_ahead();
    }

    /// A bucket of the file's, by its name.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) at the first page on the way that cannot be read.
    pub fn bucket(&self, name: &[u8]) -> Result<Option<Bucket<'_>>> {
        Ok(self.db().bucket(name)?)
    }

    /// The value of `key` in the bucket `name`, where both are there.
    ///
    /// # Errors
    /// As [`Backend::bucket`].
    pub fn value(&self, name: &[u8], key: &[u8]) -> Result<Option<&[u8]>> {
        let Some(bucket) = self.bucket(name)? else { return Ok(None) };
        Ok(bucket.get(self.db(), key)?.map(|entry| entry.value))
    }

    /// The entries of bucket `name`; none where it is not there.
    pub(super) fn entries(&self, name: &[u8]) -> Result<Option<Walk<'_>>> {
        Ok(self.bucket(name)?.map(|bucket| bucket.walk(self.db(), Direction::Forward)))
    }

    fn records(&self, direction: Direction, each: &mut Each<'_>) -> Result<()> {
        let Some(bucket) = self.bucket(bucket::KEY)? else { return Ok(()) };
        for entry in bucket.walk(self.db(), direction) {
            if each(&record(&entry?)?).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Store for Backend {
    /// By `scheduledCompactRev` and `finishedCompactRev`, of which the first is ahead while a compaction is half done. A
    /// store that nothing was written to is at revision 1.
    fn readable(&self) -> Result<Readable> {
        let oldest = self.compaction()?.newest().unwrap_or(1);
        let mut newest = oldest;
        self.newest_first(&mut |record| {
            newest = newest.max(record.revision.main);
            ControlFlow::Break(())
        })?;
        Ok(Readable { oldest, newest })
    }

    fn newest_first(&self, each: &mut Each<'_>) -> Result<()> {
        self.records(Direction::Backward, each)
    }

    fn oldest_first(&self, each: &mut Each<'_>) -> Result<()> {
        self.records(Direction::Forward, each)
    }

    fn at(&self, revision: Revision, read: &mut dyn FnMut(&Record<'_>)) -> Result<bool> {
        let Some(bucket) = self.bucket(bucket::KEY)? else { return Ok(false) };
        for name in names(revision) {
            if let Some(entry) = bucket.get(self.db(), &name)? {
                read(&record(&entry)?);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn of_key(&self, key: &[u8], each: &mut Each<'_>) -> Result<()> {
        let Some(bucket) = self.bucket(bucket::KEY)? else { return Ok(()) };
        for entry in bucket.walk(self.db(), Direction::Backward) {
            let found: Result<_, Flaw> = record_of(&entry?, key);
            if found?.is_some_and(|record| each(&record).is_break()) {
                break;
            }
        }
        Ok(())
    }
}

fn has_tail(bytes: &[u8]) -> bool {
    bytes.len() % 512 == TAIL
}

fn pages(bytes: &[u8]) -> &[u8] {
    match has_tail(bytes) {
        true => &bytes[..bytes.len() - TAIL],
        false => bytes,
    }
}
