//! The end of a namespace: marked, emptied, then gone
//! (`pkg/registry/core/namespace/storage/storage.go`, `pkg/controller/namespace/deletion`, v1.36).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{put, request_delete};
use crate::api::meta_of as meta;
use crate::api::{Deleted, Deletion, FOREGROUND, Inner, ORPHAN, Settings};
use crate::ask::Object;
use crate::kinds::Resource;
use crate::status::Result;
use crate::store::Stored;

/// A delete of a namespace: it is marked, and ends when it is empty.
pub(crate) fn delete(
    inner: &mut Inner,
    settings: &Settings,
    resource: &Arc<Resource>,
    stored: &Arc<Stored>,
    mut object: Object,
    deletion: &Deletion,
) -> Result<Deleted> {
    if meta::deleting(&object) {
        if holders(&object).is_empty() && meta::names(&object, "finalizers").is_empty() {
            if !deletion.dry_run {
                inner.store.remove(resource.table, &stored.key, None);
                inner.todo.removed(resource, stored);
            }
            return Ok(Deleted { object, gone: true });
        }
        return Ok(Deleted { object, gone: false });
    }
    meta::set(&mut object, "deletionTimestamp", Some(meta::time(settings.clock.now())));
    let status = object.entry("status").or_insert_with(|| json!({}));
    status["phase"] = "Terminating".into();
    let mut finalizers = meta::names(&object, "finalizers");
    let policy = deletion.propagation.as_deref();
    let mut want = |name: &str, wanted: bool| {
        finalizers.retain(|one| one != name);
        if wanted {
            finalizers.push(name.to_owned());
        }
    };
    if deletion.orphan.is_some() || policy.is_some() {
        want(ORPHAN, deletion.orphan == Some(true) || policy == Some("Orphan"));
        want(FOREGROUND, deletion.orphan == Some(false) || policy == Some("Foreground"));
    }
    meta::set_finalizers(&mut object, &finalizers);
    if deletion.dry_run {
        return Ok(Deleted { object, gone: false });
    }
    let written = inner.store.put(resource.table, &stored.key, object);
    inner.todo.changed(resource, &written);
    Ok(Deleted { object: written.object(), gone: false })
}

fn holders(namespace: &Object) -> Vec<String> {
    let list = namespace.get("spec").and_then(|spec| spec.get("finalizers")).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Empties a namespace that is being deleted.
pub(super) fn end(inner: &mut Inner, settings: &Settings, stored: &Arc<Stored>) {
    let object = stored.object();
    if !meta::deleting(&object) {
        return;
    }
    let name = stored.name().to_owned();
    // Pods first: what they use stays until they are gone.
    let pods = inner.kinds.table_of("", "pods");
    let mut tables = inner.store.tables_with(&name);
    tables.sort_by_key(|table| Some(*table) != pods);
    for table in tables {
        let all: Vec<Arc<Stored>> = inner.store.range(table, Some(&name), None).cloned().collect();
        for one in all.iter().filter(|one| !meta::deleting(&one.object())) {
            if inner.store.get(table, &one.key).is_some_and(|now| now.revision == one.revision) {
                request_delete(inner, settings, table, one, "Background");
            }
        }
    }
    emptied(inner, settings, &name);
}

/// Lets a namespace go that is being deleted and is empty; says what is left in one that is not.
pub(super) fn emptied(inner: &mut Inner, settings: &Settings, name: &str) {
    let Some(table) = inner.kinds.table_of("", "namespaces") else { return };
    let Some(stored) = inner.store.get(table, name).cloned() else { return };
    let mut object = stored.object();
    if !meta::deleting(&object) {
        return;
    }
    let holds = holders(&object).iter().any(|one| one == "kubernetes");
    let news = holds && say(inner, settings, name, &mut object);
    if inner.store.count_in(name) > 0 {
        if news {
            inner.store.put(table, &stored.key, object);
        }
        return;
    }
    let mut left = holders(&object);
    left.retain(|one| one != "kubernetes");
    if left.is_empty() && meta::names(&object, "finalizers").is_empty() {
        super::remove(inner, table, &stored);
        return;
    }
    if left.len() == holders(&object).len() {
        return;
    }
    if let Some(Value::Object(spec)) = object.get_mut("spec") {
        match left.is_empty() {
            true => drop(spec.shift_remove("finalizers")),
            false => drop(spec.insert("finalizers".into(), json!(left))),
        }
    }
    put(inner, table, &stored.key, object);
}

/// Says in a namespace that is being deleted what is left in it; whether that is news
/// (`status_condition_utils.go` of `pkg/controller/namespace/deletion`).
fn say(inner: &Inner, settings: &Settings, name: &str, object: &mut Object) -> bool {
    let (mut kinds, mut held) = (Vec::new(), std::collections::BTreeMap::<String, usize>::new());
    for table in inner.store.tables_with(name) {
        let Some(resource) = super::resource_of(&inner.kinds, table) else { continue };
        let all: Vec<Object> = inner.store.range(table, Some(name), None).map(|one| one.object()).collect();
        let what = match resource.kind.group.is_empty() {
            true => format!("{}.", resource.kind.resource),
            false => resource.kind.group_resource(),
        };
        kinds.push(format!("{what} has {} resource instances", all.len()));
        for finalizer in all.iter().flat_map(|one| meta::names(one, "finalizers")) {
            *held.entry(finalizer).or_default() += 1;
        }
    }
    kinds.sort();
    let now = meta::time(settings.clock.now());
    let held: Vec<String> =
        held.iter().map(|(name, count)| format!("{name} in {count} resource instances")).collect();
    let none = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "False", "lastTransitionTime": now, "reason": reason, "message": message});
    let some = |kind: &str, reason: &str, message: String| json!({"type": kind, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message});
    let mut next = vec![
        none(
            "NamespaceDeletionDiscoveryFailure",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        none(
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        none(
            "NamespaceDeletionContentFailure",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        match kinds.is_empty() {
            true => none("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
            false => some(
                "NamespaceContentRemaining",
                "SomeResourcesRemain",
                format!("Some resources are remaining: {}", kinds.join(", ")),
            ),
        },
    ];
    next.push(match held.is_empty() {
        true => none(
            "NamespaceFinalizersRemaining",
            "ContentHasNoFinalizers",
            "All content-preserving finalizers finished",
        ),
        false => some(
            "NamespaceFinalizersRemaining",
            "SomeFinalizersRemain",
            format!("Some content in the namespace has finalizers remaining: {}", held.join(", ")),
        ),
    });
    let before = object.get("status").and_then(|status| status.get("conditions")).cloned();
    // A condition that says as before has its time of before.
    for one in &mut next {
        let there = before.as_ref().and_then(Value::as_array).into_iter().flatten();
        let there =
            there.into_iter().find(|there| there["type"] == one["type"] && there["status"] == one["status"]);
        if let Some(there) =
            there.filter(|there| there["reason"] == one["reason"] && there["message"] == one["message"])
        {
            one["lastTransitionTime"] = there["lastTransitionTime"].clone();
        }
    }
    let same = |one: &Value, other: &Value| {
        ["type", "status", "reason", "message"].iter().all(|name| one[*name] == other[*name])
    };
    let unchanged = before.as_ref().and_then(Value::as_array).is_some_and(|before| {
        before.len() == next.len() && before.iter().zip(&next).all(|(one, other)| same(one, other))
    });
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut).filter(|_| !unchanged) {
        status.insert("conditions".into(), Value::Array(next));
    }
    !unchanged
}
