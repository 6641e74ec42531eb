use super::*;
use crate::claim::Claim;
use crate::layout::BackupName;
use crate::location::LocationOptions;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use std::time::Duration;

fn gz(text: &str) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap().into()
}

fn head(phase: &str, start: &str) -> String {
    format!(
        r#"{{"kind":"Backup","metadata":{{"name":"x","annotations":{{"daytwo.dev/revision":"42"}},"labels":{{"velero.io/schedule-name":"nightly"}}}},
        "spec":{{"includedNamespaces":["a","b"],"csiSnapshotTimeout":"10m0s"}},
        "status":{{"phase":"{phase}","startTimestamp":"{start}","completionTimestamp":"2026-01-01T00:01:00Z","expiration":null,
        "errors":2,"progress":{{"totalItems":7,"itemsBackedUp":7}},"future":{{"x":[1]}}}}}}"#
    )
}

async fn put(location: &Location, key: &str, text: &str) {
    location.put(key, Bytes::from(text.to_owned())).await.unwrap();
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Each test runs in memory and in a folder.
fn locations() -> (tempfile::TempDir, Vec<Location>) {
    let dir = tempfile::tempdir().unwrap();
    let folder = Location::open(dir.path().to_str().unwrap(), &LocationOptions::default()).unwrap();
    (dir, vec![Location::memory(), folder])
}

#[tokio::test]
async fn backups_of_both_tools_are_listed_by_start() {
    let (_dir, locations) = locations();
    for location in locations {
        put(&location, "backups/late/velero-backup.json", &head("Completed", "2026-01-02T00:00:00Z")).await;
        put(&location, "backups/early/velero-backup.json", &head("PartiallyFailed", "2026-01-01T00:00:00Z"))
            .await;
        put(&location, "backups/old/velero-backup.json", r#"{"status":{}}"#).await;
        put(
            &location,
            "backups/secret/secret-daytwo-stored.json",
            r#"{"started":"2026-01-03T00:00:00Z","phase":"Completed"}"#,
        )
        .await;
        put(&location, "backups/stray-file", "not a directory").await;
        let listed = list(&location, ListOptions { sizes: true, ..ListOptions::default() }).await.unwrap();
        let names: Vec<&str> = listed.iter().map(|backup| backup.name.as_str()).collect();
        assert_eq!(names, ["old", "early", "late", "secret"]);
        let early = &listed[1];
        assert_eq!(
            (early.phase.as_deref(), early.items, early.errors),
            (Some("PartiallyFailed"), Some(7), 2)
        );
        assert_eq!(
            (early.made_by, early.revision, early.schedule.as_deref()),
            (Tool::Daytwo, Some(42), Some("nightly"))
        );
        assert_eq!(early.included_namespaces, ["a", "b"]);
        assert_eq!(early.size, Some(head("PartiallyFailed", "2026-01-01T00:00:00Z").len() as u64));
        assert_eq!((listed[0].made_by, listed[0].size), (Tool::Velero, Some(13)));
        assert!(listed[3].encrypted && listed[3].started == Some(at("2026-01-03T00:00:00Z")));
    }
}

#[tokio::test]
async fn a_head_that_is_garbage_does_not_hide_the_others() {
    let (_dir, locations) = locations();
    for location in locations {
        put(&location, "backups/bad/velero-backup.json", "{\"status\": 1").await;
        put(&location, "backups/good/velero-backup.json", &head("Completed", "2026-01-02T00:00:00Z")).await;
        let listed = list(&location, ListOptions::default()).await.unwrap();
        assert_eq!(listed.len(), 2);
        assert!(
            matches!(&listed[0].state, State::Unreadable { why } if why.contains("velero-backup.json")),
            "{listed:?}"
        );
    }
}

#[tokio::test]
async fn an_unfinished_backup_is_listed_only_if_asked_for() {
    let (_dir, locations) = locations();
    for location in locations {
        let name = BackupName::try_from("b").unwrap();
        Claim::take(&location, &name, "run-1", at("2026-01-01T00:00:00Z")).await.unwrap();
        assert_eq!(list(&location, ListOptions::default()).await.unwrap(), []);
        let listed =
            list(&location, ListOptions { unfinished: true, ..ListOptions::default() }).await.unwrap();
        let since = Some(at("2026-01-01T00:00:00Z"));
        assert_eq!(listed[0].state, State::Unfinished { run: Some("run-1".into()), since });
        assert_eq!(listed[0].made_by, Tool::Daytwo);
    }
}

#[tokio::test]
async fn delete_removes_every_file_and_nothing_of_a_neighbour() {
    let (_dir, locations) = locations();
    for location in locations {
        for key in [
            "backups/b/velero-backup.json",
            "backups/b/b.tar.gz",
            "backups/b/b-daytwo-claim.json",
            "backups/b/extra",
            "backups/b2/velero-backup.json",
        ] {
            put(&location, key, "{}").await;
        }
        location.put("backups/b/b-volumesnapshots.json.gz", gz("null")).await.unwrap();
        location.put("backups/b/b-itemoperations.json.gz", gz("[]\n")).await.unwrap();
        location
            .put("backups/b/b-volumeinfo.json.gz", gz(r#"[{"pvcName":"p","skipped":true}]"#))
            .await
            .unwrap();
        assert_eq!(delete(&location, "b").await.unwrap().files, 7);
        let left: Vec<ObjectInfo> = location.list("").await.unwrap().try_collect().await.unwrap();
        assert_eq!(
            left.iter().map(|info| info.key.as_str()).collect::<Vec<_>>(),
            ["backups/b2/velero-backup.json"]
        );
        assert!(matches!(delete(&location, "b").await, Err(Error::NotFound { .. })));
        assert!(matches!(delete(&location, "../backups").await, Err(Error::Invalid(_))));
    }
}

#[tokio::test]
async fn a_backup_that_owns_snapshots_is_refused_with_veleros_command() {
    let cases = [
        ("b-volumesnapshots.json.gz", r#"[{"spec":{"providerVolumeID":"v"}}]"#),
        ("b-podvolumebackups.json.gz", r#"[{"kind":"PodVolumeBackup"}]"#),
        ("b-itemoperations.json.gz", r#"[{"spec":{"operationID":"o"}}]"#),
        ("b-csi-volumesnapshots.json.gz", r#"[{"kind":"VolumeSnapshot"}]"#),
        ("b-volumeinfo.json.gz", r#"[{"backupMethod":"CSISnapshot","skipped":false}]"#),
        ("b-volumeinfo.json.gz", "not json"),
    ];
    for (file, content) in cases {
        let location = Location::memory();
        put(&location, "backups/b/velero-backup.json", "{}").await;
        location.put(&format!("backups/b/{file}"), gz(content)).await.unwrap();
        let refused = delete(&location, "b").await.unwrap_err();
        assert!(
            matches!(&refused, Error::Refused(text) if text.contains("velero backup delete b")),
            "{file}: {refused}"
        );
        assert!(location.exists("backups/b/velero-backup.json").await.unwrap());
    }
}

#[tokio::test]
async fn a_side_file_that_unpacks_without_end_is_refused_in_bounded_memory() {
    let location = Location::memory();
    put(&location, "backups/b/velero-backup.json", "{}").await;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..100 {
        encoder.write_all(&zeros).unwrap();
    }
    location.put("backups/b/b-volumesnapshots.json.gz", encoder.finish().unwrap().into()).await.unwrap();
    assert!(matches!(delete(&location, "b").await, Err(Error::Refused(_))));
}

#[tokio::test]
async fn an_interrupted_delete_is_ended_by_another() {
    let location = Location::memory();
    put(&location, "backups/b/b.tar.gz", "x").await;
    put(&location, "backups/b/b-logs.gz", "x").await;
    assert_eq!(delete(&location, "b").await.unwrap().files, 2);
}

#[tokio::test]
async fn a_backup_being_written_is_not_deleted() {
    let location = Location::memory();
    let name = BackupName::try_from("b").unwrap();
    Claim::take(&location, &name, "run-1", at("2026-01-01T00:00:00Z")).await.unwrap();
    let refused = delete(&location, "b").await.unwrap_err();
    assert!(
        matches!(&refused, Error::Conflict(conflict) if conflict.holder.as_deref() == Some("run-1")),
        "{refused}"
    );
}

#[tokio::test]
async fn what_a_killed_run_left_is_found_once_it_is_old_and_removed() {
    let (_dir, locations) = locations();
    for location in locations {
        let name = BackupName::try_from("dead").unwrap();
        let claim = Claim::take(&location, &name, "run-1", at("2026-01-01T00:00:00Z")).await.unwrap();
        claim.put(File::Logs, Bytes::from_static(b"log")).await.unwrap();
        let mut upload = claim.upload(File::Archive).await.unwrap();
        upload.write(vec![7u8; 12 << 20].into()).await.unwrap();
        std::mem::forget(upload);
        put(&location, "backups/done/velero-backup.json", "{}").await;
        put(&location, "backups/done/done-daytwo-claim.json", "{}").await;
        put(&location, "metadata/daytwo/check-x/object", "x").await;

        let hour = Duration::from_secs(3600);
        let written = location.head("backups/dead/dead-logs.gz").await.unwrap().unwrap().modified;
        assert_eq!(orphans(&location, hour, written + Duration::from_secs(60)).await.unwrap(), []);
        let found = orphans(&location, hour, written + 2 * hour).await.unwrap();
        let kinds: Vec<OrphanKind> = found.iter().map(|orphan| orphan.kind).collect();
        assert_eq!(kinds, [OrphanKind::Backup, OrphanKind::Check], "{found:#?}");
        assert_eq!(found[0].run.as_deref(), Some("run-1"));
        assert_eq!(found[0].uploads.len(), usize::from(location.folder().is_none()));

        let ended = end_orphans(&location, &found).await.unwrap();
        assert_eq!((ended.orphans, ended.alive), (2, 0));
        assert_eq!(orphans(&location, Duration::ZERO, written + 2 * hour).await.unwrap(), []);
        let left: Vec<ObjectInfo> = location.list("").await.unwrap().try_collect().await.unwrap();
        assert!(left.iter().all(|info| info.key.starts_with("backups/done/")), "{left:?}");
        Claim::take(&location, &name, "run-2", at("2026-01-01T00:00:00Z")).await.unwrap();
    }
}

#[tokio::test]
async fn an_orphan_that_shows_life_is_left_alone() {
    let (_dir, locations) = locations();
    for location in locations {
        let name = BackupName::try_from("b").unwrap();
        let claim = Claim::take(&location, &name, "run-1", at("2026-01-01T00:00:00Z")).await.unwrap();
        let written = location.head(&name.key(File::Claim)).await.unwrap().unwrap().modified;
        let found = orphans(&location, Duration::ZERO, written + Duration::from_secs(1)).await.unwrap();
        assert_eq!(found.len(), 1);
        claim.put(File::VeleroBackup, Bytes::from_static(b"{}")).await.unwrap();
        assert_eq!(end_orphans(&location, &found).await.unwrap().alive, 1);
        assert!(location.exists("backups/b/velero-backup.json").await.unwrap());
    }
}
