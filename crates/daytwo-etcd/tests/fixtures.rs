//! Kubernetes' own fixtures: of every kind and minor, the protobuf that was written and the JSON that is shown for it.
//!
//! They come with the module `k8s.io/api` (`testdata`), fetched by Go. No API server runs here: what one adds when it
//! reads, such as defaults, is not seen.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what is skipped"
)]

mod objects;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use daytwo_etcd::kube::{Envelope, NotShown, Objects, decode};
use daytwo_etcd::{Record, Revision};
use objects::difference;
use serde_json::Value;

/// The module whose `testdata` has the fixtures of five minors.
const VERSION: &str = "v0.37.2";

/// Folders of `testdata`, and the minor that wrote them.
const SETS: [(&str, u8); 5] =
    [("v1.33.0", 33), ("v1.34.0", 34), ("v1.35.0", 35), ("v1.36.0", 36), ("HEAD", 37)];

/// Requests and answers that the API machinery has in every version, and that no store holds: the table has them not.
const NEVER_STORED: [&str; 10] = [
    "APIGroup",
    "APIVersions",
    "CreateOptions",
    "DeleteOptions",
    "GetOptions",
    "ListOptions",
    "PatchOptions",
    "Status",
    "UpdateOptions",
    "WatchEvent",
];

/// The module's folder, or `None` after saying that the test is skipped.
fn module() -> Option<PathBuf> {
    let output = Command::new("go")
        .args(["mod", "download", "-json", &format!("k8s.io/api@{VERSION}")])
        .env("GOFLAGS", "-mod=mod")
        .env("GOWORK", "off")
        .current_dir(std::env::temp_dir())
        .output();
    let folder = output.ok().and_then(|output| {
        let said: Value = serde_json::from_slice(&output.stdout).ok()?;
        Some(PathBuf::from(said["Dir"].as_str()?))
    });
    if folder.is_none() {
        assert!(
            !testbed::ci(),
            "nothing may be skipped with CI=true: Go could not fetch k8s.io/api {VERSION}"
        );
        eprintln!("skipped: Kubernetes' fixtures: Go could not fetch k8s.io/api {VERSION}");
    }
    folder
}

fn record(value: &[u8]) -> Record<'_> {
    Record {
        key: b"/registry/any/of/them",
        value,
        revision: Revision { main: 1, sub: 0 },
        create_revision: 1,
        version: 1,
        lease: 0,
        deleted: false,
        previous: None,
    }
}

fn compare(pb: &Path, minor: u8) -> Result<(), String> {
    let value = fs::read(pb).unwrap();
    let theirs: Value = serde_json::from_slice(&fs::read(pb.with_extension("json")).unwrap()).unwrap();
    let Ok(Envelope::Protobuf { gvk, raw }) = Envelope::open(&value) else {
        return Err("does not open".to_owned());
    };
    if Objects::default().check(&record(&value)) != Ok(0) {
        return Err("is not good, says the check".to_owned());
    }
    let decoded = decode(&gvk.group, &gvk.version, &gvk.kind, raw, minor).ok_or("is no kind of the table")?;
    let decoded = decoded.map_err(|damage| format!("{damage:?}"))?;
    let mut ours = decoded.fields;
    ours.insert("apiVersion".to_owned(), gvk.api_version().into());
    ours.insert("kind".to_owned(), gvk.kind.into());
    if decoded.unknown_count > 0 {
        return Err(format!("unknown: {:?}", decoded.unknown));
    }
    difference("", &Value::Object(ours), &theirs).map_or(Ok(()), Err)
}

#[test]
fn every_fixture_reads_as_kubernetes_shows_it() {
    let Some(module) = module() else { return };
    for (folder, minor) in SETS {
        let folder = module.join("testdata").join(folder);
        let mut files: Vec<PathBuf> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        // What a kind that went is after a round trip through the newest code: no minor writes it.
        files.retain(|path| {
            let name = path.to_string_lossy();
            let stored = NEVER_STORED.iter().all(|kind| !name.ends_with(&format!("/core.v1.{kind}.pb")));
            stored && name.ends_with(".pb") && !name.ends_with(".after_roundtrip.pb")
        });
        assert!(files.len() > 150, "{} holds {} fixtures", folder.display(), files.len());
        let wrong: Vec<String> = files
            .iter()
            .filter_map(|path| Some((path.file_stem()?.to_string_lossy(), compare(path, minor).err()?)))
            .map(|(name, why)| format!("{name}: {why}"))
            .collect();
        assert!(
            wrong.is_empty(),
            "1.{minor}: {} of {} differ:\n{}",
            wrong.len(),
            files.len(),
            wrong.join("\n")
        );
        eprintln!("1.{minor}: {} fixtures equal", files.len());
    }
}

/// Bytes changed, cut and doubled: an error or an object, and what the check calls bad is never shown.
#[test]
fn damaged_fixtures_end_in_an_error_or_an_object() {
    let Some(module) = module() else { return };
    let folder = module.join("testdata").join("HEAD");
    let objects = Objects::default();
    // An xorshift generator, so that every run is the same.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut chance = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
    };
    let (mut shown, mut damaged) = (0, 0);
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "pb") {
            continue;
        }
        let whole = fs::read(&path).unwrap();
        for _ in 0..50 {
            let mut value = whole.clone();
            let at = chance(value.len());
            match chance(4) {
                0 => value.truncate(at),
                1 => value.extend_from_within(at..),
                _ => value[at] = u8::try_from(chance(256)).unwrap(),
            }
            let result = objects.show(&record(&value));
            match &result {
                Ok(_) => shown += 1,
                Err(NotShown::Damaged { .. }) => damaged += 1,
                Err(_) => {}
            }
            if objects.check(&record(&value)).is_ok_and(|_| matches!(result, Err(NotShown::UnknownKind(_)))) {
                panic!("{}: good, and of no known kind", path.display());
            }
            if result.is_ok() {
                let checked = objects.check(&record(&value));
                let json =
                    matches!(checked, Err(NotShown::Damaged { what: "JSON that is cut or mangled", .. }));
                assert!(checked.is_ok() || json, "{}: shown, and {checked:?}", path.display());
            }
        }
    }
    assert!(shown > 1_000 && damaged > 1_000, "{shown} shown, {damaged} damaged");
}
