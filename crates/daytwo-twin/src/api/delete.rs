//! Delete: at once, or marked until whoever holds the object lets go of it.
//!
//! The order of questions is that of `k8s.io/apiserver/pkg/registry/generic/registry/store.go` (v0.36).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{Api, Call, Inner, Outcome, Settings, View, convert, meta, subject};
use crate::api::settle::customs::CLEANUP;
use crate::ask::{Ask, Object};
use crate::field::FieldError;
use crate::kinds::{Origin, Resource};
use crate::rules;
use crate::status::{Result, Status, Subject};
use crate::store::{Stored, key};

/// Dependents are let go before the object is.
pub(crate) const ORPHAN: &str = "orphan";
/// Dependents are deleted before the object is.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";

/// How an object is to be deleted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deletion {
    pub(crate) grace: Option<i64>,
    pub(crate) uid: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) orphan: Option<bool>,
    pub(crate) propagation: Option<String>,
    pub(crate) dry_run: bool,
}

/// What became of it.
pub(crate) struct Deleted {
    /// The object as it was last, or as it is while it is being deleted.
    pub(crate) object: Object,
    /// Whether it is gone.
    pub(crate) gone: bool,
}

impl Deletion {
    /// The options of a request: its body, or its query.
    ///
    /// # Errors
    /// 400 of a body that holds none, 422 of options that contradict each other.
    pub(crate) fn of(call: &Call, body: &[u8], warnings: &mut Vec<String>) -> Result<Deletion> {
        // Where there is a body, the query says nothing.
        let mut deletion = Deletion { dry_run: call.dry_run && body.is_empty(), ..Deletion::default() };
        let mut errors = Vec::new();
        if body.is_empty() {
            let number = |name: &str| match call.one(name) {
                None | Some("") => Ok(None),
                Some(text) => text.parse().map(Some).map_err(|_| {
                    Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))
                }),
            };
            deletion.grace = number("gracePeriodSeconds")?;
            deletion.orphan = call.one("orphanDependents").map(|_| call.flag("orphanDependents"));
            deletion.propagation = call.one("propagationPolicy").map(str::to_owned);
            if call.all("dryRun").any(|word| word != "All") {
                let all: Vec<&str> = call.all("dryRun").collect();
                errors.push(FieldError::not_supported("dryRun", json!(all), &["All"]));
            }
        } else {
            let wanted = super::decode::Wanted::built_in("meta.k8s.io", "v1", "DeleteOptions");
            deletion.read(&options(call, &wanted, body, warnings)?, &mut errors)?;
        }
        if let (Some(_), Some(policy)) = (deletion.orphan, &deletion.propagation) {
            errors.push(FieldError::invalid(
                "propagationPolicy",
                policy.as_str(),
                "orphanDependents and deletionPropagation cannot be both set",
            ));
        } else if let Some(policy) = &deletion.propagation
            && !matches!(policy.as_str(), "Foreground" | "Background" | "Orphan")
        {
            errors.push(FieldError::not_supported(
                "propagationPolicy",
                policy.as_str(),
                &["Foreground", "Background", "Orphan", "nil"],
            ));
        }
        if errors.is_empty() {
            return Ok(deletion);
        }
        Err(Status::invalid(Subject { group: "meta.k8s.io", kind: "DeleteOptions" }, "", &errors))
    }

    /// Takes over the options inside an eviction.
    ///
    /// # Errors
    /// 400 where one is of another type.
    pub(crate) fn take(&mut self, options: &Object) -> Result<()> {
        let dry_run = self.dry_run;
        let mut errors = Vec::new();
        self.read(options, &mut errors)?;
        self.dry_run |= dry_run;
        Ok(())
    }

    fn read(&mut self, options: &Object, errors: &mut Vec<FieldError>) -> Result<()> {
        let number = |name: &str| match options.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| {
                Status::bad_request(format!(
                    "json: cannot unmarshal into Go struct field DeleteOptions.{name} of type int64"
                ))
            }),
        };
        self.grace = number("gracePeriodSeconds")?;
        self.orphan = options.get("orphanDependents").and_then(Value::as_bool);
        self.propagation = options.get("propagationPolicy").and_then(Value::as_str).map(str::to_owned);
        let text = |name: &str| {
            let value = options.get("preconditions").and_then(|all| all.get(name));
            value.and_then(Value::as_str).map(str::to_owned)
        };
        (self.uid, self.revision) = (text("uid"), text("resourceVersion"));
        if let Some(Value::Array(words)) = options.get("dryRun")
            && !words.is_empty()
        {
            match words.iter().all(|word| word.as_str() == Some("All")) {
                true => self.dry_run = true,
                false => errors.push(FieldError::not_supported("dryRun", json!(words), &["All"])),
            }
        }
        Ok(())
    }
}

/// The DeleteOptions in a body, of whatever group and version: there is one form of them.
fn options(
    call: &Call,
    wanted: &super::decode::Wanted<'_>,
    body: &[u8],
    warnings: &mut Vec<String>,
) -> Result<Object> {
    let read = match &*call.content_type {
        "" | "application/json" => crate::body::value(body).map_err(|error| error.to_string()),
        "application/yaml" => crate::body::yaml(body),
        "application/vnd.kubernetes.protobuf" => return super::decode::decode(call, wanted, body, warnings),
        _ => return Err(super::decode::unsupported(false)),
    };
    match read {
        Ok(Value::Object(object)) => match object.get("kind").and_then(Value::as_str) {
            None | Some("" | "DeleteOptions") => Ok(object),
            Some(other) => Err(Status::bad_request(format!(
                "no kind {other:?} is registered for version {:?} in scheme \"pkg/runtime/scheme.go:111\"",
                object.get("apiVersion").and_then(Value::as_str).unwrap_or("v1")
            ))),
        },
        Ok(_) => {
            Err(Status::bad_request("couldn't get version/kind; json parse error: the body is no object"))
        }
        Err(why) => Err(Status::bad_request(format!("couldn't get version/kind; json parse error: {why}"))),
    }
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

/// How long an object is given to end; `None` of kinds that need no time (`CheckGracefulDelete` of
/// `pkg/registry/core/pod/strategy.go`).
fn grace(resource: &Resource, object: &Object, deletion: &Deletion) -> Option<i64> {
    if resource.kind.resource != "pods" || !matches!(resource.origin, Origin::BuiltIn) {
        return None;
    }
    let asked = deletion.grace.map(|seconds| if seconds < 0 { 1 } else { seconds });
    let spec = |name: &str| object.get("spec").and_then(|spec| spec.get(name));
    let seconds = asked.unwrap_or_else(|| {
        let seconds = spec("terminationGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(30);
        if seconds < 0 { 1 } else { seconds }
    });
    let phase = object.get("status").and_then(|status| status.get("phase")).and_then(Value::as_str);
    let scheduled = spec("nodeName").and_then(Value::as_str).is_some_and(|node| !node.is_empty());
    if meta::deleting(object) {
        return asked.or_else(|| meta::number(object, "deletionGracePeriodSeconds"));
    }
    match scheduled && !matches!(phase, Some("Failed" | "Succeeded")) {
        true => Some(seconds),
        false => Some(0),
    }
}

enum Soft {
    /// It is being deleted already, and sooner than asked.
    Pending,
    /// It has a time now at which it is to be gone.
    Marked,
    /// It needs no time.
    No,
}

/// Gives an object the time it has to end.
fn soften(object: &mut Object, grace: Option<i64>, now: Timestamp) -> Soft {
    let Some(seconds) = grace else { return Soft::No };
    if meta::deleting(object) {
        let had = meta::number(object, "deletionGracePeriodSeconds").unwrap_or(0);
        if had == 0 {
            return Soft::No;
        }
        if seconds >= had {
            return Soft::Pending;
        }
        let until = meta::text(object, "deletionTimestamp").parse::<Timestamp>().unwrap_or(now);
        let sooner = until
            .checked_sub(SignedDuration::from_secs(had))
            .and_then(|begun| begun.checked_add(SignedDuration::from_secs(seconds)))
            .unwrap_or(now);
        let (until, seconds) = match sooner < now {
            true => (now, if seconds == 0 { 0 } else { 1 }),
            false => (sooner, seconds),
        };
        meta::set(object, "deletionTimestamp", Some(meta::time(until)));
        meta::set(object, "deletionGracePeriodSeconds", Some(seconds.into()));
        return Soft::Marked;
    }
    let until = now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
    meta::set(object, "deletionTimestamp", Some(meta::time(until)));
    meta::set(object, "deletionGracePeriodSeconds", Some(seconds.into()));
    another_generation(object);
    Soft::Marked
}

/// Marks an object that needs no time but is held by its finalizers.
pub(crate) fn mark(object: &mut Object, now: Timestamp) {
    if !meta::deleting(object) {
        another_generation(object);
        meta::set(object, "deletionTimestamp", Some(meta::time(now)));
    }
    meta::set(object, "deletionGracePeriodSeconds", Some(0.into()));
}

fn another_generation(object: &mut Object) {
    if let Some(generation) = meta::number(object, "generation").filter(|generation| *generation > 0) {
        meta::set(object, "generation", Some((generation + 1).into()));
    }
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
