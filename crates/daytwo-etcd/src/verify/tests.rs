use sha2::{Digest as _, Sha256};

use super::*;
use crate::bolt::Map;
use crate::mvcc::tests::{backend, key_value, name, records};

fn verified(records: &[(Vec<u8>, Vec<u8>)]) -> Vec<(Kind, String)> {
    let report = verify(&backend(records, &[]), &mut |_| None);
    report.findings.into_iter().map(|finding| (finding.kind, finding.what)).collect()
}

#[test]
fn a_good_file_is_good_and_each_put_was_shown() {
    let mut shown = Vec::new();
    let report = verify(&backend(&records(), &[]), &mut |record| {
        shown.push(String::from_utf8_lossy(record.value).into_owned());
        None
    });
    assert!(report.good(), "{:?}", report.findings);
    assert_eq!((report.records, report.tail, report.freelist), (7, Tail::Absent, false));
    assert_eq!(shown, ["a2", "b3", "a4", "c6", "a6", "b7"]);
}

#[test]
fn records_whose_numbers_cannot_be_are_found() {
    let put =
        |create, modified, version| (name(8, 0, false), key_value(b"d", create, modified, version, b"", 0));
    for (record, what) in [
        (put(8, 7, 1), "another than the one it stands under"),
        (put(9, 8, 1), "created at a revision that cannot be"),
        (put(0, 8, 1), "created at a revision that cannot be"),
        (put(8, 8, 2), "its version does not fit"),
        (put(7, 8, 1), "its version does not fit"),
        (put(7, 8, 0), "its version does not fit"),
        ((name(8, 0, false), key_value(b"", 8, 8, 1, b"", 0)), "a record of no key"),
        ((name(8, 0, true), key_value(b"d", 8, 8, 1, b"", 0)), "a tombstone with more than its key"),
        ((name(8, 0, true), Vec::new()), "a tombstone of no key"),
        ((name(7, 0, true), key_value(b"d", 0, 0, 0, b"", 0)), "its revision is not higher"),
        ((name(8, 0, false), vec![0x0A]), "a number does not end"),
        ((name(8, 0, false)[..9].to_vec(), Vec::new()), "a revision of fewer than 17 bytes"),
    ] {
        let mut records = records();
        records.push(record);
        let found = verified(&records);
        assert!(
            found.len() == 1 && found[0].0 == Kind::Record && found[0].1.contains(what),
            "{what}: {found:?}"
        );
    }
}

#[test]
fn a_record_of_nothing_is_what_a_restore_writes_to_raise_the_revision() {
    let mut records = records();
    records.push((name(1_000_000, 0, false), Vec::new()));
    assert_eq!(verified(&records), []);
}

#[test]
fn a_key_on_a_lease_that_is_not_there_is_found_unless_the_key_is_gone() {
    let mut records = records();
    records.push((name(8, 0, false), key_value(b"d", 8, 8, 1, b"", 5)));
    let found = verified(&records);
    assert!(found.len() == 1 && found[0].0 == Kind::Lease, "{found:?}");
    records.push((name(9, 0, true), key_value(b"d", 0, 0, 0, b"", 0)));
    assert_eq!(verified(&records), []);
}

#[test]
fn what_the_caller_finds_is_told_with_its_place() {
    let report = verify(&backend(&records(), &[]), &mut |record| {
        (record.value == b"c6").then(|| "no object".to_owned())
    });
    let finding = &report.findings[0];
    assert_eq!((report.findings.len(), finding.kind, finding.what.as_str()), (1, Kind::Value, "no object"));
    assert_eq!(finding.place.unwrap().page, 3);
}

#[test]
fn a_tail_tells_of_any_flip_and_a_meta_page_is_missed() {
    let mut bytes = backend(&records(), &[]).bytes().to_vec();
    let tail: [u8; 32] = Sha256::digest(&bytes).into();
    bytes.extend(tail);
    let report = |bytes: &[u8]| verify(&Backend::open(Map::from(bytes.to_vec())).unwrap(), &mut |_| None);
    assert_eq!((report(&bytes).tail, report(&bytes).good()), (Tail::Right, true));
    assert_eq!(report(&bytes).sha256, tail);

    let mut flipped = bytes.clone();
    flipped[4 * 4096 - 1] ^= 1;
    assert_eq!(report(&flipped).tail, Tail::Wrong);
    assert_eq!(report(&flipped).findings[0].kind, Kind::Tail);

    bytes.truncate(4 * 4096);
    bytes[100] ^= 1;
    assert!(report(&bytes).good(), "what no checksum covers and nothing reads");
    bytes[4096 + 20] ^= 1;
    assert_eq!(report(&bytes).findings[0].kind, Kind::Meta);
}

#[test]
fn more_findings_than_anybody_reads_are_counted() {
    let many: Vec<_> = (0..1500).map(|at| (name(at + 8, 0, false), Vec::from([0x0A]))).collect();
    let mut build = crate::bolt::tests::build::Build::new(16);
    let meta = crate::bolt::tests::build::inline(&[]);
    let keys = crate::bolt::tests::build::bucket(3);
    build.leaf(2, &[(b"key", &keys, true), (b"meta", &meta, true)]);
    let entries: Vec<_> = many.iter().map(|(name, value)| (&name[..], &value[..], false)).collect();
    build.leaf(3, &entries);
    let report = verify(&Backend::open(build.map()).unwrap(), &mut |_| None);
    assert_eq!((report.findings.len(), report.more, report.good()), (1_000, 500, false));
}
