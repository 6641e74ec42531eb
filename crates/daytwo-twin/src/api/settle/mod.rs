//! What follows from a write, done before the next one: what a cluster's own controllers do in their own time.
//!
//! Garbage is collected, namespaces and definitions are ended, ServiceAccounts are made, pods are run and ended. A twin does
//! it at once and in one order, so that the same calls give the same cluster. It refuses to be the control loops that make
//! pods: those are rehearsed elsewhere.

mod accounts;
mod addresses;
mod collect;
pub(crate) mod customs;
mod kubelet;
pub(crate) mod namespaces;
mod volumes;

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::{Inner, Settings};
use crate::ask::Object;
use crate::kinds::{Kinds, Resource, TableId};
use crate::store::Stored;

/// Consequences that are not drawn yet.
#[derive(Debug, Default)]
pub(crate) struct Todo {
    tasks: VecDeque<Task>,
}

/// One write to draw consequences of.
#[derive(Debug)]
enum Task {
    Created(TableId, Box<str>),
    Changed(TableId, Box<str>),
    Removed(TableId, Arc<Stored>),
}

impl Todo {
    /// An object is new.
    pub(crate) fn created(&mut self, resource: &Resource, stored: &Stored) {
        self.tasks.push_back(Task::Created(resource.table, stored.key.clone()));
    }

    /// An object is another than before.
    pub(crate) fn changed(&mut self, resource: &Resource, stored: &Stored) {
        self.tasks.push_back(Task::Changed(resource.table, stored.key.clone()));
    }

    /// An object is gone; `last` is how it was kept.
    pub(crate) fn removed(&mut self, resource: &Resource, last: &Arc<Stored>) {
        self.tasks.push_back(Task::Removed(resource.table, Arc::clone(last)));
    }
}

/// Tables that controllers ask for at every write.
struct Known {
    pods: Option<TableId>,
    nodes: Option<TableId>,
    namespaces: Option<TableId>,
    accounts: Option<TableId>,
    definitions: Option<TableId>,
    services: Option<TableId>,
    addresses: Option<TableId>,
    storage: Option<volumes::Tables>,
}

impl Known {
    fn of(kinds: &Kinds) -> Known {
        Known {
            pods: kinds.table_of("", "pods"),
            nodes: kinds.table_of("", "nodes"),
            namespaces: kinds.table_of("", "namespaces"),
            accounts: kinds.table_of("", "serviceaccounts"),
            definitions: kinds.table_of("apiextensions.k8s.io", "customresourcedefinitions"),
            services: kinds.table_of("", "services"),
            addresses: kinds.table_of("networking.k8s.io", "ipaddresses"),
            storage: kinds
                .table_of("", "persistentvolumeclaims")
                .zip(kinds.table_of("", "persistentvolumes"))
                .map(|(claims, volumes)| volumes::Tables { claims, volumes }),
        }
    }
}

/// Does in a fresh cluster what its controllers do first. `authority` is the certificate that pods trust.
pub(crate) fn begin(inner: &mut Inner, settings: &Settings, authority: &str) {
    let Some(namespaces) = inner.kinds.table_of("", "namespaces") else { return };
    accounts::publish(inner, settings, authority);
    let names: Vec<Box<str>> = inner.store.range(namespaces, None, None).map(|one| one.key.clone()).collect();
    for name in names {
        accounts::in_namespace(inner, settings, &name);
    }
}

/// Draws all consequences, and theirs.
pub(crate) fn settle(inner: &mut Inner, settings: &Settings) {
    if inner.todo.tasks.is_empty() {
        return;
    }
    let known = Known::of(&inner.kinds);
    while let Some(task) = inner.todo.tasks.pop_front() {
        let (Task::Created(table, _) | Task::Changed(table, _) | Task::Removed(table, _)) = &task;
        inner.webhooks.written(&inner.kinds, *table);
        match task {
            Task::Created(table, key) => {
                if Some(table) == known.namespaces {
                    accounts::in_namespace(inner, settings, &key);
                }
                written(inner, settings, &known, table, &key, true);
            }
            Task::Changed(table, key) => written(inner, settings, &known, table, &key, false),
            Task::Removed(table, last) => {
                collect::after(inner, settings, &last);
                if Some(table) == known.accounts {
                    accounts::again(inner, settings, &last);
                }
                if Some(table) == known.definitions {
                    customs::forget(inner, &last);
                }
                if let Some(addresses) = known.addresses.filter(|_| Some(table) == known.services) {
                    addresses::gone(inner, addresses, &last);
                }
                if let Some(tables) = known.storage.filter(|_| settings.kubelets) {
                    if Some(table) == known.pods {
                        volumes::pod_gone(inner, settings, tables, &last);
                    }
                    if table == tables.claims {
                        volumes::claim_gone(inner, settings, tables, &last);
                    }
                }
                if let Some(namespace) = last.namespace() {
                    namespaces::emptied(inner, settings, namespace);
                }
                customs::emptied(inner, settings, table);
            }
        }
    }
}

fn written(inner: &mut Inner, settings: &Settings, known: &Known, table: TableId, key: &str, new: bool) {
    let Some(stored) = inner.store.get(table, key).cloned() else { return };
    if Some(table) == known.definitions {
        customs::serve(inner, settings, &stored);
    }
    if Some(table) == known.namespaces {
        namespaces::end(inner, settings, &stored);
    }
    if let Some(addresses) = known.addresses.filter(|_| Some(table) == known.services) {
        addresses::written(inner, settings, addresses, &stored, new);
    }
    if settings.kubelets && Some(table) == known.pods {
        kubelet::pod(inner, settings, table, &stored);
    }
    if settings.kubelets && Some(table) == known.nodes && new {
        kubelet::node(inner, settings, table, &stored);
    }
    if let Some(tables) = known.storage.filter(|_| settings.kubelets) {
        if table == tables.claims {
            volumes::claim(inner, settings, tables, &stored);
        }
        if table == tables.volumes {
            volumes::volume(inner, settings, tables, &stored);
        }
    }
    collect::written(inner, settings, table, key);
}

/// Sets a condition of an object's status: in place where there is one of its type, else behind the others.
pub(crate) fn condition(object: &mut Object, condition: Value) {
    let status = object.entry("status").or_insert_with(|| json!({}));
    let Some(status) = status.as_object_mut() else { return };
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let Some(conditions) = conditions.as_array_mut() else { return };
    match conditions.iter_mut().find(|one| one["type"] == condition["type"]) {
        Some(there) => *there = condition,
        None => conditions.push(condition),
    }
}

/// Writes an object that a controller changed, and looks at what follows from that.
fn put(inner: &mut Inner, table: TableId, key: &str, object: Object) {
    inner.store.put(table, key, object);
    inner.todo.tasks.push_back(Task::Changed(table, key.into()));
}

/// Removes an object for a controller, and looks at what follows from that.
fn remove(inner: &mut Inner, table: TableId, stored: &Arc<Stored>) {
    inner.store.remove(table, &stored.key, None);
    inner.todo.tasks.push_back(Task::Removed(table, Arc::clone(stored)));
}

/// Deletes an object as a controller's request would: in the background, its finalizers respected.
fn request_delete(
    inner: &mut Inner,
    settings: &Settings,
    table: TableId,
    stored: &Arc<Stored>,
    policy: &str,
) {
    let Some(resource) = resource_of(&inner.kinds, table) else {
        // Kept, but served no longer: nobody else can take it away.
        remove(inner, table, stored);
        return;
    };
    let deletion =
        crate::api::Deletion { propagation: Some(policy.to_owned()), ..crate::api::Deletion::default() };
    // Admission has no objection to controllers; a precondition is not given.
    let _ = crate::api::delete_stored(
        inner,
        settings,
        &resource,
        stored,
        &deletion,
        "system:serviceaccount:kube-system:generic-garbage-collector",
        &mut Vec::new(),
    );
}

/// A resource by its table.
pub(crate) fn resource_of(kinds: &Kinds, table: TableId) -> Option<Arc<Resource>> {
    kinds.each().find(|resource| resource.table == table).cloned()
}
