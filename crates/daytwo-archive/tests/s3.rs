//! Locations in a real S3 server (versitygw): what S3 does, and what is said when it does not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "s3/lost.rs"]
mod lost;
#[path = "s3/refused.rs"]
mod refused;
#[path = "s3/said.rs"]
mod said;
#[path = "s3/server.rs"]
mod server;

use bytes::Bytes;
use daytwo_archive::catalog::{self, ListOptions, OrphanKind};
use daytwo_archive::claim::Claim;
use daytwo_archive::layout::{BackupName, File};
use daytwo_archive::location::{
    Credentials, Error, Location, LocationOptions, Outcome, Patience, Retention, RetentionMode,
};
use futures::TryStreamExt;
use futures::future::join_all;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;
use testbed::S3;

fn options(s3: &S3) -> LocationOptions {
    LocationOptions {
        endpoint: Some(s3.endpoint()),
        region: Some(s3.region().into()),
        credentials: Some(Credentials::Aws {
            key_id: s3.access_key().into(),
            secret: s3.secret_key().into(),
            token: None,
        }),
        ca_file: s3.ca_file().map(Into::into),
        environment: Some(BTreeMap::new()),
        ..LocationOptions::default()
    }
}

/// For tests of what fails: to fail soon.
fn impatient() -> Patience {
    let patience = Patience::default();
    Patience { retries: 1, retry_for: Duration::from_secs(2), silence: Duration::from_secs(2), ..patience }
}

/// A location with a prefix in a new bucket.
fn location(s3: &S3, bucket: &str) -> Location {
    s3.create_bucket(bucket).unwrap();
    Location::open(&format!("s3://{bucket}/site/a"), &options(s3)).unwrap()
}

fn at() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// Longer than any clock differs, after everything was written.
fn later() -> Timestamp {
    "2100-01-01T00:00:00Z".parse().unwrap()
}

/// Parts that the server holds: files named by numbers.
fn parts_under(dir: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let count = |entry: std::fs::DirEntry| match entry.file_type().unwrap().is_dir() {
        true => parts_under(&entry.path()),
        false => usize::from(entry.file_name().to_str().unwrap().parse::<u32>().is_ok()),
    };
    entries.map(count).sum()
}

async fn keys(location: &Location, prefix: &str) -> Vec<String> {
    location.list(prefix).await.unwrap().map_ok(|info| info.key).try_collect().await.unwrap()
}

#[tokio::test]
async fn a_store_that_does_what_backups_need_passes_the_check_and_is_left_as_it_was() {
    let Some(s3) = testbed::shared::s3() else { return };
    let location = location(s3, "check");
    let results = location.check("r1").await;
    assert!(results.iter().all(|result| result.outcome == Outcome::Good), "{results:#?}");
    assert_eq!(keys(&location, "").await, Vec::<String>::new());
}

#[tokio::test]
async fn more_than_twenty_megabytes_come_back_byte_for_byte() {
    let Some(s3) = testbed::shared::s3() else { return };
    let location = location(s3, "large");
    let name = BackupName::try_from("b").unwrap();
    let claim = Claim::take(&location, &name, "run", at()).await.unwrap();
    let body: Bytes = (0..23_456_789u32).map(|n| (n / 3).to_le_bytes()[1]).collect();
    let mut upload = claim.upload(File::Archive).await.unwrap();
    for chunk in body.chunks(1_000_003) {
        upload.write(body.slice_ref(chunk)).await.unwrap();
    }
    assert!(!location.exists(&name.key(File::Archive)).await.unwrap());
    assert_eq!(upload.finish().await.unwrap(), body.len() as u64);
    let key = name.key(File::Archive);
    let read: Vec<Bytes> = location.stream(&key).await.unwrap().try_collect().await.unwrap();
    assert!(read.concat() == body, "the bytes differ");
    assert_eq!(location.get_range(&key, 9_999_990..10_000_010).await.unwrap(), body[9_999_990..10_000_010]);
    assert_eq!(location.get_tail(&key, 100).await.unwrap(), body[body.len() - 100..]);
    assert_eq!(location.get_tail(&name.key(File::Claim), 1 << 20).await.unwrap().first(), Some(&b'{'));
    let beyond = location.get_range(&key, body.len() as u64 - 3..body.len() as u64 + 50).await.unwrap();
    assert_eq!(beyond, body[body.len() - 3..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_runs_one_gets_the_name_every_time() {
    let Some(s3) = testbed::shared::s3() else { return };
    let location = location(s3, "race");
    for round in 0..10 {
        let name = BackupName::try_from(format!("b{round}").as_str()).unwrap();
        let runs = (0..16).map(|n| {
            let (location, name) = (location.clone(), name.clone());
            tokio::spawn(async move { Claim::take(&location, &name, &format!("run-{n}"), at()).await })
        });
        let mut held = 0;
        for taken in join_all(runs).await {
            match taken.unwrap() {
                Ok(_) => held += 1,
                Err(Error::Conflict(conflict)) => assert!(conflict.holder.is_some()),
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(held, 1, "round {round}");
    }
}

#[tokio::test]
async fn two_thousand_backups_are_listed_and_one_is_deleted() {
    let Some(s3) = testbed::shared::s3() else { return };
    let location = location(s3, "many");
    let head = |n: u32| {
        let started = Timestamp::from_second(1_700_000_000 + i64::from(n)).unwrap();
        Bytes::from(format!(r#"{{"status":{{"phase":"Completed","startTimestamp":"{started}"}}}}"#))
    };
    let name = |n: u32| format!("nightly-{n:04}");
    futures::stream::iter((0..2000).map(Ok::<u32, Error>))
        .try_for_each_concurrent(32, |n| {
            let location = location.clone();
            async move { location.put(&File::VeleroBackup.key(&name(n)), head(n)).await }
        })
        .await
        .unwrap();
    let begun = std::time::Instant::now();
    let listed = catalog::list(&location, ListOptions::default()).await.unwrap();
    println!("2,000 backups listed in {:?}", begun.elapsed());
    assert_eq!(listed.len(), 2000);
    assert!(listed.iter().zip(0..).all(|(backup, n)| backup.name == name(n)));
    let begun = std::time::Instant::now();
    let sized =
        catalog::list(&location, ListOptions { sizes: true, ..ListOptions::default() }).await.unwrap();
    println!("with sizes in {:?}", begun.elapsed());
    assert!(sized.iter().all(|backup| backup.size.is_some()));
    assert_eq!(catalog::delete(&location, &name(7)).await.unwrap().files, 1);
    assert_eq!(location.list_dirs("backups").await.unwrap().len(), 1999);
}

#[tokio::test]
async fn an_upload_that_a_killed_run_left_is_found_and_ended_with_or_without_its_claim() {
    let Some(s3) = testbed::shared::s3() else { return };
    let location = location(s3, "left");
    let name = BackupName::try_from("dead").unwrap();
    let claim = Claim::take(&location, &name, "run-1", at()).await.unwrap();
    for begin_with_claim in [true, false] {
        let mut upload = match begin_with_claim {
            true => claim.upload(File::Archive).await.unwrap(),
            false => location.upload("backups/other/other.tar.gz").await.unwrap(),
        };
        upload.write(vec![7u8; 12 << 20].into()).await.unwrap();
        std::mem::forget(upload);
    }
    let found = catalog::orphans(&location, Duration::from_secs(3600), later()).await.unwrap();
    let seen: Vec<_> = found.iter().map(|o| (o.kind, o.backup.as_deref(), o.uploads.len())).collect();
    assert_eq!(
        seen,
        [(OrphanKind::Backup, Some("dead"), 1), (OrphanKind::Upload, Some("other"), 1)],
        "{found:#?}"
    );
    assert_eq!(found[0].run.as_deref(), Some("run-1"));
    assert_eq!(catalog::end_orphans(&location, &found).await.unwrap().orphans, 2);
    assert_eq!(catalog::end_orphans(&location, &found).await.unwrap().orphans, 2, "ending again is no error");
    assert_eq!(catalog::orphans(&location, Duration::ZERO, later()).await.unwrap(), []);
    assert_eq!(keys(&location, "").await, Vec::<String>::new());
}

#[tokio::test]
async fn an_upload_that_is_ended_meanwhile_ends_its_writer_and_shows_nothing() {
    let Some(s3) = testbed::shared::s3() else { return };
    let location = location(s3, "ended");
    let mut upload = location.upload("backups/b/b.tar.gz").await.unwrap();
    upload.write(vec![7u8; 12 << 20].into()).await.unwrap();
    // A part still on its way when its upload is ended may bring it back, in S3 as here: wait for both.
    let parts = s3.folder().join("ended/.sgwtmp/multipart");
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while parts_under(&parts) < 2 {
        assert!(std::time::Instant::now() < deadline, "the parts do not arrive");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let found = catalog::orphans(&location, Duration::ZERO, later()).await.unwrap();
    catalog::end_orphans(&location, &found).await.unwrap();
    let ended = upload.finish().await.unwrap_err();
    assert!(matches!(ended, Error::Stale(_) | Error::NotFound { .. }), "{ended:?}");
    assert!(!location.exists("backups/b/b.tar.gz").await.unwrap());
}

#[tokio::test]
async fn retention_locks_every_file_of_a_backup_and_no_claim() {
    let Some(s3) = testbed::shared::s3() else { return };
    s3.create_bucket_with_lock("locked").unwrap();
    let until: Timestamp = "2099-01-02T03:04:05Z".parse().unwrap();
    let retention = Retention { mode: RetentionMode::Governance, until };
    let options = LocationOptions { retention: Some(retention), ..options(s3) };
    let location = Location::open("s3://locked/p", &options).unwrap();
    let name = BackupName::try_from("b").unwrap();
    let claim = Claim::take(&location, &name, "run", at()).await.unwrap();
    claim.put(File::VeleroBackup, Bytes::from_static(b"{}")).await.unwrap();
    let mut upload = claim.upload(File::Archive).await.unwrap();
    upload.write(vec![7u8; 12 << 20].into()).await.unwrap();
    upload.finish().await.unwrap();
    let held = |file: File| {
        let path = format!("/locked/p/{}?retention=", name.key(file));
        let answer = s3.request("GET", &path, &[], b"").unwrap();
        (answer.status, answer.text())
    };
    for file in [File::VeleroBackup, File::Archive] {
        let (status, text) = held(file);
        assert_eq!(status, 200, "{file:?}: {text}");
        assert!(text.contains("GOVERNANCE") && text.contains("2099-01-02T03:04:05"), "{file:?}: {text}");
    }
    assert_ne!(held(File::Claim).0, 200);
    claim.release().await.unwrap();
    assert!(!location.exists(&name.key(File::Claim)).await.unwrap());
    let results = location.check("r").await;
    assert!(results.iter().all(|result| result.outcome == Outcome::Good), "{results:#?}");
}

#[tokio::test]
async fn credentials_of_an_instance_are_taken_from_its_metadata() {
    let Some(s3) = testbed::shared::s3() else { return };
    s3.create_bucket("instance").unwrap();
    let credentials = format!(
        r#"{{"Code":"Success","AccessKeyId":"{}","SecretAccessKey":"{}","Token":"","Expiration":"2099-01-01T00:00:00Z"}}"#,
        s3.access_key(),
        s3.secret_key()
    );
    let metadata = server::serve(move |head| match head {
        head if head.starts_with("PUT /latest/api/token") => "token".to_owned(),
        head if head.contains("security-credentials/role") => credentials.clone(),
        _ => "role".to_owned(),
    })
    .await;
    let environment =
        BTreeMap::from([("AWS_EC2_METADATA_SERVICE_ENDPOINT".to_owned(), format!("http://{metadata}"))]);
    let options = LocationOptions { credentials: None, environment: Some(environment), ..options(s3) };
    let location = Location::open("s3://instance", &options).unwrap();
    location.put("backups/b/x", Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(location.get("backups/b/x").await.unwrap(), "x");
}
