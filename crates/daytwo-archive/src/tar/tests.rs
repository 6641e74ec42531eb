use super::super::{END, LARGEST_ENTRY, TarWriter, padding};
use super::*;
use proptest::prelude::*;

fn entry(into: &mut Vec<u8>, path: &[u8], content: &[u8]) {
    TarWriter::new(1_700_000_000).header(into, path, content.len());
    into.extend_from_slice(content);
    into.resize(into.len() + padding(content.len()), 0);
}

fn read_all(archive: &[u8]) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut reader = TarReader::new(archive);
    let mut found = Vec::new();
    let mut content = Vec::new();
    while let Some(header) = reader.next()? {
        let path = header.path.to_vec();
        reader.content(&mut content)?;
        found.push((path, content.clone()));
    }
    Ok(found)
}

/// A header of any kind, with a right checksum.
fn raw_header(name: &[u8], kind: u8, size: &[u8]) -> Vec<u8> {
    let mut block = [0; BLOCK];
    block[..name.len()].copy_from_slice(name);
    block[124..124 + size.len()].copy_from_slice(size);
    block[KIND] = kind;
    block[MAGIC].copy_from_slice(b"ustar  \0");
    let sum = header::checksum(&block);
    header::write_octal(&mut block[148..155], u64::from(sum));
    block.to_vec()
}

fn refusal(archive: &[u8]) -> String {
    read_all(archive).unwrap_err().to_string()
}

#[test]
fn links_and_devices_are_refused_by_name() {
    for (kind, word) in [(b'1', "link"), (b'2', "link"), (b'3', "device"), (b'6', "device"), (b'S', "kind")] {
        let archive = [raw_header(b"evil", kind, b"0"), END.to_vec()].concat();
        let refusal = refusal(&archive);
        assert!(refusal.contains(word) && refusal.contains("evil"), "{refusal}");
    }
}

#[test]
fn an_entry_beyond_the_limit_is_named_and_not_read() {
    let size = format!("{:o}", LARGEST_ENTRY + 1);
    let archive = [raw_header(b"huge", b'0', size.as_bytes()), vec![0; 4096]].concat();
    assert!(refusal(&archive).contains("huge"));
}

#[test]
fn what_follows_the_end_is_seen() {
    let mut archive = Vec::new();
    entry(&mut archive, b"a", b"content");
    let whole = [&archive[..], &END].concat();
    assert_eq!(read_all(&whole).unwrap().len(), 1);
    assert!(refusal(&[&whole[..], b"x"].concat()).contains("after the end"));
    assert!(refusal(&[&whole[..], &vec![0; 2 << 20]].concat()).contains("zeros"));
    assert!(refusal(&archive).contains("without the end"));
    assert!(refusal(&[&archive[..], &[0; BLOCK]].concat()).contains("without the end"));
}

#[test]
fn every_way_of_cutting_an_archive_short_is_seen() {
    let mut archive = Vec::new();
    entry(&mut archive, b"a", b"content");
    entry(&mut archive, "ä".repeat(60).as_bytes(), b"more");
    archive.extend_from_slice(&END);
    for length in 0..archive.len() {
        assert!(read_all(&archive[..length]).is_err(), "{length}");
    }
}

#[test]
fn names_of_gnu_and_sizes_in_base_256_are_understood() {
    let long = "n".repeat(300);
    let mut archive = raw_header(b"././@LongLink", b'L', b"00000000455");
    archive.extend_from_slice(long.as_bytes());
    archive.push(0);
    archive.resize(archive.len() + padding(301), 0);
    archive.extend(raw_header(b"cut", b'0', b"\x80\0\0\0\0\0\0\0\0\0\0\x03"));
    archive.extend_from_slice(b"abc");
    archive.resize(archive.len() + padding(3), 0);
    archive.extend_from_slice(&END);
    assert_eq!(read_all(&archive).unwrap(), [(long.into_bytes(), b"abc".to_vec())]);
}

#[test]
fn records_that_lie_about_their_length_are_refused() {
    for record in
        ["5 path=x\n", "999 path=x\n", "x", "9 path=xx", "0 \n", "2 \n", "18446744073709551615 a=b\n"]
    {
        let mut archive = raw_header(b"p", b'x', format!("{:o}", record.len()).as_bytes());
        archive.extend_from_slice(record.as_bytes());
        archive.resize(archive.len() + padding(record.len()), 0);
        entry(&mut archive, b"a", b"");
        archive.extend_from_slice(&END);
        assert!(read_all(&archive).is_err(), "{record:?}");
    }
}

#[test]
fn directories_are_passed_over() {
    let mut archive = raw_header(b"resources/", b'5', b"0");
    entry(&mut archive, b"a", b"content");
    archive.extend_from_slice(&END);
    assert_eq!(read_all(&archive).unwrap().len(), 1);
}

proptest! {
    #[test]
    fn entries_come_back_as_they_went_in(entries in prop::collection::vec(("[a-zA-Z0-9:./ äß€-]{1,300}", prop::collection::vec(any::<u8>(), 0..1200)), 0..8)) {
        let mut archive = Vec::new();
        for (path, content) in &entries {
            entry(&mut archive, path.as_bytes(), content);
        }
        archive.extend_from_slice(&END);
        let expected: Vec<_> = entries.into_iter().map(|(path, content)| (path.into_bytes(), content)).collect();
        prop_assert_eq!(read_all(&archive).unwrap(), expected);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        let _ = read_all(&bytes);
    }
}
