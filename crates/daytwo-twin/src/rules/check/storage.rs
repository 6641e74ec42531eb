//! Storage classes and what CSI drivers write (`pkg/apis/storage/validation/validation.go`, Kubernetes 1.36).

use serde_json::{Value, json};

use super::Case;
use super::metadata::{IMMUTABLE, immutable};
pub(super) use super::pod::driver_name;
use super::selector::{selector_with, usable};
use super::table::{apply, changes, nonnegative};
use crate::rules::look::{At, Faults, same};
use crate::rules::words::{self, Amount};

fn provisioner(place: &At<'_>, out: &mut Faults) {
    if place.empty() {
        return out.push(place.required(""));
    }
    let lower = json!(place.text().to_lowercase());
    words::formed(&place.with(&lower), words::qualified, out);
}

fn parameters(place: &At<'_>, out: &mut Faults) {
    if place.len() > 512 {
        return out.push(place.too_long(512));
    }
    let mut size = 0;
    for (key, entry) in place.entries() {
        if key.is_empty() {
            out.push(place.invalid_as(key, "field can not be empty."));
        }
        size += key.len() + entry.text().len();
    }
    if size > 256 << 10 {
        out.push(place.too_long(256 << 10));
    }
}

/// The object itself as a place, for rules of the table.
fn whole<'a>(value: &'a Value) -> At<'a> {
    At::new(value, "")
}

/// A StorageClass.
pub(super) fn class(case: &Case<'_>, out: &mut Faults) {
    case.metadata(out);
    provisioner(&case.at("provisioner"), out);
    parameters(&case.at("parameters"), out);
    let fields = ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"];
    let only = |before: bool| {
        let place = |name: &str| if before { case.was(name) } else { case.at(name) };
        Value::Object(fields.iter().map(|name| ((*name).to_owned(), place(name).value().clone())).collect())
    };
    let (new, old) = (only(false), only(true));
    apply("storageclass", &whole(&new), out);
    apply("storageclass.mode", &whole(&new), out);
    topologies(&case.at("allowedTopologies"), out);
    if case.updates() {
        case.metadata_update(out);
        changes("storageclass.update", &whole(&new), &whole(&old), out);
    }
}

fn topologies(place: &At<'_>, out: &mut Faults) {
    let mut seen: Vec<&Value> = Vec::new();
    for term in place.items() {
        let wanted = term.at("matchLabelExpressions");
        let mut keys: Vec<&str> = Vec::new();
        for one in wanted.items() {
            let (key, values) = (one.at("key"), one.at("values"));
            if values.empty() {
                out.push(values.required(""));
            }
            let mut listed: Vec<&Value> = Vec::new();
            for value in values.items() {
                if listed.contains(&value.value()) {
                    out.push(value.duplicate());
                }
                listed.push(value.value());
            }
            out.extend(
                words::qualified(key.text()).into_iter().map(|words| key.invalid_as(key.text(), words)),
            );
            if keys.contains(&key.text()) {
                out.push(key.duplicate());
            }
            keys.push(key.text());
        }
        if seen.iter().any(|other| same(other, wanted.value())) {
            out.push(wanted.with(&json!("")).duplicate());
        }
        seen.push(wanted.value());
    }
}

/// A CSIDriver.
pub(super) fn driver(case: &Case<'_>, out: &mut Faults) {
    case.written(out);
    let spec = case.at("spec");
    apply("csidriver", &spec, out);
    let tokens = spec.at("tokenRequests");
    let mut audiences: Vec<&str> = Vec::new();
    for token in tokens.items() {
        let (audience, seconds) = (token.at("audience"), token.at("expirationSeconds"));
        if audiences.contains(&audience.text()) {
            out.push(audience.with(&json!(audience.text())).duplicate());
            continue;
        }
        audiences.push(audience.text());
        if seconds.number().is_some_and(|seconds| seconds < 600) {
            out.push(seconds.invalid("may not specify a duration less than 10 minutes"));
        }
        if seconds.number().is_some_and(|seconds| seconds > 1 << 32) {
            out.push(seconds.invalid("may not specify a duration larger than 2^32 seconds"));
        }
    }
    let modes = spec.at("volumeLifecycleModes");
    for mode in modes.items().filter(|mode| !matches!(mode.text(), "Persistent" | "Ephemeral")) {
        out.push(mode.called(modes.path()).unsupported(&["Persistent", "Ephemeral"]));
    }
    apply("csidriver.seLinuxMount", &spec, out);
    let period = spec.at("nodeAllocatableUpdatePeriodSeconds");
    if period.number().is_some_and(|seconds| seconds < 10) {
        out.push(period.invalid("must be greater than or equal to 10 seconds"));
    }
    let secrets = spec.at("serviceAccountTokenInSecrets");
    if secrets.has() && tokens.empty() {
        let words = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
        out.push(secrets.invalid(words));
    }
    if case.updates() {
        changes("csidriver.update", &spec, &case.was("spec"), out);
    }
}

/// A CSINode.
pub(super) fn node(case: &Case<'_>, out: &mut Faults) {
    case.metadata(out);
    let drivers = case.at("spec").at("drivers");
    let mut names: Vec<&str> = Vec::new();
    for driver in drivers.items() {
        let (name, id) = (driver.at("name"), driver.at("nodeID"));
        driver_name(&name, out);
        if id.empty() {
            out.push(id.required(""));
        } else if id.text().len() > 256 {
            out.push(id.invalid("must be 256 characters or less"));
        }
        nonnegative(&driver.at("allocatable").at("count"), out);
        if names.contains(&name.text()) {
            out.push(name.duplicate());
        }
        names.push(name.text());
        topology_keys(&driver, out);
    }
    let bare = |driver: &At<'_>| {
        let mut fields = driver.value().as_object().cloned().unwrap_or_default();
        fields.shift_remove("allocatable");
        Value::Object(fields)
    };
    for old in case.was("spec").at("drivers").items() {
        for new in drivers.items().filter(|new| new.str("name") == old.str("name")) {
            if bare(&new) != bare(&old) {
                out.push(drivers.invalid_as(bare(&new), IMMUTABLE));
            }
        }
    }
}

fn topology_keys(driver: &At<'_>, out: &mut Faults) {
    let mut seen: Vec<&str> = Vec::new();
    for key in driver.at("topologyKeys").items().map(|key| key.called(driver.path())) {
        if key.empty() {
            out.push(key.required(""));
        }
        if seen.contains(&key.text()) {
            out.push(key.duplicate());
        }
        seen.push(key.text());
        words::formed(&key, words::qualified, out);
    }
}

/// A CSIStorageCapacity.
pub(super) fn capacity(case: &Case<'_>, out: &mut Faults) {
    case.metadata(out);
    let (topology, class, size) = (case.at("nodeTopology"), case.at("storageClassName"), case.at("capacity"));
    selector_with(&topology, case.updates() && !usable(case.was("nodeTopology").value()), out);
    words::formed(&class.with(&json!(class.text())), words::subdomain, out);
    if Amount::of(size.value()).negative() {
        out.push(size.invalid_as(size.text(), super::table::NEGATIVE));
    }
    if case.updates() {
        case.metadata_update(out);
        immutable(&topology, &case.was("nodeTopology"), out);
        immutable(&class, &case.was("storageClassName"), out);
    }
}

/// A VolumeAttachment, or its status.
pub(super) fn attachment(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if subresource.is_some() && !case.updates() {
        return;
    }
    case.metadata(out);
    let (spec, status) = (case.at("spec"), case.at("status"));
    driver_name(&spec.at("attacher"), out);
    let source = spec.at("source");
    let (inline, volume) = (source.at("inlineVolumeSpec"), source.at("persistentVolumeName"));
    let words = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    match (inline.has(), volume.has()) {
        (false, false) => out.push(source.required(words)),
        (true, true) => out.push(source.forbidden(words)),
        (false, true) if volume.empty() => {
            out.push(volume.required("must specify non empty persistentVolumeName"));
        }
        _ => {}
    }
    words::formed(&spec.at("nodeName").with(&json!(spec.str("nodeName"))), words::subdomain, out);
    let metadata = status.at("attachmentMetadata");
    let size: usize = metadata.entries().iter().map(|(key, entry)| key.len() + entry.text().len()).sum();
    if size > 256 << 10 {
        out.push(metadata.too_long(256 << 10));
    }
    for error in ["attachError", "detachError"].iter().map(|name| status.at(name)) {
        if error.str("message").len() > 1024 {
            out.push(error.at("message").too_long(256 << 10));
        }
        if error.int("errorCode") < 0 {
            out.push(error.at("errorCode").invalid(words::between(0, i64::from(i32::MAX))));
        }
    }
    if volume.has() {
        words::formed(&volume, words::subdomain, out);
    }
    if case.updates() && !same(spec.value(), case.was("spec").value()) {
        out.push(spec.invalid_as(words::shown("VolumeAttachmentSpec", spec.value()), IMMUTABLE));
    }
}

/// A VolumeAttributesClass.
pub(super) fn attributes_class(case: &Case<'_>, out: &mut Faults) {
    let (driver, settings) = (case.at("driverName"), case.at("parameters"));
    if case.updates() {
        case.metadata_update(out);
        if driver.value() != case.was("driverName").value() {
            out.push(driver.forbidden("updates to driverName are forbidden."));
        }
        if !same(settings.value(), case.was("parameters").value()) {
            out.push(settings.forbidden("updates to parameters are forbidden."));
        }
    }
    case.metadata(out);
    provisioner(&driver, out);
    parameters(&settings, out);
    if settings.empty() {
        out.push(settings.required("must contain at least one key/value pair"));
    }
}
