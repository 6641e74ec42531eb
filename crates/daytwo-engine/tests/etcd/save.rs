//! Snapshots of real clusters: from whom, that they are whole, and what is left when they are not.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use daytwo_archive::encrypt::{Identity, decryptor};
use daytwo_archive::{Location, LocationOptions};
use daytwo_engine::Event;
use daytwo_engine::etcd::{SaveError, SaveRequest, Saved, Source, Target, save};
use testbed::{EtcdCluster, Family, parts_or_skip};
use tokio_util::sync::CancellationToken;

use super::harness::{Heard, Still, access, fill, leader, look};

pub fn folder(path: &Path) -> Location {
    Location::open(path.to_str().expect("a path"), &LocationOptions::default()).expect("a folder")
}

/// Files below `path`, hidden ones too.
pub fn files(path: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![path.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).expect("a folder").flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(path).expect("below").to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

async fn run(
    cluster: &EtcdCluster,
    request: &SaveRequest,
    target: &Target,
    heard: &Heard<'_>,
) -> Result<Saved, SaveError> {
    let access = access(cluster, cluster.endpoints());
    save(&access, request, target, &Still, heard, &CancellationToken::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_comes_from_a_follower_and_etcdutl_takes_it() {
    if parts_or_skip(&[Family::Etcd]).is_none() {
        return;
    }
    let cluster = EtcdCluster::builder(3).start().unwrap();
    fill(&cluster, "k", 3, 700_000);
    let out = tempfile::tempdir().unwrap();
    let target = Target::file(&folder(out.path()), "snap.db");
    let saved = run(&cluster, &SaveRequest::default(), &target, &Heard::default()).await.unwrap();

    let path = out.path().join("snap.db");
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(saved.sha256, daytwo_archive::digest::Digest::of(&bytes));
    assert_eq!(saved.size, bytes.len() as u64);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let Source::Etcd { leader: led, name, version, revision, .. } = &saved.source else {
        panic!("{saved:?}")
    };
    let seen = look(&cluster).await;
    assert!(!led && *name != format!("m{}", leader(&seen)), "{saved:?}");
    assert!(version.starts_with("3.6."));
    let status = cluster.etcdutl(&["snapshot", "status", path.to_str().unwrap(), "-w", "json"]).unwrap();
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["revision"], revision.from, "{status}");
    assert_eq!(revision.from, revision.to, "nothing wrote meanwhile");
    assert_eq!(status["totalKey"], 3);
    let data = out.path().join("restored");
    cluster
        .etcdutl(&["snapshot", "restore", path.to_str().unwrap(), "--data-dir", data.to_str().unwrap()])
        .unwrap();
    let record: Saved =
        serde_json::from_slice(&std::fs::read(out.path().join("snap.db.json")).unwrap()).unwrap();
    assert_eq!(record, saved);

    // A second time is refused, and touches nothing.
    let again = run(&cluster, &SaveRequest::default(), &target, &Heard::default()).await;
    assert!(matches!(again, Err(SaveError::Exists { .. })), "{again:?}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_etcdctl_saves_is_byte_for_byte_what_is_saved_here() {
    if parts_or_skip(&[Family::Etcd]).is_none() {
        return;
    }
    let cluster = EtcdCluster::builder(1).start().unwrap();
    fill(&cluster, "k", 5, 500_000);
    let out = tempfile::tempdir().unwrap();
    let theirs = out.path().join("theirs.db");
    // The consistent index moves with a health check; both are taken of a member at rest.
    let ours = Target::file(&folder(out.path()), "ours.db");
    run(&cluster, &SaveRequest::default(), &ours, &Heard::default()).await.unwrap();
    cluster.etcdctl(&["snapshot", "save", theirs.to_str().unwrap()]).unwrap();
    let hash = |path: &Path| {
        let status = cluster.etcdutl(&["snapshot", "status", path.to_str().unwrap(), "-w", "json"]).unwrap();
        serde_json::from_str::<serde_json::Value>(&status).unwrap()
    };
    let (ours, theirs) = (hash(&out.path().join("ours.db")), hash(&theirs));
    for part in ["revision", "totalKey", "totalSize", "version"] {
        assert_eq!(ours[part], theirs[part], "{part}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_killed_in_the_middle_leaves_nothing_and_the_next_one_is_asked() {
    if parts_or_skip(&[Family::Etcd]).is_none() {
        return;
    }
    let cluster = EtcdCluster::builder(3).start().unwrap();
    fill(&cluster, "k", 40, 1_000_000);
    let out = tempfile::tempdir().unwrap();
    let target = Target::named(&folder(out.path()), "nightly", "a1");
    let killed = AtomicBool::new(false);
    let on = |event: &Event| {
        let Event::Progress { done, .. } = event else { return };
        if *done > 1 << 20 && !killed.swap(true, Ordering::SeqCst) {
            // The one that it is being saved from is the follower of the lowest id: it is found by who is asked.
            let victim = VICTIM.load(Ordering::SeqCst);
            cluster.kill(victim).unwrap();
        }
    };
    static VICTIM: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let seen = look(&cluster).await;
    let first = &daytwo_engine::etcd::candidates(&seen, None).unwrap()[0].name;
    VICTIM.store(first.trim_start_matches('m').parse().unwrap(), Ordering::SeqCst);
    let heard = Heard { on: Some(Box::new(on)), ..Heard::default() };
    let request = SaveRequest { member: Some(first.clone()), ..SaveRequest::default() };
    let error = run(&cluster, &request, &target, &heard).await.unwrap_err();
    assert!(killed.load(Ordering::SeqCst), "it was over before the kill");
    assert!(error.to_string().contains("rest of its snapshot"), "{error}");
    assert_eq!(files(out.path()), Vec::<String>::new(), "half a snapshot was left");

    // Without a wish, the others are asked: of three members one is down.
    let heard = Heard::default();
    let saved = run(&cluster, &SaveRequest::default(), &target, &heard).await.unwrap();
    let Source::Etcd { name, .. } = &saved.source else { panic!("{saved:?}") };
    assert_ne!(name, first);
    assert_eq!(
        files(out.path()),
        ["metadata/daytwo/etcd/nightly/a1.db", "metadata/daytwo/etcd/nightly/snapshot.json"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_member_starts_over_when_one_goes_away_in_the_middle() {
    if parts_or_skip(&[Family::Etcd]).is_none() {
        return;
    }
    let cluster = EtcdCluster::builder(3).start().unwrap();
    fill(&cluster, "k", 40, 1_000_000);
    let out = tempfile::tempdir().unwrap();
    let killed = std::sync::Mutex::new(None);
    let on = |event: &Event| match event {
        Event::Started { what } => {
            let mut victim = killed.lock().unwrap();
            if victim.is_none() {
                *victim = what.strip_prefix("saving from m").map(|n| (n.parse::<usize>().unwrap(), false));
            }
        }
        Event::Progress { done, .. } if *done > 1 << 20 => {
            if let Some((victim, gone @ false)) = &mut *killed.lock().unwrap() {
                cluster.kill(*victim).unwrap();
                *gone = true;
            }
        }
        _ => {}
    };
    let heard = Heard { on: Some(Box::new(on)), ..Heard::default() };
    let target = Target::file(&folder(out.path()), "snap.db");
    let saved = run(&cluster, &SaveRequest::default(), &target, &heard).await.unwrap();
    let victim = killed.lock().unwrap().unwrap();
    assert!(victim.1, "it was over before the kill");
    let Source::Etcd { name, .. } = &saved.source else { panic!("{saved:?}") };
    assert_ne!(*name, format!("m{}", victim.0));
    assert!(heard.says("from the beginning"));
    let path = out.path().join("snap.db");
    cluster.etcdutl(&["snapshot", "status", path.to_str().unwrap()]).unwrap();
    assert_eq!(files(out.path()), ["snap.db", "snap.db.json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_snapshot_opens_for_its_recipient_alone() {
    if parts_or_skip(&[Family::Etcd]).is_none() {
        return;
    }
    let cluster = EtcdCluster::builder(1).start().unwrap();
    cluster.etcdctl(&["put", "secret", "a value that nobody shall read"]).unwrap();
    let out = tempfile::tempdir().unwrap();
    let identity = Identity::generate();
    let request = SaveRequest { recipients: vec![identity.recipient()], ..SaveRequest::default() };
    let saved = run(&cluster, &request, &Target::file(&folder(out.path()), "snap.db"), &Heard::default())
        .await
        .unwrap();
    assert_eq!(saved.file, "snap.db.age");
    let bytes = std::fs::read(out.path().join("snap.db.age")).unwrap();
    let stored = saved.stored.unwrap();
    assert_eq!(
        (stored.size, stored.sha256),
        (bytes.len() as u64, daytwo_archive::digest::Digest::of(&bytes))
    );
    assert!(!bytes.windows(7).any(|some| some == b"a value"), "it is readable");
    let mut opened = Vec::new();
    decryptor(bytes.as_slice(), &[identity]).unwrap().read_to_end(&mut opened).unwrap();
    assert_eq!(
        (opened.len() as u64, daytwo_archive::digest::Digest::of(&opened)),
        (saved.size, saved.sha256)
    );
}
