//! What a site has of a real etcd is opened, and what is in use is refused: a snapshot, its zip, a data directory that
//! runs, that was ended and that was killed, and the folder of a K3s server around it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod member;

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use daytwo_etcd::source::{self, Options, Source};
use daytwo_etcd::{Error, keyspace};
use member::{Member, base64};
use serde_json::json;
use testbed::Family;

fn put(member: &Member, key: &str, value: &str) {
    member.call("/v3/kv/put", &json!({"key": base64(key), "value": base64(value)}));
}

fn get(source: &Source, key: &str) -> Option<String> {
    let mut value = None;
    keyspace::get(source.store(), key.as_bytes(), None, &mut |record| {
        value = Some(String::from_utf8_lossy(record.value).into_owned());
    })
    .unwrap();
    value
}

fn open(path: &Path) -> daytwo_etcd::Result<Source> {
    source::open(path, &Options::default())
}

#[test]
fn snapshots_their_zips_and_data_directories_are_opened_and_live_ones_refused() {
    let Some(mut member) = Member::start(Family::Etcd, &[]) else { return };
    put(&member, "a", "one");
    // As K3s names and packs them, with what it keeps beside.
    let snapshots = member.nest.folder().join("server").join("db").join("snapshots");
    let beside = snapshots.parent().unwrap().join(".metadata");
    fs::create_dir_all(&snapshots).unwrap();
    fs::create_dir_all(&beside).unwrap();
    let snapshot = snapshots.join("on-demand-cp1-1760000000");
    member.ctl(&["snapshot", "save", snapshot.to_str().unwrap()]);
    let packed = snapshots.join("on-demand-cp1-1760000000.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&packed).unwrap());
    zip.start_file("on-demand-cp1-1760000000", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(&fs::read(&snapshot).unwrap()).unwrap();
    zip.finish().unwrap();
    fs::write(beside.join(packed.file_name().unwrap()), r#"{"site":"one"}"#).unwrap();

    let source = open(&snapshot).unwrap();
    assert_eq!(get(&source, "a").as_deref(), Some("one"));
    assert!(source.backend().unwrap().tail().is_some());
    assert!(source.found().metadata.is_none() && source.found().member.is_none());
    let zipped = open(&packed).unwrap();
    let found = zipped.found();
    assert_eq!(get(&zipped, "a").as_deref(), Some("one"));
    assert_eq!(found.packed.as_ref().unwrap().name, "on-demand-cp1-1760000000");
    assert_eq!(found.packed.as_ref().unwrap().bytes, fs::metadata(&snapshot).unwrap().len());
    assert_eq!(found.metadata.as_ref().unwrap()["site"], "one");

    // A running member is refused, by its directory and by its file, whatever leads there.
    let db = member.data_dir.join("member").join("snap").join("db");
    let link = member.nest.folder().join("link");
    std::os::unix::fs::symlink(&db, &link).unwrap();
    for path in [&member.data_dir, &member.data_dir.join("member"), &db, &link] {
        match open(path) {
            Err(Error::Live { why, .. }) => assert!(why.contains("(etcd)"), "{why}"),
            other => panic!("{}: {other:?}", path.display()),
        }
    }
    assert_eq!(member.revision(), 2, "it still works");

    member.stop();
    for path in [&member.data_dir, &member.data_dir.join("member"), &db, &link] {
        let source = open(path).unwrap();
        assert_eq!(get(&source, "a").as_deref(), Some("one"), "{}", path.display());
        assert!(source.found().member.is_some(), "{}", path.display());
        assert!(!source.found().beyond.as_ref().unwrap().holds_data());
        assert_eq!(fs::canonicalize(&source.found().file).unwrap(), fs::canonicalize(&db).unwrap());
    }

    // The folder of a K3s server with etcd, and the database it had before.
    let server = member.nest.folder().join("server").join("db");
    fs::rename(&member.data_dir, server.join("etcd")).unwrap();
    fs::write(server.join("state.db"), "old").unwrap();
    for path in [member.nest.folder(), server.parent().unwrap(), &server, &server.join("etcd")] {
        assert_eq!(get(&open(path).unwrap(), "a").as_deref(), Some("one"), "{}", path.display());
    }
    assert!(open(&server).unwrap().found().notes.iter().any(|note| note.contains("state.db")));
}

#[test]
fn what_only_the_log_of_a_killed_member_holds_is_counted() {
    let Some(mut member) = Member::start(Family::Etcd, &[]) else { return };
    // Its database is written every hundred milliseconds, its log at once.
    for number in 0..200 {
        put(&member, &format!("key-{number}"), "value");
    }
    member.nest.kill("etcd").unwrap();
    let source = open(&member.data_dir).unwrap();
    let beyond = source.found().beyond.as_ref().unwrap();
    let shown = (0..200).filter(|number| get(&source, &format!("key-{number}")).is_some()).count();
    assert_eq!(shown + beyond.data_entries(), 200);
    assert_eq!(beyond.holds_data(), shown < 200);
    drop(source);

    // Without a log that can be read, only who names the file gets what is in it, and is told.
    let wal = member.data_dir.join("member").join("wal").join("0000000000000000-0000000000000000.wal");
    let mut bytes = fs::read(&wal).unwrap();
    bytes[100] ^= 1;
    fs::write(&wal, bytes).unwrap();
    assert!(matches!(open(&member.data_dir), Err(Error::Corrupt { .. })));
    let source = open(&member.data_dir.join("member").join("snap").join("db")).unwrap();
    assert_eq!((0..200).filter(|number| get(&source, &format!("key-{number}")).is_some()).count(), shown);
    assert!(source.found().notes[0].starts_with("its log was not looked at"), "{:?}", source.found().notes);
}

/// The child of [`a_zip_that_finds_no_room_is_said_so`] finds the zip and its small disk by these.
const ZIP: &str = "DAYTWO_TEST_ZIP";
const DISK: &str = "DAYTWO_TEST_DISK";

#[test]
fn a_zip_that_finds_no_room_is_said_so() {
    const NAME: &str = "a_zip_that_finds_no_room_is_said_so";
    if let (Some(zip), Some(disk)) = (env::var_os(ZIP), env::var_os(DISK)) {
        let options = Options { scratch: disk.into(), ..Options::default() };
        match source::open(Path::new(&zip), &options) {
            Err(Error::Io { doing: "unpack the snapshot into", path, source }) => {
                assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
                assert_eq!(fs::read_dir(path).unwrap().count(), 0);
            }
            other => panic!("{other:?}"),
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, disk) = (folder.path().join("snapshot.zip"), folder.path().join("disk"));
    fs::create_dir(&disk).unwrap();
    let bytes: Vec<u8> =
        (0..1_u32 << 18).flat_map(|number| number.wrapping_mul(number).to_be_bytes()).collect();
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    zip.start_file("snapshot", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(&bytes).unwrap();
    zip.finish().unwrap();
    if !Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: {NAME}: this system gives no mount of its own");
        return;
    }
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", "mount -t tmpfs -o size=64k none \"$1\" && shift && exec \"$@\"", "sh"])
        .arg(&disk)
        .arg(env::current_exe().unwrap())
        .args(["--exact", NAME])
        .env(ZIP, &path)
        .env(DISK, &disk)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
