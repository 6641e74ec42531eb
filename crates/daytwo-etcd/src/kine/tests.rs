//! On tables made here, by kine's own statements. What a real kine writes is in `tests/kine.rs`.

mod rows;
mod ways;
mod whole;

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::Kine;
use crate::Store;

/// kine v0.16.4, `pkg/drivers/sqlite/sqlite.go`.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS kine (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, created INTEGER, deleted INTEGER,
        create_revision INTEGER, prev_revision INTEGER, lease INTEGER, value BLOB, old_value BLOB);
    CREATE INDEX IF NOT EXISTS kine_name_index ON kine (name);
    CREATE INDEX IF NOT EXISTS kine_name_id_index ON kine (name,id);
    CREATE INDEX IF NOT EXISTS kine_id_deleted_index ON kine (id,deleted);
    CREATE INDEX IF NOT EXISTS kine_prev_revision_index ON kine (prev_revision);
    CREATE UNIQUE INDEX IF NOT EXISTS kine_name_prev_revision_uindex ON kine (name, prev_revision);";

/// A database that is written to.
pub(crate) struct Table {
    pub db: Connection,
    pub folder: tempfile::TempDir,
}

impl Table {
    pub(crate) fn new(journal: &str) -> Table {
        let folder = tempfile::tempdir().unwrap();
        let db = Connection::open(folder.path().join("state.db")).unwrap();
        db.pragma_update(None, "journal_mode", journal).unwrap();
        db.execute_batch(SCHEMA).unwrap();
        let table = Table { db, folder };
        table.insert("compact_rev_key", [1, 0, 0, 0, 0], Some(b""));
        table
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("state.db")
    }

    /// kine's own statement; `numbers` are created, deleted, create_revision, prev_revision and lease.
    fn insert(&self, name: &str, numbers: [i64; 5], value: Option<&[u8]>) -> i64 {
        let [created, deleted, create, previous, lease] = numbers;
        self.db
            .prepare_cached(
                "INSERT INTO kine(name, created, deleted, create_revision, prev_revision, lease, value, old_value) \
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT value FROM kine WHERE id = ?5)",
            )
            .unwrap()
            .execute((name, created, deleted, create, previous, lease, value))
            .unwrap();
        self.db.last_insert_rowid()
    }

    /// The last row of `name`: its id, whether it deletes, when the key came into being.
    fn last(&self, name: &str) -> Option<(i64, bool, i64)> {
        let mut query = self
            .db
            .prepare_cached(
                "SELECT id, deleted, iif(created, id, create_revision) FROM kine WHERE name = ?1 ORDER BY id DESC LIMIT 1",
            )
            .unwrap();
        let mut rows = query.query([name]).unwrap();
        rows.next().unwrap().map(|row| (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap()))
    }

    pub(crate) fn put(&self, name: &str, value: &[u8], lease: i64) -> i64 {
        match self.last(name) {
            Some((id, false, create)) => self.insert(name, [0, 0, create, id, lease], Some(value)),
            Some((id, true, _)) => self.insert(name, [1, 0, 0, id, lease], Some(value)),
            None => self.insert(name, [1, 0, 0, 0, lease], Some(value)),
        }
    }

    fn delete(&self, name: &str) -> i64 {
        let (id, ..) = self.last(name).unwrap();
        self.insert(name, [0, 1, 0, id, 0], None)
    }

    fn gap(&self) {
        let next: i64 = self.db.query_row("SELECT max(id) + 1 FROM kine", [], |row| row.get(0)).unwrap();
        self.insert(&format!("gap-{next}"), [0, 1, 0, 0, 0], None);
    }

    /// kine's `CompactSQL` and `UpdateCompactSQL`.
    fn compact(&self, to: i64) {
        self.db
            .execute(
                "DELETE FROM kine AS kv WHERE kv.id IN (SELECT kp.prev_revision AS id FROM kine AS kp WHERE \
                 kp.name != 'compact_rev_key' AND kp.prev_revision != 0 AND kp.id <= ?1 \
                 UNION SELECT kd.id AS id FROM kine AS kd WHERE kd.deleted != 0 AND kd.id <= ?1)",
                [to],
            )
            .unwrap();
        self.db.execute("UPDATE kine SET prev_revision = ?1 WHERE name = 'compact_rev_key'", [to]).unwrap();
    }

    pub(crate) fn open(&self) -> Kine {
        open(&self.path()).unwrap()
    }
}

fn open(path: &Path) -> crate::Result<Kine> {
    Kine::open(path, &std::env::temp_dir())
}

type Seen = (i64, String, Option<String>, Option<String>, i64);

/// Revision, key, value unless deleted, the value before, and when the key came into being.
fn all(store: &dyn Store) -> Vec<Seen> {
    let mut seen = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    store
        .oldest_first(&mut |record| {
            assert_eq!((record.revision.sub, record.version), (0, 0));
            let value = (!record.deleted).then(|| text(record.value));
            let previous = record.previous.map(text);
            seen.push((record.revision.main, text(record.key), value, previous, record.create_revision));
            ControlFlow::Continue(())
        })
        .unwrap();
    seen
}

/// Every file of a folder, with its bytes and when it was written.
fn picture(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, i64, i64)> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let found = fs::metadata(&path).unwrap();
            let state = (fs::read(&path).unwrap(), found.mtime(), found.mtime_nsec());
            (path, state)
        })
        .collect()
}
