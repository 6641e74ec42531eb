//! What rows mean, and how they are passed through.

use std::ops::ControlFlow;

use super::{Table, all};
use crate::kine::Way;
use crate::{Error, Readable, Store as _};

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
