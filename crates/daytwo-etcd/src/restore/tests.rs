use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use super::*;
use crate::bolt::tests::build::{Build, inline};
use crate::bolt::write::{Appender, Item, metas};
use crate::bolt::write_tree::Tree;
use crate::bolt::{Direction, Map};
use crate::datadir::DataDir;
use crate::mvcc::{AlarmKind, bucket};
use crate::wal::{Kind, Pending, survey};

/// All entries of a database by bucket.
type Contents = BTreeMap<Vec<u8>, Vec<(Vec<u8>, Vec<u8>)>>;

fn contents(database: &Backend) -> Contents {
    let db = database.db();
    let buckets = db.root().walk(db, Direction::Forward).map(Result::unwrap);
    let of = |entry: Entry<'_>| {
        let entries = entry.bucket().unwrap().walk(db, Direction::Forward).map(Result::unwrap);
        entries.map(|entry| (entry.key.to_vec(), entry.value.to_vec())).collect()
    };
    buckets.map(|entry| (entry.key.to_vec(), of(entry))).collect()
}

/// An `mvccpb.KeyValue` with a value of `size` bytes.
fn record(index: usize, size: usize) -> Vec<u8> {
    let key = format!("/registry/{index:08}");
    let mut message = vec![0x0A, u8::try_from(key.len()).unwrap()];
    message.extend(key.as_bytes());
    message.push(0x2A);
    let mut length = size;
    while length >= 0x80 {
        message.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    message.push(u8::try_from(length).unwrap());
    message.resize(message.len() + size, b'v');
    message
}

fn name(main: i64) -> [u8; 17] {
    let mut name = [0; 17];
    name[..8].copy_from_slice(&main.to_be_bytes());
    name[8] = b'_';
    name
}

/// A snapshot as etcd 3.6 writes one: `records` records from revision 2 on, an alarm, a member, a lease, a removed member.
fn snapshot(records: usize) -> Vec<u8> {
    let mut seed = Build::new(4);
    seed.leaf(2, &[]);
    let seed = Backend::open(Map::from(seed.finish())).unwrap();
    let file = tempfile::tempfile().unwrap();
    let mut pages = Appender::new(&file, 4096, 2);
    let records: Vec<([u8; 17], Vec<u8>)> = (0..records)
        .map(|index| (name(2 + i64::try_from(index).unwrap()), record(index, index * 37 % 9000)))
        .collect();
    let mut tree = Tree::new(&mut pages);
    for (key, value) in &records {
        tree.push(Item { key, value, is_bucket: false }).unwrap();
    }
    let keys = tree.finish_bucket(7).unwrap();
    let member = br#"{"id":10,"peerURLs":["http://a:2380"],"name":"a","clientURLs":["http://a:2379"]}"#;
    let meta: &[(&[u8], &[u8], bool)] = &[
        (b"consistent_index", &900_u64.to_be_bytes(), false),
        (b"storageVersion", b"3.6.0", false),
        (b"term", &4_u64.to_be_bytes(), false),
    ];
    let buckets: Vec<(&[u8], Vec<u8>)> = vec![
        (bucket::ALARM, inline(&[(&[0x08, 10, 0x10, 1], b"", false)])),
        (bucket::AUTH, inline(&[(b"authEnabled", &[1], false)])),
        (bucket::CLUSTER, inline(&[(b"clusterVersion", b"3.6.0", false)])),
        (bucket::KEY, keys),
        (bucket::LEASE, inline(&[(&9_u64.to_be_bytes(), &[0x08, 9, 0x10, 60], false)])),
        (bucket::MEMBERS, inline(&[(b"a", member, false)])),
        (bucket::MEMBERS_REMOVED, inline(&[(b"b", b"removed", false)])),
        (bucket::META, inline(meta)),
    ];
    let mut tree = Tree::new(&mut pages);
    for (key, value) in &buckets {
        tree.push(Item { key, value, is_bucket: true }).unwrap();
    }
    let root = tree.finish().unwrap();
    let high_water = pages.finish().unwrap();
    metas(&file, &seed.db(), root, high_water).unwrap();
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Seek::rewind(&mut &file).map(|()| &file).unwrap(), &mut bytes).unwrap();
    let hash = Sha256::digest(&bytes);
    bytes.extend(hash);
    bytes
}

fn database(bytes: Vec<u8>) -> Backend {
    Backend::open(Map::from(bytes)).unwrap()
}

fn cluster() -> Cluster {
    let members = "a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,c=http://10.0.0.3:2380";
    Cluster::new("b", members, &["http://10.0.0.2:2380"], "etcd-cluster").unwrap()
}

fn request<'a>(database: &'a Backend, cluster: &'a Cluster, data_dir: &'a Path) -> Request<'a> {
    Request {
        database,
        beyond: None,
        accept_loss: false,
        cluster,
        data_dir,
        wal_dir: None,
        bump: None,
        for_etcd: None,
        drop_alarms: false,
        owner: None,
        defragment: false,
        skip_hash_check: false,
    }
}

/// What is at `dir` and above it, names only.
fn names(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for file in std::fs::read_dir(&dir).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                open.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}

fn restored(dir: &Path) -> Backend {
    let database = Backend::open(Map::open(&dir.join("member/snap/db")).unwrap()).unwrap();
    whole(&database).unwrap();
    database
}

#[test]
fn only_what_makes_a_new_cluster_differs_whether_copied_or_written_anew() {
    for records in [0, 1, 3, 40, 3000] {
        let source = database(snapshot(records));
        whole(&source).unwrap();
        let cluster = cluster();
        for defragment in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let data = dir.path().join("data");
            let report = restore(&Request { defragment, ..request(&source, &cluster, &data) }).unwrap();
            assert_eq!(report.checked, Checked::Hash);
            let made = restored(&data);
            assert_eq!(made.bytes().len() as u64, report.size);

            let (mut before, mut after) = (contents(&source), contents(&made));
            assert_eq!(made.members().unwrap(), cluster.members());
            assert_eq!(made.members_removed().unwrap(), Vec::<u64>::new());
            assert_eq!(made.consistent_index().unwrap(), Some(3));
            assert_eq!(made.term().unwrap(), Some(1));
            let voters: Vec<u64> = cluster.members().iter().map(|member| member.id).collect();
            assert_eq!(made.conf_state().unwrap().unwrap().voters, voters);
            assert_eq!(made.storage_version().unwrap().as_deref(), Some("3.6.0"));
            for changed in [bucket::MEMBERS, bucket::MEMBERS_REMOVED, bucket::META] {
                before.remove(changed);
                after.remove(changed);
            }
            assert_eq!(before, after, "{records} records");

            let found = DataDir::open(&data, None).unwrap();
            assert_eq!(found.identity, cluster.identity());
            assert_eq!((found.consistent_index, found.last, found.snapshot.unwrap().index), (3, 3, 3));
            assert!(!found.beyond().unwrap().holds_data());
        }
    }
}

#[test]
fn a_bumped_revision_is_the_last_one_and_compacted() {
    for records in [0, 1, 3, 40, 3000] {
        let source = database(snapshot(records));
        let cluster = cluster();
        for defragment in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let data = dir.path().join("data");
            let bump = NonZeroI64::new(1_000_000_000);
            let report = restore(&Request { bump, defragment, ..request(&source, &cluster, &data) }).unwrap();
            let last = if records == 0 { 0 } else { i64::try_from(records).unwrap() + 1 } + 1_000_000_000;
            assert_eq!((report.revision, report.compacted), (last, Some(last)));
            let made = restored(&data);
            assert_eq!(made.compaction().unwrap().scheduled, Some(last));
            let (before, after) = (contents(&source), contents(&made));
            let mut expected = before[bucket::KEY].clone();
            expected.push((name(last).to_vec(), Vec::new()));
            assert_eq!(after[bucket::KEY], expected, "{records} records");
        }
    }
    let source = database(snapshot(3));
    let cluster = cluster();
    let dir = tempfile::tempdir().unwrap();
    for by in [-1, i64::MAX] {
        let bump = NonZeroI64::new(by);
        let refused = restore(&Request { bump, ..request(&source, &cluster, &dir.path().join("data")) });
        assert!(matches!(refused, Err(Error::Invalid(_))), "{by}");
        assert_eq!(names(dir.path()), Vec::<PathBuf>::new());
    }
}

#[test]
fn free_pages_go_where_it_is_written_anew() {
    // A restored database has the pages that its own restore replaced.
    let source = database(snapshot(400));
    let cluster = cluster();
    let dir = tempfile::tempdir().unwrap();
    let first = dir.path().join("first");
    let copied = restore(&request(&source, &cluster, &first)).unwrap();
    let again = restored(&first);
    let anew = dir.path().join("anew");
    let anew = restore(&Request { defragment: true, ..request(&again, &cluster, &anew) }).unwrap();
    assert!(anew.size < copied.size, "{} is not less than {}", anew.size, copied.size);
    assert_eq!(anew.checked, Checked::Structure);
}

#[test]
fn alarms_are_told_of_and_dropped_if_asked() {
    let source = database(snapshot(3));
    let cluster = cluster();
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("kept");
    let report = restore(&request(&source, &cluster, &kept)).unwrap();
    assert_eq!((report.alarms[0].kind, report.alarms_dropped.len()), (AlarmKind::NoSpace, 0));
    assert_eq!(restored(&kept).alarms().unwrap(), report.alarms);
    assert!(report.auth_enabled);
    assert_eq!(report.leases, 1);

    let dropped = dir.path().join("dropped");
    let report = restore(&Request { drop_alarms: true, ..request(&source, &cluster, &dropped) }).unwrap();
    assert_eq!((report.alarms.len(), report.alarms_dropped.len()), (0, 1));
    assert_eq!(restored(&dropped).alarms().unwrap(), []);
}

#[test]
fn a_changed_byte_is_found_and_nothing_is_left_behind() {
    let good = snapshot(300);
    let cluster = cluster();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    for at in [5000, good.len() / 2, good.len() - 40, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        let source = database(bytes);
        for defragment in [false, true] {
            let refused = restore(&Request { defragment, ..request(&source, &cluster, &data) });
            assert!(matches!(refused, Err(Error::Corrupt { .. })), "byte {at}: {refused:?}");
            assert_eq!(names(dir.path()), Vec::<PathBuf>::new());
        }
    }
    // As it is, if that is asked for.
    let mut bytes = good.clone();
    *bytes.last_mut().unwrap() ^= 1;
    let source = database(bytes);
    let report = restore(&Request { skip_hash_check: true, ..request(&source, &cluster, &data) }).unwrap();
    assert_eq!(report.checked, Checked::Not);
}

#[test]
fn a_file_without_a_hash_must_hold_together() {
    let mut bytes = snapshot(300);
    bytes.truncate(bytes.len() - 32);
    let cluster = cluster();
    let dir = tempfile::tempdir().unwrap();
    let report = restore(&request(&database(bytes.clone()), &cluster, &dir.path().join("data"))).unwrap();
    assert_eq!(report.checked, Checked::Structure);
    // A page's number.
    bytes[5 * 4096] ^= 1;
    let refused = restore(&request(&database(bytes), &cluster, &dir.path().join("again")));
    assert!(matches!(refused, Err(Error::Corrupt { .. })), "{refused:?}");
}

#[test]
fn nothing_is_written_over() {
    let source = database(snapshot(3));
    let cluster = cluster();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    restore(&request(&source, &cluster, &data)).unwrap();
    let before = names(dir.path());
    assert!(matches!(restore(&request(&source, &cluster, &data)), Err(Error::Exists { .. })));
    let file = dir.path().join("file");
    std::fs::write(&file, b"").unwrap();
    assert!(matches!(restore(&request(&source, &cluster, &file)), Err(Error::Exists { .. })));
    std::fs::remove_file(file).unwrap();
    // A log of another.
    let wal = dir.path().join("data/member/wal");
    let again = dir.path().join("again");
    let refused = restore(&Request { wal_dir: Some(&wal), ..request(&source, &cluster, &again) });
    assert!(matches!(refused, Err(Error::Exists { .. })));
    assert_eq!(names(dir.path()), before);
}

#[test]
fn an_empty_directory_is_filled_not_replaced() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let source = database(snapshot(3));
    let cluster = cluster();
    let dir = tempfile::tempdir().unwrap();
    let (data, wal) = (dir.path().join("data"), dir.path().join("wal"));
    for dir in [&data, &wal] {
        std::fs::create_dir(dir).unwrap();
        std::fs::create_dir(dir.join("lost+found")).unwrap();
    }
    let inodes = |dir: &Path| std::fs::metadata(dir).unwrap().ino();
    let before = (inodes(&data), inodes(&wal));
    restore(&Request { wal_dir: Some(&wal), ..request(&source, &cluster, &data) }).unwrap();
    assert_eq!((inodes(&data), inodes(&wal)), before);
    assert_eq!(DataDir::open(&data, Some(&wal)).unwrap().last, 3);
    assert_eq!(survey(&wal).unwrap().identity, cluster.identity());
    let mode = |path: &str| std::fs::metadata(data.join(path)).unwrap().permissions().mode() & 0o777;
    let modes = ["member", "member/snap", "member/snap/db"].map(mode);
    assert_eq!(modes, [0o700, 0o700, 0o600]);
    let top = |dir: &Path| std::fs::read_dir(dir).unwrap().count();
    assert_eq!((top(&data), top(&wal)), (2, 2));
}

#[test]
fn what_a_killed_restore_left_is_in_nobodys_way_but_one_that_runs_is() {
    let source = database(snapshot(3));
    let cluster = cluster();
    let dir = tempfile::tempdir().unwrap();
    let (data, wal) = (dir.path().join("data"), dir.path().join("wal"));
    std::fs::create_dir_all(dir.path().join(".data.restoring/member/snap")).unwrap();
    std::fs::write(dir.path().join(".data.restoring/member/snap/db"), b"half").unwrap();
    std::fs::create_dir_all(&wal).unwrap();
    std::fs::create_dir_all(wal.join(".wal.restoring")).unwrap();

    let held = File::open(dir.path().join(".data.restoring")).unwrap();
    held.lock().unwrap();
    let asked = Request { wal_dir: Some(&wal), ..request(&source, &cluster, &data) };
    assert!(matches!(restore(&asked), Err(Error::Live { .. })));
    drop(held);
    restore(&asked).unwrap();
    assert!(names(dir.path()).iter().all(|path| !path.display().to_string().ends_with("restoring")));
}

#[test]
fn data_in_the_log_only_stays_behind_only_if_told() {
    let source = database(snapshot(3));
    let cluster = cluster();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let pending = |kind| Pending { index: 4, term: 1, request: wal::Request { kind, touched: Vec::new() } };
    let leader = Beyond { committed: vec![pending(Kind::Leader)], undecided: Vec::new() };
    let put = Beyond { committed: Vec::new(), undecided: vec![pending(Kind::Put)] };
    let asked = request(&source, &cluster, &data);
    let refused = restore(&Request { beyond: Some(&put), ..asked }).unwrap_err();
    assert!(matches!(&refused, Error::Unsafe { what } if what.contains("--force-new-cluster")), "{refused}");
    let asked = request(&source, &cluster, &data);
    assert_eq!(restore(&Request { beyond: Some(&leader), ..asked }).unwrap().lost, 0);
    let again = dir.path().join("again");
    let asked = request(&source, &cluster, &again);
    assert_eq!(restore(&Request { beyond: Some(&put), accept_loss: true, ..asked }).unwrap().lost, 1);
}

#[test]
fn an_older_etcd_is_not_given_a_newer_schema() {
    let source = database(snapshot(3));
    let cluster = cluster();
    let dir = tempfile::tempdir().unwrap();
    for (version, starts) in [("3.5.35", false), ("v3.6", true), ("3.7.0", true)] {
        let data = dir.path().join(version);
        let asked = Request { for_etcd: Minor::parse(version), ..request(&source, &cluster, &data) };
        assert_eq!(restore(&asked).is_ok(), starts, "{version}");
    }
}

#[test]
fn a_cluster_that_cannot_be_is_said_to_be_none() {
    let bad = [
        ("a", "b=http://h:1", "http://h:1"),
        ("a", "", "http://h:1"),
        ("a", "a=", ""),
        ("a", "a=h:1", "h:1"),
        ("a", "a=ftp://h:1", "ftp://h:1"),
        ("a", "a=http://h", "http://h"),
        ("a", "a=http://h:1/", "http://h:1/"),
        ("a", "a=http://u@h:1", "http://u@h:1"),
        ("a", "a=http://::1:1", "http://::1:1"),
        ("a", "a=http://h:1", "http://h:2"),
        ("a", "a=http://h:1,b=http://h:1", "http://h:1"),
        ("a", "a=http://h:1,a=http://h:1", "http://h:1"),
    ];
    for (name, cluster, urls) in bad {
        let made = Cluster::new(name, cluster, &[urls], "t");
        assert!(matches!(made, Err(Error::Invalid(_))), "{cluster}: {made:?}");
    }
    let one = Cluster::new("a", "a=HTTP://h:1,,a=https://[::1]:2", &[" https://[::1]:2", "http://h:1"], "t")
        .unwrap();
    assert_eq!(one.members()[0].peer_urls, ["http://h:1", "https://[::1]:2"]);
}
