//! The fields that change without anybody changing anything.

use super::path::{Path, Segment};

/// Fields of `metadata` that the API server sets.
const METADATA: [&str; 6] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/// Annotations that repeat the object, or tell when a controller or leader was last seen.
const ANNOTATIONS: [&str; 4] = [
    "control-plane.alpha.kubernetes.io/leader",
    "endpoints.kubernetes.io/last-change-trigger-time",
    "kubectl.kubernetes.io/last-applied-configuration",
    "node.alpha.kubernetes.io/ttl",
];

/// Fields at any depth below `status`. When a condition changed is no change of its own: what it changed to is.
const STATUS: [&str; 5] =
    ["lastHeartbeatTime", "lastProbeTime", "lastTransitionTime", "lastUpdateTime", "observedGeneration"];

/// References whose uid follows the referred object's; who is meant is told by name.
const REFERENCES: [&str; 4] = ["claimRef", "ownerReferences", "targetRef", "volumeSnapshotRef"];

pub(super) fn is_noise(path: &Path) -> bool {
    let keys: Vec<&str> = path
        .segments()
        .iter()
        .filter_map(|segment| match segment {
            Segment::Key(key) => Some(key.as_str()),
            _ => None,
        })
        .collect();
    let last_is_key = matches!(path.segments().last(), Some(Segment::Key(_)));
    match keys.as_slice() {
        ["metadata", field] => METADATA.contains(field),
        ["metadata", "annotations", annotation] => ANNOTATIONS.contains(annotation),
        ["spec", "renewTime"] => true,
        [.., parent, "uid" | "resourceVersion"] => last_is_key && REFERENCES.contains(parent),
        ["status", .., field] => last_is_key && STATUS.contains(field),
        _ => false,
    }
}
