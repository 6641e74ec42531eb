use super::*;
use crate::mvcc::AlarmKind;
use crate::mvcc::tests::{backend, name, records};

#[test]
fn what_etcdutl_prints_is_counted() {
    let status = status(&backend(&records(), &[(b"storageVersion", b"3.6.0")])).unwrap();
    assert_eq!((status.revision, status.total_key, status.records), (7, 3, 13));
    assert_eq!((status.total_size, status.version.as_str()), (4 * 4096, "3.6.0"));
    assert_eq!(
        status.buckets[2],
        Bucket { name: "key".to_owned(), entries: 7, bytes: status.buckets[2].bytes }
    );
    assert_eq!((status.leases, status.usage.pages, status.usage.free), (1, 4, 0));
    assert_eq!(status.alarms[0].kind, AlarmKind::NoSpace);
    assert_eq!((status.tail, status.hash_kv.compact_revision), (false, -1));
}

#[test]
fn the_hash_of_all_is_that_of_its_parts_one_after_the_other() {
    let backend = backend(&records(), &[]);
    let mut all = Vec::new();
    for entry in backend.db().root().walk(backend.db(), crate::bolt::Direction::Forward) {
        let entry = entry.unwrap();
        all.extend(entry.key);
        for inner in entry.bucket().unwrap().walk(backend.db(), crate::bolt::Direction::Forward) {
            let inner = inner.unwrap();
            all.extend(inner.key);
            all.extend(inner.value);
        }
    }
    assert_eq!(status(&backend).unwrap().hash, crc32c::crc32c(&all));
}

fn hash_of(records: &[(Vec<u8>, Vec<u8>)]) -> u32 {
    let parts = records.iter().flat_map(|(name, value)| [&name[..], &value[..]]);
    parts.fold(crc32c::crc32c(b"key"), crc32c::crc32c_append)
}

#[test]
fn the_hash_of_keys_leaves_out_what_compaction_will_take() {
    let at = |main| name(main, 0, false);
    let kv = |scheduled: &[u8], finished: &[u8]| {
        let meta: [(&[u8], &[u8]); 2] =
            [(b"finishedCompactRev", finished), (b"scheduledCompactRev", scheduled)];
        status(&backend(&records(), &meta)).unwrap().hash_kv
    };
    // Both a and b were changed after 3.
    assert_eq!(
        kv(&at(3), &at(3)),
        HashKv { hash: hash_of(&records()[2..]), revision: 7, compact_revision: 3 }
    );
    // Half done: of what is up to 6 only the newest records count.
    assert_eq!(kv(&at(6), &at(3)).hash, hash_of(&records()[4..]));
}

#[test]
fn where_no_key_is_left_only_a_tombstone_at_the_compaction_is_left_out() {
    let records = &records()[1..4];
    let records = [records[0].clone(), records[2].clone()];
    let at = name(5, 0, false);
    let meta: [(&[u8], &[u8]); 2] = [(b"finishedCompactRev", &at), (b"scheduledCompactRev", &at)];
    let status = status(&backend(&records, &meta)).unwrap();
    assert_eq!((status.total_key, status.hash_kv.hash), (0, hash_of(&records[..1])));
}

#[test]
fn a_damaged_file_has_no_status() {
    let mut records = records();
    records.swap(1, 2);
    assert!(matches!(status(&backend(&records, &[])), Err(crate::Error::Corrupt { .. })));
}
