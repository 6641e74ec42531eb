//! The time that an object is given to end.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Deletion;
use crate::api::meta;
use crate::ask::Object;
use crate::kinds::{Origin, Resource};

/// How long an object is given to end; `None` of kinds that need no time (`CheckGracefulDelete` of
/// `pkg/registry/core/pod/strategy.go`).
pub(super) fn grace(resource: &Resource, object: &Object, deletion: &Deletion) -> Option<i64> {
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

pub(super) enum Soft {
    /// It is being deleted already, and sooner than asked.
    Pending,
    /// It has a time now at which it is to be gone.
    Marked,
    /// It needs no time.
    No,
}

/// Gives an object the time it has to end.
pub(super) fn soften(object: &mut Object, grace: Option<i64>, now: Timestamp) -> Soft {
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
