//! Nodes, and the components of old.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::read;
use super::source::joined;
use crate::ask::Object;

const ROLE: &str = "node-role.kubernetes.io/";

/// Whether it is ready, and whether it is cordoned.
pub(super) fn status(node: &Object, _: Timestamp) -> Value {
    let ready = read::list(node, &["status", "conditions"])
        .iter()
        .rfind(|condition| read::field(condition, "type") == "Ready")
        .map(|condition| read::field(condition, "status"));
    let status = match ready {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    match read::at(node, &["spec", "unschedulable"]) {
        Some(Value::Bool(true)) => format!("{status},SchedulingDisabled").into(),
        _ => status.into(),
    }
}

/// The roles that its labels give it.
pub(super) fn roles(node: &Object, _: Timestamp) -> Value {
    let labels = read::at(node, &["metadata", "labels"]).and_then(Value::as_object);
    let role = |(name, value): (&'_ String, &'_ Value)| match name.strip_prefix(ROLE) {
        Some(role) => Some(role.to_owned()),
        None if name == "kubernetes.io/role" => value.as_str().map(str::to_owned),
        None => None,
    };
    let roles: BTreeSet<String> =
        labels.into_iter().flatten().filter_map(role).filter(|role| !role.is_empty()).collect();
    match roles.is_empty() {
        true => "<none>".into(),
        false => joined(roles.iter().map(String::as_str)).into(),
    }
}

/// The first address within the cluster.
pub(super) fn internal(node: &Object, _: Timestamp) -> Value {
    address(node, "InternalIP")
}

/// The first address outside.
pub(super) fn external(node: &Object, _: Timestamp) -> Value {
    address(node, "ExternalIP")
}

fn address(node: &Object, kind: &str) -> Value {
    read::condition(read::list(node, &["status", "addresses"]), kind)
        .map_or("<none>", |address| read::field(address, "address"))
        .into()
}

/// The kernel's version and what it runs on.
pub(super) fn kernel(node: &Object, _: Timestamp) -> Value {
    let info = |name| read::text(node, &["status", "nodeInfo", name]);
    let version = match info("kernelVersion") {
        "" => "<unknown>",
        version => version,
    };
    match info("architecture") {
        "" => version.into(),
        architecture => format!("{version} ({architecture})").into(),
    }
}

/// All cells of a ComponentStatus.
pub(super) fn component(component: &Object, _: Timestamp) -> Vec<Value> {
    let healthy = read::condition(read::list(component, &["conditions"]), "Healthy");
    let status = match healthy.map(|condition| read::field(condition, "status")) {
        Some("True") => "Healthy",
        Some(_) => "Unhealthy",
        None => "Unknown",
    };
    let said = |name| healthy.map_or("", |condition| read::field(condition, name)).into();
    vec![read::text(component, &["metadata", "name"]).into(), status.into(), said("message"), said("error")]
}
