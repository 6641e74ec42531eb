//! An answer that is lost leaves open whether the store has done what was asked: it is looked up, not guessed.

use super::*;
use std::sync::atomic::Ordering;

async fn behind(
    s3: &S3,
    bucket: &str,
    loses: fn(&str) -> bool,
) -> (Location, std::sync::Arc<std::sync::atomic::AtomicBool>) {
    s3.create_bucket(bucket).unwrap();
    let (endpoint, lost) = server::losing(s3.endpoint(), loses).await;
    let options = LocationOptions { endpoint: Some(endpoint), ..options(s3) };
    (Location::open(&format!("s3://{bucket}"), &options).unwrap(), lost)
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_ours() {
    let Some(s3) = testbed::shared::s3() else { return };
    let (location, lost) =
        behind(s3, "lost-claim", |head| head.starts_with("PUT") && head.contains("if-none-match")).await;
    let name = BackupName::try_from("b").unwrap();
    let claim = Claim::take(&location, &name, "run", at()).await.unwrap();
    assert!(lost.load(Ordering::SeqCst));
    claim.still_held().await.unwrap();
    assert!(matches!(Claim::take(&location, &name, "other", at()).await, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn an_upload_whose_completion_was_lost_is_finished() {
    let Some(s3) = testbed::shared::s3() else { return };
    let (location, lost) =
        behind(s3, "lost-end", |head| head.starts_with("POST") && head.contains("uploadId=")).await;
    let mut upload = location.upload("backups/b/b.tar.gz").await.unwrap();
    upload.write(vec![7u8; 6 << 20].into()).await.unwrap();
    assert_eq!(upload.finish().await.unwrap(), 6 << 20);
    assert!(lost.load(Ordering::SeqCst));
    assert_eq!(location.get("backups/b/b.tar.gz").await.unwrap().len(), 6 << 20);
}

#[tokio::test]
async fn a_part_and_a_small_object_whose_answers_were_lost_are_sent_again() {
    let Some(s3) = testbed::shared::s3() else { return };
    let (location, lost) =
        behind(s3, "lost-part", |head| head.starts_with("PUT") && head.contains("partNumber=1")).await;
    let mut upload = location.upload("backups/b/b.tar.gz").await.unwrap();
    upload.write(vec![7u8; 6 << 20].into()).await.unwrap();
    assert_eq!(upload.finish().await.unwrap(), 6 << 20);
    assert!(lost.load(Ordering::SeqCst));
    let (location, lost) = behind(s3, "lost-put", |head| head.starts_with("PUT")).await;
    location.put("backups/b/x", Bytes::from_static(b"x")).await.unwrap();
    assert!(lost.load(Ordering::SeqCst));
    assert_eq!(location.get("backups/b/x").await.unwrap(), "x");
}
