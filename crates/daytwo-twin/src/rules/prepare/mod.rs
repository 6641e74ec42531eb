//! Preparation: what a kind's registry sets and drops before it validates (`pkg/registry/**/strategy.go`,
//! `k8s.io/apiserver/pkg/registry/rest/{create,update}.go`; Kubernetes 1.36).
//!
//! It refuses nothing, save a Service whose address or port cannot be had.

mod gates;
mod pod;
mod pool;
pub(super) mod service;
mod storage;
mod workload;

pub(super) use pod::{APP_ARMOR, profile};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::check::resources;
use super::edit::{each, inner, keep, list, part, set, text};
use super::kinds::{Generation, Kind, Status};
use super::look::{field, same};
use crate::ask::{Ask, Object};

/// The time as objects hold it: to the second.
pub(super) fn stamp(now: Timestamp) -> Value {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()
}

/// Prepares an object that is to be created.
pub(super) fn create(kind: &Kind, object: &mut Object, ask: &mut Ask<'_>) {
    match &kind.status {
        Status::Untouched | Status::Client => {}
        Status::Pod => set(
            object,
            "status",
            json!({"phase": "Pending", "qosClass": resources::quality(field(object, "spec"))}),
        ),
        // Version 1 has other fields.
        Status::Reset(_) if ask.kind.api_version() == "autoscaling/v1" => {
            set(object, "status", json!({"currentReplicas": 0, "desiredReplicas": 0}));
        }
        Status::Reset(empty) => set(object, "status", empty.clone()),
    }
    if matches!(kind.generation, Generation::Once | Generation::Raised(_) | Generation::All) {
        set(part(object, "metadata"), "generation", 1);
    }
    gates::drop_disabled(kind.resource, object, None);
    match kind.resource {
        "pods" => pod::create(object, ask),
        "jobs.batch" => workload::job(object),
        "daemonsets.apps" => workload::daemon_set(object),
        "namespaces" => namespace(object),
        "persistentvolumes" => set(part(object, "status"), "lastPhaseTransitionTime", stamp(ask.now)),
        "persistentvolumeclaims" => storage::claim(object, None),
        "serviceaccounts" => names_only(object),
        "certificatesigningrequests.certificates.k8s.io" => requester(object, ask),
        "apiservices.apiregistration.k8s.io" => local_service(object, ask),
        _ => {}
    }
}

/// Prepares a change.
pub(super) fn update(kind: &Kind, new: &mut Object, old: &Object, ask: &mut Ask<'_>) {
    let before = inner(old, "metadata");
    keep(part(new, "metadata"), before, "generation");
    match ask.subresource {
        None | Some("scale") => written(kind, new, old),
        Some("status") => status(kind, new, old, ask),
        Some("approval") => {
            timestamps(new, old, ask);
            let conditions = field(inner(new, "status"), "conditions").clone();
            keep(new, old, "spec");
            keep(new, old, "status");
            set(part(new, "status"), "conditions", conditions);
        }
        Some("finalize") => keep(new, old, "status"),
        Some("ephemeralcontainers") => pod::ephemeral(new, old),
        Some("resize") => pod::resize(new, old),
        Some(_) => {}
    }
    let raised = field(before, "generation").as_i64().unwrap_or(0) + 1;
    if matches!(ask.subresource, None | Some("scale" | "ephemeralcontainers" | "resize"))
        && changed(kind, new, old)
    {
        set(part(new, "metadata"), "generation", raised);
    }
    let meta = part(new, "metadata");
    if text(meta, "uid").is_empty() {
        keep(meta, before, "uid");
    }
    keep(meta, before, "creationTimestamp");
    keep(meta, before, "deletionTimestamp");
    if !meta.contains_key("deletionGracePeriodSeconds") {
        keep(meta, before, "deletionGracePeriodSeconds");
    }
}

fn written(kind: &Kind, new: &mut Object, old: &Object) {
    if !matches!(kind.status, Status::Untouched) {
        keep(new, old, "status");
    }
    gates::drop_disabled(kind.resource, new, Some(old));
    match kind.resource {
        "daemonsets.apps" => workload::daemon_set_update(new, old),
        "namespaces" => keep(part(new, "spec"), inner(old, "spec"), "finalizers"),
        "persistentvolumeclaims" => storage::claim(new, Some(old)),
        "secrets" if text(new, "type").is_empty() => keep(new, old, "type"),
        "serviceaccounts" => names_only(new),
        "services" => service::drop_dependent(new, old),
        "certificatesigningrequests.certificates.k8s.io" => keep(new, old, "spec"),
        _ => {}
    }
}

fn status(kind: &Kind, new: &mut Object, old: &Object, ask: &Ask<'_>) {
    for kept in &kind.kept {
        let before = inner(old, "metadata");
        match *kept {
            "labels" => keep(part(new, "metadata"), before, "labels"),
            "owners" => keep(part(new, "metadata"), before, "ownerReferences"),
            "meta" => {
                let written = inner(new, "metadata").clone();
                keep(new, old, "metadata");
                for name in ["resourceVersion", "managedFields"] {
                    keep(part(new, "metadata"), &written, name);
                }
            }
            field => keep(new, old, field),
        }
    }
    match kind.resource {
        "pods" => pod::status(new, old),
        "persistentvolumes" => storage::volume_status(new, old, ask),
        "certificatesigningrequests.certificates.k8s.io" => {
            decisions(new, old);
            timestamps(new, old, ask);
        }
        _ => {}
    }
}

/// Whether the generation rises.
fn changed(kind: &Kind, new: &Object, old: &Object) -> bool {
    let differs = |name: &str| match name {
        "annotations" => !same(field(inner(new, "metadata"), name), field(inner(old, "metadata"), name)),
        _ => !same(field(new, name), field(old, name)),
    };
    match &kind.generation {
        Generation::Never | Generation::Once => false,
        Generation::Raised(fields) => fields.iter().any(|name| differs(name)),
        Generation::Late => differs("spec"),
        Generation::All => {
            let labels = |object| field(inner(object, "metadata"), "labels");
            let names = new.keys().chain(old.keys()).filter(|name| *name != "metadata");
            !same(labels(new), labels(old)) || names.into_iter().any(|name| differs(name))
        }
    }
}

/// What is set after validation.
pub(super) fn canonicalize(kind: &Kind, object: &mut Object) {
    let meta = part(object, "metadata");
    let name = text(meta, "name").to_owned();
    if kind.resource == "namespaces" && !name.is_empty() {
        set(part(meta, "labels"), "kubernetes.io/metadata.name", name);
    }
}

fn namespace(object: &mut Object) {
    let finalizers = list(part(object, "spec"), "finalizers");
    if !finalizers.iter().any(|name| name == "kubernetes") {
        finalizers.push("kubernetes".into());
    }
}

/// References to Secrets are names.
fn names_only(object: &mut Object) {
    for secret in each(object, "secrets") {
        secret.retain(|name, _| name == "name");
    }
}

/// Who asks for a certificate. Of the user's groups, only the one that all have is known here.
fn requester(object: &mut Object, ask: &Ask<'_>) {
    let spec = part(object, "spec");
    spec.shift_remove("uid");
    spec.shift_remove("extra");
    set(spec, "username", ask.user);
    set(spec, "groups", json!(["system:authenticated"]));
}

/// An API that the server itself serves is there at once.
fn local_service(object: &mut Object, ask: &Ask<'_>) {
    if inner(object, "spec").contains_key("service") {
        return;
    }
    let condition = json!({
        "type": "Available", "status": "True", "lastTransitionTime": stamp(ask.now), "reason": "Local",
        "message": "Local APIServices are always available",
    });
    set(part(object, "status"), "conditions", json!([condition]));
}

fn of_type<'o>(object: &'o Object, kind: &str) -> Vec<&'o Value> {
    let all = field(inner(object, "status"), "conditions").as_array();
    all.into_iter().flatten().filter(|condition| condition["type"] == *kind).collect()
}

/// Who writes the status of a request does not decide it.
fn decisions(new: &mut Object, old: &Object) {
    for kind in ["Approved", "Denied"] {
        let before = of_type(old, kind);
        if before.len() != of_type(new, kind).len() {
            continue;
        }
        let places = list(part(new, "status"), "conditions").iter_mut().filter(|one| one["type"] == *kind);
        places.zip(before).for_each(|(place, old)| *place = old.clone());
    }
}

fn timestamps(new: &mut Object, old: &Object, ask: &Ask<'_>) {
    let now = stamp(ask.now);
    for condition in each(part(new, "status"), "conditions") {
        if text(condition, "lastUpdateTime").is_empty() {
            set(condition, "lastUpdateTime", now.clone());
        }
        if text(condition, "lastTransitionTime").is_empty() {
            let same_state = |one: &&Value| one["status"] == *text(condition, "status");
            let before = of_type(old, text(condition, "type")).into_iter().find(same_state);
            let before = before.map(|one| one["lastTransitionTime"].clone()).filter(|time| !time.is_null());
            set(condition, "lastTransitionTime", before.unwrap_or_else(|| now.clone()));
        }
    }
}
