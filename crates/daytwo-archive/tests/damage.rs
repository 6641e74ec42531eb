//! Every flipped bit of a backup is found, and what it hurt is named.
//!
//! The long form (`DAYTWO_LONG=1`) flips some ten thousand bits, the short one some hundred.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests may panic, and run where usize has 64 bits"
)]

mod cluster;

use daytwo_archive::encrypt::Identity;
use daytwo_archive::sign::SigningKey;
use daytwo_archive::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn long() -> bool {
    std::env::var_os("DAYTWO_LONG").is_some_and(|value| !value.is_empty())
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

struct Case {
    _dir: tempfile::TempDir,
    location: Location,
    files: BTreeMap<PathBuf, Vec<u8>>,
    keys: Keys,
    options: VerifyOptions,
}

impl Case {
    async fn new(count: usize, options: WriteOptions, keys: Keys) -> Case {
        let dir = tempfile::tempdir().unwrap();
        let location = cluster::folder(dir.path());
        cluster::write(&location, "b", &cluster::objects(count, 5), options).await;
        let files = files(&dir.path().join("backups/b"));
        Case { _dir: dir, location, files, keys, options: VerifyOptions::default() }
    }

    fn file(&self, end: &str) -> (&PathBuf, &Vec<u8>) {
        self.files.iter().find(|(path, _)| path.to_str().unwrap().ends_with(end)).unwrap()
    }

    async fn report(&self) -> Report {
        verify(&self.location, &cluster::name("b"), &self.keys, &self.options).await.unwrap()
    }

    /// Flips one bit and says whether that was found; puts it back.
    async fn flip(&self, path: &Path, bit: usize) -> bool {
        let mut bytes = self.files[path].clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(path, &bytes).unwrap();
        let found = match verify(&self.location, &cluster::name("b"), &self.keys, &self.options).await {
            Ok(report) => !report.sound(),
            // Damage to the header of an encrypted file looks like a wrong key.
            Err(ArchiveError::Denied(_)) => true,
            Err(error) => panic!("{error}"),
        };
        std::fs::write(path, &self.files[path]).unwrap();
        found
    }

    /// Flips bits all over, by the luck of `seed`.
    async fn flip_many(&self, flips: usize, seed: u64) {
        assert!(self.report().await.sound());
        let mut dice = cluster::Dice(seed);
        let paths: Vec<&PathBuf> = self.files.keys().collect();
        for n in 0..flips {
            let path = paths[n % paths.len()];
            let bit = dice.below(self.files[path].len() * 8);
            assert!(self.flip(path, bit).await, "bit {bit} of {path:?} was not found");
        }
    }
}

#[tokio::test]
async fn a_flipped_bit_anywhere_is_found() {
    let case = Case::new(20, cluster::options(), Keys::default()).await;
    if !long() {
        return case.flip_many(400, 1).await;
    }
    for (path, bytes) in &case.files {
        for bit in (0..bytes.len() * 8).step_by(7) {
            assert!(case.flip(path, bit).await, "bit {bit} of {path:?} was not found");
        }
    }
}

#[tokio::test]
async fn a_flipped_bit_in_an_archive_of_many_members_is_found() {
    let case = Case::new(3000, cluster::options(), Keys::default()).await;
    let (path, bytes) = case.file("b.tar.gz");
    let mut dice = cluster::Dice(2);
    for _ in 0..if long() { 2000 } else { 25 } {
        let bit = dice.below(bytes.len() * 8);
        assert!(case.flip(path, bit).await, "bit {bit}");
    }
}

#[tokio::test]
async fn a_flipped_bit_of_an_encrypted_and_signed_backup_is_found_with_and_without_the_key() {
    let identity = Identity::generate();
    let options = WriteOptions {
        recipients: vec![identity.recipient()],
        sign: Some(SigningKey::generate()),
        ..cluster::options()
    };
    let mut case = Case::new(20, options, Keys { identities: vec![identity] }).await;
    case.flip_many(if long() { 2000 } else { 120 }, 3).await;
    case.keys = Keys::default();
    case.flip_many(if long() { 2000 } else { 120 }, 4).await;
}

#[tokio::test]
async fn damage_is_reported_by_the_objects_it_hurt() {
    let case = Case::new(3000, cluster::options(), Keys::default()).await;
    let (path, bytes) = case.file("b.tar.gz");
    let mut damaged = bytes.clone();
    // In the midst of the second member: its header is that of the first, further on.
    damaged[bytes.len() / 2] ^= 0x10;
    std::fs::write(path, &damaged).unwrap();
    let report = case.report().await;
    let named: Vec<&str> = report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Damage)
        .filter_map(|finding| finding.object.as_deref())
        .collect();
    assert!(!named.is_empty() && named.len() < 1500, "{} objects", named.len());
    assert_eq!(report.damaged as usize, named.len());
    assert!(named.iter().all(|name| name.split('/').count() >= 2), "{named:?}");
    assert!(report.findings.iter().any(|finding| finding.id == "member-damaged"));
    // What is not named is whole: entries before and after say so.
    let backup = Backup::open(&case.location, &cluster::name("b"), &Keys::default()).await.unwrap();
    for (kind, things) in cluster::objects(3000, 5) {
        for thing in [things.first().unwrap(), things.last().unwrap()] {
            let name = match &thing.namespace {
                Some(namespace) => format!("{}/{namespace}/{}", kind.group_resource(), thing.name),
                None => format!("{}/{}", kind.group_resource(), thing.name),
            };
            let got = backup.get(&kind.group_resource(), thing.namespace.as_deref(), &thing.name).await;
            if !named.contains(&name.as_str()) {
                // Of a damaged member `get` gives nothing, also where the object itself is whole.
                assert!(got.is_err() || got.unwrap().unwrap() == thing.json.as_bytes());
            } else {
                assert!(matches!(got, Err(ArchiveError::Corrupt { .. })));
            }
        }
    }
}

#[tokio::test]
async fn damage_to_a_header_or_a_second_copy_spares_the_object() {
    let case = Case::new(20, cluster::options(), Keys::default()).await;
    let (path, bytes) = case.file("b.tar.gz");
    let mut damaged = bytes.clone();
    damaged[4] ^= 1; // The time in the gzip header, which nobody reads.
    std::fs::write(path, &damaged).unwrap();
    let report = case.report().await;
    assert!(!report.sound());
    assert_eq!(report.damaged, 0);
}

#[tokio::test]
async fn missing_stray_and_cut_files_are_named() {
    let case = Case::new(20, cluster::options(), Keys::default()).await;
    for (path, bytes) in &case.files {
        let name = path.file_name().unwrap().to_str().unwrap();
        if name != "velero-backup.json" {
            std::fs::remove_file(path).unwrap();
            let report = case.report().await;
            assert!(
                report
                    .findings
                    .iter()
                    .any(|finding| finding.id == "file-missing" && finding.file.as_deref() == Some(name)),
                "{name}: {report:?}"
            );
        }
        std::fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(!case.report().await.sound(), "{name} cut short");
        std::fs::write(path, [&bytes[..], b"\0"].concat()).unwrap();
        assert!(!case.report().await.sound(), "{name} with a byte more");
        std::fs::write(path, bytes).unwrap();
    }
    std::fs::remove_file(case.file("velero-backup.json").0).unwrap();
    assert!(case.report().await.findings.iter().any(|finding| finding.id == "file-missing"));
    std::fs::write(case.file("velero-backup.json").0, case.file("velero-backup.json").1).unwrap();
    std::fs::write(case.file("b.tar.gz").0.with_file_name("stray"), b"x").unwrap();
    let report = case.report().await;
    assert!(report.sound());
    assert_eq!(report.findings[0].id, "stray-file");
}

#[tokio::test]
async fn a_signature_is_asked_for_where_a_key_is_given() {
    let (key, other) = (SigningKey::generate(), SigningKey::generate());
    let mut signed =
        Case::new(20, WriteOptions { sign: Some(key.clone()), ..cluster::options() }, Keys::default()).await;
    let ids = |report: &Report| report.findings.iter().map(|finding| finding.id).collect::<Vec<_>>();
    assert_eq!(ids(&signed.report().await), ["signer-not-compared", "signer-not-compared"]);
    signed.options.key = Some(key.verifying_key());
    let report = signed.report().await;
    assert!(report.findings.is_empty());
    assert_eq!(report.signed_by, Some(key.verifying_key().to_base64()));
    signed.options.key = Some(other.verifying_key());
    assert_eq!(ids(&signed.report().await), ["signed-by-another", "signed-by-another"]);
    let mut unsigned = Case::new(20, cluster::options(), Keys::default()).await;
    unsigned.options.key = Some(key.verifying_key());
    assert_eq!(ids(&unsigned.report().await), ["unsigned", "unsigned"]);
}

#[tokio::test]
async fn a_backup_that_someone_else_wrote_anew_does_not_pass_for_a_signed_one() {
    let key = SigningKey::generate();
    let forger = SigningKey::generate();
    let mut case =
        Case::new(20, WriteOptions { sign: Some(forger), ..cluster::options() }, Keys::default()).await;
    case.options.key = Some(key.verifying_key());
    assert!(!case.report().await.sound());
    // A signed backup under another name is not that backup.
    let mut signed =
        Case::new(20, WriteOptions { sign: Some(key.clone()), ..cluster::options() }, Keys::default()).await;
    signed.options.key = Some(key.verifying_key());
    let dir = signed.file("b.tar.gz").0.parent().unwrap().with_file_name("c");
    std::fs::create_dir(&dir).unwrap();
    for (path, bytes) in &signed.files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let name = name.strip_prefix("b").map_or_else(|| name.to_owned(), |rest| format!("c{rest}"));
        std::fs::write(dir.join(name), bytes).unwrap();
    }
    let report =
        verify(&signed.location, &cluster::name("c"), &Keys::default(), &signed.options).await.unwrap();
    assert!(report.findings.iter().any(|finding| finding.id == "wrong-name"), "{report:?}");
}
