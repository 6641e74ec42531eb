//! Archives that daytwo did not write: Velero's, and hostile ones.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests may panic, and run where usize has 64 bits"
)]

use bytes::Bytes;
use daytwo_archive::{BackupName, Location};
use std::io::Write;

/// A tar archive being made, of whatever kind of entries.
#[derive(Default)]
pub struct Tar(pub Vec<u8>);

impl Tar {
    /// An entry with a header whose checksum is right.
    pub fn entry(&mut self, path: &str, kind: u8, content: &[u8]) -> &mut Tar {
        self.header(path, kind, content.len() as u64);
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// A header alone.
    pub fn header(&mut self, path: &str, kind: u8, size: u64) -> &mut Tar {
        let mut block = [0u8; 512];
        let path = path.as_bytes();
        block[..path.len().min(100)].copy_from_slice(&path[..path.len().min(100)]);
        block[100..107].copy_from_slice(b"0000755");
        block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
        block[136..147].copy_from_slice(b"00000000000");
        block[156] = kind;
        block[157..162].copy_from_slice(b"/etc/");
        block[257..265].copy_from_slice(b"ustar\x0000");
        block[148..156].copy_from_slice(b"        ");
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        self.0.extend_from_slice(&block);
        self
    }

    pub fn file(&mut self, path: &str, content: &[u8]) -> &mut Tar {
        self.entry(path, b'0', content)
    }

    /// Both copies of an object, as Velero writes them.
    pub fn object(&mut self, resource: &str, version: &str, place: &str, json: &str) -> &mut Tar {
        self.file(&format!("resources/{resource}/{place}.json"), json.as_bytes());
        self.file(&format!("resources/{resource}/{version}-preferredversion/{place}.json"), json.as_bytes())
    }

    pub fn end(&mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        std::mem::take(&mut self.0)
    }
}

pub fn gzip(raw: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(raw).unwrap();
    encoder.finish().unwrap()
}

/// What Velero writes first.
pub fn tar() -> Tar {
    let mut tar = Tar::default();
    tar.file("metadata/version", b"1.1.0\n");
    tar
}

pub const BACKUP: &str = r#"{
  "kind": "Backup", "apiVersion": "velero.io/v1",
  "metadata": {"name": "v", "namespace": "velero", "uid": "x", "annotations": {"velero.io/source-cluster-k8s-gitversion": "v1.31.0"}},
  "spec": {"ttl": "720h0m0s", "hooks": {}},
  "status": {"version": 1, "formatVersion": "1.1.0", "phase": "Completed", "startTimestamp": "2026-11-03T04:05:06Z",
    "completionTimestamp": "2026-11-03T04:06:06Z", "expiration": "2026-12-03T04:05:06Z", "progress": {"totalItems": 2, "itemsBackedUp": 2}, "hookStatus": {}}
}"#;

/// Stores a backup of Velero's named `v` with this archive.
pub async fn store(location: &Location, archive: Vec<u8>, list: Option<&str>) -> BackupName {
    let name = BackupName::try_from("v").unwrap();
    let mut files = vec![("velero-backup.json", BACKUP.as_bytes().to_vec()), ("v.tar.gz", archive)];
    files.push(("v-logs.gz", gzip(b"time=\"2026\" level=info msg=done\n")));
    files.push((
        "v-volumeinfo.json.gz",
        gzip(
            br#"[{"pvcName":"a","csiSnapshotInfo":{"ReadyToUse":true},"nativeSnapshotInfo":{"Phase":"x"}}]"#,
        ),
    ));
    files.push(("v-podvolumebackups.json.gz", gzip(b"null")));
    files.push(("v-results.gz", gzip(b"{\"errors\":{},\"warnings\":{\"namespaces\":{\"a\":[\"w\"]}}}\n")));
    if let Some(list) = list {
        files.push(("v-resource-list.json.gz", gzip(list.as_bytes())));
    }
    for (file, bytes) in files {
        location.put(&format!("backups/v/{file}"), Bytes::from(bytes)).await.unwrap();
    }
    name
}
