//! What the API server keeps for itself: flow control, the APIs it serves, storage versions and their migration.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

use super::network::{or_unset, some};
use super::read;
use crate::ask::Object;

/// FlowSchemas are listed in the order in which they are tried.
pub(super) fn order(one: &Object, other: &Object) -> Ordering {
    let rank = |schema: &Object| read::int(schema, &["spec", "matchingPrecedence"]);
    let name = |schema| read::text(schema, &["metadata", "name"]);
    rank(one).cmp(&rank(other)).then_with(|| name(one).cmp(name(other)))
}

/// Whether the priority level that it names is missing.
pub(super) fn dangling(schema: &Object, _: Timestamp) -> Value {
    let condition = read::condition(read::list(schema, &["status", "conditions"]), "Dangling");
    condition.map_or("?", |condition| read::field(condition, "status")).into()
}

/// A level's share.
pub(super) fn level_shares(level: &Object, _: Timestamp) -> Value {
    number(level, &["spec", "limited"], "nominalConcurrencyShares")
}

/// How many queues it has.
pub(super) fn level_queues(level: &Object, _: Timestamp) -> Value {
    queuing(level, "queues")
}

/// Among how many queues a flow chooses.
pub(super) fn level_hand(level: &Object, _: Timestamp) -> Value {
    queuing(level, "handSize")
}

/// How many requests wait in a queue at most.
pub(super) fn level_queue_length(level: &Object, _: Timestamp) -> Value {
    queuing(level, "queueLengthLimit")
}

fn queuing(level: &Object, name: &str) -> Value {
    number(level, &["spec", "limited", "limitResponse", "queuing"], name)
}

fn number(level: &Object, path: &[&str], name: &str) -> Value {
    match read::at(level, path) {
        Some(within) => within.get(name).and_then(Value::as_i64).unwrap_or_default().into(),
        None => "<none>".into(),
    }
}

/// Which server writes which version.
pub(super) fn storage_versions(version: &Object, _: Timestamp) -> Value {
    let servers: Vec<String> = read::list(version, &["status", "storageVersions"])
        .iter()
        .map(|server| {
            format!("{}={}", read::field(server, "apiServerID"), read::field(server, "encodingVersion"))
        })
        .collect();
    or_unset(some(&servers)).into()
}

/// What is migrated.
pub(super) fn migration_resource(migration: &Object, _: Timestamp) -> Value {
    let part = |name| read::text(migration, &["spec", "resource", name]);
    match (part("resource"), part("group")) {
        (resource, "") => resource.into(),
        (resource, group) => format!("{resource}.{group}").into(),
    }
}

/// How far it is.
pub(super) fn migration_status(migration: &Object, _: Timestamp) -> Value {
    let conditions = read::list(migration, &["status", "conditions"]).iter();
    let mut kinds = conditions
        .filter(|condition| read::field(condition, "status") == "True")
        .map(|condition| read::field(condition, "type"));
    kinds.rfind(|kind| matches!(*kind, "Running" | "Failed" | "Succeeded")).unwrap_or("Unknown").into()
}

/// Who serves an API: `Local` for the server itself.
pub(super) fn api_service(api: &Object, _: Timestamp) -> Value {
    match read::at(api, &["spec", "service"]) {
        Some(service) => {
            format!("{}/{}", read::field(service, "namespace"), read::field(service, "name")).into()
        }
        None => "Local".into(),
    }
}

/// Whether an API is served, and if not, why.
pub(super) fn api_available(api: &Object, _: Timestamp) -> Value {
    let Some(condition) = read::condition(read::list(api, &["status", "conditions"]), "Available") else {
        return "Unknown".into();
    };
    match (read::field(condition, "status"), read::field(condition, "reason")) {
        (status @ "True", _) | (status, "") => status.into(),
        (status, reason) => format!("{status} ({reason})").into(),
    }
}
