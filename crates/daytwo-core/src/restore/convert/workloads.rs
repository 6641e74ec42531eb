//! Deployments, DaemonSets, ReplicaSets and StatefulSets of extensions/v1beta1, apps/v1beta1 and apps/v1beta2
//! (kubernetes v1.36.3, `pkg/apis/{extensions/v1beta1,apps/v1beta1,apps/v1beta2,apps/v1}/{conversion,defaults}.go`). A
//! server writes its defaults into what it stores; where an object comes from elsewhere without them, what its version
//! implied is written out, as apps/v1 implies something else. It refuses to start what was asked for once: a rollback.

use super::Unconvertible;
use super::draft::Draft;
use crate::json::quote;

/// What means "not limited" where a number has to stand.
const UNLIMITED: &str = "2147483647";

/// Where apps/v1 keeps a DaemonSet's count of its templates.
const GENERATION: &str = "deprecated.daemonset.template.generation";

/// Whether a selector and labels were taken from the template: apps/v1beta2 no longer did.
fn infers(draft: &Draft<'_>) -> bool {
    draft.from.version == "v1beta1"
}

/// `spec.selector` has to be given in apps/v1.
fn selector(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    let Some(labels) = draft.value(&["spec", "template", "metadata", "labels"])? else { return Ok(()) };
    if infers(draft) {
        if draft.value(&["spec", "selector"])?.is_none() {
            draft.edits.set(&["spec", "selector", "matchLabels"], labels);
        }
        if draft.value(&["metadata", "labels"])?.is_none_or(|own| own == b"{}") {
            draft.edits.set(&["metadata", "labels"], labels);
        }
    }
    Ok(())
}

pub(super) fn deployment(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    selector(draft)?;
    if draft.gone(&["spec", "rollbackTo"])? {
        let note = "was asked to roll back to an earlier revision; that was not asked for again";
        draft.notes.push(note.to_owned());
    }
    let (unavailable, history, deadline) = match (&*draft.from.group, &*draft.from.version) {
        ("extensions", _) => ("1", UNLIMITED, UNLIMITED),
        (_, "v1beta1") => (r#""25%""#, "2", "600"),
        _ => return Ok(()),
    };
    draft.implied(&["spec", "revisionHistoryLimit"], history);
    draft.implied(&["spec", "progressDeadlineSeconds"], deadline);
    if draft.text(&["spec", "strategy", "type"])?.is_none_or(|kind| kind == "RollingUpdate") {
        draft.implied(&["spec", "strategy", "rollingUpdate", "maxUnavailable"], unavailable);
        draft.implied(&["spec", "strategy", "rollingUpdate", "maxSurge"], unavailable);
    }
    Ok(())
}

pub(super) fn daemon_set(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    selector(draft)?;
    if let Some(count) = draft.value(&["spec", "templateGeneration"])? {
        let text = quote(&String::from_utf8_lossy(count));
        draft
            .edits
            .remove(&["spec", "templateGeneration"])
            .set(&["metadata", "annotations", GENERATION], text);
    }
    if draft.from.group == "extensions" {
        draft.implied(&["spec", "updateStrategy", "type"], r#""OnDelete""#);
    }
    Ok(())
}

pub(super) fn replica_set(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    selector(draft)
}

pub(super) fn stateful_set(draft: &mut Draft<'_>) -> Result<(), Unconvertible> {
    selector(draft)?;
    if draft.from.version == "v1beta1" {
        draft.implied(&["spec", "updateStrategy", "type"], r#""OnDelete""#);
    }
    Ok(())
}
