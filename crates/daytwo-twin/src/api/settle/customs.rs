//! Definitions of custom resources come into force, and go with their objects
//! (`k8s.io/apiextensions-apiserver/pkg/controller`, v0.36).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{put, request_delete};
use crate::api::meta_of as meta;
use crate::api::{Inner, Settings};
use crate::ask::Object;
use crate::definitions::Definition;
use crate::definitions::crd::{self, Taken};
use crate::kinds::{Kinds, TableId};
use crate::store::Stored;

/// Deletes the objects before the definition goes.
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Serves what a definition defines, once its names are accepted.
pub(super) fn serve(inner: &mut Inner, settings: &Settings, stored: &Arc<Stored>) {
    let mut object = stored.object();
    let Some(table) = inner.kinds.table_of("apiextensions.k8s.io", "customresourcedefinitions") else {
        return;
    };
    if meta::deleting(&object) {
        define(inner, &object);
        end(inner, settings, stored);
        return;
    }
    let before = object.get("status").cloned();
    let kinds = Arc::clone(&inner.kinds);
    let own = object
        .get("spec")
        .and_then(|spec| spec.pointer("/names/plural"))
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    crd::established(&mut object, settings.clock.now(), &|group: &str, name: Taken<'_>| {
        taken(&kinds, group, &own, name)
    });
    if object.get("status") != before.as_ref() {
        put(inner, table, &stored.key, object.clone());
    }
    let established =
        object.get("status").and_then(|status| status.get("conditions")).and_then(Value::as_array);
    if !established.into_iter().flatten().any(|one| one["type"] == "Established" && one["status"] == "True") {
        return;
    }
    define(inner, &object);
}

/// Serves what the definition says by now. One that changed is `renewed`: objects may be kept as an earlier one made them.
fn define(inner: &mut Inner, object: &Object) {
    let Ok(mut definition) = Definition::of(object) else { return };
    let there = inner.kinds.stored(&definition.group, &definition.names.plural);
    if let Some(before) = there.and_then(|one| one.definition()) {
        let changed = before.generation != definition.generation;
        if !changed && before.ending == definition.ending {
            return;
        }
        definition.renewed = before.renewed || changed;
    } else if definition.ending {
        return;
    }
    Arc::make_mut(&mut inner.kinds).define(&Arc::new(definition));
}

/// Whether another resource of the group has a name already.
fn taken(kinds: &Kinds, group: &str, own: &str, name: Taken<'_>) -> bool {
    let all = kinds.group(group).into_iter().flat_map(|one| &one.versions).flat_map(|one| &one.resources);
    all.filter(|one| one.kind.resource != own).any(|one| match name {
        Taken::Kind(word) => one.kind.kind == word || format!("{}List", one.kind.kind) == word,
        Taken::Resource(word) => {
            one.kind.resource == word
                || one.singular == word
                || one.short_names.iter().any(|name| name == word)
        }
    })
}

/// Deletes all objects of a definition that is being deleted.
fn end(inner: &mut Inner, settings: &Settings, stored: &Arc<Stored>) {
    let Some(customs) = objects_of(inner, stored) else { return };
    let all: Vec<Arc<Stored>> = inner.store.range(customs, None, None).cloned().collect();
    for one in all.iter().filter(|one| !meta::deleting(&one.object())) {
        request_delete(inner, settings, customs, one, "Background");
    }
    emptied(inner, settings, customs);
}

fn objects_of(inner: &Inner, stored: &Stored) -> Option<TableId> {
    let (plural, group) = stored.name().split_once('.')?;
    inner.kinds.table_of(group, plural)
}

/// Lets a definition go that is being deleted and has no objects any more.
pub(super) fn emptied(inner: &mut Inner, settings: &Settings, customs: TableId) {
    if inner.store.range(customs, None, None).next().is_some() {
        return;
    }
    let Some(resource) = super::resource_of(&inner.kinds, customs) else { return };
    let Some(table) = resource
        .definition()
        .and_then(|_| inner.kinds.table_of("apiextensions.k8s.io", "customresourcedefinitions"))
    else {
        return;
    };
    let Some(stored) = inner.store.get(table, &resource.kind.group_resource()).cloned() else { return };
    let mut object = stored.object();
    if !meta::deleting(&object) {
        return;
    }
    let mut finalizers = meta::names(&object, "finalizers");
    let before = finalizers.len();
    finalizers.retain(|name| name != CLEANUP);
    if finalizers.len() == before && before > 0 {
        return;
    }
    if finalizers.is_empty() {
        super::remove(inner, table, &stored);
        return;
    }
    meta::set_finalizers(&mut object, &finalizers);
    let now = meta::time(settings.clock.now());
    super::condition(
        &mut object,
        json!({"type": "Terminating", "status": "False", "lastTransitionTime": now,
            "reason": "InstanceDeletionCompleted", "message": "removed all instances"}),
    );
    put(inner, table, &stored.key, object);
}

/// Serves no longer what a definition that is gone defined.
pub(super) fn forget(inner: &mut Inner, last: &Stored) {
    if let Some((plural, group)) = last.name().split_once('.') {
        let defined = inner.kinds.stored(group, plural).is_some_and(|one| one.definition().is_some());
        if defined {
            Arc::make_mut(&mut inner.kinds).forget(group, plural);
        }
    }
}
