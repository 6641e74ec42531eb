//! What is said when a store refuses, or does not answer: the source of the credentials, never their value, and what to do.

use super::*;

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
