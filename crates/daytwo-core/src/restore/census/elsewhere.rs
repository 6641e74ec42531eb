//! Which claims' data a backup has copied into a snapshot or a volume repository, read from the files that Velero
//! keeps beside its archive (`internal/volume/volumes_information.go`, `pkg/apis/velero/v1/pod_volume_backup_types.go`
//! and `internal/volume/native_snapshot.go` of Velero 1.18). It refuses to judge whether that data is still there.

use std::collections::BTreeSet;

use serde::Deserialize;

/// Claims and volumes whose data lies outside the backup's objects.
#[derive(Debug, Clone, Default)]
pub struct DataElsewhere {
    claims: BTreeSet<(String, String)>,
    volumes: BTreeSet<String>,
}

/// One of the files that say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volumes {
    /// `<backup>-volumeinfo.json.gz`.
    Info,
    /// `<backup>-podvolumebackups.json.gz`.
    PodVolumeBackups,
    /// `<backup>-volumesnapshots.json.gz`.
    NativeSnapshots,
}

impl DataElsewhere {
    /// Takes in the JSON of one file, decompressed.
    ///
    /// # Errors
    /// It is not the JSON that Velero writes there.
    pub fn read(&mut self, file: Volumes, json: &[u8]) -> Result<(), serde_json::Error> {
        match file {
            Volumes::Info => {
                for info in list::<Info>(json)? {
                    if info.copied() {
                        self.add(&info.pvc_namespace, &info.pvc_name, &info.pv_name);
                    }
                }
            }
            Volumes::PodVolumeBackups => {
                for backup in list::<PodVolumeBackup>(json)? {
                    let claim = backup.metadata.annotations.claim.unwrap_or(backup.spec.tags.claim);
                    self.add(&backup.spec.pod.namespace, &claim, "");
                }
            }
            Volumes::NativeSnapshots => {
                for snapshot in list::<NativeSnapshot>(json)? {
                    if !snapshot.status.provider_snapshot_id.is_empty() {
                        self.add("", "", &snapshot.spec.persistent_volume_name);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty() && self.volumes.is_empty()
    }

    pub(super) fn of_claim(&self, namespace: &str, name: &str) -> bool {
        self.claims.contains(&(namespace.to_owned(), name.to_owned()))
    }

    pub(super) fn of_volume(&self, name: &str) -> bool {
        self.volumes.contains(name)
    }

    fn add(&mut self, namespace: &str, claim: &str, volume: &str) {
        if !claim.is_empty() {
            self.claims.insert((namespace.to_owned(), claim.to_owned()));
        }
        if !volume.is_empty() {
            self.volumes.insert(volume.to_owned());
        }
    }
}

/// Velero writes `null` where it has nothing.
fn list<T: for<'a> Deserialize<'a>>(json: &[u8]) -> Result<Vec<T>, serde_json::Error> {
    Ok(serde_json::from_slice::<Option<Vec<T>>>(json)?.unwrap_or_default())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Info {
    pvc_name: String,
    pvc_namespace: String,
    pv_name: String,
    backup_method: String,
    skipped: bool,
}

impl Info {
    fn copied(&self) -> bool {
        !self.skipped
            && matches!(self.backup_method.as_str(), "NativeSnapshot" | "PodVolumeBackup" | "CSISnapshot")
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PodVolumeBackup {
    metadata: Metadata,
    spec: PodVolumeSpec,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    annotations: Annotations,
}

#[derive(Deserialize, Default)]
struct Annotations {
    #[serde(rename = "velero.io/pvc-name")]
    claim: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PodVolumeSpec {
    pod: PodReference,
    tags: Tags,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PodReference {
    namespace: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tags {
    #[serde(rename = "pvc-name")]
    claim: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NativeSnapshot {
    spec: SnapshotSpec,
    status: SnapshotStatus,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct SnapshotSpec {
    persistent_volume_name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SnapshotStatus {
    #[serde(rename = "providerSnapshotID")]
    provider_snapshot_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_copied_by_any_of_velero_s_ways_is_known() {
        let mut found = DataElsewhere::default();
        let info = br#"[
            {"pvcName":"a","pvcNamespace":"n","pvName":"pv-a","backupMethod":"CSISnapshot","snapshotDataMoved":true},
            {"pvcName":"b","pvcNamespace":"n","pvName":"pv-b","backupMethod":"","skipped":true,"skippedReason":"x"},
            {"pvcName":"c","pvcNamespace":"n","backupMethod":"PodVolumeBackup","pvbInfo":{"Phase":"Completed"}}]"#;
        found.read(Volumes::Info, info).unwrap();
        let pods =
            br#"[{"metadata":{"annotations":{"velero.io/pvc-name":"d"}},"spec":{"pod":{"namespace":"n"}}}]"#;
        found.read(Volumes::PodVolumeBackups, pods).unwrap();
        let native = br#"[{"spec":{"persistentVolumeName":"pv-e"},"status":{"providerSnapshotID":"snap-1"}},
                          {"spec":{"persistentVolumeName":"pv-f"},"status":{"phase":"Failed"}}]"#;
        found.read(Volumes::NativeSnapshots, native).unwrap();
        let claims: Vec<_> = found.claims.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(claims, ["a", "c", "d"]);
        assert!(found.of_volume("pv-a") && found.of_volume("pv-e"));
        assert!(!found.of_volume("pv-b") && !found.of_volume("pv-f"));
    }

    #[test]
    fn a_pod_volume_of_no_claim_is_no_lost_claim() {
        let mut found = DataElsewhere::default();
        found
            .read(Volumes::PodVolumeBackups, br#"[{"spec":{"pod":{"namespace":"n"},"volume":"scratch"}}]"#)
            .unwrap();
        assert!(found.is_empty());
    }

    #[test]
    fn nothing_is_written_as_null() {
        let mut found = DataElsewhere::default();
        found.read(Volumes::Info, b"null").unwrap();
        found.read(Volumes::NativeSnapshots, b"[]\n").unwrap();
        assert!(found.is_empty());
    }
}
