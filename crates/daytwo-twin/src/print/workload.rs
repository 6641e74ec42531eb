//! Jobs and what runs replicas.

use jiff::Timestamp;
use serde_json::Value;

use super::{age, read, selector};
use crate::ask::Object;

/// How many replicas are ready, of how many wanted.
pub(super) fn ready_of_replicas(object: &Object, _: Timestamp) -> Value {
    let (ready, wanted) =
        (read::int(object, &["status", "readyReplicas"]), read::int(object, &["spec", "replicas"]));
    format!("{ready}/{wanted}").into()
}

/// A Deployment's selector, which unlike others is empty where it says nothing.
pub(super) fn deployment_selector(deployment: &Object, _: Timestamp) -> Value {
    selector::text(read::at(deployment, &["spec", "selector"]))
        .unwrap_or_else(|| "<invalid>".to_owned())
        .into()
}

/// What a Job's conditions come to.
pub(super) fn job_status(job: &Object, _: Timestamp) -> Value {
    let conditions = read::list(job, &["status", "conditions"]);
    let has = |kind| read::holds(conditions, kind);
    match () {
        () if has("Complete") => "Complete",
        () if has("Failed") => "Failed",
        () if read::deleting(job) => "Terminating",
        () if has("Suspended") => "Suspended",
        () if has("FailureTarget") => "FailureTarget",
        () if has("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    }
    .into()
}

/// How many pods of a Job have succeeded, of how many wanted.
pub(super) fn job_completions(job: &Object, _: Timestamp) -> Value {
    let succeeded = read::int(job, &["status", "succeeded"]);
    let wanted = read::at(job, &["spec", "completions"]).and_then(Value::as_i64);
    match (wanted, read::int(job, &["spec", "parallelism"])) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}").into(),
        (None, parallelism @ 2..) => format!("{succeeded}/1 of {parallelism}").into(),
        (None, _) => format!("{succeeded}/1").into(),
    }
}

/// How long a Job took, or takes so far.
pub(super) fn job_duration(job: &Object, now: Timestamp) -> Value {
    let time = |name| read::at(job, &["status", name]).and_then(Value::as_str).and_then(age::read);
    match time("startTime") {
        Some(start) => age::human(age::between(start, time("completionTime").unwrap_or(now))).into(),
        None => "".into(),
    }
}

/// Whether a CronJob starts none.
pub(super) fn cron_job_suspend(job: &Object, _: Timestamp) -> Value {
    match read::at(job, &["spec", "suspend"]).and_then(Value::as_bool) {
        Some(true) => "True",
        Some(false) => "False",
        None => "<unset>",
    }
    .into()
}

/// Whose revision it is: `deployment.apps/web`.
pub(super) fn revision_controller(revision: &Object, _: Timestamp) -> Value {
    let owners = read::list(revision, &["metadata", "ownerReferences"]);
    let controls = |owner: &&Value| owner.get("controller").and_then(Value::as_bool) == Some(true);
    let Some(owner) = owners.iter().find(controls) else { return "<none>".into() };
    let (kind, name) = (read::field(owner, "kind"), read::field(owner, "name"));
    match read::field(owner, "apiVersion").split_once('/') {
        Some((group, _)) => format!("{}/{name}", format!("{kind}.{group}").to_lowercase()).into(),
        None if kind.is_empty() => name.into(),
        None => format!("{}/{name}", kind.to_lowercase()).into(),
    }
}

/// How a PodGroup's pods are scheduled.
pub(super) fn group_policy(group: &Object, _: Timestamp) -> Value {
    match read::at(group, &["spec", "schedulingPolicy", "gang"]) {
        Some(_) => "Gang".into(),
        None => "Basic".into(),
    }
}

/// Whether a PodGroup is scheduled, or why it is disrupted.
pub(super) fn group_status(group: &Object, _: Timestamp) -> Value {
    let last = |kind| {
        let conditions = read::list(group, &["status", "conditions"]);
        conditions.iter().rfind(|condition| read::field(condition, "type") == kind)
    };
    if let Some(disrupted) = last("DisruptionTarget") {
        return read::field(disrupted, "reason").into();
    }
    match last("PodGroupScheduled").map(|condition| read::field(condition, "status")) {
        Some("True") => "Scheduled".into(),
        Some(_) => "Unschedulable".into(),
        None => "Pending".into(),
    }
}
