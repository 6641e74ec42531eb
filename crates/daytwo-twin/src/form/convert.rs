//! What an object's way to the server's internal types and back leaves (`pkg/apis/*/v*/conversion.go` of Kubernetes 1.36.3
//! and of apiextensions-apiserver v0.36.3): fields that say one thing twice, annotations in the place of fields.
//!
//! It refuses conversion between versions that are served.

use daytwo_etcd::kube::types::Struct;
use serde_json::{Value, json};

use super::conditional::{inner, items, text};
use crate::ask::Object;
use crate::field::quoted;

const GENERATION: &str = "deprecated.daemonset.template.generation";
const ROLLBACK: &str = "deprecated.deployment.rollback.to";

/// Annotations that init containers were kept in before they had a field.
const INIT: [&str; 4] = [
    "pod.beta.kubernetes.io/init-containers",
    "pod.alpha.kubernetes.io/init-containers",
    "pod.beta.kubernetes.io/init-container-statuses",
    "pod.alpha.kubernetes.io/init-container-statuses",
];

/// Annotations that v1 of an autoscaler keeps the fields of later versions in.
const AUTOSCALER: [&str; 6] = [
    "autoscaling.alpha.kubernetes.io/metrics",
    "autoscaling.alpha.kubernetes.io/behavior",
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
    "autoscaling.alpha.kubernetes.io/current-metrics",
    "autoscaling.alpha.kubernetes.io/conditions",
];

/// Whether the object can be converted at all.
pub(super) fn check(of: &Struct, object: &Object) -> Result<(), String> {
    let annotation = |name| {
        let annotations = object.get("metadata").and_then(|metadata| metadata.get("annotations"));
        annotations.and_then(|annotations| annotations.get(name)).and_then(Value::as_str)
    };
    match (of.package, of.name) {
        ("k8s.io.api.apps.v1", "Deployment") => match annotation(ROLLBACK).filter(|text| !text.is_empty()) {
            None => Ok(()),
            Some(text) => integer(text)
                .map(drop)
                .map_err(|why| format!("failed to parse annotation[{ROLLBACK}]={text} as int64: {why}")),
        },
        ("k8s.io.api.apps.v1", "DaemonSet") => {
            annotation(GENERATION).map_or(Ok(()), |text| integer(text).map(drop))
        }
        _ => Ok(()),
    }
}

/// As Go's `strconv.ParseInt`.
fn integer(text: &str) -> Result<i64, String> {
    text.parse::<i64>().map_err(|error| {
        let why = match error.kind() {
            std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        format!("strconv.ParseInt: parsing {}: {why}", quoted(text))
    })
}

/// Converts an object with its defaults.
pub(super) fn convert(of: &Struct, object: &mut Object) {
    let group = of.package.strip_prefix("k8s.io.api.").unwrap_or(of.package);
    match (group, of.name) {
        ("core.v1", "Pod") => pod(object),
        ("core.v1", "PodTemplate") => template(object, &["template"]),
        ("core.v1", "ReplicationController") => template(object, &["spec", "template"]),
        ("core.v1", "Node") => doubled(object, &["spec"], "podCIDR", "podCIDRs", None),
        ("core.v1", "Secret") => secret(object),
        ("apps.v1", "Deployment") => {
            numbered(object, ROLLBACK, None);
            template(object, &["spec", "template"]);
        }
        ("apps.v1", "DaemonSet") => {
            numbered(object, GENERATION, Some("0"));
            template(object, &["spec", "template"]);
        }
        ("apps.v1", "StatefulSet") => {
            claims(object);
            template(object, &["spec", "template"]);
        }
        ("apps.v1", "ReplicaSet") => template(object, &["spec", "template"]),
        ("batch.v1", "Job") => template(object, &["spec", "template"]),
        ("batch.v1", "CronJob") => template(object, &["spec", "jobTemplate", "spec", "template"]),
        ("autoscaling.v2", "HorizontalPodAutoscaler") => without(object, &AUTOSCALER),
        ("policy.v1", "PodDisruptionBudget") => budget(object),
        (_, "CustomResourceDefinition") => definition(object),
        _ => {}
    }
}

fn pod(object: &mut Object) {
    without(object, &INIT);
    if let Some(spec) = inner(object, &["spec"]) {
        account(spec);
        let grace = spec.get("terminationGracePeriodSeconds").and_then(Value::as_i64);
        if grace.is_some_and(|grace| grace < 0) {
            spec.insert("terminationGracePeriodSeconds".to_owned(), 1.into());
        }
    }
    doubled(object, &["status"], "podIP", "podIPs", Some("ip"));
}

fn template(object: &mut Object, path: &[&str]) {
    let Some(template) = inner(object, path) else { return };
    without(template, &INIT);
    if let Some(spec) = inner(template, &["spec"]) {
        account(spec);
    }
}

/// Two names for the account a pod runs as.
fn account(spec: &mut Object) {
    let mut name = text(spec, "serviceAccountName").to_owned();
    if name.is_empty() {
        name = text(spec, "serviceAccount").to_owned();
    }
    for field in ["serviceAccountName", "serviceAccount"] {
        match name.is_empty() {
            true => drop(spec.shift_remove(field)),
            false => drop(spec.insert(field.to_owned(), name.clone().into())),
        }
    }
}

/// Removes annotations.
fn without(object: &mut Object, names: &[&str]) {
    let Some(metadata) = inner(object, &["metadata"]) else { return };
    let Some(annotations) = inner(metadata, &["annotations"]) else { return };
    annotations.retain(|name, _| !names.contains(&name.as_str()));
    if annotations.is_empty() {
        metadata.shift_remove("annotations");
    }
}

/// One value and a list that begins with it.
fn doubled(object: &mut Object, path: &[&str], one: &str, list: &str, within: Option<&str>) {
    let Some(object) = inner(object, path) else { return };
    let value = text(object, one).to_owned();
    let first = object.get(list).and_then(|list| list.get(0)).map(|first| match within {
        Some(name) => first.get(name).and_then(Value::as_str).unwrap_or_default().to_owned(),
        None => first.as_str().unwrap_or_default().to_owned(),
    });
    match first {
        Some(first) if value.is_empty() && first.is_empty() => {}
        Some(first) if value.is_empty() => drop(object.insert(one.to_owned(), first.into())),
        Some(first) if first == value => {}
        _ if value.is_empty() => {}
        _ => {
            let item = within.map_or_else(|| json!(value), |name| json!({name: value}));
            object.insert(list.to_owned(), json!([item]));
        }
    }
}

fn secret(object: &mut Object) {
    use base64::Engine as _;
    let Some(Value::Object(added)) = object.shift_remove("stringData") else { return };
    let data = object.entry("data").or_insert_with(|| json!({}));
    if let Some(data) = data.as_object_mut() {
        for (key, text) in added {
            let bytes = text.as_str().unwrap_or_default().as_bytes();
            data.insert(key, base64::engine::general_purpose::STANDARD.encode(bytes).into());
        }
        data.sort_keys();
    }
}

/// An annotation that stands for a number: gone where there is none, or what it then is.
fn numbered(object: &mut Object, name: &str, absent: Option<&str>) {
    let Some(metadata) = inner(object, &["metadata"]) else { return };
    let given = inner(metadata, &["annotations"]).map(|annotations| text(annotations, name).to_owned());
    let number = given.and_then(|given| integer(&given).ok()).map(|number| number.to_string());
    match number.or_else(|| absent.map(str::to_owned)) {
        Some(number) => {
            let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
            if let Some(annotations) = annotations.as_object_mut() {
                annotations.insert(name.to_owned(), number.into());
                annotations.sort_keys();
            }
        }
        None => without(object, &[name]),
    }
}

fn claims(object: &mut Object) {
    let Some(spec) = inner(object, &["spec"]) else { return };
    for claim in items(spec, "volumeClaimTemplates") {
        claim.insert("kind".to_owned(), "PersistentVolumeClaim".into());
        claim.insert("apiVersion".to_owned(), "v1".into());
    }
}

/// What v1beta1 meant by an empty selector was kept in one that matches nothing.
fn budget(object: &mut Object) {
    const LABEL: &str = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match";
    let Some(selector) = inner(object, &["spec", "selector"]) else { return };
    let nothing = json!([{"key": LABEL, "operator": "Exists"}]);
    if selector.len() == 1 && selector.get("matchExpressions") == Some(&nothing) {
        return;
    }
    if let Some(expressions) = selector.get_mut("matchExpressions").and_then(Value::as_array_mut) {
        expressions.retain(|expression| expression.get("key").is_none_or(|key| key != LABEL));
        if expressions.is_empty() {
            selector.shift_remove("matchExpressions");
        }
    }
}

/// A webhook that says nothing is none.
fn definition(object: &mut Object) {
    let Some(conversion) = inner(object, &["spec", "conversion"]) else { return };
    let nothing = inner(conversion, &["webhook"]).is_some_and(|webhook| webhook.values().all(Value::is_null));
    if nothing {
        conversion.shift_remove("webhook");
    }
}
