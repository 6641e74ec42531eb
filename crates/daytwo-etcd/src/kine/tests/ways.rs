//! How a file is opened, and that nothing of it changes.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::Connection;

use super::{Table, all, open, picture};
use crate::kine::{Kine, Way};
use crate::{Error, Store as _};

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
    let scratch = tempfile::tempdir().unwrap();
    let read = |way| {
        let before = picture(left.path());
        let kine = open(&path).unwrap();
        assert_eq!(kine.way(), way);
        let copied = kine.copy(&scratch.path().join(format!("{way:?}"))).unwrap();
        assert_eq!(copied.revision, 2);
        fs::remove_file(scratch.path().join(format!("{way:?}"))).unwrap();
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
    let scratch = tempfile::tempdir().unwrap();
    let kine = Kine::open(&left.path().join("state.db"), scratch.path()).unwrap();
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "the copy has no name any more");
    assert_eq!(kine.way(), Way::Copy);
    assert_eq!(all(&kine).len(), 2);
    assert_eq!(kine.check(true).unwrap(), []);
    assert_eq!(kine.copy(&scratch.path().join("copy")).unwrap().revision, 2);
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
