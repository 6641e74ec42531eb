//! The kubelets' part: pods that have a node run, pods that are deleted end, nodes are ready.
//!
//! Nothing is run: a pod is ready at once, whatever its probes would say.

use std::sync::Arc;

use serde_json::{Value, json};

use super::put;
use crate::api::meta_of as meta;
use crate::api::{Inner, Settings};
use crate::ask::{Object, Unknown};
use crate::kinds::TableId;
use crate::store::Stored;

/// Runs a pod that waits on its node, or ends one that is to be gone.
pub(super) fn pod(inner: &mut Inner, settings: &Settings, table: TableId, stored: &Arc<Stored>) {
    let pod = stored.object();
    let text = |part: &str, name: &str| {
        pod.get(part).and_then(|part| part.get(name)).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let node = text("spec", "nodeName");
    let Some(node) =
        inner.kinds.table_of("", "nodes").and_then(|nodes| inner.store.get(nodes, &node)).cloned()
    else {
        return;
    };
    if meta::deleting(&pod) {
        if meta::names(&pod, "finalizers").is_empty() {
            super::remove(inner, table, stored);
        }
        return;
    }
    if text("status", "phase") != "Pending" {
        return;
    }
    let now = meta::time(settings.clock.now());
    let next = running(pod, &node.object(), &now, stored.revision);
    if let Some(resource) = super::resource_of(&inner.kinds, table)
        && let Ok(next) = crate::form::decode(&resource.kind, next, Unknown::Ignore, &mut Vec::new())
    {
        put(inner, table, &stored.key, next);
    }
}

fn running(mut pod: Object, node: &Object, now: &Value, revision: u64) -> Object {
    for kind in ["Initialized", "Ready", "ContainersReady"] {
        super::condition(
            &mut pod,
            json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": now}),
        );
    }
    let statuses: Vec<Value> = pod
        .get("spec")
        .and_then(|spec| spec.get("containers"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|container| {
            json!({
                "name": container["name"], "image": container["image"], "imageID": "", "ready": true,
                "restartCount": 0, "lastState": {}, "state": {"running": {"startedAt": now}},
            })
        })
        .collect();
    let host_network =
        pod.get("spec").and_then(|spec| spec.get("hostNetwork")).and_then(Value::as_bool) == Some(true);
    let address = node
        .get("status")
        .and_then(|status| status.get("addresses"))
        .and_then(Value::as_array)
        .and_then(|all| all.iter().find(|one| one["type"] == "InternalIP"))
        .and_then(|one| one["address"].as_str().map(str::to_owned));
    // Of the range that k3s and kubeadm give to pods by habit.
    let ip = match (&address, host_network) {
        (Some(address), true) => address.clone(),
        _ => format!("10.244.{}.{}", (revision / 254) % 256, revision % 254 + 1),
    };
    let Some(Value::Object(status)) = pod.get_mut("status") else { return pod };
    status.insert("phase".into(), "Running".into());
    if let Some(address) = address {
        status.insert("hostIP".into(), address.clone().into());
        status.insert("hostIPs".into(), json!([{"ip": address}]));
    }
    status.insert("podIP".into(), ip.clone().into());
    status.insert("podIPs".into(), json!([{"ip": ip}]));
    status.insert("startTime".into(), now.clone());
    status.insert("containerStatuses".into(), Value::Array(statuses));
    pod
}

/// Makes a new node ready, as the kubelet on it would.
pub(super) fn node(inner: &mut Inner, settings: &Settings, table: TableId, stored: &Arc<Stored>) {
    let mut node = stored.object();
    let conditions = node.get("status").and_then(|status| status.get("conditions")).and_then(Value::as_array);
    if conditions.into_iter().flatten().any(|one| one["type"] == "Ready") {
        return;
    }
    let now = meta::time(settings.clock.now());
    for (kind, status, reason, message) in [
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("NetworkUnavailable", "False", "RouteCreated", "RouteController created a route"),
    ] {
        super::condition(
            &mut node,
            json!({"type": kind, "status": status, "lastHeartbeatTime": now, "lastTransitionTime": now,
                "reason": reason, "message": message}),
        );
    }
    if let Some(Value::Object(status)) = node.get_mut("status") {
        for name in ["capacity", "allocatable"] {
            if status.get(name).is_none_or(|there| there.as_object().is_none_or(|there| there.is_empty())) {
                status.insert(name.into(), json!({"cpu": "4", "memory": "8Gi", "pods": "110"}));
            }
        }
        status.insert("phase".into(), "Running".into());
    }
    if let Some(resource) = super::resource_of(&inner.kinds, table)
        && let Ok(node) = crate::form::decode(&resource.kind, node, Unknown::Ignore, &mut Vec::new())
    {
        put(inner, table, &stored.key, node);
    }
}
