//! One object at several versions: it is kept at one, and shown at the one that was asked for.

use serde_json::{Map, Value};

use crate::ask::Object;
use crate::kinds::{Origin, Resource};
use crate::status::Result;
use crate::store::Stored;

/// The object at the version it is kept at.
pub(crate) fn to_storage(resource: &Resource, object: Object) -> Result<Object> {
    if resource.kind.version == resource.storage && resource.kind.group != "events.k8s.io" {
        return Ok(object);
    }
    match (&resource.origin, &*resource.kind.group, &*resource.kind.resource) {
        (Origin::Custom(definition), ..) => Ok(definition.stored(object)),
        (_, "autoscaling", "horizontalpodautoscalers") => Ok(autoscaler_v2(object)),
        (_, "events.k8s.io", "events") => Ok(event_core(object)),
        _ => Ok(object),
    }
}

/// The object at the version of `resource`.
pub(crate) fn from_storage(resource: &Resource, object: Object) -> Result<Object> {
    if !converts(resource) {
        return Ok(object);
    }
    match (&resource.origin, &*resource.kind.group, &*resource.kind.resource) {
        (Origin::Custom(definition), ..) => definition.served(&resource.kind.version, &object),
        (_, "autoscaling", "horizontalpodautoscalers") => Ok(autoscaler_v1(object)),
        (_, "events.k8s.io", "events") => Ok(event_new(object)),
        _ => Ok(object),
    }
}

/// Whether what is kept is not what is shown. Custom resources are kept as the definition made them that was in force when
/// they were written: what is opened stays as it is found, and from the first change of the definition on all are shown
/// as the new one has them, as a server does that reads them anew each time.
pub(crate) fn converts(resource: &Resource) -> bool {
    resource.kind.version != resource.storage
        || resource.kind.group == "events.k8s.io"
        || resource.definition().is_some_and(|definition| definition.renewed)
}

/// What a write of `new` answers, of which `kept` is kept: that, at the version it was written at.
pub(crate) fn answered(resource: &Resource, new: Object, kept: Object) -> Result<Object> {
    match &resource.origin {
        Origin::Custom(_) => from_storage(resource, kept),
        _ => Ok(new),
    }
}

/// A stored object as a tree, at the version of `resource`.
pub(crate) fn shown(resource: &Resource, stored: &Stored) -> Result<Object> {
    from_storage(resource, stored.object())
}

fn retype(object: Object, kind: &str, version: &str) -> Object {
    let mut out = Map::new();
    out.insert("kind".into(), kind.into());
    out.insert("apiVersion".into(), version.into());
    out.extend(object.into_iter().filter(|(name, _)| name != "kind" && name != "apiVersion"));
    out
}

/// What autoscaling/v1 cannot say stands in annotations (`pkg/apis/autoscaling/v1/conversion.go`).
const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";

fn is_cpu(metric: &Value) -> bool {
    metric.pointer("/resource/name").and_then(Value::as_str) == Some("cpu")
}

fn autoscaler_v1(object: Object) -> Object {
    let mut object = retype(object, "HorizontalPodAutoscaler", "autoscaling/v1");
    let mut notes: Vec<(&str, Value)> = Vec::new();
    if let Some(Value::Object(spec)) = object.get_mut("spec") {
        if let Some(Value::Array(metrics)) = spec.shift_remove("metrics") {
            let (cpu, others): (Vec<Value>, Vec<Value>) = metrics.into_iter().partition(|metric| {
                is_cpu(metric) && metric.pointer("/resource/target/averageUtilization").is_some()
            });
            if let Some(target) =
                cpu.first().and_then(|metric| metric.pointer("/resource/target/averageUtilization"))
            {
                spec.insert("targetCPUUtilizationPercentage".into(), target.clone());
            }
            if !others.is_empty() {
                notes.push((METRICS, Value::Array(others)));
            }
        }
        if let Some(behavior) = spec.shift_remove("behavior") {
            notes.push((BEHAVIOR, behavior));
        }
    }
    let status = object.entry("status").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(status) = status {
        for count in ["currentReplicas", "desiredReplicas"] {
            status.entry(count).or_insert(0.into());
        }
        if let Some(Value::Array(metrics)) = status.shift_remove("currentMetrics") {
            let used = metrics.iter().filter(|metric| is_cpu(metric));
            if let Some(used) =
                used.filter_map(|metric| metric.pointer("/resource/current/averageUtilization")).next()
            {
                status.insert("currentCPUUtilizationPercentage".into(), used.clone());
            }
            if !metrics.is_empty() {
                notes.push((CURRENT, Value::Array(metrics)));
            }
        }
        if let Some(conditions) =
            status.shift_remove("conditions").filter(|all| all.as_array().is_some_and(|all| !all.is_empty()))
        {
            notes.push((CONDITIONS, conditions));
        }
    }
    if !notes.is_empty() {
        let metadata = super::meta::metadata(&mut object);
        let mut annotations =
            metadata.get("annotations").and_then(Value::as_object).cloned().unwrap_or_default();
        for (name, value) in notes {
            annotations.insert(name.to_owned(), Value::String(crate::field::go_json(&value)));
        }
        super::meta::set(&mut object, "annotations", Some(Value::Object(annotations)));
    }
    object
}

fn autoscaler_v2(object: Object) -> Object {
    let mut object = retype(object, "HorizontalPodAutoscaler", "autoscaling/v2");
    let mut notes: Map<String, Value> = Map::new();
    let metadata = super::meta::metadata(&mut object);
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        for name in [METRICS, CURRENT, CONDITIONS, BEHAVIOR] {
            let text = annotations.shift_remove(name);
            if let Some(value) =
                text.as_ref().and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok())
            {
                notes.insert(name.to_owned(), value);
            }
        }
        if annotations.is_empty() {
            metadata.shift_remove("annotations");
        }
    }
    if let Some(Value::Object(spec)) = object.get_mut("spec") {
        let mut metrics = match notes.shift_remove(METRICS) {
            Some(Value::Array(metrics)) => metrics,
            _ => Vec::new(),
        };
        if let Some(target) = spec.shift_remove("targetCPUUtilizationPercentage") {
            metrics.insert(
                0,
                serde_json::json!({"type": "Resource", "resource": {"name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": target}}}),
            );
        }
        if !metrics.is_empty() {
            spec.insert("metrics".into(), Value::Array(metrics));
        }
        if let Some(behavior) = notes.shift_remove(BEHAVIOR) {
            spec.insert("behavior".into(), behavior);
        }
    }
    if let Some(Value::Object(status)) = object.get_mut("status") {
        status.shift_remove("currentCPUUtilizationPercentage");
        // Version 2 leaves out none.
        if status.get("currentReplicas").is_some_and(|count| count == 0) {
            status.shift_remove("currentReplicas");
        }
        status.insert("currentMetrics".into(), notes.shift_remove(CURRENT).unwrap_or(Value::Null));
        if let Some(conditions) = notes.shift_remove(CONDITIONS) {
            status.insert("conditions".into(), conditions);
        }
    }
    object
}

/// The fields of an event that the two groups name differently (`pkg/apis/events/v1/conversion.go`): here, in the core.
const EVENT: [(&str, &str); 6] = [
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

fn event_core(object: Object) -> Object {
    let mut object = retype(object, "Event", "v1");
    rename(&mut object, EVENT.map(|(new, core)| (new, core)));
    rename(&mut object, [("reportingController", "reportingComponent")]);
    let empty = [
        ("source", Value::Object(Map::new())),
        ("firstTimestamp", Value::Null),
        ("lastTimestamp", Value::Null),
        ("reportingComponent", "".into()),
        ("reportingInstance", "".into()),
    ];
    for (name, empty) in empty {
        object.entry(name).or_insert(empty);
    }
    object
}

fn event_new(object: Object) -> Object {
    let mut object = retype(object, "Event", "events.k8s.io/v1");
    rename(&mut object, EVENT.map(|(new, core)| (core, new)));
    rename(&mut object, [("reportingComponent", "reportingController")]);
    object
        .retain(|name, value| !matches!(&**name, "reportingController" | "reportingInstance") || value != "");
    object
}

fn rename<const N: usize>(object: &mut Object, names: [(&str, &str); N]) {
    for (from, to) in names {
        if let Some(value) = object.shift_remove(from) {
            object.insert(to.to_owned(), value);
        }
    }
}
