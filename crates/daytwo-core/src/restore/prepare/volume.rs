//! PersistentVolumes and their claims: bound again to each other, and never a disk deleted on the way.

use crate::json::{Edits, JsonError, find};

/// The annotation that keeps a volume's own reclaim policy while it is held at `Retain`; it goes with it.
pub const RECLAIM_MARK: &str = "daytwo.dev/restore-reclaim-policy";

/// A volume reserved for a claim is created with the policy `Retain`, and without the UID of the claim it had: one
/// that names a UID nobody has is released at once, and with the policy `Delete` its disk is deleted.
pub(super) fn retain(volume: &[u8], edits: &mut Edits<'_>) -> Result<(), JsonError> {
    edits.remove(&["spec", "claimRef", "uid"]).remove(&["spec", "claimRef", "resourceVersion"]).remove(&[
        "metadata",
        "annotations",
        "pv.kubernetes.io/bound-by-controller",
    ]);
    if find(volume, &["spec", "claimRef"])?.is_none_or(|span| &volume[span] == b"null") {
        return Ok(());
    }
    let policy = find(volume, &["spec", "persistentVolumeReclaimPolicy"])?;
    if let Some(policy) = policy.map(|span| &volume[span]).filter(|policy| *policy != b"\"Retain\"") {
        edits.set(&["spec", "persistentVolumeReclaimPolicy"], "\"Retain\"");
        edits.set(&["metadata", "annotations", RECLAIM_MARK], policy);
    }
    Ok(())
}

/// A claim is bound anew; one that does not get its volume back must not wait for it, nor for the node it was on.
pub(super) fn claim(claim: &[u8], emptied: bool, edits: &mut Edits<'_>) -> Result<(), JsonError> {
    let annotated = |key: &str| find(claim, &["metadata", "annotations", key]);
    for key in ["pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller"] {
        if annotated(key)?.is_some() {
            edits.remove(&["metadata", "annotations", key]);
        }
    }
    if emptied {
        edits.remove(&["spec", "volumeName"]);
        edits.remove(&["metadata", "annotations", "volume.kubernetes.io/selected-node"]);
    }
    Ok(())
}
