//! The request as Velero's `BackupSpec` (`velero.io/v1`, `pkg/apis/velero/v1/backup_types.go`), so that Velero and
//! its users see what a backup was asked to hold.

use std::time::Duration;

use daytwo_core::filter::Filter;
use serde_json::{Map, Value, json};

/// The `spec` of the backup's `velero-backup.json`.
pub(super) fn velero(filter: &Filter, storage_location: &str, ttl: Option<Duration>) -> Value {
    let mut spec = Map::new();
    let mut set = |key: &str, value: Value| {
        spec.insert(key.to_owned(), value);
    };
    let all_or = |names: &[String]| if names.is_empty() { json!(["*"]) } else { json!(names) };
    set("includedNamespaces", all_or(&filter.include_namespaces));
    for (key, names) in [
        ("excludedNamespaces", &filter.exclude_namespaces),
        ("includedResources", &filter.include_resources),
        ("excludedResources", &filter.exclude_resources),
    ] {
        if !names.is_empty() {
            set(key, json!(names));
        }
    }
    if let Some(include) = filter.include_cluster_resources {
        set("includeClusterResources", json!(include));
    }
    if let Some(selector) = &filter.selector {
        set("labelSelector", selector.to_label_selector());
    }
    set("storageLocation", json!(storage_location));
    set("ttl", json!(go_duration(ttl.unwrap_or_default().as_secs())));
    set("snapshotVolumes", json!(false));
    set("defaultVolumesToFsBackup", json!(false));
    set("hooks", json!({}));
    set("metadata", json!({}));
    set("csiSnapshotTimeout", json!("0s"));
    set("itemOperationTimeout", json!("0s"));
    Value::Object(spec)
}

/// Whole seconds the way Go's `time.Duration` prints them, as `metav1.Duration` wants: `720h0m0s`.
fn go_duration(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::go_duration;

    #[test]
    fn durations_read_as_go_writes_them() {
        assert_eq!(go_duration(0), "0s");
        assert_eq!(go_duration(90), "1m30s");
        assert_eq!(go_duration(720 * 3600), "720h0m0s");
    }
}
