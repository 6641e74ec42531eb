//! One entry of the bucket `key`: its name is the revision, its value an `mvccpb.KeyValue`.

use super::proto::{Fields, Wrong};
use crate::bolt::{Entry, Flaw};
use crate::{Record, Revision};

/// Bytes of a revision: main, `_`, sub, both numbers of 8 bytes, the high one first.
const REVISION: usize = 17;
/// Follows the revision of a change that deleted the key.
const TOMBSTONE: u8 = b't';

/// A revision's bytes, read as `BytesToBucketKey` in `revision.go` does, where other bytes make etcd panic.
pub(crate) fn revision(name: &[u8]) -> Result<(Revision, bool), Wrong> {
    let (numbers, mark) = name.split_at_checked(REVISION).ok_or("a revision of fewer than 17 bytes")?;
    let deleted = match mark {
        [] => false,
        [TOMBSTONE] => true,
        _ => return Err("a revision that ends in neither its number nor a tombstone's mark"),
    };
    if numbers[8] != b'_' {
        return Err("a revision without its separator");
    }
    let number = |at: usize| {
        let bytes = numbers[at..].first_chunk().expect("invariant: 17 bytes hold two numbers of 8");
        i64::try_from(u64::from_be_bytes(*bytes)).map_err(|_| "a negative revision")
    };
    Ok((Revision { main: number(0)?, sub: number(9)? }, deleted))
}

/// The names that the record of `revision` may have: where it put its key, and where it deleted it.
pub(super) fn names(revision: Revision) -> [Vec<u8>; 2] {
    let put = [&revision.main.to_be_bytes()[..], b"_", &revision.sub.to_be_bytes()].concat();
    let deleted = [&put[..], &[TOMBSTONE]].concat();
    [put, deleted]
}

/// The record that an entry of the bucket `key` is. One without any value is legal: `etcdutl snapshot restore --bump-revision`
/// writes it, and its key is empty.
pub(crate) fn record<'a>(entry: &Entry<'a>) -> Result<Record<'a>, Flaw> {
    let read = || {
        if entry.is_bucket {
            return Err("a bucket among the records");
        }
        let (revision, deleted) = revision(entry.key)?;
        let value = KeyValue::read(entry.value)?;
        Ok(value.record(revision, deleted))
    };
    read().map_err(|wrong: Wrong| entry.flaw(wrong))
}

/// The record of `entry` if it is of `key`: as [`record`], but what is of another key is put away after its first bytes, so
/// that a search touches few pages.
pub(crate) fn record_of<'a>(entry: &Entry<'a>, key: &[u8]) -> Result<Option<Record<'a>>, Flaw> {
    // The key is the first field, as etcd writes it. Where it is not, the whole record says.
    match Fields::of(entry.value).next() {
        Some(Ok((1, value))) if !entry.is_bucket && value.bytes().is_ok_and(|found| found != key) => Ok(None),
        _ => record(entry).map(|record| (record.key == key).then_some(record)),
    }
}

/// An `mvccpb.KeyValue` (`api/mvccpb/kv.proto`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct KeyValue<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) create_revision: i64,
    pub(crate) mod_revision: i64,
    pub(crate) version: i64,
    pub(crate) value: &'a [u8],
    pub(crate) lease: i64,
}

impl<'a> KeyValue<'a> {
    pub(crate) fn read(message: &'a [u8]) -> Result<KeyValue<'a>, Wrong> {
        let mut found = KeyValue::default();
        for field in Fields::of(message) {
            let (number, value) = field?;
            match number {
                1 => found.key = value.bytes()?,
                2 => found.create_revision = value.signed()?,
                3 => found.mod_revision = value.signed()?,
                4 => found.version = value.signed()?,
                5 => found.value = value.bytes()?,
                6 => found.lease = value.signed()?,
                _ => {}
            }
        }
        Ok(found)
    }

    pub(crate) fn record(self, revision: Revision, deleted: bool) -> Record<'a> {
        let KeyValue { key, value, create_revision, version, lease, .. } = self;
        Record { key, value, revision, create_revision, version, lease, deleted, previous: None }
    }
}
