//! Garbage: what belongs to owners that are gone (`pkg/controller/garbagecollector/garbagecollector.go`, v1.36).
//!
//! An object with a living owner stays, and loses the references to those that are gone; one whose owners are all gone
//! goes. An owner that is deleted in the foreground waits for what blocks it.

use std::sync::Arc;

use serde_json::Value;

use super::{put, request_delete, resource_of};
use crate::api::meta_of as meta;
use crate::api::{FOREGROUND, Inner, ORPHAN, Settings};
use crate::ask::Object;
use crate::kinds::TableId;
use crate::store::{Stored, key};

/// An owner, as an object refers to it.
struct Owner {
    uid: String,
    /// Whether it blocks the owner's deletion in the foreground.
    blocks: bool,
    /// Where it must be; `None` of kinds that nothing serves.
    place: Option<(TableId, String)>,
}

fn owners(inner: &Inner, object: &Object, namespace: Option<&str>) -> Vec<Owner> {
    let references = object.get("metadata").and_then(|metadata| metadata.get("ownerReferences"));
    let references = references.and_then(Value::as_array).into_iter().flatten();
    references
        .map(|reference| {
            let text = |name: &str| reference.get(name).and_then(Value::as_str).unwrap_or_default();
            let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
            let resource = inner
                .kinds
                .of_kind(group, Some(version), text("kind"))
                .or_else(|| inner.kinds.of_kind(group, None, text("kind")));
            let place = resource.map(|resource| {
                let namespace = namespace.filter(|_| resource.kind.namespaced);
                (resource.table, key(namespace, text("name")))
            });
            Owner {
                uid: text("uid").to_owned(),
                blocks: reference.get("blockOwnerDeletion").and_then(Value::as_bool) == Some(true),
                place,
            }
        })
        .collect()
}

impl Owner {
    fn find(&self, inner: &Inner) -> Option<Arc<Stored>> {
        let (table, key) = self.place.as_ref()?;
        inner.store.get(*table, key).filter(|stored| *stored.uid == *self.uid).cloned()
    }
}

/// After a write: an object whose owners are not there goes; one that is being deleted deals with what it owns.
pub(super) fn written(inner: &mut Inner, settings: &Settings, table: TableId, key: &str) {
    let Some(stored) = inner.store.get(table, key).cloned() else { return };
    if !stored.bound {
        return;
    }
    let object = stored.object();
    if object.get("metadata").is_some_and(|metadata| metadata.get("ownerReferences").is_some()) {
        judge(inner, settings, table, &stored, &object);
    }
    let Some(stored) = inner.store.get(table, key).cloned() else { return };
    if meta::deleting(&object) {
        release(inner, settings, table, &stored);
    }
}

/// After a removal: what the object owned is judged, and owners that waited for it.
pub(super) fn after(inner: &mut Inner, settings: &Settings, last: &Arc<Stored>) {
    for (table, key) in inner.store.owned_by(&last.uid) {
        let Some(stored) = inner.store.get(table, &key).cloned() else { continue };
        let object = stored.object();
        judge(inner, settings, table, &stored, &object);
    }
    if !last.bound {
        return;
    }
    let object = last.object();
    for owner in owners(inner, &object, last.namespace()) {
        let Some(stored) = owner.find(inner) else { continue };
        if let Some((table, _)) = owner.place
            && meta::deleting(&stored.object())
        {
            release(inner, settings, table, &stored);
        }
    }
}

/// Keeps an object, takes dangling references from it, or lets it go.
fn judge(inner: &mut Inner, settings: &Settings, table: TableId, stored: &Arc<Stored>, object: &Object) {
    let owners = owners(inner, object, stored.namespace());
    if owners.is_empty() {
        return;
    }
    let (mut solid, mut gone, mut waiting) = (false, Vec::new(), false);
    for owner in &owners {
        // A kind that nothing serves may be served again: nothing is concluded from it.
        if owner.place.is_none() {
            solid = true;
            continue;
        }
        match owner.find(inner).map(|found| found.object()) {
            None => gone.push(owner.uid.clone()),
            Some(owner) if waits_for_dependents(&owner) => waiting = true,
            Some(_) => solid = true,
        }
    }
    if solid {
        if !gone.is_empty() || waiting {
            let keep = |uid: &str| !gone.iter().any(|one| one == uid);
            if !gone.is_empty() {
                strip(inner, table, stored, object.clone(), keep);
            }
        }
        return;
    }
    if meta::deleting(object) && !waiting {
        return;
    }
    if waiting {
        let blocks = inner.store.owned_by(&stored.uid).is_empty();
        let policy = if blocks { "Background" } else { "Foreground" };
        if !meta::deleting(object) {
            request_delete(inner, settings, table, stored, policy);
        }
        return;
    }
    let finalizers = meta::names(object, "finalizers");
    let policy =
        match finalizers.iter().find(|name| *name == ORPHAN || *name == FOREGROUND).map(String::as_str) {
            Some(ORPHAN) => "Orphan",
            Some(_) => "Foreground",
            None => "Background",
        };
    request_delete(inner, settings, table, stored, policy);
}

fn waits_for_dependents(owner: &Object) -> bool {
    meta::deleting(owner) && meta::names(owner, "finalizers").iter().any(|name| name == FOREGROUND)
}

fn strip(
    inner: &mut Inner,
    table: TableId,
    stored: &Stored,
    mut object: Object,
    keep: impl Fn(&str) -> bool,
) {
    let metadata = meta::metadata(&mut object);
    let Some(Value::Array(references)) = metadata.get_mut("ownerReferences") else { return };
    references.retain(|reference| keep(reference.get("uid").and_then(Value::as_str).unwrap_or_default()));
    if references.is_empty() {
        metadata.shift_remove("ownerReferences");
    }
    put(inner, table, &stored.key, object);
}

/// Deals with what an object that is being deleted owns, as its finalizers say, and takes those off when that is done.
fn release(inner: &mut Inner, settings: &Settings, table: TableId, stored: &Arc<Stored>) {
    let object = stored.object();
    let finalizers = meta::names(&object, "finalizers");
    let has = |name: &str| finalizers.iter().any(|one| one == name);
    if has(ORPHAN) {
        for (table, key) in inner.store.owned_by(&stored.uid) {
            let Some(owned) = inner.store.get(table, &key).cloned() else { continue };
            let object = owned.object();
            strip(inner, table, &owned, object, |uid| uid != &*stored.uid);
        }
        unhold(inner, table, stored, ORPHAN);
        return;
    }
    if !has(FOREGROUND) {
        return;
    }
    let mut blocked = false;
    for (table, key) in inner.store.owned_by(&stored.uid) {
        let Some(owned) = inner.store.get(table, &key).cloned() else { continue };
        let object = owned.object();
        judge(inner, settings, table, &owned, &object);
        let Some(left) = inner.store.get(table, &key) else { continue };
        let left = left.object();
        blocked |= owners(inner, &left, owned.namespace())
            .iter()
            .any(|owner| *owner.uid == *stored.uid && owner.blocks);
    }
    if !blocked && inner.store.get(table, &stored.key).is_some_and(|now| now.uid == stored.uid) {
        unhold(inner, table, stored, FOREGROUND);
    }
}

/// Takes a finalizer off, and the object away where it was the last.
fn unhold(inner: &mut Inner, table: TableId, stored: &Arc<Stored>, finalizer: &str) {
    let Some(stored) = inner.store.get(table, &stored.key).cloned() else { return };
    let mut object = stored.object();
    let mut finalizers = meta::names(&object, "finalizers");
    finalizers.retain(|name| name != finalizer);
    meta::set_finalizers(&mut object, &finalizers);
    let grace = meta::number(&object, "deletionGracePeriodSeconds").unwrap_or(0);
    let namespace = resource_of(&inner.kinds, table).is_some_and(|one| one.kind.resource == "namespaces");
    if finalizers.is_empty() && grace == 0 && !namespace {
        super::remove(inner, table, &stored);
        return;
    }
    put(inner, table, &stored.key, object);
}
