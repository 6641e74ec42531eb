//! Names of resources: which of them containers, pods and quotas may have, and what amounts.

use super::{Amount, At, Faults, json, words};

const CONTAINER: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

/// Resources that count objects, or are counted for quotas.
const COUNTED: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

const QUOTA: [&str; 10] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
];

/// Whether a resource is Kubernetes' own.
pub(in crate::rules) fn native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// Whether a resource is somebody else's.
fn extended(name: &str) -> bool {
    !native(name)
        && !name.starts_with("requests.")
        && words::qualified(&format!("requests.{name}")).is_empty()
}

pub(super) fn huge(name: &str) -> bool {
    name.starts_with("hugepages-")
}

fn standard_quota(name: &str) -> bool {
    COUNTED.contains(&name) || QUOTA.contains(&name) || huge(name) || name.starts_with("requests.hugepages-")
}

/// More may be promised than there is.
pub(super) fn overcommitted(name: &str) -> bool {
    native(name) && !huge(name)
}

/// Whether a resource comes in whole numbers.
fn whole_numbers(name: &str) -> bool {
    COUNTED.contains(&name) || extended(name)
}

/// The name of a resource of any kind.
pub(in crate::rules) fn any_name(name: &str, place: &At<'_>, out: &mut Faults) -> bool {
    let wrong = words::qualified(name);
    if !wrong.is_empty() {
        out.extend(wrong.into_iter().map(|words| place.invalid_as(name, words)));
        return false;
    }
    if !name.contains('/') && !standard_quota(name) && name != "storage" {
        out.push(place.invalid_as(name, "must be a standard resource type or fully qualified"));
        return false;
    }
    true
}

/// The name of a resource that containers have.
pub(in crate::rules) fn of_containers(name: &str, place: &At<'_>, out: &mut Faults) {
    any_name(name, place, out);
    if !name.contains('/') {
        if !CONTAINER.contains(&name) && !huge(name) {
            out.push(place.invalid_as(name, "must be a standard resource for containers"));
        }
    } else if !native(name) && !extended(name) {
        out.push(place.invalid_as(name, "doesn't follow extended resource name standard"));
    }
}

pub(super) fn of_pods(name: &str, place: &At<'_>, out: &mut Faults) {
    if any_name(name, place, out) && !matches!(name, "cpu" | "memory") && !huge(name) {
        out.push(place.with(&json!(name)).unsupported(&["cpu", "hugepages-", "memory"]));
    }
}

/// The name of a resource in a quota.
pub(in crate::rules) fn of_quotas(name: &str, place: &At<'_>, out: &mut Faults) {
    any_name(name, place, out);
    if !name.contains('/') && !standard_quota(name) {
        out.push(place.invalid_as(name, "must be a standard resource for quota"));
    }
}

/// An amount of a resource: not below zero, and whole where it cannot be parted.
pub(in crate::rules) fn amount(name: &str, place: &At<'_>, out: &mut Faults) {
    let amount = Amount::of(place.value());
    if amount.negative() {
        out.push(place.invalid_as(place.text(), "must be greater than or equal to 0"));
    }
    if whole_numbers(name) && !amount.is_whole() {
        out.push(place.invalid("must be an integer"));
    }
}
