//! What is in a backend, in one pass: what `etcdutl snapshot status` prints, and what it does not.
//!
//! The names and numbers of [`Status::hash`] to [`Status::version`] are etcdutl's of 3.6 and 3.7
//! (`etcdutl/snapshot/v3_snapshot.go`). As there, a file whose pages are damaged has no status. What it refuses to do: look
//! at what the values are, and keep keys in memory: a key is remembered by where it stands in the file.

mod hash;

use std::collections::HashSet;

use crate::bolt::{Entry, Flaw, Stop, Usage, Visit, check};
use crate::mvcc::record::record;
use crate::mvcc::{Alarm, Backend, Compaction, Member, bucket};
use crate::{Readable, Record, Result, Store as _};

pub use self::hash::HashKv;
use self::hash::Hashes;

/// What is in a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// CRC32C of all buckets' names, keys and values.
    pub hash: u32,
    /// The revision of the last record; 0 if there is none.
    pub revision: i64,
    /// Keys that are there at that revision.
    pub total_key: u64,
    /// Bytes of all pages, free ones included.
    pub total_size: u64,
    /// The schema's version; empty before etcd 3.6.
    pub version: String,
    /// What etcd's members compare with each other, as `etcdutl hashkv` prints it.
    pub hash_kv: HashKv,
    /// Entries of all buckets: what etcdutl of 3.5 calls total keys.
    pub records: u64,
    /// Each bucket, in the order of names.
    pub buckets: Vec<Bucket>,
    /// Bytes of one page.
    pub page_size: u32,
    /// What the pages are used for.
    pub usage: Usage,
    /// Bytes of the file, which may be longer than its pages.
    pub file_size: u64,
    /// Whether a sha256 is at the end. Whether it is right: see [`crate::verify`].
    pub tail: bool,
    /// The revisions at which the keyspace is whole.
    pub readable: Readable,
    /// How far the history was compacted.
    pub compaction: Compaction,
    /// The last entry of the raft log that is in here.
    pub consistent_index: Option<u64>,
    /// The raft term of that entry.
    pub term: Option<u64>,
    /// The version that all members agreed on.
    pub cluster_version: Option<String>,
    /// The members.
    pub members: Vec<Member>,
    /// See [`Backend::cluster_id`].
    pub cluster_id: Option<u64>,
    /// Alarms that were on: they still are after a restore.
    pub alarms: Vec<Alarm>,
    /// How many leases there are.
    pub leases: u64,
}

/// How much one bucket holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// How many entries it has.
    pub entries: u64,
    /// Bytes of its keys and values.
    pub bytes: u64,
}

impl Status {
    /// Bytes of the pages in use: what etcd calls `dbSizeInUse`.
    pub fn size_in_use(&self) -> u64 {
        (self.usage.pages - self.usage.free) * u64::from(self.page_size)
    }
}

/// What is in `backend`.
///
/// # Errors
/// [`Corrupt`](crate::Error::Corrupt) at the first page or record that is damaged.
pub fn status(backend: &Backend) -> Result<Status> {
    let readable = backend.readable()?;
    let db = backend.db();
    let mut pass = Pass {
        hashes: Hashes::new(backend, &readable)?,
        live: HashSet::new(),
        revision: 0,
        buckets: Vec::new(),
        in_keys: false,
        flaw: None,
    };
    let Ok(usage) = check(db, &mut pass) else {
        let flaw = pass.flaw.expect("invariant: only a flaw ends the pass");
        return Err(flaw.into());
    };
    let live = pass.live.len() as u64;
    let (hash, hash_kv) = pass.hashes.finish(backend, live)?;
    let entries = |name: &[u8]| pass.buckets.iter().find(|bucket| bucket.name.as_bytes() == name);
    Ok(Status {
        hash,
        revision: pass.revision,
        total_key: live,
        total_size: db.bytes().len() as u64,
        version: backend.storage_version()?.unwrap_or_default(),
        hash_kv,
        records: pass.buckets.iter().map(|bucket| bucket.entries).sum(),
        leases: entries(bucket::LEASE).map_or(0, |bucket| bucket.entries),
        page_size: db.meta().page_size,
        usage,
        file_size: backend.bytes().len() as u64,
        tail: backend.tail().is_some(),
        readable,
        compaction: backend.compaction()?,
        consistent_index: backend.consistent_index()?,
        term: backend.term()?,
        cluster_version: backend.cluster_version()?,
        members: backend.members()?,
        cluster_id: backend.cluster_id()?,
        alarms: backend.alarms()?,
        buckets: pass.buckets,
    })
}

struct Pass<'a> {
    hashes: Hashes<'a>,
    /// The keys that are there after the records so far.
    live: HashSet<&'a [u8]>,
    revision: i64,
    buckets: Vec<Bucket>,
    in_keys: bool,
    flaw: Option<Flaw>,
}

impl<'a> Pass<'a> {
    fn record(&mut self, record: &Record<'a>) {
        self.revision = record.revision.main;
        match record.deleted {
            true => self.live.remove(record.key),
            false => self.live.insert(record.key),
        };
    }
}

impl<'a> Visit<'a> for Pass<'a> {
    fn bucket(&mut self, path: &[&'a [u8]], entry: &Entry<'a>) -> Result<(), Stop> {
        let &[name] = path else { return self.flaw(entry.flaw("etcd keeps no bucket inside of a bucket")) };
        self.in_keys = name == bucket::KEY;
        self.hashes.bucket(name);
        self.buckets.push(Bucket { name: String::from_utf8_lossy(name).into_owned(), entries: 0, bytes: 0 });
        Ok(())
    }

    fn entry(&mut self, _: &[&'a [u8]], entry: &Entry<'a>) -> Result<(), Stop> {
        let Some(bucket) = self.buckets.last_mut() else {
            return self.flaw(entry.flaw("a value stands among the buckets"));
        };
        bucket.entries += 1;
        bucket.bytes += (entry.key.len() + entry.value.len()) as u64;
        if !self.in_keys {
            self.hashes.entry(entry);
            return Ok(());
        }
        match record(entry) {
            Ok(record) => {
                self.hashes.record(entry, &record);
                self.record(&record);
                Ok(())
            }
            Err(flaw) => self.flaw(flaw),
        }
    }

    fn flaw(&mut self, flaw: Flaw) -> Result<(), Stop> {
        self.flaw = Some(flaw);
        Err(Stop)
    }
}

#[cfg(test)]
mod tests;
