//! On files made here, and on a snapshot and a data directory of a real etcd in `tests/source.rs`.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use zip::write::SimpleFileOptions;

use super::{Options, Source, open};
use crate::Error;

fn foreign(result: crate::Result<Source>) -> String {
    match result {
        Err(Error::Foreign { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

fn zip(path: &Path, files: &[(&str, &[u8])]) {
    let mut zip = zip::ZipWriter::new(fs::File::create(path).unwrap());
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for (bytes, word) in [
        (&b""[..], "empty"),
        (b"\x1f\x8b\x08", "gunzip"),
        (b"\x28\xb5\x2f\xfd", "zstd -d"),
        (b"age-encryption.org/v1\n", "age -d"),
        (b"apiVersion: v1\n", "text"),
        (&[0; 4_096], "zeros"),
        (&[7; 4_096], "no snapshot"),
    ] {
        fs::write(&path, bytes).unwrap();
        let said = foreign(open(&path, &Options::default()));
        assert!(said.contains(word), "{said}");
    }
    let said = foreign(open(folder.path(), &Options::default()));
    assert!(said.contains("neither"), "{said}");
    assert!(matches!(open(&folder.path().join("none"), &Options::default()), Err(Error::Io { .. })));
    assert!(foreign(open(Path::new("/dev/null"), &Options::default())).contains("regular file"));
}

#[test]
fn a_zip_is_unpacked_within_bounds_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let options = Options { scratch: scratch.path().to_owned(), ..Options::default() };
    let path = folder.path().join("on-demand-cp1-1760000000.zip");
    let nothing = vec![0; 1 << 20];
    zip(&path, &[("one", &nothing), ("two", &nothing)]);
    assert!(foreign(open(&path, &options)).contains("zip of 2 files"));
    zip(&path, &[("one", &nothing)]);
    assert!(foreign(open(&path, &options)).contains("something else"));
    let small = Options { most_unpacked: 1_000, ..options.clone() };
    assert!(foreign(open(&path, &small)).contains("more than the 1000"));
    // The directory at the end says how long the entry is, unpacked: 24 bytes behind its signature.
    let good = fs::read(&path).unwrap();
    let at = good.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap() + 24;
    for length in [1_u32 << 31, (1 << 20) - 1, (1 << 20) + 1] {
        let mut bytes = good.clone();
        bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        assert!(matches!(open(&path, &options), Err(Error::Corrupt { .. })), "{length}");
    }
    // Among equal bytes a wrong distance back would not matter.
    let varied: Vec<u8> = (0..1_u32 << 16).flat_map(|number| (number * number).to_be_bytes()).collect();
    zip(&path, &[("one", &varied)]);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(open(&path, &options), Err(Error::Corrupt { .. })));
    fs::write(&path, &good[..good.len() - 30]).unwrap();
    assert!(matches!(open(&path, &options), Err(Error::Corrupt { .. })));
    fs::write(&path, &good).unwrap();
    let nowhere = Options { scratch: folder.path().join("none"), ..Options::default() };
    match open(&path, &nowhere) {
        Err(Error::Io { doing, path, .. }) => {
            assert_eq!((doing, path), ("unpack the snapshot into", folder.path().join("none")));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
}

#[test]
fn a_database_of_k3s_is_found_in_its_folder() {
    let table = crate::kine::tests::Table::new("WAL");
    table.put("/registry/configmaps/default/a", b"{}", 0);
    let options = Options::default();
    let server = tempfile::tempdir().unwrap();
    let db = server.path().join("server").join("db");
    fs::create_dir_all(&db).unwrap();
    table.open().copy(&db.join("state.db")).unwrap();
    for folder in [server.path(), &server.path().join("server"), &db] {
        let source = open(folder, &options).unwrap();
        assert_eq!(source.store().readable().unwrap().newest, 2);
        assert!(source.found().file.ends_with("server/db/state.db"));
        assert!(source.backend().is_none());
    }
}

#[test]
fn a_database_that_is_open_already_keeps_its_locks() {
    let table = crate::kine::tests::Table::new("WAL");
    let one = open(&table.path(), &Options::default()).unwrap();
    assert!(crate::kine::is_open(&table.path()));
    let two = open(&table.path(), &Options::default()).unwrap();
    drop(one);
    assert!(crate::kine::is_open(&table.path()));
    drop(two);
    assert!(!crate::kine::is_open(&table.path()));
}
