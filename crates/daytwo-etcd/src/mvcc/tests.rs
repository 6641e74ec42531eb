use super::*;
use crate::bolt::tests::build::{Build, bucket, inline};
use crate::{Error, Readable, Store as _, keyspace};

/// An `mvccpb.KeyValue`, its numbers below 128.
pub(crate) fn key_value(
    key: &[u8],
    create: u8,
    modified: u8,
    version: u8,
    value: &[u8],
    lease: u8,
) -> Vec<u8> {
    let mut message = Vec::new();
    let bytes = |message: &mut Vec<u8>, tag: u8, bytes: &[u8]| {
        message.extend([tag, u8::try_from(bytes.len()).unwrap()]);
        message.extend(bytes);
    };
    bytes(&mut message, 0x0A, key);
    for (tag, number) in [(0x10, create), (0x18, modified), (0x20, version)] {
        if number != 0 {
            message.extend([tag, number]);
        }
    }
    if !value.is_empty() {
        bytes(&mut message, 0x2A, value);
    }
    if lease != 0 {
        message.extend([0x30, lease]);
    }
    message
}

pub(crate) fn name(main: u64, sub: u64, deleted: bool) -> Vec<u8> {
    let mut name = main.to_be_bytes().to_vec();
    name.push(b'_');
    name.extend(sub.to_be_bytes());
    if deleted {
        name.push(b't');
    }
    name
}

/// a: put at 2 and 4; b: put at 3, deleted at 5, put at 7; c: put at 6 in one transaction with a. Compacted at 3.
pub(crate) fn records() -> Vec<(Vec<u8>, Vec<u8>)> {
    vec![
        (name(2, 0, false), key_value(b"a", 2, 2, 1, b"a2", 0)),
        (name(3, 0, false), key_value(b"b", 3, 3, 1, b"b3", 0)),
        (name(4, 0, false), key_value(b"a", 2, 4, 2, b"a4", 9)),
        (name(5, 0, true), key_value(b"b", 0, 0, 0, b"", 0)),
        (name(6, 0, false), key_value(b"c", 6, 6, 1, b"c6", 0)),
        (name(6, 1, false), key_value(b"a", 2, 6, 3, b"a6", 0)),
        (name(7, 0, false), key_value(b"b", 7, 7, 1, b"b7", 0)),
    ]
}

pub(crate) fn backend(records: &[(Vec<u8>, Vec<u8>)], meta: &[(&[u8], &[u8])]) -> Backend {
    let mut build = Build::new(4);
    let entries: Vec<(&[u8], &[u8], bool)> =
        records.iter().map(|(name, value)| (&name[..], &value[..], false)).collect();
    let meta: Vec<_> = meta.iter().map(|(key, value)| (*key, *value, false)).collect();
    let member = br#"{"id":10,"peerURLs":["http://a:2380"],"name":"a","clientURLs":["http://a:2379"]}"#;
    build.leaf(
        2,
        &[
            (b"alarm", &inline(&[(&[0x08, 10, 0x10, 1], b"", false)]), true),
            (b"cluster", &inline(&[(b"clusterVersion", b"3.6.0", false)]), true),
            (b"key", &bucket(3), true),
            (b"lease", &inline(&[(&9_u64.to_be_bytes(), &[0x08, 9, 0x10, 60], false)]), true),
            (b"members", &inline(&[(b"000000000000000a", member, false)]), true),
            (b"members_removed", &inline(&[(b"000000000000000b", b"removed", false)]), true),
            (b"meta", &inline(&meta), true),
        ],
    );
    build.leaf(3, &entries);
    Backend::open(build.map()).unwrap()
}

fn compacted() -> Backend {
    let at = name(3, 0, false);
    backend(&records(), &[(b"finishedCompactRev", &name(1, 0, false)), (b"scheduledCompactRev", &at)])
}

#[test]
fn a_key_is_what_its_newest_record_at_the_revision_says() {
    let backend = compacted();
    let get = |key: &[u8], at| {
        let mut value = Vec::new();
        let found = keyspace::get(&backend, key, at, &mut |record| value = record.value.to_vec()).unwrap();
        found.then(|| String::from_utf8(value).unwrap())
    };
    assert_eq!(get(b"a", None).as_deref(), Some("a6"));
    assert_eq!(get(b"a", Some(5)).as_deref(), Some("a4"));
    assert_eq!(get(b"a", Some(3)).as_deref(), Some("a2"));
    assert_eq!(get(b"b", Some(4)).as_deref(), Some("b3"));
    assert_eq!(get(b"b", Some(6)), None);
    assert_eq!(get(b"c", Some(5)), None);
    assert_eq!(get(b"none", None), None);
}

#[test]
fn a_list_gives_each_key_once() {
    let backend = compacted();
    let list = |prefix: &[u8], at| {
        let mut seen = Vec::new();
        let pushed = keyspace::list(&backend, prefix, at, &mut |record| {
            seen.push(format!("{}@{}", String::from_utf8_lossy(record.value), record.revision.sub));
            std::ops::ControlFlow::Continue(())
        });
        pushed.unwrap();
        seen
    };
    assert_eq!(list(b"", None), ["b7@0", "a6@1", "c6@0"]);
    assert_eq!(list(b"", Some(5)), ["a4@0"]);
    assert_eq!(list(b"b", Some(3)), ["b3@0"]);
    assert_eq!(list(b"x", None), Vec::<String>::new());
}

#[test]
fn what_was_compacted_or_is_not_there_yet_is_refused() {
    let backend = compacted();
    assert_eq!(backend.readable().unwrap(), Readable { oldest: 3, newest: 7 });
    let asked = |at| keyspace::get(&backend, b"a", Some(at), &mut |_| ());
    assert!(matches!(asked(2), Err(Error::Compacted { asked: 2, oldest: 3 })));
    assert!(matches!(asked(8), Err(Error::Future { asked: 8, newest: 7 })));
}

#[test]
fn history_shows_also_what_compaction_left_by_chance() {
    let mut seen = Vec::new();
    let each = &mut |record: &crate::Record<'_>| {
        seen.push((record.revision.main, record.deleted, record.version, record.lease));
        std::ops::ControlFlow::Continue(())
    };
    keyspace::history(&compacted(), b"a", each).unwrap();
    assert_eq!(seen, [(6, false, 3, 0), (4, false, 2, 9), (2, false, 1, 0)]);
}

#[test]
fn a_record_without_a_value_is_one_but_no_key() {
    let mut records = records();
    records.push((name(1_000_007, 0, false), Vec::new()));
    let backend = backend(&records, &[]);
    assert_eq!(backend.readable().unwrap(), Readable { oldest: 1, newest: 1_000_007 });
    let mut count = 0;
    let each = &mut |_: &crate::Record<'_>| {
        count += 1;
        std::ops::ControlFlow::Continue(())
    };
    keyspace::list(&backend, b"", None, each).unwrap();
    assert_eq!(count, 3);
}

#[test]
fn an_empty_store_is_at_revision_one() {
    let readable = backend(&[], &[]).readable().unwrap();
    assert_eq!(readable, Readable { oldest: 1, newest: 1 });
}

#[test]
fn what_stands_beside_the_keys_is_read() {
    let meta: [(&[u8], &[u8]); 4] = [
        (b"confState", br#"{"voters":[10],"auto_leave":false}"#),
        (b"consistent_index", &[0, 0, 0, 0, 0, 0, 1, 2]),
        (b"storageVersion", b"3.6.0"),
        (b"term", &[0, 0, 0, 0, 0, 0, 0, 5]),
    ];
    let backend = backend(&records(), &meta);
    assert_eq!(backend.consistent_index().unwrap(), Some(258));
    assert_eq!(backend.term().unwrap(), Some(5));
    assert_eq!(backend.storage_version().unwrap().as_deref(), Some("3.6.0"));
    assert_eq!(backend.cluster_version().unwrap().as_deref(), Some("3.6.0"));
    assert_eq!(backend.conf_state().unwrap().unwrap().voters, [10]);
    assert_eq!(backend.alarms().unwrap(), [Alarm { member: 10, kind: AlarmKind::NoSpace }]);
    assert_eq!(backend.leases().unwrap(), [Lease { id: 9, ttl: 60, remaining_ttl: 0 }]);
    assert_eq!(backend.members().unwrap()[0].peer_urls, ["http://a:2380"]);
    assert_eq!(backend.members_removed().unwrap(), [11]);
    assert!(!backend.auth_enabled().unwrap());
    assert!(backend.cluster_id().unwrap().is_some());
    assert_eq!(backend.tail(), None);
}

#[test]
fn records_that_cannot_be_end_a_pass_with_their_place() {
    let good = key_value(b"a", 2, 2, 1, b"a2", 0);
    let cases: [(Vec<u8>, &[u8]); 8] = [
        (name(2, 0, false)[..16].to_vec(), &good),
        ([name(2, 0, false), b"x".to_vec()].concat(), &good),
        (name(1 << 63, 0, false), &good),
        (b"12345678-12345678".to_vec(), &good),
        (name(2, 0, false), &[0x0A, 200]),
        (name(2, 0, false), &[0x08, 1]),
        (name(2, 0, false), &[0x10, 0x80]),
        (name(2, 0, false), &[0x0B]),
    ];
    for (name, value) in cases {
        let backend = backend(&[(name.clone(), value.to_vec())], &[]);
        let error = backend.oldest_first(&mut |_| std::ops::ControlFlow::Continue(())).unwrap_err();
        assert!(
            error.to_string().starts_with("damaged at page 3, offset 12304"),
            "{name:?} {value:?}: {error}"
        );
    }
}

#[test]
fn a_record_is_found_by_its_revision() {
    let backend = compacted();
    let at = |main, sub| {
        let mut seen = None;
        let found = backend.at(crate::Revision { main, sub }, &mut |record| {
            seen = Some((record.key.to_vec(), record.deleted));
        });
        assert_eq!(found.unwrap(), seen.is_some());
        seen
    };
    assert_eq!(at(6, 1), Some((b"a".to_vec(), false)));
    assert_eq!(at(5, 0), Some((b"b".to_vec(), true)));
    assert_eq!(at(6, 2), None);
    assert_eq!(at(8, 0), None);
}
