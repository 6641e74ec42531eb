use std::fs;
use std::path::{Path, PathBuf};

use super::proto::Message;
use super::raft::{Entry, EntryKind, HardState, Identity, Mark};
use super::write::Records;
use super::*;
use crate::Error;
use crate::mvcc::Member;

fn members(count: u64) -> Vec<Member> {
    let member = |id| Member {
        id: 0x1000 + id,
        peer_urls: vec![format!("http://10.0.0.{id}:2380")],
        name: format!("m{id}"),
        client_urls: vec![],
        is_learner: false,
    };
    (1..=count).map(member).collect()
}

const IDENTITY: Identity = Identity { member: 0x1001, cluster: 7 };

/// InternalRaftRequest: a header, and a put of `key`.
pub(crate) fn put(key: &[u8]) -> Vec<u8> {
    let put = Message::new().bytes(1, key).bytes(2, b"a value").done();
    Message::new().bytes(4, &put).bytes(100, &Message::new().number(1, 9).done()).done()
}

fn txn(put_key: &[u8], deleted: &[u8]) -> Vec<u8> {
    let put = Message::new().bytes(2, &Message::new().bytes(1, put_key).done()).done();
    let delete = Message::new().bytes(1, deleted).bytes(2, &[0]).done();
    let delete = Message::new().bytes(3, &delete).done();
    let nested = Message::new().bytes(4, &Message::new().bytes(3, &delete).done()).done();
    let txn = Message::new().bytes(1, b"\x08\x01").bytes(2, &put).bytes(3, &nested).done();
    Message::new().bytes(100, &[]).bytes(6, &txn).done()
}

/// A log as a member that ran for a while has it.
pub(crate) struct Log(Records);

impl Log {
    pub(crate) fn new() -> Log {
        let mut log = Log(Records::default());
        log.begin();
        log.mark(Mark::default());
        log
    }

    /// How a segment begins.
    fn begin(&mut self) {
        self.0.bytes.clear();
        self.0.checksum();
        self.0.record(1, &IDENTITY.encode());
    }

    pub(crate) fn entry(&mut self, index: u64, term: u64, data: &[u8]) {
        self.0.record(2, &Entry { kind: EntryKind::Normal, term, index, data }.encode());
    }

    pub(crate) fn commit(&mut self, commit: u64) {
        self.0.record(3, &HardState { term: 2, vote: 0x1001, commit }.encode());
    }

    pub(crate) fn mark(&mut self, mark: Mark) {
        self.0.record(5, &mark.encode(None));
    }

    pub(crate) fn save(&self, dir: &Path, number: u64, first: u64) -> PathBuf {
        save(dir, number, first, &self.0.bytes)
    }
}

fn save(dir: &Path, number: u64, first: u64, bytes: &[u8]) -> PathBuf {
    let path = dir.join(read::name(number, first));
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_new_log_says_what_it_was_told() {
    let dir = tempfile::tempdir().unwrap();
    let members = members(3);
    let log = NewLog { identity: IDENTITY, members: &members };
    write(dir.path(), &log).unwrap();

    let seen = survey(dir.path()).unwrap();
    assert_eq!(seen.identity, IDENTITY);
    assert_eq!(seen.state, HardState { term: 1, vote: 0x1001, commit: 3 });
    assert_eq!(seen.marks, [Mark::default(), Mark { term: 1, index: 3 }]);
    assert_eq!((seen.last, seen.torn), (3, None));
    let kinds: Vec<Kind> = entries(dir.path(), 0).unwrap().iter().map(|entry| entry.request.kind).collect();
    assert_eq!(kinds, [Kind::Membership; 3]);
    assert_eq!(entries(dir.path(), 3).unwrap(), []);
}

#[test]
fn a_log_is_not_written_over_another() {
    let dir = tempfile::tempdir().unwrap();
    let members = members(1);
    let log = NewLog { identity: IDENTITY, members: &members };
    write(dir.path(), &log).unwrap();
    assert!(matches!(write(dir.path(), &log), Err(Error::Io { .. })));
}

#[test]
fn an_entry_says_which_keys_it_would_change() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new();
    log.entry(1, 1, &[]);
    log.entry(2, 1, &put(b"/registry/a"));
    log.entry(3, 1, &txn(b"/registry/b", b"/registry/c"));
    log.entry(4, 1, b"\xff");
    log.commit(3);
    log.save(dir.path(), 0, 0);

    let pending = entries(dir.path(), 1).unwrap();
    let kinds: Vec<(u64, Kind)> = pending.iter().map(|entry| (entry.index, entry.request.kind)).collect();
    assert_eq!(kinds, [(2, Kind::Put), (3, Kind::Txn), (4, Kind::Unknown)]);
    assert_eq!(pending[0].request.touched[0].key, b"/registry/a");
    let touched = &pending[1].request.touched;
    assert_eq!((touched[0].key.as_slice(), touched[0].deleted), (b"/registry/b".as_slice(), false));
    assert_eq!(
        (touched[1].key.as_slice(), touched[1].range_end.as_deref()),
        (b"/registry/c".as_slice(), Some(b"\0".as_slice()))
    );
    assert!(touched[1].deleted);
}

#[test]
fn an_entry_that_a_leader_replaced_is_gone_with_all_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new();
    for index in 1..=5 {
        log.entry(index, 1, &put(b"old"));
    }
    log.entry(4, 2, &put(b"new"));
    log.commit(4);
    log.save(dir.path(), 0, 0);

    let pending = entries(dir.path(), 2).unwrap();
    let seen: Vec<(u64, u64)> = pending.iter().map(|entry| (entry.index, entry.term)).collect();
    assert_eq!(seen, [(3, 1), (4, 2)]);
    assert_eq!(pending[1].request.touched[0].key, b"new");
}

#[test]
fn a_log_goes_on_over_segments_and_a_missing_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new();
    let segment = |number: u64, first: u64, log: &mut Log| {
        // Space kept for later follows the records.
        log.0.bytes.extend_from_slice(&[0; 64]);
        let path = log.save(dir.path(), number, first);
        log.begin();
        path
    };
    log.entry(1, 1, &put(b"a"));
    let first = segment(0, 0, &mut log);
    log.entry(2, 1, &put(b"b"));
    let second = segment(1, 2, &mut log);
    log.entry(3, 1, &put(b"c"));
    log.commit(3);
    segment(2, 3, &mut log);

    assert_eq!(survey(dir.path()).unwrap().last, 3);
    assert_eq!(entries(dir.path(), 0).unwrap().len(), 3);
    assert_eq!(entries(dir.path(), 2).unwrap().len(), 1);

    // etcd removes old segments from the front: what is left is a log, but not all of it.
    fs::remove_file(first).unwrap();
    assert_eq!(survey(dir.path()).unwrap().last, 3);
    assert!(matches!(entries(dir.path(), 0), Err(Error::Corrupt { .. })));
    assert_eq!(entries(dir.path(), 1).unwrap().len(), 2);
    // One that fails in the middle is damage, also where it is only short.
    let bytes = fs::read(&second).unwrap();
    fs::write(&second, &bytes[..bytes.len() - 80]).unwrap();
    assert!(matches!(survey(dir.path()), Err(Error::Corrupt { .. })));
}

/// What etcd wrote when it was ended at any byte: all records before are read, and the tail is said to be torn.
#[test]
fn a_tail_torn_at_any_byte_is_told_from_damage() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new();
    log.commit(1);
    log.entry(1, 1, &put(b"a"));
    let whole = log.0.bytes.len();
    log.entry(2, 1, &put(&[b'k'; 700]));
    for end in whole..log.0.bytes.len() {
        let mut bytes = log.0.bytes[..end].to_vec();
        save(dir.path(), 0, 0, &bytes);
        let seen = survey(dir.path()).unwrap();
        assert_eq!(seen.last, 1, "cut at {end}");
        assert_eq!(seen.torn.is_some(), end > whole, "cut at {end}");

        // The same in space that was kept: zeros follow. Only whole sectors of them tell it from damage.
        bytes.resize(log.0.bytes.len().next_multiple_of(512) + 1024, 0);
        save(dir.path(), 0, 0, &bytes);
        match survey(dir.path()) {
            // Where only padding was cut off, nothing is missing.
            Ok(seen) if seen.torn.is_none() && seen.last == 2 => assert!(end > log.0.bytes.len() - 8),
            Ok(seen) => assert_eq!(seen.last, 1, "zeros from {end}"),
            Err(Error::Corrupt { .. }) => assert!(end > whole, "zeros from {end}"),
            Err(other) => panic!("{other}"),
        }
    }
}

/// Every byte of a log and of a raft snapshot, each with several values, and every length: an error or an answer.
#[test]
fn no_byte_makes_a_reader_panic_or_take_what_was_changed() {
    let dir = tempfile::tempdir().unwrap();
    let members = members(2);
    let path = write(dir.path(), &NewLog { identity: IDENTITY, members: &members }).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes.truncate(700);
    let before = survey(dir.path()).unwrap();
    for at in 0..bytes.len() {
        for flip in [0x01, 0xff] {
            bytes[at] ^= flip;
            fs::write(&path, &bytes).unwrap();
            if let Ok(seen) = survey(dir.path()) {
                // A record is found damaged, or it ends the log where its length became 0.
                assert!(seen.last <= before.last && seen.identity == before.identity, "byte {at}");
            }
            let _ = entries(dir.path(), 0);
            bytes[at] ^= flip;
        }
    }
    let snapshot =
        Snapshot { mark: Mark { term: 1, index: 2 }, state: ConfState::default(), data: to_v2(&members) };
    let bytes = write_snap(&snapshot);
    let path = dir.path().join(snapshot.file_name());
    fs::write(&path, &bytes).unwrap();
    assert_eq!(read_snap(&path).unwrap(), snapshot);
    for at in (0..bytes.len()).filter(|at| *at < 64 || at % 61 == 0) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x40;
        fs::write(&path, &bytes).unwrap();
        assert!(read_snap(&path).is_err(), "byte {at}");
        fs::write(&path, &bytes[..at]).unwrap();
        assert!(read_snap(&path).is_err(), "length {at}");
    }
}

#[test]
fn a_record_of_a_length_that_cannot_be_takes_no_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = save(dir.path(), 0, 0, &(1u64 << 40).to_le_bytes());
    fs::File::options().write(true).open(&path).unwrap().set_len(2 << 40).unwrap();
    assert!(matches!(survey(dir.path()), Err(Error::Corrupt { .. })));
}

#[test]
fn members_go_through_the_store_of_the_second_api() {
    let mut given = members(3);
    given[2].is_learner = true;
    let read = from_v2(&to_v2(&given)).unwrap();
    for (read, given) in read.iter().zip(&given) {
        assert_eq!(
            (read.id, &read.peer_urls, read.is_learner),
            (given.id, &given.peer_urls, given.is_learner)
        );
        // etcd keeps names in it only of members that have started.
        assert_eq!(read.name, "");
    }
    for bad in
        ["", "{}", "[]", r#"{"Root":{"Children":{"0":{"Children":{"members":{"Children":{"x":{}}}}}}}}"#]
    {
        assert!(matches!(from_v2(bad.as_bytes()), Err(Error::Corrupt { .. })), "{bad}");
    }
    let deep = format!(r#"{{"Root":{}{}}}"#, r#"{"Children":{"0":"#.repeat(10_000), "1");
    assert!(matches!(from_v2(deep.as_bytes()), Err(Error::Corrupt { .. })));
}

#[test]
fn a_directory_without_a_log_is_said_to_be_one() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("0.tmp"), b"").unwrap();
    assert!(matches!(survey(dir.path()), Err(Error::Foreign { .. })));
}
