//! Volumes, claims to them, and what provides them.

use jiff::Timestamp;
use serde_json::Value;

use super::read;
use super::source::joined;
use crate::ask::Object;

const CLASS: &str = "volume.beta.kubernetes.io/storage-class";
const DEFAULTS: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
const MODES: [(&str, &str); 4] = [
    ("ReadWriteOnce", "RWO"),
    ("ReadOnlyMany", "ROX"),
    ("ReadWriteMany", "RWX"),
    ("ReadWriteOncePod", "RWOP"),
];

/// The phase of a volume or a claim, or that it is being deleted.
pub(super) fn phase(volume: &Object, _: Timestamp) -> Value {
    if read::deleting(volume) {
        "Terminating".into()
    } else {
        read::text(volume, &["status", "phase"]).into()
    }
}

/// The class of a volume or a claim: the annotation's, or the field's.
pub(super) fn class(volume: &Object, _: Timestamp) -> Value {
    match read::at(volume, &["metadata", "annotations", CLASS]) {
        Some(class) => class.as_str().unwrap_or_default().into(),
        None => read::text(volume, &["spec", "storageClassName"]).into(),
    }
}

/// A volume's access modes.
pub(super) fn modes(volume: &Object, _: Timestamp) -> Value {
    short(read::list(volume, &["spec", "accessModes"]))
}

fn short(given: &[Value]) -> Value {
    let has = |long: &str| given.iter().any(|mode| mode.as_str() == Some(long));
    joined(MODES.into_iter().filter(|(long, _)| has(long)).map(|(_, short)| short)).into()
}

/// The claim that a volume is bound to.
pub(super) fn claim(volume: &Object, _: Timestamp) -> Value {
    match read::at(volume, &["spec", "claimRef"]) {
        Some(claim) => format!("{}/{}", read::field(claim, "namespace"), read::field(claim, "name")).into(),
        None => "".into(),
    }
}

/// What a claim has; nothing until it names a volume.
pub(super) fn claim_capacity(claim: &Object, _: Timestamp) -> Value {
    match read::text(claim, &["spec", "volumeName"]) {
        "" => "".into(),
        _ => {
            read::at(claim, &["status", "capacity", "storage"]).and_then(Value::as_str).unwrap_or("0").into()
        }
    }
}

/// How a claim's volume may be used; nothing until it names one.
pub(super) fn claim_modes(claim: &Object, _: Timestamp) -> Value {
    match read::text(claim, &["spec", "volumeName"]) {
        "" => "".into(),
        _ => short(read::list(claim, &["status", "accessModes"])),
    }
}

/// A StorageClass' name, and whether it is the default.
pub(super) fn class_name(class: &Object, _: Timestamp) -> Value {
    let name = read::text(class, &["metadata", "name"]);
    let is = |annotation: &str| read::text(class, &["metadata", "annotations", annotation]) == "true";
    if DEFAULTS.into_iter().any(is) { format!("{name} (default)").into() } else { name.into() }
}

/// For whom a driver wants tokens.
pub(super) fn driver_audiences(driver: &Object, _: Timestamp) -> Value {
    match read::at(driver, &["spec", "tokenRequests"]).and_then(Value::as_array) {
        Some(requests) => joined(requests.iter().map(|request| read::field(request, "audience"))).into(),
        None => "<unset>".into(),
    }
}

/// How long a driver's volumes live.
pub(super) fn driver_modes(driver: &Object, _: Timestamp) -> Value {
    let modes = read::list(driver, &["spec", "volumeLifecycleModes"]);
    if modes.is_empty() { "<none>".into() } else { joined(modes.iter().filter_map(Value::as_str)).into() }
}
