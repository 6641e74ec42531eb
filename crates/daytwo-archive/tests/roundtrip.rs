//! What was written is what is read, and nothing is visible before it is whole.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests may panic, and run where usize has 64 bits"
)]

mod cluster;

use cluster::Thing;
use daytwo_archive::encrypt::Identity;
use daytwo_archive::sign::SigningKey;
use daytwo_archive::*;

async fn read_all(backup: &Backup) -> Vec<(Resource, Thing)> {
    let mut entries = backup.entries().await.unwrap();
    let mut found = Vec::new();
    while let Some(entry) = entries.next().await.unwrap() {
        let json = String::from_utf8(entry.bytes.to_vec()).unwrap();
        found.push(((*entry.resource).clone(), Thing { namespace: entry.namespace, name: entry.name, json }));
    }
    found
}

fn same(found: &[(Resource, Thing)], cluster: &[(Resource, Vec<Thing>)]) {
    let expected: Vec<(&Resource, &Thing)> =
        cluster.iter().flat_map(|(kind, things)| things.iter().map(move |thing| (kind, thing))).collect();
    assert_eq!(found.len(), expected.len());
    for ((kind, thing), (expected_kind, expected)) in found.iter().zip(expected) {
        assert_eq!(kind, expected_kind);
        assert_eq!(
            (&thing.namespace, &thing.name, &thing.json),
            (&expected.namespace, &expected.name, &expected.json)
        );
    }
}

async fn get_some(backup: &Backup, cluster: &[(Resource, Vec<Thing>)]) {
    for (kind, things) in cluster {
        for thing in [things.first(), things.last(), things.get(things.len() / 2)].into_iter().flatten() {
            let found =
                backup.get(&kind.group_resource(), thing.namespace.as_deref(), &thing.name).await.unwrap();
            assert_eq!(found.as_deref(), Some(thing.json.as_bytes()));
        }
    }
    assert_eq!(backup.get("configmaps", Some("team-000"), "nobody").await.unwrap(), None);
    assert_eq!(backup.get("configmaps", None, "configmaps-000000").await.unwrap(), None);
}

#[tokio::test]
async fn five_thousand_objects_come_back_byte_by_byte() {
    let dir = tempfile::tempdir().unwrap();
    let location = cluster::folder(dir.path());
    let cluster = cluster::objects(5000, 7);
    let written = cluster::write(&location, "b", &cluster, cluster::options()).await;
    let mut backup = Backup::open(&location, &cluster::name("b"), &Keys::default()).await.unwrap();
    assert_eq!(backup.head(), &written);
    same(&read_all(&backup).await, &cluster);
    get_some(&backup, &cluster).await;
    backup.spool().await.unwrap();
    std::fs::remove_file(dir.path().join("backups/b/b.tar.gz")).unwrap();
    same(&read_all(&backup).await, &cluster);
    same(&read_all(&backup).await, &cluster);
}

#[tokio::test]
async fn the_head_says_what_was_done() {
    let location = Location::memory();
    let cluster = cluster::objects(400, 7);
    cluster::write(&location, "b", &cluster, cluster::options()).await;
    let backup = Backup::open(&location, &cluster::name("b"), &Keys::default()).await.unwrap();
    let head = backup.head();
    assert_eq!(head.made_by, MadeBy::Daytwo { version: env!("CARGO_PKG_VERSION").into() });
    assert_eq!(
        (head.revision, &head.phase, &head.consistency),
        (Some(cluster::REVISION), &Phase::Completed, &Consistency::OneRevision)
    );
    assert_eq!((head.started, head.finished), (Some(cluster::at(0)), Some(cluster::at(60))));
    assert_eq!(head.objects as usize, cluster::total(&cluster));
    for (count, (kind, things)) in head.counts.iter().zip(&cluster) {
        assert_eq!(
            (count.resource.as_deref(), count.objects as usize),
            (Some(kind.group_resource().as_str()), things.len())
        );
        assert_eq!(count.bytes, Some(things.iter().map(|thing| thing.json.len() as u64).sum()));
        for (namespace, count) in &count.namespaces {
            let here =
                things.iter().filter(|thing| thing.namespace.as_deref().unwrap_or_default() == namespace);
            assert_eq!(here.count() as u64, *count);
        }
    }
    let report = backup.verify(&VerifyOptions::default()).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(report.objects, head.objects);
}

#[tokio::test]
async fn an_encrypted_backup_opens_for_its_recipients_and_shows_nothing_to_others() {
    let dir = tempfile::tempdir().unwrap();
    let location = cluster::folder(dir.path());
    let cluster = cluster::objects(1500, 3);
    let (a, b, stranger) = (Identity::generate(), Identity::generate(), Identity::generate());
    let key = SigningKey::generate();
    let options = WriteOptions {
        recipients: vec![a.recipient(), b.recipient()],
        sign: Some(key.clone()),
        ..cluster::options()
    };
    cluster::write(&location, "b", &cluster, options).await;
    let name = cluster::name("b");
    let files = dir.path().join("backups/b");
    assert!(!files.join("velero-backup.json").exists(), "Velero would take it for its own");
    for file in std::fs::read_dir(&files).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let plain = path.to_str().unwrap().ends_with("-daytwo-stored.json");
        assert!(plain || bytes.starts_with(b"age-encryption.org/v1\n"), "{path:?}");
        let revision = cluster::REVISION.to_string();
        for word in ["configmaps", "team-000", &revision, "Opaque"] {
            assert!(memchr::memmem::find(&bytes, word.as_bytes()).is_none(), "{word} in {path:?}");
        }
    }
    let keys = |identity: &Identity| Keys { identities: vec![identity.clone()] };
    for identity in [&a, &b] {
        let mut backup = Backup::open(&location, &name, &keys(identity)).await.unwrap();
        assert!(backup.head().encrypted);
        same(&read_all(&backup).await, &cluster);
        get_some(&backup, &cluster[..2]).await;
        backup.spool().await.unwrap();
        same(&read_all(&backup).await, &cluster);
        let report =
            backup.verify(&VerifyOptions { key: Some(key.verifying_key()), threads: 2 }).await.unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }
    for wrong in [keys(&stranger), Keys::default()] {
        let error = Backup::open(&location, &name, &wrong).await.unwrap_err();
        assert!(matches!(error, ArchiveError::Denied(_)), "{error}");
        assert!(error.to_string().contains("--identity"), "{error}");
    }
    assert!(matches!(
        verify(&location, &name, &keys(&stranger), &VerifyOptions::default()).await,
        Err(ArchiveError::Denied(_))
    ));
    let report = verify(
        &location,
        &name,
        &Keys::default(),
        &VerifyOptions { key: Some(key.verifying_key()), threads: 2 },
    )
    .await
    .unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(report.not_proved.len(), 1, "what needs the key is named");
}

#[tokio::test]
async fn starting_over_leaves_only_the_second_cut() {
    let dir = tempfile::tempdir().unwrap();
    let location = cluster::folder(dir.path());
    let name = cluster::name("b");
    let mut writer = BackupWriter::claim(&location, &name, cluster::options()).await.unwrap();
    cluster::add_all(&mut writer, &cluster::objects(3000, 1)).await;
    writer.restart().await.unwrap();
    let second = cluster::objects(900, 2);
    cluster::add_all(&mut writer, &second).await;
    let head = writer.finish(cluster::outcome()).await.unwrap();
    assert_eq!(head.objects as usize, cluster::total(&second));
    let backup = Backup::open(&location, &name, &Keys::default()).await.unwrap();
    same(&read_all(&backup).await, &second);
    let report = backup.verify(&VerifyOptions::default()).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[tokio::test]
async fn nothing_is_visible_before_the_end_and_nothing_left_after_giving_up() {
    let dir = tempfile::tempdir().unwrap();
    let location = cluster::folder(dir.path());
    let name = cluster::name("b");
    let mut writer = BackupWriter::claim(&location, &name, cluster::options()).await.unwrap();
    cluster::add_all(&mut writer, &cluster::objects(3000, 1)).await;
    assert!(matches!(
        Backup::open(&location, &name, &Keys::default()).await,
        Err(ArchiveError::NotFound { .. })
    ));
    assert!(matches!(
        verify(&location, &name, &Keys::default(), &VerifyOptions::default()).await,
        Err(ArchiveError::NotFound { .. })
    ));
    let other = WriteOptions { run: "run-2".into(), ..cluster::options() };
    assert!(matches!(BackupWriter::claim(&location, &name, other).await, Err(ArchiveError::Conflict(_))));
    writer.abandon().await.unwrap();
    let left = std::fs::read_dir(dir.path().join("backups")).map(|dir| dir.count()).unwrap_or(0);
    assert_eq!(left, 0, "files are left");
    cluster::write(&location, "b", &cluster::objects(10, 1), cluster::options()).await;
    assert!(matches!(
        BackupWriter::claim(&location, &name, cluster::options()).await,
        Err(ArchiveError::Conflict(_))
    ));
}

#[tokio::test]
async fn a_claim_taken_by_another_stops_the_writer_and_spares_the_others_files() {
    let dir = tempfile::tempdir().unwrap();
    let location = cluster::folder(dir.path());
    let name = cluster::name("b");
    let mut writer = BackupWriter::claim(&location, &name, cluster::options()).await.unwrap();
    cluster::add_all(&mut writer, &cluster::objects(50, 1)).await;
    let claim = dir.path().join("backups/b/b-daytwo-claim.json");
    let taken = std::fs::read_to_string(&claim).unwrap().replace("run-1", "run-2");
    std::fs::write(&claim, taken).unwrap();
    assert!(matches!(writer.finish(cluster::outcome()).await, Err(ArchiveError::Stale(_))));
    assert!(!dir.path().join("backups/b/velero-backup.json").exists());
    assert!(claim.exists(), "the claim of the other is gone");
}

#[tokio::test]
async fn an_empty_cluster_gives_a_backup_that_verifies() {
    let location = Location::memory();
    cluster::write(&location, "b", &[], cluster::options()).await;
    let backup = Backup::open(&location, &cluster::name("b"), &Keys::default()).await.unwrap();
    same(&read_all(&backup).await, &[]);
    let report = backup.verify(&VerifyOptions::default()).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[tokio::test]
async fn an_object_larger_than_a_member_comes_back() {
    let location = Location::memory();
    let kind = cluster::resource("", "v1", "ConfigMap", "configmaps", true);
    let json = |n: usize| {
        format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c{n}","namespace":"a"}},"data":{{"x":"{}"}}}}"#,
            cluster::Dice(n as u64).text(n)
        )
    };
    let things: Vec<Thing> = [10, 6_000_000, 20, 1_500_000]
        .map(|n| Thing { namespace: Some("a".into()), name: format!("c{n}"), json: json(n) })
        .into();
    let cluster = vec![(kind, things)];
    cluster::write(&location, "b", &cluster, cluster::options()).await;
    let backup = Backup::open(&location, &cluster::name("b"), &Keys::default()).await.unwrap();
    same(&read_all(&backup).await, &cluster);
    get_some(&backup, &[]).await;
    let report = backup.verify(&VerifyOptions::default()).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[tokio::test]
async fn debug_output_shows_no_content() {
    let location = Location::memory();
    let cluster = cluster::objects(100, 1);
    let mut writer = BackupWriter::claim(&location, &cluster::name("b"), cluster::options()).await.unwrap();
    cluster::add_all(&mut writer, &cluster).await;
    let shown = format!("{writer:?}");
    writer.finish(cluster::outcome()).await.unwrap();
    let backup = Backup::open(&location, &cluster::name("b"), &Keys::default()).await.unwrap();
    let entry = backup.entries().await.unwrap().next().await.unwrap().unwrap();
    let object = Object { namespace: None, name: "n", head: b"{\"password\"", body: b"" };
    for shown in [shown, format!("{backup:?}"), format!("{entry:?}"), format!("{object:?}")] {
        assert!(!shown.contains("password") && !shown.contains("112, 97, 115, 115"), "{shown}");
    }
}
