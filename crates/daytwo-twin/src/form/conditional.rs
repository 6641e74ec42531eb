//! Defaults that depend on other fields (`pkg/apis/*/v*/defaults.go` of Kubernetes 1.36.3). Each function gets the struct
//! it is named after, after the constant defaults of that struct.
//!
//! They refuse to fail: what is of no use to them is left as it is, for validation to refuse.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::image;
use super::pod_level;
use crate::ask::Object;

/// Fills in one struct.
pub(super) type Conditional = fn(&mut Object, Timestamp);

/// The types that have such a function.
#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "apiextensions.v1.CustomResourceDefinition",
    "autoscaling.v1.HorizontalPodAutoscaler",
    "batch.v1.Job",
    "core.v1.Container",
    "core.v1.EphemeralContainer",
    "core.v1.LimitRangeItem",
    "core.v1.Namespace",
    "core.v1.NodeStatus",
    "core.v1.Pod",
    "core.v1.ReplicationController",
    "core.v1.Service",
    "core.v1.Volume",
    "resource.v1.Device",
    "resource.v1.DeviceTaint",
];

/// The function for a type.
pub(super) fn of(name: &str) -> Option<Conditional> {
    Some(match name {
        "apiextensions.v1.CustomResourceDefinition" => definition,
        "autoscaling.v1.HorizontalPodAutoscaler" => autoscaler,
        "batch.v1.Job" => job,
        "core.v1.Container" | "core.v1.EphemeralContainer" => container,
        "core.v1.LimitRangeItem" => limits,
        "core.v1.Namespace" => namespace,
        "core.v1.NodeStatus" => node,
        "core.v1.Pod" => pod,
        "core.v1.ReplicationController" => replication_controller,
        "core.v1.Service" => service,
        "core.v1.Volume" => volume,
        "resource.v1.Device" => device,
        "resource.v1.DeviceTaint" => taint,
        _ => return None,
    })
}

/// The struct at a path.
pub(super) fn inner<'a>(object: &'a mut Object, path: &[&str]) -> Option<&'a mut Object> {
    path.iter().try_fold(object, |object, name| object.get_mut(*name)?.as_object_mut())
}

/// The text of a field; empty where there is none.
pub(super) fn text<'a>(object: &'a Object, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The structs of a list.
pub(super) fn items<'a>(object: &'a mut Object, name: &str) -> impl Iterator<Item = &'a mut Object> {
    let items = object.get_mut(name).and_then(Value::as_array_mut);
    items.into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Sets what is not there.
fn unset(object: &mut Object, name: &str, value: impl Into<Value>) {
    if object.get(name).is_none_or(Value::is_null) {
        object.insert(name.to_owned(), value.into());
    }
}

fn definition(object: &mut Object, _now: Timestamp) {
    let Some(spec) = inner(object, &["spec"]) else { return };
    if let Some(names) = inner(spec, &["names"]) {
        let kind = text(names, "kind").to_owned();
        if !kind.is_empty() {
            unset(names, "singular", kind.to_lowercase());
            unset(names, "listKind", format!("{kind}List"));
        }
    }
    let stored = items(spec, "versions").find(|version| version.get("storage") == Some(&Value::Bool(true)));
    let stored = stored.map(|version| text(version, "name").to_owned());
    if let (Some(stored), Some(status)) = (stored, inner(object, &["status"])) {
        unset(status, "storedVersions", vec![stored]);
    }
}

/// Kept at v2, which has a default where v1 has none.
fn autoscaler(object: &mut Object, _now: Timestamp) {
    let metrics = "autoscaling.alpha.kubernetes.io/metrics";
    let others = inner(object, &["metadata", "annotations"]).is_some_and(|notes| notes.contains_key(metrics));
    if let (false, Some(spec)) = (others, inner(object, &["spec"])) {
        unset(spec, "targetCPUUtilizationPercentage", 80);
    }
}

fn job(object: &mut Object, _now: Timestamp) {
    let Some(spec) = inner(object, &["spec"]) else { return };
    if !spec.contains_key("parallelism") {
        unset(spec, "completions", 1);
    }
    unset(spec, "parallelism", 1);
    let backoff = if spec.contains_key("backoffLimitPerIndex") { i32::MAX } else { 6 };
    unset(spec, "backoffLimit", backoff);
    let replacement = if spec.contains_key("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
    unset(spec, "podReplacementPolicy", replacement);
    labels_of_template(object);
}

/// The labels of the template, for an object that has none.
fn labels_of_template(object: &mut Object) -> Option<Value> {
    let labels = inner(object, &["spec", "template", "metadata"])?.get("labels")?.clone();
    unset(inner(object, &["metadata"])?, "labels", labels.clone());
    Some(labels)
}

fn replication_controller(object: &mut Object, _now: Timestamp) {
    let labels = labels_of_template(object);
    if let (Some(labels), Some(spec)) = (labels, inner(object, &["spec"])) {
        unset(spec, "selector", labels);
    }
}

fn container(object: &mut Object, _now: Timestamp) {
    if text(object, "imagePullPolicy").is_empty() {
        let policy = image::pull_policy(text(object, "image"));
        object.insert("imagePullPolicy".to_owned(), policy.into());
    }
}

fn volume(object: &mut Object, _now: Timestamp) {
    if object.iter().all(|(name, value)| name == "name" || value.is_null()) {
        object.insert("emptyDir".to_owned(), json!({}));
    }
    if let Some(image) = inner(object, &["image"])
        && text(image, "pullPolicy").is_empty()
    {
        let policy = image::pull_policy(text(image, "reference"));
        image.insert("pullPolicy".to_owned(), policy.into());
    }
}

fn limits(object: &mut Object, _now: Timestamp) {
    if text(object, "type") != "Container" {
        return;
    }
    fill(object, "max", "default");
    fill(object, "default", "defaultRequest");
    fill(object, "min", "defaultRequest");
}

/// Adds the amounts of one list to another that has them not.
fn fill(object: &mut Object, from: &str, to: &str) {
    let Some(from) = object.get(from).and_then(Value::as_object).cloned() else { return };
    let to = object.entry(to).or_insert_with(|| Value::Object(Map::new()));
    if to.is_null() {
        *to = Value::Object(Map::new());
    }
    if let Some(to) = to.as_object_mut() {
        for (name, amount) in from {
            to.entry(name).or_insert(amount);
        }
        to.sort_keys();
    }
}

fn namespace(object: &mut Object, _now: Timestamp) {
    let Some(metadata) = inner(object, &["metadata"]) else { return };
    let name = text(metadata, "name").to_owned();
    if !name.is_empty() {
        let labels = metadata.entry("labels").or_insert_with(|| json!({}));
        if let Some(labels) = labels.as_object_mut() {
            labels.insert("kubernetes.io/metadata.name".to_owned(), name.into());
            labels.sort_keys();
        }
    }
}

fn node(object: &mut Object, _now: Timestamp) {
    if let Some(capacity) = object.get("capacity").cloned() {
        unset(object, "allocatable", capacity);
    }
}

fn pod(object: &mut Object, _now: Timestamp) {
    let Some(spec) = inner(object, &["spec"]) else { return };
    for name in ["containers", "initContainers"] {
        for container in items(spec, name) {
            if let Some(resources) = inner(container, &["resources"]) {
                fill(resources, "limits", "requests");
            }
        }
    }
    pod_level::fill(spec);
    if spec.get("hostNetwork") != Some(&Value::Bool(true)) {
        return;
    }
    for name in ["containers", "initContainers"] {
        for port in items(spec, name).flat_map(|container| items(container, "ports")) {
            if let Some(number) = port.get("containerPort").filter(|number| **number != 0).cloned() {
                unset(port, "hostPort", number);
            }
        }
    }
}

fn service(object: &mut Object, _now: Timestamp) {
    let Some(spec) = inner(object, &["spec"]) else { return };
    for port in items(spec, "ports") {
        if port.get("targetPort").is_none_or(|port| *port == 0 || port == "") {
            let number = port.get("port").cloned().unwrap_or_else(|| 0.into());
            port.insert("targetPort".to_owned(), number);
        }
    }
    match text(spec, "sessionAffinity") {
        "None" => drop(spec.shift_remove("sessionAffinityConfig")),
        "ClientIP" => {
            let set = inner(spec, &["sessionAffinityConfig", "clientIP"]);
            if set.is_none_or(|set| !set.contains_key("timeoutSeconds")) {
                spec.insert(
                    "sessionAffinityConfig".to_owned(),
                    json!({"clientIP": {"timeoutSeconds": 10_800}}),
                );
            }
        }
        _ => {}
    }
    let kind = text(spec, "type").to_owned();
    if kind == "ClusterIP" && spec.get("externalIPs").is_some_and(|ips| !ips.is_null()) {
        unset(spec, "externalTrafficPolicy", "Cluster");
    }
    if let ("LoadBalancer", Some(balancer)) = (kind.as_str(), inner(object, &["status", "loadBalancer"])) {
        for ingress in items(balancer, "ingress").filter(|ingress| !text(ingress, "ip").is_empty()) {
            unset(ingress, "ipMode", "VIP");
        }
    }
}

fn device(object: &mut Object, _now: Timestamp) {
    let mappings = inner(object, &["nodeAllocatableResourceMappings"]);
    let mappings = mappings.into_iter().flat_map(|mappings| mappings.values_mut());
    for mapping in mappings.filter_map(Value::as_object_mut) {
        unset(mapping, "allocationMultiplier", "1");
    }
}

fn taint(object: &mut Object, now: Timestamp) {
    unset(object, "timeAdded", format!("{now:.0}"));
}
