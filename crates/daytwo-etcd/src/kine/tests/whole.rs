//! Whether a database is whole, its numbers, and copies of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{Table, all, open, picture};
use crate::Error;
use crate::kine::Way;

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
