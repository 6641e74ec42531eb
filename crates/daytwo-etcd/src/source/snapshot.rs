//! What K3s and RKE2 keep beside a snapshot.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// A ConfigMap is no larger.
const MOST: u64 = 1 << 20;

/// The metadata of the snapshot at `path`: a file of its name in `.metadata` beside the folder of snapshots, the data of a
/// ConfigMap as JSON (k3s, `pkg/etcd/snapshot.go`, `saveSnapshotMetadata`). `None` where there is none, or none that can be
/// read: the snapshot does without.
pub(super) fn metadata(path: &Path) -> Option<BTreeMap<String, String>> {
    let folder = path.parent()?;
    let file = folder.join("..").join(".metadata").join(path.file_name()?);
    if !file.is_file() {
        return None;
    }
    let mut text = Vec::new();
    File::open(file).ok()?.take(MOST).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}
