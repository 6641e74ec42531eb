//! Two checksums of a backend: that of the snapshot, and the one by which members compare their keys.
//!
//! Both are CRC32C. The second one leaves out what etcd's `kvHasher` does (`server/storage/mvcc/hash.go`, v3.6.16), so that
//! it does not depend on how far a compaction has come.

use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::bolt::{Direction, Entry};
use crate::mvcc::record::record;
use crate::mvcc::{Backend, bucket};
use crate::{Readable, Record, Result, Revision, Store as _};

/// The checksum by which members compare their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashKv {
    /// CRC32C of the name of the bucket `key`, and of the keys and values of its records that count.
    pub hash: u32,
    /// Up to which revision.
    pub revision: i64,
    /// The compaction it belongs to: hashes of different ones differ. -1 if there was none.
    pub compact_revision: i64,
}

/// Which records up to the compaction count, as long as any key is there.
#[derive(Debug)]
enum Kept<'a> {
    /// All: there is none, or none of them was changed since.
    All,
    /// Those of other keys than these, which were changed since. Compaction has left one record of each.
    Untouched(HashSet<&'a [u8]>),
    /// These: compaction is half done.
    These(HashSet<Revision>),
}

#[derive(Debug)]
pub(super) struct Hashes<'a> {
    /// Of all that came before the bucket the pass is in.
    before: u32,
    /// Of that bucket, and how long that is.
    here: u32,
    length: usize,
    /// Of the bucket `key`, as soon as it is another than `here`.
    other: Option<u32>,
    kv: u32,
    in_keys: bool,
    kept: Kept<'a>,
    compacted: i64,
    revision: i64,
}

impl<'a> Hashes<'a> {
    pub(super) fn new(backend: &'a Backend, readable: &Readable) -> Result<Hashes<'a>> {
        let compacted = backend.compaction()?.newest().unwrap_or(-1);
        let kept = kept(backend, compacted)?;
        let revision = readable.newest;
        Ok(Hashes {
            before: 0,
            here: 0,
            length: 0,
            other: None,
            kv: 0,
            in_keys: false,
            kept,
            compacted,
            revision,
        })
    }

    pub(super) fn bucket(&mut self, name: &[u8]) {
        self.leave();
        self.in_keys = name == bucket::KEY;
        self.add(name);
    }

    pub(super) fn entry(&mut self, entry: &Entry<'a>) {
        self.add(entry.key);
        self.add(entry.value);
    }

    pub(super) fn record(&mut self, entry: &Entry<'a>, record: &Record<'a>) {
        match self.counts(record) {
            true => self.entry(entry),
            false => {
                let other = *self.other.get_or_insert(self.here);
                self.entry(entry);
                self.other = Some(other);
            }
        }
    }

    /// Both, once all has been seen and `live` keys were there.
    pub(super) fn finish(mut self, backend: &'a Backend, live: u64) -> Result<(u32, HashKv)> {
        self.leave();
        // Where no key is there, nothing is left out but a tombstone at the compaction itself.
        let hash = if live == 0 { without_keys(backend, self.compacted)? } else { self.kv };
        let kv = HashKv { hash, revision: self.revision, compact_revision: self.compacted };
        Ok((self.before, kv))
    }

    fn add(&mut self, bytes: &[u8]) {
        self.here = crc32c::crc32c_append(self.here, bytes);
        self.length += bytes.len();
        if let Some(other) = &mut self.other {
            *other = crc32c::crc32c_append(*other, bytes);
        }
    }

    fn leave(&mut self) {
        if self.in_keys {
            self.kv = self.other.take().unwrap_or(self.here);
        }
        self.before = crc32c::crc32c_combine(self.before, self.here, self.length);
        (self.here, self.length) = (0, 0);
    }

    fn counts(&self, record: &Record<'_>) -> bool {
        if record.revision.main > self.compacted {
            return true;
        }
        !record.deleted
            && match &self.kept {
                Kept::All => true,
                Kept::Untouched(touched) => !touched.contains(record.key),
                Kept::These(these) => these.contains(&record.revision),
            }
    }
}

fn kept(backend: &Backend, compacted: i64) -> Result<Kept<'_>> {
    let mut oldest = None;
    backend.oldest_first(&mut |record| {
        oldest = Some(record.revision.main);
        ControlFlow::Break(())
    })?;
    let Some(bucket) = backend.bucket(bucket::KEY)?.filter(|_| oldest.is_some_and(|main| main <= compacted))
    else {
        return Ok(Kept::All);
    };
    let half_done = backend.compaction()?.half_done();
    let (mut touched, mut these) = (HashSet::new(), HashSet::new());
    for entry in bucket.walk(backend.db(), Direction::Backward) {
        let record = record(&entry?)?;
        let since = record.revision.main > compacted;
        if !since && !half_done {
            break;
        }
        if touched.insert(record.key) && !since && !record.deleted {
            these.insert(record.revision);
        }
    }
    Ok(match half_done {
        true => Kept::These(these),
        false if touched.is_empty() => Kept::All,
        false => Kept::Untouched(touched),
    })
}

fn without_keys(backend: &Backend, compacted: i64) -> Result<u32> {
    let mut hash = crc32c::crc32c(bucket::KEY);
    let Some(bucket) = backend.bucket(bucket::KEY)? else { return Ok(hash) };
    for entry in bucket.walk(backend.db(), Direction::Forward) {
        let entry = entry?;
        let record = record(&entry)?;
        if !(record.deleted && record.revision.main == compacted) {
            hash = crc32c::crc32c_append(crc32c::crc32c_append(hash, entry.key), entry.value);
        }
    }
    Ok(hash)
}
