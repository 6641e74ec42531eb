//! What becomes different in a database that begins a new cluster, by bucket.
//!
//! As etcdutl does it (etcd v3.6.16, `etcdutl/snapshot/v3_snapshot.go`): members anew and none removed, the consistent index
//! and term of the new log, and where the revision is bumped, an empty record at the new one and a compaction scheduled up
//! to it. Beyond that, confState names the new members, where etcdutl leaves the old ones until etcd itself writes them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use serde_json::json;

use super::copy::Flushing;
use crate::bolt::write::{Appender, Item, bucket as bucket_value, metas};
use crate::bolt::write_tree::{Tree, append};
use crate::bolt::{Bucket, Db, Direction};
use crate::mvcc::{Backend, bucket};
use crate::wal::{NewLog, to_json};
use crate::{Error, Result};

/// Keys and values of one small bucket.
type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// What changes.
pub(super) struct Edits {
    /// Buckets that are written anew, whole.
    small: BTreeMap<&'static [u8], Entries>,
    /// A record to put behind the last one of the key bucket: its name. Its value is empty.
    bumped: Option<[u8; 17]>,
}

impl Edits {
    /// What makes `database` the beginning of the cluster that `log` is of; `bumped` is the revision that shall be the last
    /// one, and compacted.
    pub(super) fn of(
        database: &Backend,
        log: &NewLog<'_>,
        bumped: Option<i64>,
        drop_alarms: bool,
    ) -> Result<Edits> {
        let mut small = BTreeMap::new();
        let members = log.members.iter();
        let members = members.map(|member| {
            (format!("{:x}", member.id).into_bytes(), to_json(member).to_string().into_bytes())
        });
        small.insert(bucket::MEMBERS, members.collect());
        small.insert(bucket::MEMBERS_REMOVED, Entries::new());
        if drop_alarms {
            small.insert(bucket::ALARM, Entries::new());
        }
        let state = log.state();
        let mut meta = entries(database, bucket::META)?;
        meta.insert(b"consistent_index".to_vec(), state.commit.to_be_bytes().to_vec());
        meta.insert(b"term".to_vec(), state.term.to_be_bytes().to_vec());
        let conf_state = json!({"voters": log.conf_state().voters, "auto_leave": false});
        meta.insert(b"confState".to_vec(), conf_state.to_string().into_bytes());
        let bumped = bumped.map(record_name);
        if let Some(name) = bumped {
            meta.insert(b"scheduledCompactRev".to_vec(), name.to_vec());
        }
        small.insert(bucket::META, meta);
        Ok(Edits { small, bumped })
    }

    /// Puts the edits behind the pages of `database` in `file`, which is a copy of them, and has the meta pages point there.
    /// Gives the file's size.
    pub(super) fn apply(&self, database: &Backend, file: &File, path: &Path) -> Result<u64> {
        let failed = |source| Error::Io { doing: "write", path: path.to_owned(), source };
        let db = database.db();
        let mut pages = Appender::new(file, db.meta().page_size, db.meta().high_water);
        let mut buckets = self.unchanged(&db)?;
        if let Some(name) = &self.bumped {
            let value = self.bump(&db, name, &mut pages, failed)?;
            buckets.insert(bucket::KEY.to_vec(), value);
        }
        self.write_small(&db, &mut buckets, &mut pages, failed)?;
        finish(&db, &buckets, pages, file).map_err(failed)
    }

    /// Writes all of `database` with the edits into `file`, which is empty: its pages full and in order, none of them free.
    /// Gives the file's size.
    pub(super) fn rewrite(&self, database: &Backend, file: &File, path: &Path) -> Result<u64> {
        let failed = |source| Error::Io { doing: "write", path: path.to_owned(), source };
        let db = database.db();
        std::thread::scope(|scope| {
            let flushing = Flushing::start(scope, file);
            let written = |offset| flushing.written(offset);
            let mut pages = Appender::new(file, db.meta().page_size, 2).telling(&written);
            let mut buckets = BTreeMap::new();
            for (name, value) in self.unchanged(&db)? {
                let found = db.bucket(&name)?.ok_or_else(|| gone(&name))?;
                let mut tree = Tree::new(&mut pages);
                for entry in found.walk(db, Direction::Forward) {
                    let entry = entry?;
                    if entry.is_bucket {
                        return Err(entry
                            .flaw("a bucket stands in a bucket, which etcd does not write")
                            .into());
                    }
                    tree.push(Item { key: entry.key, value: entry.value, is_bucket: false })
                        .map_err(failed)?;
                }
                if let Some(bumped) = self.bumped.as_ref().filter(|_| name == bucket::KEY) {
                    tree.push(Item { key: bumped, value: &[], is_bucket: false }).map_err(failed)?;
                }
                buckets.insert(name, tree.finish_bucket(sequence(&value)).map_err(failed)?);
            }
            self.write_small(&db, &mut buckets, &mut pages, failed)?;
            finish(&db, &buckets, pages, file).map_err(failed)
        })
    }

    /// The top buckets that stay as they are, each by name with its value; the key bucket is among them.
    fn unchanged(&self, db: &Db<'_>) -> Result<Entries> {
        let mut buckets = Entries::new();
        for entry in db.root().walk(*db, Direction::Forward) {
            let entry = entry?;
            if !entry.is_bucket {
                return Err(entry.flaw("a value stands among the buckets, which etcd does not write").into());
            }
            if !self.small.contains_key(entry.key) {
                buckets.insert(entry.key.to_vec(), entry.value.to_vec());
            }
        }
        Ok(buckets)
    }

    fn write_small(
        &self,
        db: &Db<'_>,
        buckets: &mut Entries,
        pages: &mut Appender<'_>,
        failed: impl Fn(io::Error) -> Error + Copy,
    ) -> Result<()> {
        for (name, entries) in &self.small {
            let mut tree = Tree::new(pages);
            for (key, value) in entries {
                tree.push(Item { key, value, is_bucket: false }).map_err(failed)?;
            }
            let old = db.root().get(*db, name)?.map_or(0, |entry| sequence(entry.value));
            buckets.insert(name.to_vec(), tree.finish_bucket(old).map_err(failed)?);
        }
        Ok(())
    }

    /// The key bucket with a record of this name behind its last one.
    fn bump(
        &self,
        db: &Db<'_>,
        name: &[u8; 17],
        pages: &mut Appender<'_>,
        failed: impl Fn(io::Error) -> Error + Copy,
    ) -> Result<Vec<u8>> {
        let item = Item { key: name, value: &[], is_bucket: false };
        let old = db.root().get(*db, bucket::KEY)?;
        let sequence = old.map_or(0, |entry| sequence(entry.value));
        match old.map(|entry| entry.bucket()).transpose()? {
            Some(found) if found.page().is_some() => {
                Ok(bucket_value(append(db, pages, &found, item, failed)?, sequence))
            }
            found => {
                let mut tree = Tree::new(pages);
                for entry in found.iter().flat_map(|found: &Bucket<'_>| found.walk(*db, Direction::Forward)) {
                    let entry = entry?;
                    tree.push(Item { key: entry.key, value: entry.value, is_bucket: false })
                        .map_err(failed)?;
                }
                tree.push(item).map_err(failed)?;
                tree.finish_bucket(sequence).map_err(failed)
            }
        }
    }
}

/// Writes the bucket of buckets and the meta pages.
fn finish(db: &Db<'_>, buckets: &Entries, mut pages: Appender<'_>, file: &File) -> io::Result<u64> {
    let mut tree = Tree::new(&mut pages);
    for (name, value) in buckets {
        tree.push(Item { key: name, value, is_bucket: true })?;
    }
    let root = tree.finish()?;
    let high_water = pages.finish()?;
    metas(file, db, root, high_water)?;
    Ok(high_water * u64::from(db.meta().page_size))
}

fn entries(database: &Backend, name: &[u8]) -> Result<Entries> {
    let Some(found) = database.bucket(name)? else { return Ok(Entries::new()) };
    let walk = found.walk(database.db(), Direction::Forward);
    walk.map(|entry| entry.map(|entry| (entry.key.to_vec(), entry.value.to_vec())).map_err(Error::from))
        .collect()
}

/// A revision's name in the key bucket (`mvcc.RevToBytes`): main, `_`, sub.
fn record_name(main: i64) -> [u8; 17] {
    let mut name = [0; 17];
    name[..8].copy_from_slice(&main.to_be_bytes());
    name[8] = b'_';
    name
}

/// The second number of a bucket's header.
fn sequence(value: &[u8]) -> u64 {
    value.get(8..16).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

fn gone(name: &[u8]) -> Error {
    Error::Corrupt {
        place: "the bucket of buckets".to_owned(),
        what: format!("{} cannot be found again", String::from_utf8_lossy(name)),
    }
}
