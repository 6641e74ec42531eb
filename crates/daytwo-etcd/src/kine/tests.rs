//! On tables made here, by kine's own statements. What a real kine writes is in `tests/kine.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{Kine, Way};
use crate::{Error, Readable, Store};

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

#[test]
fn a_row_is_what_kine_means_by_it() {
    let table = Table::new("WAL");
    table.put("/a", b"one", 0);
    table.put("/a", b"two", 3_600);
    table.delete("/a");
    table.gap();
    table.put("/a", b"three", 0);
    table.put("/empty", b"", 0);
    let some = |text: &str| Some(text.to_owned());
    let kine = table.open();
    assert_eq!(
        all(&kine),
        [
            (1, "compact_rev_key".to_owned(), some(""), None, 1),
            (2, "/a".to_owned(), some("one"), None, 2),
            (3, "/a".to_owned(), some("two"), some("one"), 2),
            (4, "/a".to_owned(), None, some("two"), 0),
            (6, "/a".to_owned(), some("three"), None, 6),
            (7, "/empty".to_owned(), some(""), None, 7),
        ]
    );
    assert_eq!(kine.readable().unwrap(), Readable { oldest: 1, newest: 7 });
    let mut leases = Vec::new();
    kine.newest_first(&mut |record| {
        leases.push((record.revision.main, record.lease));
        ControlFlow::Continue(())
    })
    .unwrap();
    let at = |main, sub| kine.at(crate::Revision { main, sub }, &mut |_| ()).unwrap();
    assert_eq!([at(3, 0), at(3, 1), at(5, 0), at(8, 0)], [true, false, false, false]);
    assert_eq!(leases, [(7, 0), (6, 0), (4, 0), (3, 3_600), (2, 0), (1, 0)]);
}

#[test]
fn of_two_rows_that_say_how_far_it_compacted_the_higher_one_counts() {
    let table = Table::new("WAL");
    for value in 0..9 {
        table.put("/a", &[value], 0);
    }
    table.insert("compact_rev_key", [0, 0, 1, 5, 0], Some(b""));
    table.put("compact_rev_key_apiserver", b"1|4", 0);
    assert_eq!(table.open().readable().unwrap(), Readable { oldest: 5, newest: 12 });
}

#[test]
fn many_rows_come_in_batches_in_both_orders_and_by_name() {
    let table = Table::new("WAL");
    table.db.execute_batch("BEGIN").unwrap();
    for number in 0..10_000_u32 {
        table.put(if number % 2 == 0 { "/even" } else { "/odd" }, &number.to_be_bytes(), 0);
    }
    // More than a batch may hold in bytes.
    for _ in 0..5 {
        table.put("/large", &vec![7; 1 << 20], 0);
    }
    table.db.execute_batch("COMMIT").unwrap();
    let kine = table.open();
    let mut rising = Vec::new();
    kine.oldest_first(&mut |record| {
        rising.push(record.revision.main);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(rising, (1..=10_006).collect::<Vec<_>>());
    let mut falling = Vec::new();
    kine.newest_first(&mut |record| {
        falling.push(record.revision.main);
        ControlFlow::Continue(())
    })
    .unwrap();
    falling.reverse();
    assert_eq!(falling, rising);
    let mut even = 0;
    kine.of_key(b"/even", &mut |record| {
        assert_eq!(record.key, b"/even");
        even += 1;
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(even, 5_000);
}

#[test]
fn a_key_is_found_by_the_index_of_names() {
    let table = Table::new("WAL");
    let mut plan = table
        .db
        .prepare(
            "EXPLAIN QUERY PLAN SELECT id FROM kine WHERE id < 9 AND id <= 9 AND name = CAST(x'41' AS TEXT) \
             ORDER BY id DESC LIMIT 4096",
        )
        .unwrap();
    let plan: Vec<String> =
        plan.query_map([], |row| row.get(3)).unwrap().collect::<rusqlite::Result<_>>().unwrap();
    // Either of the two that begin with the name, which databases of old versions have too.
    assert!(plan.iter().all(|step| step.contains("(name=?")), "{plan:?}");
}

#[test]
fn a_key_need_not_be_text() {
    let table = Table::new("WAL");
    table
        .db
        .execute(
            "INSERT INTO kine(name, created, deleted, create_revision, prev_revision, lease, value) \
             VALUES (CAST(x'2FFF00FE' AS TEXT), 1, 0, 0, 0, 0, x'01')",
            [],
        )
        .unwrap();
    let mut found = Vec::new();
    table
        .open()
        .of_key(b"/\xff\0\xfe", &mut |record| {
            found = record.value.to_vec();
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(found, [1]);
}

#[test]
fn what_is_written_later_is_not_given() {
    let table = Table::new("WAL");
    table.put("/a", b"one", 0);
    let kine = table.open();
    table.put("/a", b"two", 0);
    assert_eq!(all(&kine).len(), 2);
    assert_eq!(kine.status().unwrap().rows, 2);
    assert_eq!(all(&table.open()).len(), 3);
}

#[test]
fn a_compaction_on_the_way_is_told() {
    let table = Table::new("WAL");
    for value in 0..9 {
        table.put("/a", &[value], 0);
    }
    let kine = table.open();
    assert_eq!(kine.way(), Way::Beside);
    table.compact(6);
    let stop = &mut |_: &crate::Record<'_>| ControlFlow::Continue(());
    let stale = |result: crate::Result<()>| matches!(result, Err(Error::Stale { .. }));
    assert!(stale(kine.newest_first(stop)));
    assert!(stale(kine.oldest_first(stop)));
    assert!(stale(kine.of_key(b"/a", stop)));
    assert!(matches!(kine.check(true), Err(Error::Stale { .. })));
    // Opened anew it is what it is, and what it lacks was compacted away.
    let kine = table.open();
    assert_eq!(kine.readable().unwrap(), Readable { oldest: 6, newest: 10 });
    assert_eq!(all(&kine).iter().map(|seen| seen.0).collect::<Vec<_>>(), [1, 6, 7, 8, 9, 10]);
    assert_eq!(kine.check(true).unwrap(), []);
}

#[test]
fn a_compaction_of_what_was_given_already_does_not_matter() {
    let table = Table::new("WAL");
    table.db.execute_batch("BEGIN").unwrap();
    for number in 0..5_000_u32 {
        table.put("/a", &number.to_be_bytes(), 0);
    }
    table.db.execute_batch("COMMIT").unwrap();
    let kine = table.open();
    let mut seen = 0;
    kine.oldest_first(&mut |record| {
        seen += 1;
        if record.revision.main == 4_000 {
            table.compact(3_000);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, 5_001);
}

#[test]
fn a_file_that_was_replaced_is_told() {
    let table = Table::new("DELETE");
    let kine = table.open();
    let other = table.folder.path().join("other");
    fs::copy(table.path(), &other).unwrap();
    fs::rename(&other, table.path()).unwrap();
    let result = kine.oldest_first(&mut |_| ControlFlow::Continue(()));
    assert!(matches!(result, Err(Error::Stale { .. })), "{result:?}");
}

#[test]
fn nothing_is_changed_whichever_way_it_is_read() {
    // With the log and its index, as a kine that was killed leaves them.
    let table = Table::new("WAL");
    table.put("/a", b"one", 0);
    let left = tempfile::tempdir().unwrap();
    for (file, _) in picture(table.folder.path()) {
        fs::copy(&file, left.path().join(file.file_name().unwrap())).unwrap();
    }
    let path = left.path().join("state.db");
    let read = |way| {
        let before = picture(left.path());
        let kine = open(&path).unwrap();
        assert_eq!(kine.way(), way);
        assert_eq!(all(&kine).len(), 2);
        assert_eq!(kine.check(true).unwrap(), []);
        assert_eq!(kine.status().unwrap().keys, 2);
        drop(kine);
        assert!(before == picture(left.path()), "{way:?}");
    };
    assert_eq!(picture(left.path()).len(), 3);
    read(Way::Beside);

    // Without the index, as a copy of two files is.
    fs::remove_file(left.path().join("state.db-shm")).unwrap();
    read(Way::Copy);

    // After a clean end; in both modes of the header.
    fs::remove_file(left.path().join("state.db-wal")).unwrap();
    table.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    fs::copy(table.path(), &path).unwrap();
    read(Way::Alone);
    table.db.pragma_update(None, "journal_mode", "DELETE").unwrap();
    fs::copy(table.path(), &path).unwrap();
    read(Way::Alone);
    assert_eq!(picture(left.path()).len(), 1);

    // A log that holds nothing.
    fs::write(left.path().join("state.db-wal"), "").unwrap();
    read(Way::Alone);
}

#[test]
fn who_begins_to_write_beside_a_file_that_was_alone_is_seen() {
    let table = Table::new("WAL");
    let path = table.folder.path().join("copy.db");
    table.open().copy(&path).unwrap();
    let db = Connection::open(&path).unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    drop(db);
    let kine = open(&path).unwrap();
    assert_eq!((kine.way(), all(&kine).len()), (Way::Alone, 1));
    let db = Connection::open(&path).unwrap();
    db.execute_batch("UPDATE kine SET lease = 1").unwrap();
    let result = kine.oldest_first(&mut |_| ControlFlow::Continue(()));
    assert!(matches!(result, Err(Error::Stale { .. })), "{result:?}");
}

#[test]
fn a_journal_that_waits_is_rolled_back_in_a_copy() {
    let table = Table::new("DELETE");
    table.put("/a", b"one", 0);
    // Killed in the middle of a transaction whose pages are in the file already.
    table.db.execute_batch("PRAGMA cache_size = 1; BEGIN").unwrap();
    for number in 0..200_u32 {
        table.put("/b", &[1; 4_096], i64::from(number));
    }
    let left = tempfile::tempdir().unwrap();
    for (file, _) in picture(table.folder.path()) {
        fs::copy(&file, left.path().join(file.file_name().unwrap())).unwrap();
    }
    assert!(left.path().join("state.db-journal").exists());
    let before = picture(left.path());
    let kine = open(&left.path().join("state.db")).unwrap();
    assert_eq!(kine.way(), Way::Copy);
    assert_eq!(all(&kine).len(), 2);
    drop(kine);
    assert!(before == picture(left.path()));
}

#[test]
fn what_is_not_kines_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let foreign = |path: &Path, what: &str| match open(path) {
        Err(Error::Foreign { what: said, .. }) => assert!(said.contains(what), "{said}"),
        other => panic!("{other:?}"),
    };
    fs::write(&path, "text").unwrap();
    foreign(&path, "no SQLite database");
    foreign(folder.path(), "no SQLite database");
    fs::remove_file(&path).unwrap();
    assert!(matches!(open(&path), Err(Error::Io { .. })));
    let db = Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE other (id)").unwrap();
    foreign(&path, "without kine's table");
    db.execute_batch("CREATE VIEW kine AS SELECT id FROM other").unwrap();
    foreign(&path, "without kine's table");
    db.execute_batch("DROP VIEW kine; CREATE TABLE kine (id, name)").unwrap();
    foreign(&path, "no column created");
}

#[test]
fn a_name_with_odd_letters_is_opened() {
    let table = Table::new("WAL");
    let path = table.folder.path().join("a b?c#d%41.db");
    table.open().copy(&path).unwrap();
    assert_eq!(all(&open(&path).unwrap()).len(), 1);
}

#[test]
fn rows_that_do_not_follow_on_each_other_are_flaws() {
    let flaws = |sql: &str| {
        let table = Table::new("WAL");
        table.put("/a", b"one", 0);
        table.put("/a", b"two", 0);
        table.delete("/a");
        table.put("/a", b"three", 0);
        table.put("/b", b"other", 0);
        assert_eq!(table.open().check(true).unwrap(), []);
        table.db.execute_batch(sql).unwrap();
        table.open().check(true).unwrap()
    };
    let rows = |sql: &str| flaws(sql).iter().map(|flaw| flaw.row).collect::<Vec<_>>();
    assert_eq!(rows("DELETE FROM kine WHERE id = 3"), [Some(4)]);
    assert_eq!(rows("UPDATE kine SET name = '/b' WHERE id = 3"), [Some(4), Some(3), Some(6)]);
    assert_eq!(rows("UPDATE kine SET old_value = x'00' WHERE id = 3"), [Some(3)]);
    assert_eq!(rows("UPDATE kine SET value = x'00' WHERE id = 4"), [Some(4)]);
    assert_eq!(rows("UPDATE kine SET create_revision = 0 WHERE id = 3"), [Some(3)]);
    assert_eq!(rows("UPDATE kine SET prev_revision = 6 WHERE id = 6"), [Some(6)]);
    assert_eq!(rows("UPDATE sqlite_sequence SET seq = 4"), [None]);
}

#[test]
fn a_damaged_page_is_a_flaw_and_no_crash() {
    let table = Table::new("DELETE");
    table.db.execute_batch("BEGIN").unwrap();
    for number in 0..2_000_u32 {
        table.put(&format!("/{}", number % 500), &[5; 100], 0);
    }
    table.db.execute_batch("COMMIT").unwrap();
    let path = table.path();
    let good = fs::read(&path).unwrap();
    let mut found = 0;
    for page in 1..good.len() / 4_096 {
        let mut bytes = good.clone();
        // The header of the page: its kind, and how many cells it has.
        bytes[page * 4_096] ^= 0x55;
        bytes[page * 4_096 + 4] ^= 0x55;
        let bad = table.folder.path().join(format!("bad-{page}"));
        fs::write(&bad, bytes).unwrap();
        match open(&bad).and_then(|kine| kine.check(true)) {
            Ok(flaws) => found += usize::from(!flaws.is_empty()),
            Err(Error::Corrupt { .. } | Error::Foreign { .. }) => found += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(found, good.len() / 4_096 - 1);
}

#[test]
fn a_copy_holds_the_same_and_needs_nothing_beside_it() {
    let table = Table::new("WAL");
    table.put("/a", b"one", 0);
    table.put("/a", b"two", 0);
    let kine = table.open();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("copy.db");
    let copied = kine.copy(&to).unwrap();
    assert_eq!((copied.revision, copied.compacted), (3, 0));
    assert_eq!(copied.bytes, fs::metadata(&to).unwrap().len());
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(picture(folder.path()).len(), 1);
    let copy = open(&to).unwrap();
    assert_eq!(copy.way(), Way::Alone);
    assert_eq!(all(&copy), all(&kine));
    assert_eq!(copy.check(true).unwrap(), []);
    assert!(matches!(kine.copy(&to), Err(Error::Io { doing: "create", .. })));
    assert_eq!(picture(folder.path()).len(), 1);
}

#[test]
fn the_numbers_are_counted() {
    let table = Table::new("WAL");
    for name in 0..5_000_u32 {
        table.put(&format!("/{name}"), b"value", 0);
    }
    table.delete("/7");
    table.gap();
    let status = table.open().status().unwrap();
    assert_eq!((status.rows, status.keys, status.deletions, status.gaps), (5_003, 5_000, 1, 1));
    assert_eq!((status.compacted, status.readable.newest), (0, 5_003));
    assert!(status.log_bytes > 0 && status.page_bytes == 4_096 && status.pages > 50);
}
