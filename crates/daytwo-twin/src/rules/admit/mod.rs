//! Admission: what the server's own plugins, in its default set, do to a write that other objects decide
//! (`pkg/kubeapiserver/options/plugins.go`, `plugin/pkg/admission`; Kubernetes 1.36). First those that change objects,
//! in the server's order; after validation those that only look.
//!
//! It refuses to call webhooks and to evaluate policies, which are not the server's own.

mod accounts;
mod classes;
mod limits;
mod pods;
mod quota;
pub(super) mod security;

use serde_json::{Value, json};

use super::edit::{inner, list, part, text};
use super::look::field;
use crate::ask::{Ask, Object};
use crate::field::quoted;
use crate::status::{Result, Status, Subject};

fn forbidden(object: &Object, ask: &Ask<'_>, why: impl std::fmt::Display) -> Status {
    let name = text(inner(object, "metadata"), "name");
    let name = if name.is_empty() { "Unknown" } else { name };
    Status::forbidden(Subject { group: &ask.kind.group, kind: &ask.kind.resource }, name, why)
}

/// An object whose name is generated has only its beginning, when plugins that may change it see it.
fn unnamed(mut status: Status, object: &Object) -> Status {
    let meta = inner(object, "metadata");
    let (name, begin) = (text(meta, "name"), text(meta, "generateName"));
    let kept: String = begin.chars().take(58).collect();
    let generated = !begin.is_empty() && name.len() == kept.len() + 5 && name.starts_with(&kept);
    if generated && status.code == 403 && status.details.get("name").is_some_and(|said| said == name) {
        status.message = status.message.replacen(&quoted(name), &quoted(begin), 1);
        status.details.insert("name".into(), begin.into());
    }
    status
}

/// A write as plugins see it: `pods`, and the subresource.
fn is(ask: &Ask<'_>, group: &str, resource: &str) -> bool {
    ask.kind.is(group, resource) && ask.subresource.is_none()
}

/// What all plugins do that may change an object.
///
/// # Errors
/// 403, 404 for a namespace that is not there.
pub(super) fn mutate(new: &mut Object, old: Option<&Object>, ask: &mut Ask<'_>) -> Result<()> {
    let outcome = changes(new, old, ask);
    outcome.map_err(|status| if old.is_none() { unnamed(status, new) } else { status })
}

fn changes(new: &mut Object, old: Option<&Object>, ask: &mut Ask<'_>) -> Result<()> {
    lifecycle(new, old, ask)?;
    limits::mutate(new, old, ask);
    if is(ask, "", "pods") {
        if old.is_none() {
            accounts::mutate(new, ask)?;
        }
        pods::priority(new, old, ask)?;
        pods::tolerations(new);
        if old.is_none() {
            pods::runtime_class(new, ask)?;
        }
    }
    if old.is_some() {
        return Ok(());
    }
    if is(ask, "", "nodes") {
        not_ready(new);
    }
    classes::defaults(new, ask);
    protection(new, ask);
    if is(ask, "", "pods") {
        pods::topology(new, ask);
    }
    Ok(())
}

/// What all plugins refuse of an object that is otherwise right.
///
/// # Errors
/// 403, 422 for a namespace's labels.
pub(super) fn validate(new: &Object, old: Option<&Object>, ask: &mut Ask<'_>) -> Result<()> {
    limits::validate(new, old, ask)?;
    if ask.kind.is("", "pods")
        && (ask.subresource == Some("ephemeralcontainers") || (old.is_none() && ask.subresource.is_none()))
    {
        accounts::validate(new, ask)?;
    }
    security::validate(new, old, ask)?;
    pods::one_default(new, old, ask)?;
    classes::resize(new, old, ask)?;
    if is(ask, "", "pods") && old.is_none() {
        pods::overhead(new, ask)?;
    }
    quota::validate(new, old, ask)
}

/// What concerns every kind, custom ones too, before it is changed.
///
/// # Errors
/// As [`mutate`].
pub(super) fn lifecycle(new: &Object, old: Option<&Object>, ask: &Ask<'_>) -> Result<()> {
    let Some(name) = ask.namespace.filter(|_| ask.kind.namespaced && !ask.kind.is("", "namespaces")) else {
        return Ok(());
    };
    if ask.kind.group == "authorization.k8s.io" {
        return Ok(());
    }
    let Some(phase) = ask.around.text(("", "namespaces"), None, name, &["status", "phase"]) else {
        return Err(Status::not_found(Subject { group: "", kind: "namespaces" }, name));
    };
    if old.is_some() || phase != "Terminating" {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {name} because it is being terminated");
    let mut status = forbidden(new, ask, why);
    let cause = json!({
        "reason": "NamespaceTerminating", "message": format!("namespace {name} is being terminated"),
        "field": "metadata.namespace",
    });
    status.details.insert("causes".into(), json!([cause]));
    Err(status)
}

/// What concerns every kind, custom ones too, when it is right: counts of objects.
///
/// # Errors
/// 403.
pub(super) fn counts(new: &Object, old: Option<&Object>, ask: &Ask<'_>) -> Result<()> {
    quota::validate(new, old, ask)
}

/// Namespaces that are never deleted.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

/// Whether an object may be deleted.
///
/// # Errors
/// 403.
pub(super) fn delete(old: &Object, ask: &Ask<'_>) -> Result<()> {
    let name = text(inner(old, "metadata"), "name");
    if is(ask, "", "namespaces") && IMMORTAL.contains(&name) {
        let namespaces = Subject { group: "", kind: "namespaces" };
        return Err(Status::forbidden(namespaces, name, "this namespace may not be deleted"));
    }
    Ok(())
}

/// A node takes no pods before it is said to be ready.
fn not_ready(node: &mut Object) {
    const KEY: &str = "node.kubernetes.io/not-ready";
    let taints = list(part(node, "spec"), "taints");
    if !taints.iter().any(|taint| taint["key"] == *KEY && taint["effect"] == "NoSchedule") {
        taints.push(json!({"key": KEY, "effect": "NoSchedule"}));
    }
}

/// Finalizers that keep what is in use.
fn protection(new: &mut Object, ask: &Ask<'_>) {
    let finalizer = match (ask.kind.group.as_str(), ask.kind.resource.as_str(), ask.subresource) {
        ("", "persistentvolumes", None) => "kubernetes.io/pv-protection",
        ("", "persistentvolumeclaims", None) => "kubernetes.io/pvc-protection",
        ("storage.k8s.io", "volumeattributesclasses", None) => "kubernetes.io/vac-protection",
        _ => return,
    };
    let finalizers = list(part(new, "metadata"), "finalizers");
    if !finalizers.iter().any(|one| one == finalizer) {
        finalizers.push(finalizer.into());
    }
}

/// An annotation.
fn note<'o>(object: &'o Object, name: &str) -> Option<&'o str> {
    field(inner(inner(object, "metadata"), "annotations"), name).as_str()
}

/// Several reasons as Go's aggregate of errors says them.
fn together(mut reasons: Vec<String>) -> Option<String> {
    let mut seen: Vec<String> = Vec::new();
    reasons.retain(|reason| {
        let new = !seen.contains(reason);
        seen.push(reason.clone());
        new
    });
    match reasons.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("[{}]", many.join(", "))),
    }
}

/// The objects in a list.
fn objects<'o>(object: &'o Object, name: &str) -> impl Iterator<Item = &'o Object> {
    field(object, name).as_array().into_iter().flatten().filter_map(Value::as_object)
}
