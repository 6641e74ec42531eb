//! What is said to the store, where the one of the testbed does not heed it.

use super::*;
use daytwo_archive::location::ServerSideEncryption;
use std::sync::{Arc, Mutex};

/// Heads of the requests that one small and one large write make.
async fn writes(set: impl FnOnce(&mut LocationOptions)) -> Vec<String> {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    let address = server::serve(move |head| {
        seen.lock().unwrap().push(head.to_lowercase());
        if head.starts_with("POST") && head.contains("?uploads") {
            return "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>"
                .into();
        }
        "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>".into()
    })
    .await;
    let mut options = LocationOptions {
        endpoint: Some(format!("http://{address}")),
        credentials: Some(Credentials::Aws { key_id: "k".into(), secret: "s".into(), token: None }),
        environment: Some(BTreeMap::new()),
        patience: impatient(),
        ..LocationOptions::default()
    };
    set(&mut options);
    let location = Location::open("s3://bucket", &options).unwrap();
    location.put("backups/b/small", Bytes::from_static(b"x")).await.unwrap();
    let mut upload = location.upload("backups/b/large").await.unwrap();
    upload.write(vec![7u8; 6 << 20].into()).await.unwrap();
    upload.finish().await.unwrap();
    heads.lock().unwrap().clone()
}

/// Whether a header stands in the head and in what is signed.
fn says(head: &str, header: &str) -> bool {
    let name = header.split(':').next().unwrap();
    let signed = head.lines().find(|line| line.starts_with("authorization:")).unwrap();
    head.contains(&format!("\r\n{header}\r\n")) && signed.contains(name)
}

#[tokio::test]
async fn encryption_by_the_store_is_asked_for_where_objects_begin() {
    let kms = ServerSideEncryption::Kms { key: "arn:key".into() };
    for (encryption, headers) in [
        (ServerSideEncryption::Aes256, vec!["x-amz-server-side-encryption: aes256"]),
        (
            kms,
            vec![
                "x-amz-server-side-encryption: aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id: arn:key",
            ],
        ),
    ] {
        let heads = writes(|options| options.server_side_encryption = Some(encryption)).await;
        for begins in ["put /bucket/backups/b/small ", "post /bucket/backups/b/large?uploads"] {
            let head = heads.iter().find(|head| head.starts_with(begins)).unwrap();
            assert!(headers.iter().all(|header| says(head, header)), "{head}");
        }
    }
}

#[tokio::test]
async fn retention_and_checksums_are_said_where_they_belong_and_nothing_of_it_by_default() {
    let until = "2099-01-02T03:04:05Z".parse().unwrap();
    let retention = Retention { mode: RetentionMode::Compliance, until };
    let heads = writes(|options| options.retention = Some(retention)).await;
    for head in &heads {
        let begins = head.starts_with("put /bucket/backups/b/small ") || head.contains("?uploads");
        assert_eq!(begins, says(head, "x-amz-object-lock-mode: compliance"), "{head}");
        assert_eq!(begins, says(head, "x-amz-object-lock-retain-until-date: 2099-01-02t03:04:05z"), "{head}");
        assert!(!head.starts_with("put") || head.contains("x-amz-checksum-sha256: "), "{head}");
    }
    for head in writes(|_| {}).await {
        assert!(!head.contains("x-amz-object-lock") && !head.contains("x-amz-checksum"), "{head}");
        assert!(!head.contains("unsigned-payload"), "{head}");
    }
}
