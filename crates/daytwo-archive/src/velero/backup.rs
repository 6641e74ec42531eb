//! `velero-backup.json`: the Backup object. For Velero its being there makes a backup exist.
//!
//! Also holds what proves the manifest and the file itself ([`crate::seal`]).

use super::FORMAT_VERSION;
use crate::digest::Digest;
use crate::head::{Head, Phase};
use crate::seal::{NO_DIGEST, NO_SIGNATURE, Seal};
use crate::sign::SigningKey;
use serde_json::{Map, Value, json};

/// Annotation with the SHA-256 of the manifest as stored.
pub(crate) const MANIFEST_DIGEST: &str = "daytwo.dev/manifest-sha256";

/// How the file proves itself.
pub(crate) const SEAL: Seal = Seal {
    digest: "daytwo.dev/self-sha256",
    signature: "daytwo.dev/signature",
    public_key: "daytwo.dev/public-key",
    purpose: "velero-backup.json",
};

/// Fields of the spec that Velero's server fills in (`pkg/controller/backup_controller.go`), where the caller did not.
/// Times of 10 minutes and 4 hours are the server's defaults for what daytwo never does.
fn spec(head: &Head) -> Map<String, Value> {
    let mut spec = match &head.spec {
        Value::Object(spec) => spec.clone(),
        _ => Map::new(),
    };
    for (key, value) in [
        ("metadata", json!({})),
        ("hooks", json!({})),
        ("storageLocation", json!("default")),
        ("ttl", json!("0s")),
        ("csiSnapshotTimeout", json!("10m0s")),
        ("itemOperationTimeout", json!("4h0m0s")),
        ("snapshotMoveData", json!(false)),
    ] {
        spec.entry(key).or_insert(value);
    }
    spec
}

/// The file, for a backup that is complete.
pub(crate) fn backup_json(head: &Head, manifest: &Digest, sign: Option<&SigningKey>) -> Vec<u8> {
    let spec = spec(head);
    let mut annotations = Map::new();
    let mut annotate = |key: &str, value: String| annotations.insert(key.to_owned(), Value::String(value));
    annotate("velero.io/source-cluster-k8s-gitversion", head.server.version.clone());
    annotate("velero.io/source-cluster-k8s-major-version", head.server.major.clone());
    annotate("velero.io/source-cluster-k8s-minor-version", head.server.minor.clone());
    annotate("velero.io/resource-timeout", "10m0s".into());
    if let Some(revision) = head.revision {
        annotate("daytwo.dev/revision", revision.to_string());
    }
    annotate(MANIFEST_DIGEST, manifest.to_string());
    annotate(SEAL.digest, NO_DIGEST.into());
    if let Some(key) = sign {
        annotate(SEAL.public_key, key.verifying_key().to_base64());
        annotate(SEAL.signature, NO_SIGNATURE.into());
    }
    let location = spec.get("storageLocation").cloned().unwrap_or(Value::Null);
    let document = json!({
        "kind": "Backup",
        "apiVersion": "velero.io/v1",
        "metadata": {
            "name": head.name,
            "namespace": "velero",
            "creationTimestamp": head.started.map(seconds),
            "labels": { "velero.io/storage-location": location },
            "annotations": annotations,
        },
        "spec": spec,
        "status": status(head),
    });
    let mut text = serde_json::to_string_pretty(&document).expect("invariant: a value is JSON");
    text.push('\n');
    SEAL.close(&text, sign)
}

fn status(head: &Head) -> Map<String, Value> {
    let mut status = Map::new();
    let mut set = |key: &str, value: Value| status.insert(key.to_owned(), value);
    set("version", json!(1));
    set("formatVersion", json!(FORMAT_VERSION));
    if let Some(expires) = head.expires {
        set("expiration", json!(seconds(expires)));
    }
    let phase = match head.phase {
        Phase::PartiallyFailed => "PartiallyFailed",
        _ => "Completed",
    };
    set("phase", json!(phase));
    set("startTimestamp", json!(head.started.map(seconds)));
    set("completionTimestamp", json!(head.finished.map(seconds)));
    set("progress", json!({ "totalItems": head.objects, "itemsBackedUp": head.objects }));
    // Velero leaves zeros out.
    if !head.problems.is_empty() {
        set("errors", json!(head.problems.len()));
    }
    if !head.warnings.is_empty() {
        set("warnings", json!(head.warnings.len()));
    }
    set("hookStatus", json!({}));
    status
}

/// As `metav1.Time` is written: RFC 3339 in whole seconds.
fn seconds(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
