//! The S3 server keeps what it is given, and decides races as S3 does.

use std::thread;

use testbed::{Family, S3, shared};

#[test]
fn what_is_put_is_got() {
    let Some(s3) = shared::s3() else { return };
    s3.create_bucket("put-get").unwrap();
    let put = s3.request("PUT", "/put-get/folder/key", &[], b"value").unwrap();
    assert_eq!(put.status, 200, "{}", put.text());
    let got = s3.request("GET", "/put-get/folder/key", &[], b"").unwrap();
    assert_eq!((got.status, got.body.as_slice()), (200, b"value".as_slice()));
    let list = s3.request("GET", "/put-get?list-type=2&prefix=folder%2F", &[], b"").unwrap();
    assert!(list.text().contains("<Key>folder/key</Key>"), "{}", list.text());
}

#[test]
fn one_of_sixteen_racing_creators_wins() {
    let Some(s3) = shared::s3() else { return };
    s3.create_bucket("race").unwrap();
    for round in 0..5 {
        let path = format!("/race/{round}/lock");
        let create = |who: u8| s3.request("PUT", &path, &[("if-none-match", "*")], &[who]).unwrap().status;
        let statuses: Vec<u16> = thread::scope(|scope| {
            let writers: Vec<_> = (0..16).map(|who| scope.spawn(move || create(who))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 409, 412].contains(status)), "{statuses:?}");
    }
}

#[test]
fn a_locked_object_cannot_be_destroyed() {
    let Some(s3) = shared::s3() else { return };
    s3.create_bucket_with_lock("locked").unwrap();
    let lock = [
        ("x-amz-object-lock-mode", "COMPLIANCE"),
        ("x-amz-object-lock-retain-until-date", "2999-01-01T00:00:00Z"),
    ];
    let put = s3.request("PUT", "/locked/key", &lock, b"value").unwrap();
    assert_eq!(put.status, 200, "{}", put.text());
    let version = &put.headers["x-amz-version-id"];
    let destroyed = s3.request("DELETE", &format!("/locked/key?versionId={version}"), &[], b"").unwrap();
    assert_eq!(destroyed.status, 403, "{}", destroyed.text());
}

#[test]
fn it_speaks_tls_with_an_authority_of_its_own() {
    if testbed::parts_or_skip(&[Family::S3]).is_none() {
        return;
    }
    let s3 = S3::builder().tls(true).start().unwrap();
    assert!(s3.endpoint().starts_with("https://"));
    let ca = std::fs::read_to_string(s3.ca_file().unwrap()).unwrap();
    assert!(ca.starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(s3.request("GET", "/", &[], b"").is_err());
}
