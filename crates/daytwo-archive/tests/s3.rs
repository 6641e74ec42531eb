//! Locations in a real S3 server (versitygw): what S3 does, and what is said when it does not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

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
async fn wrong_credentials_are_denied_with_their_source_and_without_their_value() {
    let Some(s3) = testbed::shared::s3() else { return };
    s3.create_bucket("denied").unwrap();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("keys");
    let secret = "n0t-the-secret";
    for key_id in ["AKIANOBODY", s3.access_key()] {
        let text = format!("[site]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n");
        std::fs::write(&file, text).unwrap();
        let variables = [
            ("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap().to_owned()),
            ("AWS_PROFILE", "site".to_owned()),
            ("AWS_ENDPOINT_URL", s3.endpoint()),
        ];
        let environment = variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let options = LocationOptions { environment: Some(environment), ..LocationOptions::default() };
        let location = Location::open("s3://denied/p", &options).unwrap();
        for error in [
            location.get("backups/b/x").await.unwrap_err(),
            location.put("backups/b/x", Bytes::from_static(b"x")).await.unwrap_err(),
            location.list_dirs("backups").await.unwrap_err(),
            catalog::orphans(&location, Duration::ZERO, at()).await.unwrap_err(),
        ] {
            let text = error.to_string();
            assert!(matches!(error, Error::Denied(_)), "{error:?}");
            assert!(text.contains("profile \"site\"") && text.contains("keys"), "{text}");
            assert!(!text.contains(secret) && !text.contains("AKIANOBODY"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_named_as_such() {
    let Some(s3) = testbed::shared::s3() else { return };
    let location = Location::open("s3://no-such-bucket", &options(s3)).unwrap();
    for error in [
        location.list_dirs("backups").await.unwrap_err(),
        location.put("backups/b/x", Bytes::from_static(b"x")).await.unwrap_err(),
        location.get("backups/b/x").await.unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(text.contains("no such bucket") && text.contains("s3://no-such-bucket"), "{text}");
    }
    let name = BackupName::try_from("b").unwrap();
    let refused = Claim::take(&location, &name, "r", at()).await.unwrap_err();
    assert!(refused.to_string().contains("no such bucket"), "{refused}");
}

#[tokio::test]
async fn a_store_that_is_down_is_unavailable_after_the_tries_allowed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let options = LocationOptions {
        endpoint: Some(format!("http://{address}")),
        credentials: Some(Credentials::Aws { key_id: "k".into(), secret: "s".into(), token: None }),
        environment: Some(BTreeMap::new()),
        patience: impatient(),
        ..LocationOptions::default()
    };
    let location = Location::open("s3://bucket", &options).unwrap();
    let error = location.get("backups/b/x").await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert!(text.contains(&format!("is http://{address} the right endpoint")), "{text}");
}

#[tokio::test]
async fn a_store_that_takes_a_request_and_never_answers_is_unavailable_too() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let silent = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            held.push(connection);
        }
    });
    let patience = Patience { silence: Duration::from_millis(200), ..impatient() };
    let options = LocationOptions {
        endpoint: Some(format!("http://{address}")),
        credentials: Some(Credentials::Aws { key_id: "k".into(), secret: "s".into(), token: None }),
        environment: Some(BTreeMap::new()),
        patience,
        ..LocationOptions::default()
    };
    let location = Location::open("s3://bucket", &options).unwrap();
    let mut upload = location.upload("backups/b/x").await.unwrap();
    upload.write(Bytes::from_static(b"x")).await.unwrap();
    for error in [location.get("backups/b/x").await.unwrap_err(), upload.finish().await.unwrap_err()] {
        let text = error.to_string();
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
        assert!(text.contains("timed out") && text.contains("does not answer"), "{text}");
    }
    silent.abort();
}

#[tokio::test]
async fn a_certificate_nobody_knows_is_refused_until_its_authority_is_given() {
    if testbed::parts_or_skip(&[testbed::Family::S3]).is_none() {
        return;
    }
    let s3 = S3::builder().tls(true).start().unwrap();
    s3.create_bucket("tls").unwrap();
    let unknown = LocationOptions { ca_file: None, patience: impatient(), ..options(&s3) };
    let error = Location::open("s3://tls", &unknown).unwrap().list_dirs("").await.unwrap_err();
    assert!(error.to_string().contains("--ca-file"), "{error}");
    let by_bytes = LocationOptions { ca_pem: Some(std::fs::read(s3.ca_file().unwrap()).unwrap()), ..unknown };
    let mut by_variable = options(&s3);
    by_variable.ca_file = None;
    let ca = s3.ca_file().unwrap().to_str().unwrap().to_owned();
    by_variable.environment = Some(BTreeMap::from([("AWS_CA_BUNDLE".to_owned(), ca)]));
    for options in [options(&s3), by_bytes, by_variable] {
        let location = Location::open("s3://tls", &options).unwrap();
        let results = location.check("r").await;
        assert!(results.iter().all(|result| result.outcome == Outcome::Good), "{results:#?}");
    }
    let not_pem = LocationOptions { ca_pem: Some(b"hello".to_vec()), ..options(&s3) };
    assert!(Location::open("s3://tls", &not_pem).unwrap_err().to_string().contains("no certificate"));
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
async fn retention_in_a_bucket_without_object_lock_is_refused_before_anything_is_written() {
    let Some(s3) = testbed::shared::s3() else { return };
    s3.create_bucket("unlocked").unwrap();
    let retention = Retention { mode: RetentionMode::Compliance, until: later() };
    let options = LocationOptions { retention: Some(retention), ..options(s3) };
    let location = Location::open("s3://unlocked", &options).unwrap();
    let results = location.check("r").await;
    let step = results.iter().find(|result| result.step == "retention").unwrap();
    assert_eq!(step.outcome, Outcome::Bad, "{results:#?}");
    assert!(step.detail.contains("no Object Lock"), "{step:?}");
    assert_eq!(keys(&location, "").await, Vec::<String>::new());
    let error = location.put("backups/b/x", Bytes::from_static(b"x")).await.unwrap_err();
    assert!(error.to_string().contains("leave the retention out"), "{error}");
}

#[tokio::test]
async fn without_credentials_the_message_says_where_they_were_sought() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let home = tempfile::tempdir().unwrap();
    let environment = BTreeMap::from([
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT".to_owned(), format!("http://{closed}")),
        ("HOME".to_owned(), home.path().to_str().unwrap().to_owned()),
    ]);
    let options = LocationOptions {
        endpoint: Some("http://127.0.0.1:9".into()),
        environment: Some(environment),
        patience: impatient(),
        ..LocationOptions::default()
    };
    let location = Location::open("s3://bucket", &options).unwrap();
    let error = location.get("backups/b/x").await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Denied(_)), "{error:?}");
    assert!(
        text.contains("no credentials") && text.contains("metadata") && text.contains("AWS_PROFILE"),
        "{text}"
    );
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
    let metadata = serve(move |head| match head {
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

/// An HTTP server that answers each request by its head.
async fn serve(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = std::sync::Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut head = vec![0; 8192];
                let read = connection.read(&mut head).await.unwrap();
                let body = answer(&String::from_utf8_lossy(&head[..read]));
                let text = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                connection.write_all(text.as_bytes()).await.unwrap();
            });
        }
    });
    address
}
