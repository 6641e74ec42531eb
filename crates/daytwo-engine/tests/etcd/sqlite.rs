//! The SQLite store of a K3s server, saved while a real kine writes to it.

use std::os::unix::fs::PermissionsExt as _;

use daytwo_archive::digest::Digest;
use daytwo_engine::etcd::{Depends, SaveError, SaveRequest, Source, Target, Token, save_sqlite};
use daytwo_etcd::kine::Kine;
use daytwo_etcd::{Store, keyspace};
use testbed::{Family, parts_or_skip};
use tokio_util::sync::CancellationToken;

use super::harness::{Heard, Still};
use super::save::{files, folder};

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_in_use_is_copied_with_its_digest_and_its_token_is_tried() {
    if parts_or_skip(&[Family::Kine]).is_none() {
        return;
    }
    let kine = testbed::Kine::start().unwrap();
    // kine takes creates and updates as transactions only.
    for (key, value) in [("/registry/a", "1"), ("/bootstrap/0123456789ab", "sealed")] {
        kine.txn(&format!("mod(\"{key}\") = \"0\"\n\nput \"{key}\" \"{value}\"\n\n\n")).unwrap();
    }
    let out = tempfile::tempdir().unwrap();
    let target = Target::file(&folder(out.path()), "state.db");
    let token = |digits: &str| Token {
        path: "token".into(),
        bootstrap_key: format!("/bootstrap/{digits}"),
        opens: None,
    };
    let depends = Depends { token: Some(token("0123456789ab")), ..Depends::default() };
    let request = SaveRequest { depends, ..SaveRequest::default() };
    let (heard, stop) = (Heard::default(), CancellationToken::new());
    let saved = save_sqlite(&kine.database(), &request, &target, &Still, &heard, &stop).await.unwrap();
    let path = out.path().join("state.db");
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!((saved.size, saved.sha256), (bytes.len() as u64, Digest::of(&bytes)));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(saved.depends.token.unwrap().opens, Some(true));
    assert_eq!(files(out.path()), ["state.db", "state.db.json"]);

    let copy = Kine::open(&path, out.path()).unwrap();
    assert!(keyspace::get(&copy, b"/registry/a", None, &mut |_| {}).unwrap());
    let Source::Kine { revision, .. } = saved.source else { panic!("{:?}", saved.source) };
    assert_eq!(copy.readable().unwrap().newest, revision.from);

    let depends = Depends { token: Some(token("ffffffffffff")), ..Depends::default() };
    let wrong = SaveRequest { depends, ..SaveRequest::default() };
    let other = Target::file(&folder(out.path()), "other.db");
    let saved = save_sqlite(&kine.database(), &wrong, &other, &Still, &heard, &stop).await.unwrap();
    assert_eq!(saved.depends.token.unwrap().opens, Some(false));
    let again = save_sqlite(&kine.database(), &wrong, &other, &Still, &heard, &stop).await;
    assert!(matches!(again, Err(SaveError::Exists { .. })), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_store_leaves_nothing() {
    let out = tempfile::tempdir().unwrap();
    let no_store = out.path().join("text");
    std::fs::write(&no_store, "no database").unwrap();
    let target = Target::file(&folder(out.path()), "state.db");
    let (heard, stop) = (Heard::default(), CancellationToken::new());
    let error =
        save_sqlite(&no_store, &SaveRequest::default(), &target, &Still, &heard, &stop).await.unwrap_err();
    assert!(matches!(error, SaveError::Sqlite { .. }), "{error}");
    assert_eq!(files(out.path()), ["text"]);
}
