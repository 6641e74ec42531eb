//! Archives made to harm whoever reads them: refused with a reason, in bounded memory, with nothing written anywhere.
//!
//! They stand where Velero would have put them, since a backup of daytwo's own is already refused by its digests; and
//! in the place of the archive of one of daytwo's own, where its manifest is to be believed before they are read.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use testbed::Api;

use crate::binary::{Daytwo, Run};
use crate::{say, site, stored, times};

/// What reading any archive may take.
const MEMORY: u64 = 128 << 20;
const MIB: usize = 1 << 20;

/// A tar header of an entry of this type and size.
fn header(path: &str, size: u64, kind: u8, link: &str) -> Vec<u8> {
    let mut header = vec![0u8; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[100..107].copy_from_slice(b"0000755");
    header[108..115].copy_from_slice(b"0000000");
    header[116..123].copy_from_slice(b"0000000");
    if size < 1 << 33 {
        header[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    } else {
        // GNU's base-256, for sizes that eleven octal digits cannot hold.
        header[124] = 0x80;
        header[128..136].copy_from_slice(&size.to_be_bytes());
    }
    header[136..147].copy_from_slice(b"00000000000");
    header[156] = kind;
    header[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn entry(path: &str, content: &[u8]) -> Vec<u8> {
    let mut entry = header(path, content.len() as u64, b'0', "");
    entry.extend_from_slice(content);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The end of a tar file.
fn end() -> Vec<u8> {
    vec![0; 1024]
}

fn config_map(name: &str) -> Vec<u8> {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": "hostile" } })
        .to_string()
        .into_bytes()
}

fn tar(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut tar = entry("metadata/version", b"1.1.0\n");
    for (path, content) in entries {
        tar.extend(entry(path, content));
    }
    tar.extend(end());
    tar
}

const GOOD: &str = "resources/configmaps/namespaces/hostile/good.json";

/// `members` gzip members of one MiB of zeros each.
fn zeros(members: usize) -> Vec<u8> {
    gzip(&vec![0u8; MIB]).repeat(members)
}

/// What an archive must not get away with.
struct Hostile {
    what: &'static str,
    archive: Vec<u8>,
    /// Whether reading it through is refused; else it may be read, in bounded memory, or refused.
    refused: bool,
}

fn hostile() -> Vec<Hostile> {
    let one = |what, path: &str| {
        let archive = gzip(&tar(&[(GOOD, config_map("good")), (path, config_map("evil"))]));
        Hostile { what, archive, refused: true }
    };
    let linked = |what, kind: u8, target: &str| {
        let mut tar = entry(GOOD, &config_map("good"));
        tar.extend(header("resources/configmaps/namespaces/hostile/link.json", 0, kind, target));
        tar.extend(end());
        Hostile { what, archive: gzip(&tar), refused: true }
    };
    let refused = |what, archive| Hostile { what, archive, refused: true };
    let bytes = 10u64 << 30;
    let mut endless = gzip(
        &[
            entry(GOOD, &config_map("good")),
            header("resources/configmaps/namespaces/hostile/zeros.json", bytes, b'0', ""),
        ]
        .concat(),
    );
    endless.extend(zeros(times(1_024, 10_240)));
    let mut boundless = gzip(&entry(GOOD, &config_map("good")));
    boundless.extend(gzip(b"").repeat(200_000));
    let half = gzip(&tar(&[(GOOD, config_map("good"))]));
    vec![
        one("a path that climbs out", "resources/configmaps/namespaces/../../../../../../evil.json"),
        one("a path that climbs out at once", "../evil.json"),
        one("an absolute path", "/tmp/daytwo-proof-evil.json"),
        one("a path with an empty part", "resources/configmaps/namespaces//evil.json"),
        linked("a symbolic link", b'2', "/etc/passwd"),
        linked("a hard link", b'1', "/etc/passwd"),
        linked("a device", b'3', ""),
        refused(
            "the same object twice",
            gzip(&tar(&[(GOOD, config_map("good")), (GOOD, config_map("other"))])),
        ),
        refused("10 GB of zeros in one entry", endless),
        refused("zeros and nothing else", zeros(times(1_024, 10_240))),
        refused("not gzip", b"this is no archive".repeat(1000)),
        refused("not tar", gzip(&b"this is no archive".repeat(1000))),
        refused("empty", Vec::new()),
        refused("gzip of nothing", gzip(b"")),
        refused("an end that is missing", gzip(&entry(GOOD, &config_map("good"))[..700])),
        refused("gzip cut in the middle", half[..half.len() / 2].to_vec()),
        refused("an object that is no JSON", gzip(&tar(&[(GOOD, b"{\"kind\":".to_vec())]))),
        refused("an object nested without end", gzip(&tar(&[(GOOD, b"[".repeat(MIB))]))),
        Hostile { what: "200,000 empty gzip members", archive: boundless, refused: false },
        Hostile { what: "very many entries", archive: many(times(50_000, 1_000_000)), refused: false },
    ]
}

/// An archive of that many objects.
fn many(entries: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&entry("metadata/version", b"1.1.0\n")).unwrap();
    for n in 0..entries {
        let path = format!("resources/configmaps/namespaces/hostile/c{n:07}.json");
        encoder.write_all(&entry(&path, &config_map(&format!("c{n:07}")))).unwrap();
    }
    encoder.write_all(&end()).unwrap();
    encoder.finish().unwrap()
}

/// Puts a backup of Velero's with this archive into the location.
fn plant(folder: &Path, name: &str, archive: &[u8]) {
    let dir = folder.join(format!("backups/{name}"));
    std::fs::create_dir_all(&dir).unwrap();
    let head = json!({
        "apiVersion": "velero.io/v1", "kind": "Backup",
        "metadata": { "name": name, "namespace": "velero", "labels": { "velero.io/storage-location": "default" } },
        "spec": { "includedNamespaces": ["*"] },
        "status": {
            "version": 1, "formatVersion": "1.1.0", "phase": "Completed",
            "startTimestamp": "2026-11-20T00:00:00Z", "completionTimestamp": "2026-11-20T00:00:01Z",
        },
    });
    std::fs::write(dir.join("velero-backup.json"), head.to_string()).unwrap();
    std::fs::write(dir.join(format!("{name}.tar.gz")), archive).unwrap();
}

/// Runs every verb that reads an archive, each with whether it reads it to its end.
fn read(daytwo: &Daytwo, name: &str) -> Vec<(bool, Run)> {
    let export = daytwo.home().join("export");
    let runs = vec![
        (true, daytwo.run(&["backup", "verify", name])),
        (false, daytwo.run(&["backup", "get", name, "configmap", "good", "-n", "hostile", "-o", "json"])),
        (true, daytwo.run(&["backup", "get", name, "configmaps", "-A", "-o", "name"])),
        (true, daytwo.run(&["backup", "export", name, "--to", export.to_str().unwrap()])),
        (true, daytwo.run(&["restore", "create", "--from", name, "--dry-run"])),
    ];
    let _ = std::fs::remove_dir_all(&export);
    runs
}

/// Everything in the home but the location and what the binary may write there.
fn outside(daytwo: &Daytwo) -> Vec<PathBuf> {
    let files = stored::files(daytwo.home());
    let known =
        |key: &str| ["location/", "export/", "state/", "config/"].iter().any(|dir| key.starts_with(dir));
    files.into_iter().filter(|(key, _)| !known(key)).map(|(_, path)| path).collect()
}

#[test]
fn a_hostile_archive_is_refused_in_bounded_memory() {
    let Some(site) = testbed::shared::control_plane() else { return };
    let daytwo = Daytwo::on_folder().cluster(site.kubeconfig());
    let mut most = (0, String::new());
    let archives = hostile();
    let count = archives.len();
    for Hostile { what, archive, refused } in archives {
        plant(&daytwo.folder(), "hostile", &archive);
        for (whole, run) in read(&daytwo, "hostile") {
            let run = run.sound();
            assert!(run.peak < MEMORY, "{what}: {} MiB: {run}", run.peak >> 20);
            if run.peak > most.0 {
                most = (run.peak, format!("{what}: {run}").lines().next().unwrap().to_owned());
            }
            if refused && whole {
                assert!(matches!(run.code, Some(1 | 3 | 4 | 5)), "{what} passes: {run}");
                let told = run.stderr.len() + run.stdout.len() > 20;
                assert!(told, "{what}: no reason is given: {run}");
            } else {
                assert!(matches!(run.code, Some(0..=5)), "{what}: {run}");
            }
        }
        let strange = outside(&daytwo);
        assert!(strange.is_empty(), "{what}: written: {strange:?}");
    }
    assert!(!Path::new("/tmp/daytwo-proof-evil.json").exists());
    say(&format!("{count} hostile archives: at most {} MiB ({})", most.0 >> 20, most.1));
}

#[test]
fn small_files_that_unpack_without_end_are_refused_in_bounded_memory() {
    let Some(site) = testbed::shared::control_plane() else { return };
    let mut api = Api::of(site).unwrap();
    site::namespace(&mut api, "hostile");
    site::fill(&mut api, "hostile", 5, 100, 51);
    let daytwo = Daytwo::on_folder().cluster(site.kubeconfig());
    daytwo.run(&["backup", "create", "ours", "--include-namespaces=hostile"]).expect(0);
    let bomb = zeros(times(512, 10_240));
    let spaces = gzip(&vec![b' '; MIB]).repeat(times(512, 10_240));
    let mut most = 0;
    for (key, path) in stored::files(&daytwo.folder()) {
        let honest = std::fs::read(&path).unwrap();
        let bombs: Vec<&[u8]> = if key.ends_with(".gz") { vec![&bomb, &spaces] } else { vec![&bomb] };
        for bytes in bombs {
            std::fs::write(&path, bytes).unwrap();
            let runs = [
                daytwo.run(&["backup", "verify", "ours"]),
                daytwo.run(&["backup", "describe", "ours"]),
                daytwo.run(&["backup", "get", "ours", "configmaps", "-A", "-o", "name"]),
                daytwo.run(&["backup", "list"]),
            ];
            assert!(matches!(runs[0].code, Some(1..=5)), "{key} replaced, and verify passes: {}", runs[0]);
            for run in runs {
                let run = run.sound();
                assert!(run.peak < MEMORY, "{key}: {} MiB: {run}", run.peak >> 20);
                most = most.max(run.peak);
            }
        }
        std::fs::write(&path, honest).unwrap();
    }
    daytwo.run(&["backup", "verify", "ours"]).expect(0);
    say(&format!("files of a backup that unpack to gigabytes: at most {} MiB", most >> 20));
}
