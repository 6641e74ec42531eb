//! Delete: at once, or marked until whoever holds the object lets go of it.
//!
//! The order of questions is that of `k8s.io/apiserver/pkg/registry/generic/registry/store.go` (v0.36).

mod grace;
mod options;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use self::grace::{Soft, grace, soften};
use super::webhooks::{Shown, pass_by};
use super::{Api, Call, Inner, Outcome, Settings, View, convert, meta, subject};
use crate::api::settle::customs::CLEANUP;
use crate::ask::{Ask, Object};
use crate::kinds::{Origin, Resource};
use crate::rules;
use crate::status::{Result, Status, Subject};
use crate::store::{Stored, key};

pub(crate) use self::grace::mark;
pub(crate) use self::options::Deletion;

/// Dependents are let go before the object is.
pub(crate) const ORPHAN: &str = "orphan";
/// Dependents are deleted before the object is.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";

/// What became of it.
pub(crate) struct Deleted {
    /// The object as it was last, or as it is while it is being deleted.
    pub(crate) object: Object,
    /// Whether it is gone.
    pub(crate) gone: bool,
}

impl Api {
    pub(super) fn delete(
        &self,
        call: &Call,
        resource: &Arc<Resource>,
        body: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Outcome> {
        let deletion = Deletion::of(call, body, warnings)?;
        let name = call.target.name.as_deref().unwrap_or_default();
        let key = key(call.target.namespace.as_deref(), name);
        self.write(|inner| {
            let stored = inner
                .store
                .get(resource.table, &key)
                .cloned()
                .ok_or_else(|| Status::not_found(subject(resource), name))?;
            let deleted =
                delete(inner, self.settings(), resource, &stored, &deletion, &call.caller.user, warnings)?;
            let code = if !deleted.gone && deletion.orphan == Some(false) { 202 } else { 200 };
            if !deleted.gone || shows_deleted(resource) {
                return Ok(Outcome::Object(code, deleted.object));
            }
            Ok(Outcome::Object(code, success(resource, name, &stored.uid)))
        })
    }
}

/// Kinds whose deletion is answered with the object (`ReturnDeletedObject`, and what their storages return by themselves,
/// v1.36.3).
fn shows_deleted(resource: &Resource) -> bool {
    matches!(
        &*resource.kind.resource,
        "resourceclaimtemplates"
            | "resourceslices"
            | "resourceclaims"
            | "deviceclasses"
            | "devicetaintrules"
            | "csidrivers"
            | "storageclasses"
            | "volumeattachments"
            | "csinodes"
            | "podtemplates"
            | "persistentvolumes"
            | "persistentvolumeclaims"
            | "resourcequotas"
            | "serviceaccounts"
            | "services"
            | "pods"
            | "namespaces"
            | "volumeattributesclasses"
    ) && matches!(resource.origin, Origin::BuiltIn)
}

fn success(resource: &Resource, name: &str, uid: &str) -> Object {
    let mut details = Map::new();
    details.insert("name".into(), name.into());
    if !resource.kind.group.is_empty() {
        details.insert("group".into(), resource.kind.group.clone().into());
    }
    details.insert("kind".into(), resource.kind.resource.clone().into());
    details.insert("uid".into(), uid.into());
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
    match status {
        Value::Object(status) => status,
        _ => Object::new(),
    }
}

/// Deletes an object, or marks it.
///
/// # Errors
/// 409 of preconditions, 403 of admission.
pub(crate) fn delete(
    inner: &mut Inner,
    settings: &Settings,
    resource: &Arc<Resource>,
    stored: &Arc<Stored>,
    deletion: &Deletion,
    user: &str,
    warnings: &mut Vec<String>,
) -> Result<Deleted> {
    let object = stored.object();
    preconditions(resource, stored, deletion)?;
    let now = settings.clock.now();
    {
        let mut chance = inner.chance.clone();
        let view = View { store: &inner.store, kinds: &inner.kinds };
        let ask = Ask {
            kind: &resource.kind,
            subresource: None,
            namespace: stored.namespace(),
            user,
            now,
            dry_run: deletion.dry_run,
            around: &view,
            chance: &mut chance,
            warnings,
        };
        rules::delete(&object, &ask)?;
    }
    if !deletion.evicts {
        let asked = Shown {
            resource,
            subresource: None,
            operation: "DELETE",
            namespace: stored.namespace(),
            dry_run: deletion.dry_run,
            objects: [None, Some(&object)],
        };
        pass_by(inner, &asked, warnings);
    }
    if resource.kind.resource == "customresourcedefinitions" {
        return definition(inner, settings, resource, stored, object, deletion);
    }
    if resource.kind.resource == "namespaces" && resource.kind.group.is_empty() {
        return crate::api::settle::namespaces::delete(inner, settings, resource, stored, object, deletion);
    }
    let mut next = object.clone();
    let grace = grace(resource, &object, deletion);
    let graceful = match soften(&mut next, grace, now) {
        Soft::Pending => return Ok(Deleted { object: shown(resource, object)?, gone: false }),
        Soft::Marked => true,
        Soft::No => false,
    };
    let orphans = orphans_by_default(resource);
    if orphans && deletion.orphan.is_none() && deletion.propagation.is_none() && resource.kind.kind == "Job" {
        warnings.push(PRESERVED.to_owned());
    }
    let finalizers = finalizers(&object, deletion, orphans);
    let held = !finalizers.is_empty();
    meta::set_finalizers(&mut next, &finalizers);
    if graceful && grace.is_some_and(|seconds| seconds > 0) || held {
        if !graceful {
            mark(&mut next, now);
        }
        if deletion.dry_run || next == object {
            return Ok(Deleted { object: shown(resource, next)?, gone: false });
        }
        let written = inner.store.put(resource.table, &stored.key, next);
        inner.todo.changed(resource, &written);
        return Ok(Deleted { object: shown(resource, written.object())?, gone: false });
    }
    if deletion.dry_run {
        return Ok(Deleted { object: shown(resource, if graceful { next } else { object })?, gone: true });
    }
    // What could have had time is marked before it goes.
    let stored = match graceful {
        true => inner.store.put(resource.table, &stored.key, next),
        false => Arc::clone(stored),
    };
    let gone = inner.store.remove(resource.table, &stored.key, None);
    inner.todo.removed(resource, &stored);
    let object = gone.map_or(object, |gone| gone.object());
    Ok(Deleted { object: shown(resource, object)?, gone: true })
}

fn shown(resource: &Resource, object: Object) -> Result<Object> {
    convert::from_storage(resource, object)
}

fn preconditions(resource: &Resource, stored: &Stored, deletion: &Deletion) -> Result<()> {
    let subject = Subject { group: &resource.kind.group, kind: &resource.kind.kind };
    if let Some(uid) = deletion.uid.as_ref().filter(|uid| ***uid != *stored.uid) {
        return Err(Status::conflict(
            subject,
            stored.name(),
            format!(
                "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted and then recreated",
                stored.uid
            ),
        ));
    }
    let revision = stored.revision.to_string();
    if let Some(asked) = deletion.revision.as_ref().filter(|asked| **asked != revision) {
        return Err(Status::conflict(
            subject,
            stored.name(),
            format!(
                "the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion in record ({revision}). The object might have been modified"
            ),
        ));
    }
    Ok(())
}

/// What a client is told that deletes a Job without saying what becomes of its pods.
const PRESERVED: &str = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

/// Kinds whose dependents stay unless something else is asked for (`DefaultGarbageCollectionPolicy` of
/// `pkg/registry/batch/job/strategy.go` and `pkg/registry/core/replicationcontroller/strategy.go`).
fn orphans_by_default(resource: &Resource) -> bool {
    resource.kind.is("batch", "jobs") || resource.kind.is("", "replicationcontrollers")
}

/// The finalizers an object is to have, its dependents considered.
fn finalizers(object: &Object, deletion: &Deletion, orphans: bool) -> Vec<String> {
    let there = meta::names(object, "finalizers");
    let has = |name: &str| there.iter().any(|one| one == name);
    let (orphan, foreground) = match (deletion.orphan, deletion.propagation.as_deref()) {
        (Some(orphan), _) => (orphan, false),
        (None, Some("Orphan")) => (true, false),
        (None, Some("Foreground")) => (false, true),
        (None, Some(_)) => (false, false),
        (None, None) if has(ORPHAN) || has(FOREGROUND) => (has(ORPHAN), !has(ORPHAN)),
        (None, None) => (orphans, false),
    };
    let mut next: Vec<String> =
        there.iter().filter(|name| *name != ORPHAN && *name != FOREGROUND).cloned().collect();
    if orphan {
        next.push(ORPHAN.to_owned());
    }
    if foreground {
        next.push(FOREGROUND.to_owned());
    }
    let same = next.len() == there.len() && next.iter().all(|name| there.contains(name));
    if same { there } else { next }
}

/// A delete of a definition: it is marked, and its objects go first
/// (`k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition/etcd.go`).
fn definition(
    inner: &mut Inner,
    settings: &Settings,
    resource: &Arc<Resource>,
    stored: &Arc<Stored>,
    mut object: Object,
    deletion: &Deletion,
) -> Result<Deleted> {
    if meta::deleting(&object) {
        return Ok(Deleted { object, gone: false });
    }
    let now = meta::time(settings.clock.now());
    meta::set(&mut object, "deletionTimestamp", Some(now.clone()));
    let mut finalizers = meta::names(&object, "finalizers");
    if !finalizers.iter().any(|name| name == CLEANUP) {
        finalizers.push(CLEANUP.to_owned());
    }
    meta::set_finalizers(&mut object, &finalizers);
    crate::api::settle::condition(
        &mut object,
        json!({
            "type": "Terminating", "status": "True", "lastTransitionTime": now, "reason": "InstanceDeletionPending",
            "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
        }),
    );
    if !deletion.dry_run {
        let written = inner.store.put(resource.table, &stored.key, object);
        inner.todo.changed(resource, &written);
        return Ok(Deleted { object: written.object(), gone: false });
    }
    Ok(Deleted { object, gone: false })
}
