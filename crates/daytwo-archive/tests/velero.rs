//! Backups that Velero wrote.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests may panic, and run where usize has 64 bits"
)]

mod foreign;

use daytwo_archive::*;
use std::io::Read;

fn pod(name: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{name}","namespace":"a","uid":"u"}},"spec":{{}}}}"#
    )
}

const ROLE: &str = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"system:node"},"rules":[]}"#;
const LIST: &str = r#"{"v1/Pod":["a/x","a/y"],"rbac.authorization.k8s.io/v1/ClusterRole":["system:node"]}"#;

fn archive() -> foreign::Tar {
    let mut tar = foreign::tar();
    tar.object("pods", "v1", "namespaces/a/x", &pod("x"));
    tar.object("clusterroles.rbac.authorization.k8s.io", "v1", "cluster/system:node", ROLE);
    tar.object("pods", "v1", "namespaces/a/y", &pod("y"));
    tar
}

async fn report(archive: Vec<u8>) -> Report {
    let location = Location::memory();
    let name = foreign::store(&location, archive, Some(LIST)).await;
    verify(&location, &name, &Keys::default(), &VerifyOptions::default()).await.unwrap()
}

fn ids(report: &Report) -> Vec<&str> {
    report.findings.iter().map(|finding| finding.id).collect()
}

#[tokio::test]
async fn objects_come_once_each_with_what_they_are() {
    let location = Location::memory();
    let name = foreign::store(&location, foreign::gzip(&archive().end()), Some(LIST)).await;
    let mut backup = Backup::open(&location, &name, &Keys::default()).await.unwrap();
    let head = backup.head();
    assert_eq!((&head.made_by, head.objects, &head.phase), (&MadeBy::Velero, 3, &Phase::Completed));
    assert_eq!(head.warnings, ["a: w"]);
    assert_eq!(
        head.counts.iter().map(|count| (count.kind.as_str(), count.objects)).collect::<Vec<_>>(),
        [("ClusterRole", 1), ("Pod", 2)]
    );
    for spooled in [false, true] {
        if spooled {
            backup.spool().await.unwrap();
        }
        let mut entries = backup.entries().await.unwrap();
        let mut found = Vec::new();
        while let Some(entry) = entries.next().await.unwrap() {
            found.push((
                entry.resource.api_version(),
                entry.resource.kind.clone(),
                entry.resource.resource.clone(),
                entry.resource.namespaced,
                entry.name,
            ));
        }
        let pod = |name: &str| ("v1".to_owned(), "Pod".to_owned(), "pods".to_owned(), true, name.to_owned());
        let role = (
            "rbac.authorization.k8s.io/v1".to_owned(),
            "ClusterRole".to_owned(),
            "clusterroles".to_owned(),
            false,
            "system:node".to_owned(),
        );
        assert_eq!(found, [pod("x"), role, pod("y")]);
        let got = backup.get("pods", Some("a"), "y").await.unwrap();
        assert_eq!(got.as_deref(), Some(pod_bytes("y").as_slice()));
        assert_eq!(backup.get("pods", Some("b"), "y").await.unwrap(), None);
    }
}

fn pod_bytes(name: &str) -> Vec<u8> {
    pod(name).into_bytes()
}

#[tokio::test]
async fn a_good_one_is_sound_and_what_cannot_be_proved_is_said() {
    let report = report(foreign::gzip(&archive().end())).await;
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!((report.objects, report.files), (3, 7));
    assert!(report.not_proved[0].contains("no digests"));
}

#[tokio::test]
async fn one_of_daytwos_that_lost_its_manifest_is_not_taken_for_veleros() {
    let location = Location::memory();
    let name = foreign::store(&location, foreign::gzip(&archive().end()), None).await;
    let ours = foreign::BACKUP
        .replace(r#""annotations": {"#, r#""annotations": {"daytwo.dev/manifest-sha256": "00", "#);
    location.put("backups/v/velero-backup.json", ours.into()).await.unwrap();
    let report = verify(&location, &name, &Keys::default(), &VerifyOptions::default()).await.unwrap();
    assert!(ids(&report).contains(&"file-missing"), "{report:?}");
}

#[tokio::test]
async fn copies_that_differ_and_objects_out_of_place_are_named() {
    let mut tar = archive();
    tar.file("resources/pods/namespaces/a/z.json", pod("z").as_bytes());
    tar.file("resources/pods/v1-preferredversion/namespaces/a/z.json", pod("Z").as_bytes());
    let found = report(foreign::gzip(&tar.end())).await;
    assert!(
        found
            .findings
            .iter()
            .any(|finding| finding.id == "copies-differ" && finding.object.as_deref() == Some("pods/a/z")),
        "{found:?}"
    );
    let mut tar = archive();
    tar.object("pods", "v1", "namespaces/b/x", &pod("x"));
    let found = report(foreign::gzip(&tar.end())).await;
    assert!(found.findings.iter().any(|finding| finding.object.as_deref() == Some("pods/b/x")), "{found:?}");
    let mut tar = archive();
    tar.object("pods", "v1", "namespaces/a/w", "not json with a secret inside");
    let found = report(foreign::gzip(&tar.end())).await;
    assert!(ids(&found).contains(&"object-damaged") && !format!("{found:?}").contains("secret inside"));
}

#[tokio::test]
async fn a_flipped_bit_is_found_by_the_checksum_or_changes_nothing() {
    let raw = archive().end();
    let whole = foreign::gzip(&raw);
    // What gzip's checksum covers: everything after its header.
    for bit in (10 * 8..whole.len() * 8).step_by(7) {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if report(flipped.clone()).await.sound() {
            // Code lengths of symbols that never occur: the content is the same.
            let mut content = Vec::new();
            flate2::read::GzDecoder::new(&flipped[..]).read_to_end(&mut content).unwrap();
            assert_eq!(content, raw, "bit {bit}");
        }
    }
}

#[tokio::test]
async fn counts_that_differ_and_missing_archives_are_said() {
    let mut tar = foreign::tar();
    tar.object("pods", "v1", "namespaces/a/x", &pod("x"));
    assert_eq!(ids(&report(foreign::gzip(&tar.end())).await), ["counts-differ"]);
    let location = Location::memory();
    let name = foreign::store(&location, Vec::new(), None).await;
    location.delete("backups/v/v.tar.gz").await.unwrap();
    let report = verify(&location, &name, &Keys::default(), &VerifyOptions::default()).await.unwrap();
    assert_eq!(ids(&report), ["file-missing"]);
}
