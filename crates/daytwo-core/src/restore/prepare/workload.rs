//! Pods and Jobs: nothing that had ended starts again, and nothing names what the server fills in itself.

use super::super::content::manual_selector;
use super::{super::Target, How};
use crate::json::{Edits, JsonError, elements, find, text_at};

/// The annotation on a Job that was created suspended and has not yet got its status back.
pub const FINISHED_MARK: &str = "daytwo.dev/restore-finished";

/// A pod: without ephemeral containers (a new pod may not have any), without the priority that admission computes
/// from its class, and not bound to a node that is gone.
pub(super) fn pod(
    pod: &[u8],
    target: &Target,
    edits: &mut Edits<'_>,
    notes: &mut Vec<String>,
) -> Result<(), JsonError> {
    edits
        .remove(&["spec", "ephemeralContainers"])
        .remove(&["spec", "priority"])
        .remove(&["spec", "preemptionPolicy"]);
    if let Some(node) = text_at(pod, &["spec", "nodeName"])?.filter(|node| !target.nodes.contains(&**node)) {
        edits.remove(&["spec", "nodeName"]);
        notes.push(format!("is scheduled anew: its node {node} is not in the cluster"));
    }
    Ok(())
}

/// A Job: without the selector and labels that the server generates from its UID; one that had finished is told so
/// before it may start.
pub(super) fn job(job: &[u8], edits: &mut Edits<'_>) -> Result<How, JsonError> {
    if !manual_selector(job)? {
        edits.remove(&["spec", "selector"]);
        for label in [
            "controller-uid",
            "batch.kubernetes.io/controller-uid",
            "job-name",
            "batch.kubernetes.io/job-name",
        ] {
            edits.remove(&["metadata", "labels", label]);
            edits.remove(&["spec", "template", "metadata", "labels", label]);
        }
    }
    let Some(status) = find(job, &["status"])? else { return Ok(How::Create) };
    let Some(status) = finished_status(&job[status])? else { return Ok(How::Create) };
    let suspend = find(job, &["spec", "suspend"])?.map(|span| job[span].to_vec());
    edits.set(&["spec", "suspend"], "true");
    edits.set_str(&["metadata", "annotations", FINISHED_MARK], "pending");
    Ok(How::FinishedJob { status, suspend })
}

/// The status to write for a Job that had finished; `None` for one that had not.
///
/// Servers since 1.31 refuse a finished Job without a start time, with active pods, or without the condition that
/// goes before the last one (`pkg/registry/batch/job/strategy.go`, `getStatusValidationOptions`).
fn finished_status(status: &[u8]) -> Result<Option<Vec<u8>>, JsonError> {
    let Some(span) = find(status, &["conditions"])? else { return Ok(None) };
    let conditions = &status[span];
    if !conditions.starts_with(b"[") {
        return Ok(None);
    }
    let mut last: Option<(&[u8], &str)> = None;
    let mut types = Vec::new();
    for condition in elements(conditions) {
        let condition = &conditions[condition?];
        if text_at(condition, &["status"])?.as_deref() != Some("True") {
            continue;
        }
        let kind = text_at(condition, &["type"])?.unwrap_or_default().into_owned();
        match kind.as_str() {
            "Complete" => last = Some((condition, "SuccessCriteriaMet")),
            "Failed" => last = Some((condition, "FailureTarget")),
            _ => {}
        }
        types.push(kind);
    }
    let Some((last, before)) = last else { return Ok(None) };
    let mut edits = Edits::new();
    // Of pods that were still there at its end, none is here.
    for key in ["active", "ready", "terminating", "uncountedTerminatedPods"] {
        if find(status, &[key])?.is_some_and(|span| !matches!(&status[span], b"0" | b"{}")) {
            edits.remove(&[key]);
        }
    }
    if !types.iter().any(|kind| kind == before) {
        let mut first = Edits::new();
        first.set_str(&["type"], before);
        let mut all = vec![b'['];
        all.extend(first.apply(last)?);
        all.push(b',');
        all.extend_from_slice(&conditions[1..]);
        edits.set(&["conditions"], all);
    }
    let at = match find(status, &["completionTime"])? {
        Some(span) => Some(status[span].to_vec()),
        None => find(last, &["lastTransitionTime"])?.map(|span| last[span].to_vec()),
    };
    if let Some(at) = at {
        if before == "SuccessCriteriaMet" {
            edits.insert(&["completionTime"], at.clone());
        }
        edits.insert(&["startTime"], at);
    }
    edits.apply(status).map(Some)
}
