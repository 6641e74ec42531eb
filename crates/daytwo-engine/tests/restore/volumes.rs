//! PersistentVolumes and claims.

use bytes::Bytes;
use daytwo_core::restore::Skip;

use crate::harness::{Cluster, Taken, all_well, cluster, everything, namespace};

/// A volume bound to a claim, both as a backup holds them: with the UIDs of another life.
pub fn bound(name: &str, policy: &str) -> (String, String, String) {
    let namespace = namespace(name);
    let volume = format!(
        r#"{{"apiVersion":"v1","kind":"PersistentVolume","metadata":{{"name":"{name}","uid":"0a","resourceVersion":"9","annotations":{{"pv.kubernetes.io/bound-by-controller":"yes"}},"finalizers":["kubernetes.io/pv-protection"]}},
        "spec":{{"capacity":{{"storage":"1Gi"}},"accessModes":["ReadWriteOnce"],"hostPath":{{"path":"/tmp/{name}","type":""}},"persistentVolumeReclaimPolicy":"{policy}","volumeMode":"Filesystem",
        "claimRef":{{"kind":"PersistentVolumeClaim","apiVersion":"v1","namespace":"{name}","name":"data","uid":"11111111-1111-1111-1111-111111111111","resourceVersion":"7"}}}},"status":{{"phase":"Bound"}}}}"#
    );
    let claim = format!(
        r#"{{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{{"name":"data","namespace":"{name}","uid":"11111111-1111-1111-1111-111111111111","annotations":{{"pv.kubernetes.io/bind-completed":"yes","pv.kubernetes.io/bound-by-controller":"yes"}},"finalizers":["kubernetes.io/pvc-protection"]}},
        "spec":{{"accessModes":["ReadWriteOnce"],"resources":{{"requests":{{"storage":"1Gi"}}}},"storageClassName":"","volumeName":"{name}","volumeMode":"Filesystem"}},"status":{{"phase":"Bound"}}}}"#
    );
    (namespace, volume, claim)
}

async fn backup_of(cluster: &Cluster, name: &str, policy: &str) -> Taken {
    let (namespace, volume, claim) = bound(name, policy);
    cluster.backup_of(&[&namespace, &volume, &claim]).await
}

#[tokio::test]
async fn a_volume_with_the_policy_delete_comes_back_bound_and_keeps_its_policy() {
    let Some(cluster) = cluster().await else { return };
    let name = "volume-delete";
    let taken = backup_of(&cluster, name, "Delete").await;
    all_well(&taken.restore(&cluster).await);
    assert_eq!(cluster.field(&["pv", name], ".status.phase"), "Bound");
    assert_eq!(cluster.field(&["pv", name], ".spec.persistentVolumeReclaimPolicy"), "Delete");
    assert_eq!(cluster.field(&["pv", name], ".metadata.annotations.daytwo\\.dev/restore-reclaim-policy"), "");
    cluster.wait_for(&["pvc", "data", "-n", name], ".status.phase", "Bound");
    let again = taken.restore_as(&cluster, &everything(), "run-2").await.unwrap();
    all_well(&again);
    assert_eq!((again.counts.created, again.counts.same), (0, 3));
}

#[tokio::test]
async fn a_volume_with_the_policy_retain_comes_back_bound() {
    let Some(cluster) = cluster().await else { return };
    let taken = backup_of(&cluster, "volume-retain", "Retain").await;
    all_well(&taken.restore(&cluster).await);
    cluster.wait_for(&["pvc", "data", "-n", "volume-retain"], ".status.phase", "Bound");
    assert_eq!(cluster.field(&["pv", "volume-retain"], ".spec.persistentVolumeReclaimPolicy"), "Retain");
}

#[tokio::test]
async fn a_volume_whose_claim_is_not_restored_stays_at_retain_and_is_named() {
    let Some(cluster) = cluster().await else { return };
    let (_, volume, _) = bound("volume-alone", "Delete");
    let report = cluster.backup_of(&[&volume]).await.restore(&cluster).await;
    assert_eq!(cluster.field(&["pv", "volume-alone"], ".spec.persistentVolumeReclaimPolicy"), "Retain");
    let ids: Vec<&str> = report.tally.findings.iter().map(|finding| finding.id.as_str()).collect();
    assert_eq!(ids, ["restore-volume-held-at-retain"]);
}

#[tokio::test]
async fn a_claim_whose_volume_is_nowhere_comes_back_empty_and_is_named() {
    let Some(cluster) = cluster().await else { return };
    let (namespace, _, claim) = bound("volume-lost", "Delete");
    let report = cluster.backup_of(&[&namespace, &claim]).await.restore(&cluster).await;
    assert_eq!(cluster.field(&["pvc", "data", "-n", "volume-lost"], ".spec.volumeName"), "");
    assert_eq!(report.tally.findings[0].id, "restore-claim-empty");
    assert!(!report.is_clean());
}

/// A Velero backup's file that says where the data of a claim lies.
async fn say_elsewhere(taken: &Taken, name: &str) {
    let info = format!(
        r#"[{{"pvcName":"data","pvcNamespace":"{name}","pvName":"{name}","backupMethod":"PodVolumeBackup"}}]"#
    );
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, info.as_bytes()).unwrap();
    let body = Bytes::from(gzip.finish().unwrap());
    taken.location.put("backups/given/given-volumeinfo.json.gz", body).await.unwrap();
    // Without daytwo's own manifest, and what names it, it is read as Velero's.
    taken.location.delete("backups/given/given-daytwo.json.gz").await.unwrap();
    let key = "backups/given/velero-backup.json";
    let mut object: serde_json::Value =
        serde_json::from_slice(&taken.location.get(key).await.unwrap()).unwrap();
    object["metadata"]["annotations"].as_object_mut().unwrap().retain(|key, _| !key.contains("daytwo"));
    taken.location.put(key, Bytes::from(serde_json::to_vec(&object).unwrap())).await.unwrap();
}

#[tokio::test]
async fn a_claim_whose_data_lies_in_a_repository_is_not_made_empty_unless_asked() {
    let Some(cluster) = cluster().await else { return };
    let name = "volume-elsewhere";
    let taken = backup_of(&cluster, name, "Delete").await;
    say_elsewhere(&taken, name).await;
    let report = taken.restore(&cluster).await;
    assert!(!cluster.exists(&["pvc", "data", "-n", name]) && !cluster.exists(&["pv", name]));
    assert_eq!(report.tally.skipped[&Skip::DataElsewhere].count, 2);
    assert_eq!(report.tally.findings[0].id, "restore-data-elsewhere");
    let mut request = everything();
    request.empty_volumes = true;
    taken.restore_as(&cluster, &request, "run-2").await.unwrap();
    assert_eq!(cluster.field(&["pvc", "data", "-n", name], ".spec.volumeName"), "");
    assert!(!cluster.exists(&["pv", name]));
}
