use std::fs;
use std::path::Path;

use super::*;
use crate::bolt::tests::build::{Build, inline};
use crate::wal::tests::{Log, put};
use crate::wal::{ConfState, Kind, write_snap};

/// A member's directory whose database holds all up to `index`, and whose log is `log`.
fn member(dir: &Path, index: u64, log: &Log) -> PathBuf {
    let member = dir.join("member");
    fs::create_dir_all(member.join("snap")).unwrap();
    fs::create_dir_all(member.join("wal")).unwrap();
    fs::write(member.join("snap/db"), database(index)).unwrap();
    log.save(&member.join("wal"), 0, 0);
    member
}

fn database(index: u64) -> Vec<u8> {
    let mut build = Build::new(3);
    build.leaf(2, &[(b"meta", &inline(&[(b"consistent_index", &index.to_be_bytes(), false)]), true)]);
    build.finish()
}

fn snap(member: &Path, mark: Mark) {
    let snapshot = Snapshot { mark, state: ConfState::default(), data: b"{}".to_vec() };
    fs::write(member.join("snap").join(snapshot.file_name()), write_snap(&snapshot)).unwrap();
}

#[test]
fn what_is_in_the_log_only_is_told_by_whether_it_was_decided() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new();
    log.entry(1, 1, &[]);
    log.entry(2, 1, &put(b"/a"));
    log.entry(3, 1, &put(b"/b"));
    log.commit(3);
    log.entry(4, 1, &put(b"/c"));
    member(dir.path(), 2, &log);

    let found = DataDir::open(dir.path(), None).unwrap();
    assert_eq!((found.consistent_index, found.state.commit, found.last), (2, 3, 4));
    let beyond = found.beyond().unwrap();
    assert_eq!(beyond.committed[0].request.touched[0].key, b"/b");
    assert_eq!(beyond.undecided[0].request.touched[0].key, b"/c");
    assert_eq!((beyond.committed.len(), beyond.undecided.len(), beyond.data_entries()), (1, 1, 2));
    // The member directory is as good.
    assert_eq!(DataDir::open(&dir.path().join("member"), None).unwrap(), found);
}

#[test]
fn a_new_leaders_entry_is_no_loss() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new();
    log.entry(1, 1, &put(b"/a"));
    log.entry(2, 2, &[]);
    log.commit(2);
    member(dir.path(), 1, &log);
    let beyond = DataDir::open(dir.path(), None).unwrap().beyond().unwrap();
    assert_eq!(beyond.committed[0].request.kind, Kind::Leader);
    assert!(!beyond.holds_data());
}

#[test]
fn nothing_is_beyond_a_database_that_is_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new();
    log.entry(1, 1, &put(b"/a"));
    log.commit(1);
    member(dir.path(), 1, &log);
    assert_eq!(DataDir::open(dir.path(), None).unwrap().beyond().unwrap(), Beyond::default());
}

/// The member was ended after it had received a database from its leader, and before it used it.
#[test]
fn a_database_that_the_leader_sent_takes_the_place_of_an_older_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new();
    log.entry(1, 1, &put(b"/a"));
    log.mark(Mark { term: 1, index: 7 });
    log.commit(7);
    let member = member(dir.path(), 1, &log);
    snap(&member, Mark { term: 1, index: 7 });

    // etcd does not start without it.
    let missing = DataDir::open(dir.path(), None).unwrap_err().to_string();
    assert!(missing.contains("0000000000000007.snap.db"), "{missing}");

    let sent = member.join("snap/0000000000000007.snap.db");
    fs::write(&sent, database(7)).unwrap();
    let found = DataDir::open(dir.path(), None).unwrap();
    assert_eq!((found.database, found.consistent_index), (Which::Sent(sent), 7));
}

#[test]
fn a_raft_snapshot_that_the_log_does_not_know_or_that_is_damaged_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new();
    log.mark(Mark { term: 1, index: 3 });
    log.commit(3);
    let member = member(dir.path(), 3, &log);
    snap(&member, Mark { term: 1, index: 3 });
    // Written, and etcd was ended before the log said so.
    snap(&member, Mark { term: 1, index: 9 });
    fs::write(member.join("snap/0000000000000002-0000000000000009.snap"), b"\x08\x01").unwrap();

    let found = DataDir::open(dir.path(), None).unwrap();
    assert_eq!(found.snapshot, Some(Mark { term: 1, index: 3 }));
    assert_eq!(found.database, Which::Own(member.join("snap/db")));
}

#[test]
fn a_log_that_does_not_reach_back_to_the_database_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new();
    log.entry(5, 1, &put(b"/a"));
    log.commit(5);
    member(dir.path(), 2, &log);
    let found = DataDir::open(dir.path(), None).unwrap();
    assert!(matches!(found.beyond(), Err(Error::Corrupt { .. })));
}

#[test]
fn a_log_that_is_kept_elsewhere_is_read_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new();
    log.entry(1, 1, &put(b"/a"));
    log.commit(1);
    let member = member(dir.path(), 1, &log);
    let elsewhere = dir.path().join("log");
    fs::rename(member.join("wal"), &elsewhere).unwrap();
    assert!(DataDir::open(dir.path(), None).is_err());
    assert_eq!(DataDir::open(dir.path(), Some(&elsewhere)).unwrap().last, 1);
}

#[test]
fn a_directory_that_is_none_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(DataDir::open(dir.path(), None), Err(Error::Foreign { .. })));
}
