use super::*;
use crate::location::LocationOptions;
use crate::upload::PART_SIZE;
use futures::future::join_all;

fn locations() -> (tempfile::TempDir, Vec<Location>) {
    let dir = tempfile::tempdir().unwrap();
    let folder =
        Location::open(dir.path().join("new").to_str().unwrap(), &LocationOptions::default()).unwrap();
    (dir, vec![Location::memory(), folder])
}

fn name() -> BackupName {
    BackupName::try_from("b").unwrap()
}

fn at() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_runs_one_holds_the_name_and_the_others_learn_which() {
    let (_dir, locations) = locations();
    for location in locations {
        let runs = (0..16).map(|n| {
            let location = location.clone();
            tokio::spawn(async move { Claim::take(&location, &name(), &format!("run-{n}"), at()).await })
        });
        let taken: Vec<Result<Claim>> = join_all(runs).await.into_iter().map(|done| done.unwrap()).collect();
        let holders: Vec<&Claim> = taken.iter().filter_map(|claim| claim.as_ref().ok()).collect();
        assert_eq!(holders.len(), 1);
        let holder = holders[0].run().await;
        for refused in taken.iter().filter_map(|claim| claim.as_ref().err()) {
            let Error::Conflict(conflict) = refused else { panic!("{refused}") };
            assert_eq!((conflict.holder.as_deref(), conflict.since), (Some(holder.as_str()), Some(at())));
        }
        holders[0].still_held().await.unwrap();
    }
}

#[tokio::test]
async fn a_name_that_holds_a_backup_of_any_kind_is_refused() {
    for file in [File::VeleroBackup, File::Stored] {
        let location = Location::memory();
        location.put(&file.key("b"), Bytes::from_static(b"{}")).await.unwrap();
        let refused = Claim::take(&location, &name(), "r", at()).await.unwrap_err();
        assert!(matches!(&refused, Error::Conflict(conflict) if conflict.complete), "{refused}");
        assert!(refused.to_string().contains("exists already"), "{refused}");
        assert!(!location.exists(&name().key(File::Claim)).await.unwrap());
    }
}

#[tokio::test]
async fn files_that_no_claim_names_are_not_overwritten() {
    let location = Location::memory();
    location.put(&File::Logs.key("b"), Bytes::from_static(b"velero writes its log first")).await.unwrap();
    let refused = Claim::take(&location, &name(), "r", at()).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Conflict(conflict) if !conflict.complete && conflict.holder.is_none()),
        "{refused}"
    );
}

#[tokio::test]
async fn a_run_may_take_again_what_it_holds_and_others_once_it_is_released() {
    let (_dir, locations) = locations();
    for location in locations {
        Claim::take(&location, &name(), "r", at()).await.unwrap();
        let claim = Claim::take(&location, &name(), "r", at()).await.unwrap();
        assert!(Claim::take(&location, &name(), "other", at()).await.is_err());
        claim.release().await.unwrap();
        claim.release().await.unwrap();
        Claim::take(&location, &name(), "other", at()).await.unwrap();
    }
}

#[tokio::test]
async fn a_holder_whose_claim_was_taken_away_is_told_to_stop() {
    let (_dir, locations) = locations();
    for location in locations {
        let claim = Claim::take(&location, &name(), "r", at()).await.unwrap();
        claim.release().await.unwrap();
        assert!(matches!(claim.still_held().await, Err(Error::Stale(_))));
        Claim::take(&location, &name(), "other", at()).await.unwrap();
        assert!(matches!(claim.still_held().await, Err(Error::Stale(text)) if text.contains("other")));
        assert!(matches!(claim.record_upload("k", "id").await, Err(Error::Stale(_))));
        assert_eq!(read(&location, "b").await.unwrap().unwrap().run, "other");
    }
}

#[tokio::test]
async fn an_upload_in_parts_stands_in_the_claim_before_it_is_finished() {
    let location = Location::memory();
    let claim = Claim::take(&location, &name(), "r", at()).await.unwrap();
    let mut upload = claim.upload(File::Archive).await.unwrap();
    upload.write(vec![0; PART_SIZE].into()).await.unwrap();
    assert_eq!(upload.id(), None);
    // The second part waits until the first is there, and that for what stands in the claim.
    upload.write(vec![0; PART_SIZE + 1].into()).await.unwrap();
    let record = read(&location, "b").await.unwrap().unwrap();
    assert_eq!(record.uploads[0].key, "backups/b/b.tar.gz");
    assert_eq!(Some(record.uploads[0].id.as_str()), upload.id());
    assert_eq!(upload.finish().await.unwrap(), 2 * PART_SIZE as u64 + 1);
}

#[tokio::test]
async fn a_claim_that_cannot_be_read_is_corrupt_and_still_holds_the_name() {
    let location = Location::memory();
    location.put(&File::Claim.key("b"), Bytes::from_static(b"{")).await.unwrap();
    assert!(matches!(read(&location, "b").await, Err(Error::Corrupt { .. })));
    assert!(Claim::take(&location, &name(), "r", at()).await.is_err());
}
