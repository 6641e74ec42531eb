//! Create: a name, a uid and a time; the kind's rules; then a key that must be free.

use std::sync::Arc;

use serde_json::Value;

use super::decode::{Wanted, decode};
use super::webhooks::{Shown, pass_by};
use super::{Api, Call, Inner, Outcome, View, convert, meta, subject};
use crate::api::Settings;
use crate::ask::{Ask, Object};
use crate::definitions::crd;
use crate::kinds::{Origin, Resource};
use crate::rules;
use crate::status::{Result, Status};
use crate::store::key;

/// The longest an object may be in etcd, which refuses more by default (`--max-request-bytes`, 1.5 MiB).
const MOST_BYTES: usize = 1_572_864;

impl Api {
    pub(super) fn create(
        &self,
        call: &Call,
        resource: &Arc<Resource>,
        body: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Outcome> {
        let object = decode(call, &Wanted::of(resource), body, warnings)?;
        let namespace = place(call, resource, &object)?;
        self.write(|inner| {
            create(inner, self.settings(), call, resource, namespace.as_deref(), object, warnings)
        })
    }
}

/// The namespace an object belongs to: that of the path, which the object may repeat.
///
/// # Errors
/// 400 where it names another.
pub(super) fn place(call: &Call, resource: &Resource, object: &Object) -> Result<Option<String>> {
    let named = meta::text(object, "namespace");
    match &call.target.namespace {
        Some(namespace) if named.is_empty() || named == namespace => Ok(Some(namespace.clone())),
        Some(_) => Err(mismatch()),
        // A request for all namespaces creates in none.
        None if resource.kind.namespaced => {
            Err(Status::bad_request("an empty namespace may not be set during creation"))
        }
        None if named.is_empty() => Ok(None),
        None => Err(mismatch()),
    }
}

fn mismatch() -> Status {
    Status::bad_request(
        "the namespace of the provided object does not match the namespace sent on the request",
    )
}

/// Creates an object that was decoded, and answers with it as it is then, at the version of the request.
///
/// # Errors
/// As the real server's.
pub(crate) fn create(
    inner: &mut Inner,
    settings: &Settings,
    call: &Call,
    resource: &Arc<Resource>,
    namespace: Option<&str>,
    mut object: Object,
    warnings: &mut Vec<String>,
) -> Result<Outcome> {
    let now = settings.clock.now();
    let mut chance = inner.chance.clone();
    if !meta::text(&object, "resourceVersion").is_empty() {
        return Err(Status::unforeseen("resourceVersion should not be set on objects to be created"));
    }
    for name in ["selfLink", "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        meta::set(&mut object, name, None);
    }
    meta::set(&mut object, "namespace", namespace.map(Value::from));
    meta::set(&mut object, "uid", Some(chance.uuid().into()));
    meta::set(&mut object, "creationTimestamp", Some(meta::time(now)));
    meta::once_each_owner(&mut object, warnings);
    generate_name(&mut object, inner, resource, namespace, &mut chance);
    let view = View { store: &inner.store, kinds: &inner.kinds };
    let mut ask = Ask {
        kind: &resource.kind,
        subresource: None,
        namespace,
        user: &call.caller.user,
        now,
        dry_run: call.dry_run,
        around: &view,
        chance: &mut chance,
        warnings,
    };
    let custom = match &resource.origin {
        Origin::BuiltIn if defines(resource) => {
            let metadata = rules::create_custom(&mut object, &mut ask)?;
            crd::create(&mut object, metadata, &mut ask)?;
            false
        }
        Origin::BuiltIn => {
            rules::create(&mut object, &mut ask)?;
            false
        }
        Origin::Custom(definition) => {
            if definition.ending {
                let why = "create not allowed while custom resource definition is terminating";
                return Err(Status::forbidden(subject(resource), meta::text(&object, "name"), why));
            }
            let metadata = rules::create_custom(&mut object, &mut ask)?;
            definition.create(&resource.kind.version, &mut object, metadata, &mut ask)?;
            true
        }
        Origin::Foreign => false,
    };
    let name = meta::text(&object, "name").to_owned();
    let key = key(namespace, &name);
    if let Some(there) = inner.store.get(resource.table, &key) {
        let mut status = Status::already_exists(subject(resource), &name);
        if meta::deleting(&there.object()) {
            status.message = format!("object is being deleted: {}", status.message);
        }
        return Err(status);
    }
    small_enough(&object)?;
    inner.chance = chance;
    let shown = Shown {
        resource,
        subresource: None,
        operation: "CREATE",
        namespace,
        dry_run: call.dry_run,
        objects: [Some(&object), None],
    };
    pass_by(inner, &shown, warnings);
    if call.dry_run {
        let kept = convert::to_storage(resource, object.clone())?;
        return Ok(Outcome::Object(201, convert::answered(resource, object, kept)?));
    }
    if !convert::converts(resource) {
        let stored = inner.store.put(resource.table, &key, object);
        inner.todo.created(resource, &stored);
        return Ok(Outcome::Stored(201, Arc::clone(resource), stored));
    }
    let kept = convert::to_storage(resource, object.clone())?;
    let stored = inner.store.put(resource.table, &key, kept);
    inner.todo.created(resource, &stored);
    meta::set(&mut object, "resourceVersion", Some(stored.revision.to_string().into()));
    let shown = if custom { convert::from_storage(resource, stored.object())? } else { object };
    Ok(Outcome::Object(201, shown))
}

/// Whether objects of the resource define others.
pub(super) fn defines(resource: &Resource) -> bool {
    resource.kind.is("apiextensions.k8s.io", "customresourcedefinitions")
}

/// Gives a name where only its beginning was given.
fn generate_name(
    object: &mut Object,
    inner: &Inner,
    resource: &Resource,
    namespace: Option<&str>,
    chance: &mut crate::chance::Chance,
) {
    // A name has at most 63 letters, of which the server keeps five for itself.
    const MOST: usize = 63 - 5;
    const ATTEMPTS: usize = 8;
    let begin = meta::text(object, "generateName").to_owned();
    if begin.is_empty() || !meta::text(object, "name").is_empty() {
        return;
    }
    let begin: String = begin.chars().take(MOST).collect();
    let mut name = String::new();
    for _ in 0..ATTEMPTS {
        name = format!("{begin}{}", chance.suffix(5));
        if inner.store.get(resource.table, &key(namespace, &name)).is_none() {
            break;
        }
    }
    meta::set(object, "name", Some(name.into()));
}

/// Refuses what etcd would not take.
pub(super) fn small_enough(object: &Object) -> Result<()> {
    // Most objects are far too small to be measured.
    let mut left = MOST_BYTES;
    if !over(&Value::Null, object, &mut left) {
        return Ok(());
    }
    Err(Status::unforeseen("etcdserver: request is too large"))
}

/// Whether the texts of a tree alone are more than `left`.
fn over(value: &Value, object: &Object, left: &mut usize) -> bool {
    let mut take = |bytes: usize| match left.checked_sub(bytes) {
        Some(rest) => {
            *left = rest;
            false
        }
        None => true,
    };
    match value {
        Value::String(text) if take(text.len() + 2) => return true,
        Value::Array(all) => return all.iter().any(|one| over(one, &Object::new(), left)),
        Value::Object(fields) => return over(&Value::Null, fields, left),
        _ => {}
    }
    object.iter().any(|(name, value)| {
        match left.checked_sub(name.len() + 3) {
            Some(rest) => *left = rest,
            None => return true,
        }
        over(value, &Object::new(), left)
    })
}
