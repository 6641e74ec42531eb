//! What is written is what Velero, gzip and tar expect.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests may panic, and run where usize has 64 bits"
)]

mod cluster;

use daytwo_archive::*;
use std::path::Path;
use std::process::{Command, Stdio};

fn run(program: &str, arguments: &[&str], stdin: Option<&Path>) -> Vec<u8> {
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(file) = stdin {
        command.stdin(Stdio::from(std::fs::File::open(file).unwrap()));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{program} complains: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn json(gzipped: &Path) -> serde_json::Value {
    serde_json::from_slice(&run("gzip", &["-dc"], Some(gzipped))).unwrap()
}

#[tokio::test]
async fn gzip_and_tar_read_the_archive_and_find_both_copies() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = cluster::objects(3000, 1);
    cluster::write(&cluster::folder(dir.path()), "b", &cluster, cluster::options()).await;
    let files = dir.path().join("backups/b");
    let archive = files.join("b.tar.gz");
    run("gzip", &["-t"], Some(&archive));
    let listed = String::from_utf8(run("tar", &["-tzf", archive.to_str().unwrap()], None)).unwrap();
    let mut lines = listed.lines();
    assert_eq!(lines.next(), Some("metadata/version"));
    assert_eq!(lines.clone().count(), 2 * cluster::total(&cluster));
    assert_eq!(lines.next(), Some("resources/namespaces/cluster/team-000.json"));
    let second = "resources/namespaces/v1-preferredversion/cluster/team-000.json";
    assert!(lines.take(50).any(|line| line == second), "a second copy out of deflate's reach");
    let out = tempfile::tempdir().unwrap();
    run("tar", &["-xzf", archive.to_str().unwrap(), "-C", out.path().to_str().unwrap()], None);
    assert_eq!(std::fs::read(out.path().join("metadata/version")).unwrap(), b"1.1.0\n");
    for (kind, things) in &cluster {
        for thing in things {
            let place = match &thing.namespace {
                Some(namespace) => format!("namespaces/{namespace}/{}.json", thing.name),
                None => format!("cluster/{}.json", thing.name),
            };
            let root = out.path().join("resources").join(kind.group_resource());
            assert_eq!(std::fs::read(root.join(&place)).unwrap(), thing.json.as_bytes());
            let versioned = root.join(format!("{}-preferredversion", kind.version)).join(&place);
            assert_eq!(std::fs::read(versioned).unwrap(), thing.json.as_bytes());
        }
    }
    let long = String::from_utf8(run("tar", &["-tvzf", archive.to_str().unwrap()], None)).unwrap();
    assert!(long.lines().all(|line| line.starts_with("-rwxr-xr-x")), "not Velero's mode");
}

#[tokio::test]
async fn the_side_files_are_veleros() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = cluster::objects(200, 1);
    cluster::write(&cluster::folder(dir.path()), "b", &cluster, cluster::options()).await;
    let files = dir.path().join("backups/b");
    let mut names: Vec<String> = std::fs::read_dir(&files)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "b-daytwo.json.gz",
            "b-itemoperations.json.gz",
            "b-logs.gz",
            "b-podvolumebackups.json.gz",
            "b-resource-list.json.gz",
            "b-results.gz",
            "b-volumeinfo.json.gz",
            "b-volumesnapshots.json.gz",
            "b.tar.gz",
            "velero-backup.json",
        ]
    );
    let list = json(&files.join("b-resource-list.json.gz"));
    for (kind, things) in &cluster {
        let key = format!("{}/{}", kind.api_version(), kind.kind);
        let expected: Vec<String> = things
            .iter()
            .map(|thing| match &thing.namespace {
                Some(namespace) => format!("{namespace}/{}", thing.name),
                None => thing.name.clone(),
            })
            .collect();
        assert_eq!(list[&key], serde_json::json!(expected), "{key}");
    }
    assert_eq!(json(&files.join("b-results.gz")), serde_json::json!({"errors": {}, "warnings": {}}));
    assert_eq!(json(&files.join("b-itemoperations.json.gz")), serde_json::json!([]));
    let backup: serde_json::Value =
        serde_json::from_slice(&std::fs::read(files.join("velero-backup.json")).unwrap()).unwrap();
    assert_eq!(backup["status"]["phase"], "Completed");
    assert_eq!(backup["status"]["formatVersion"], "1.1.0");
    assert_eq!(backup["status"]["progress"]["itemsBackedUp"], cluster::total(&cluster));
    assert_eq!(backup["status"].get("expiration"), None);
    assert_eq!(backup["metadata"]["labels"]["velero.io/storage-location"], "lab");
    assert_eq!(backup["metadata"]["annotations"]["velero.io/source-cluster-k8s-gitversion"], "v1.36.3");
}

#[tokio::test]
async fn the_manifest_is_json_with_a_line_for_each_object() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = cluster::objects(300, 1);
    cluster::write(&cluster::folder(dir.path()), "b", &cluster, cluster::options()).await;
    let manifest = dir.path().join("backups/b/b-daytwo.json.gz");
    let text = run("gzip", &["-dc"], Some(&manifest));
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(value["apiVersion"], "daytwo.dev/v1alpha1");
    assert_eq!(value["kind"], "BackupManifest");
    assert_eq!(value["objects"].as_array().unwrap().len(), cluster::total(&cluster));
    assert_eq!(value["head"]["revision"], cluster::REVISION);
    let command =
        format!("gzip -dc < {} | grep '^{{\"path\"' | sed 's/,$//' | sha256sum", manifest.display());
    let root = String::from_utf8(run("sh", &["-c", &command], None)).unwrap();
    assert_eq!(
        value["root"].as_str().unwrap(),
        root.split(' ').next().unwrap(),
        "not the root that the documentation describes"
    );
}

#[tokio::test]
async fn problems_make_it_partially_failed_and_a_ttl_makes_it_expire() {
    let dir = tempfile::tempdir().unwrap();
    let location = cluster::folder(dir.path());
    let mut writer = BackupWriter::claim(&location, &cluster::name("b"), cluster::options()).await.unwrap();
    cluster::add_all(&mut writer, &cluster::objects(10, 1)).await;
    let problem = |namespace: Option<&str>| Problem {
        resource: "widgets.example.com".into(),
        namespace: namespace.map(str::to_owned),
        name: None,
        what: "forbidden".into(),
    };
    let outcome = Outcome {
        problems: vec![problem(None), problem(Some("a"))],
        ttl: Some(std::time::Duration::from_secs(3600)),
        ..cluster::outcome()
    };
    let head = writer.finish(outcome).await.unwrap();
    assert_eq!(head.phase, Phase::PartiallyFailed);
    assert_eq!(head.expires, Some(cluster::at(3600)));
    let files = dir.path().join("backups/b");
    let backup: serde_json::Value =
        serde_json::from_slice(&std::fs::read(files.join("velero-backup.json")).unwrap()).unwrap();
    assert_eq!(backup["status"]["phase"], "PartiallyFailed");
    assert_eq!(backup["status"]["errors"], 2);
    assert_eq!(backup["status"]["expiration"], cluster::at(3600).to_string());
    let results = json(&files.join("b-results.gz"));
    assert_eq!(results["errors"]["cluster"].as_array().unwrap().len(), 1);
    assert_eq!(results["errors"]["namespaces"]["a"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn names_beyond_a_header_are_kept_and_those_beyond_a_file_name_are_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    let location = cluster::folder(dir.path());
    let mut writer = BackupWriter::claim(&location, &cluster::name("b"), cluster::options()).await.unwrap();
    let kind = cluster::resource("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", false);
    writer.begin(&kind).await.unwrap();
    let names =
        ["ä/".replace('/', ":"), "x".repeat(250), "y".repeat(253), "quote\"back\\slash\nline".to_owned()];
    for name in &names {
        writer.add(Object { namespace: None, name, head: b"", body: b"{}" }).await.unwrap();
    }
    for bad in ["", ".", "..", "a/b", "a\0b"] {
        let refused = writer.add(Object { namespace: None, name: bad, head: b"", body: b"{}" }).await;
        assert!(matches!(refused, Err(ArchiveError::Invalid(_))), "{bad:?}");
    }
    let head = writer.finish(cluster::outcome()).await.unwrap();
    assert_eq!(head.objects, 4, "refused objects leave no trace");
    assert_eq!(head.warnings.len(), 1);
    assert!(head.warnings[0].contains("yyy"));
    let archive = dir.path().join("backups/b/b.tar.gz");
    let listed = run("tar", &["--quoting-style=literal", "-tzf", archive.to_str().unwrap()], None);
    for name in names {
        assert!(memchr::memmem::find(&listed, name.as_bytes()).is_some(), "{name:?}");
    }
}
