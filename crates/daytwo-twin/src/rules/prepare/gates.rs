//! Fields of features that are off by default in Kubernetes 1.36: they are dropped, unless the old object has them
//! (`pkg/api/pod/util.go`, `pkg/registry/**/strategy.go`).
//!
//! It refuses to know of gates that are set otherwise.

use serde_json::Value;

use crate::ask::Object;
use crate::rules::edit::{containers, each, inner, pod_spec, set};
use crate::rules::look::field;

/// Drops what the server does not know of yet.
pub(super) fn drop_disabled(resource: &str, object: &mut Object, old: Option<&Object>) {
    if let Some(spec) = pod_spec(resource, object) {
        // Pods cannot take such fields on later, and what had them keeps them.
        if old.is_none() {
            pods(spec);
        }
    }
    for (kind, path) in FIELDS {
        if *kind == resource && old.is_none_or(|old| at(old, path).is_null()) {
            take(object, path);
        }
    }
}

/// Fields outside pods, by kind.
const FIELDS: &[(&str, &[&str])] = &[
    ("statefulsets.apps", &["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"]),
    ("leases.coordination.k8s.io", &["spec", "strategy"]),
    ("leases.coordination.k8s.io", &["spec", "preferredHolder"]),
    ("csidrivers.storage.k8s.io", &["spec", "preventPodSchedulingIfMissing"]),
    ("nodes", &["spec", "configSource"]),
    ("nodes", &["status", "config"]),
];

fn at<'o>(object: &'o Object, path: &[&str]) -> &'o Value {
    match path.split_last() {
        None => &Value::Null,
        Some((last, parents)) => field(parents.iter().fold(object, |object, name| inner(object, name)), last),
    }
}

fn take(object: &mut Object, path: &[&str]) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut object = object;
    for name in parents {
        match object.get_mut(*name).and_then(Value::as_object_mut) {
            Some(inside) => object = inside,
            None => return,
        }
    }
    set(object, last, Value::Null);
}

fn pods(spec: &mut Object) {
    set(spec, "schedulingGroup", Value::Null);
    containers(spec, &mut |container| {
        let Some(lifecycle) = container.get_mut("lifecycle").and_then(Value::as_object_mut) else { return };
        if lifecycle.shift_remove("stopSignal").is_some() && lifecycle.is_empty() {
            set(container, "lifecycle", Value::Null);
        }
    });
    for volume in each(spec, "volumes") {
        let Some(projected) = volume.get_mut("projected").and_then(Value::as_object_mut) else { continue };
        for source in each(projected, "sources") {
            set(source, "clusterTrustBundle", Value::Null);
            set(source, "podCertificate", Value::Null);
        }
    }
}
