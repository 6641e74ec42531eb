//! Why a workload is not available, in the words of whoever keeps it: the scheduler, the kubelet, a controller. It
//! refuses to quote what a program wrote when it ended: that may be anything.

use crate::json::{JsonError, elements, find, text_at};

/// Waiting that every container goes through.
const BEGINNING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// Why `pod` is not ready; `None` where it is.
///
/// # Errors
/// It is not JSON.
pub fn of_pod(pod: &[u8]) -> Result<Option<String>, JsonError> {
    if condition(pod, "Ready", "True")?.is_some() {
        return Ok(None);
    }
    if let Some(why) = condition(pod, "PodScheduled", "False")? {
        return Ok(Some(why));
    }
    let phase = text_at(pod, &["status", "phase"])?;
    if phase.as_deref() == Some("Failed") {
        let reason = text_at(pod, &["status", "reason"])?;
        let message = text_at(pod, &["status", "message"])?;
        let said = joined(reason.as_deref(), message.as_deref());
        return Ok(Some(if said.is_empty() { "it failed".to_owned() } else { said }));
    }
    let mut beginning = None;
    for list in ["initContainerStatuses", "containerStatuses"] {
        let Some(statuses) = array(pod, &["status", list])? else { continue };
        for status in elements(statuses) {
            let status = &statuses[status?];
            match of_container(status)? {
                Some((reason, why)) if BEGINNING.contains(&reason.as_str()) => {
                    beginning.get_or_insert(why);
                }
                Some((_, why)) => return Ok(Some(why)),
                None => {}
            }
        }
    }
    if let Some(why) = beginning {
        return Ok(Some(why));
    }
    if let Some(why) = condition(pod, "Ready", "False")?.filter(|why| !why.is_empty()) {
        return Ok(Some(why));
    }
    Ok(Some(match text_at(pod, &["spec", "nodeName"])? {
        Some(node) => format!("node {node} has not told of it"),
        None => "no scheduler has looked at it".to_owned(),
    }))
}

/// What `object` itself says of why it is not available; empty where it says nothing.
///
/// `ReplicaFailure` is what ReplicaSets, and their Deployments, say where they may not create pods.
///
/// # Errors
/// It is not JSON.
pub fn of_object(object: &[u8]) -> Result<String, JsonError> {
    for (kind, status) in
        [("ReplicaFailure", "True"), ("Failed", "True"), ("Available", "False"), ("Progressing", "False")]
    {
        // A Deployment's `Available` only counts; an APIService's says why.
        match condition(object, kind, status)? {
            Some(why) if !why.is_empty() && !why.starts_with("MinimumReplicasUnavailable") => return Ok(why),
            _ => {}
        }
    }
    Ok(String::new())
}

/// Why a container does not run, and the reason's name.
fn of_container(status: &[u8]) -> Result<Option<(String, String)>, JsonError> {
    let name = text_at(status, &["name"])?.unwrap_or_default();
    let text = |path: &[&str]| text_at(status, path);
    if let Some(reason) = text(&["state", "waiting", "reason"])? {
        let message = text(&["state", "waiting", "message"])?;
        let why = format!("container {name}: {}", joined(Some(&reason), message.as_deref()));
        return Ok(Some((reason.into_owned(), why)));
    }
    let Some(code) = find(status, &["state", "terminated", "exitCode"])?.map(|span| &status[span]) else {
        return Ok(None);
    };
    if code == b"0" {
        return Ok(None);
    }
    let reason = text(&["state", "terminated", "reason"])?.unwrap_or_default().into_owned();
    let why = format!("container {name}: ended with {} {reason}", String::from_utf8_lossy(code));
    Ok(Some((reason, why.trim_end().to_owned())))
}

/// Reason and message of the condition of this type, if it has this status.
fn condition(object: &[u8], kind: &str, status: &str) -> Result<Option<String>, JsonError> {
    let Some(conditions) = array(object, &["status", "conditions"])? else { return Ok(None) };
    for condition in elements(conditions) {
        let condition = &conditions[condition?];
        let text = |key: &str| text_at(condition, &[key]);
        if text("type")?.as_deref() == Some(kind) && text("status")?.as_deref() == Some(status) {
            return Ok(Some(joined(text("reason")?.as_deref(), text("message")?.as_deref())));
        }
    }
    Ok(None)
}

fn joined(reason: Option<&str>, message: Option<&str>) -> String {
    let parts = [reason, message].into_iter().flatten().map(str::trim).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(": ")
}

fn array<'a>(object: &'a [u8], path: &[&str]) -> Result<Option<&'a [u8]>, JsonError> {
    Ok(find(object, path)?.map(|span| &object[span]).filter(|list| list.starts_with(b"[")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pod: &str) -> String {
        of_pod(pod.as_bytes()).unwrap().unwrap_or_default()
    }

    #[test]
    fn a_pod_says_what_keeps_it_from_being_ready() {
        let pending = of(
            r#"{"status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable","message":"0/1 nodes are available: 1 Insufficient cpu."}]}}"#,
        );
        assert_eq!(pending, "Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.");
        let image = of(
            r#"{"spec":{"nodeName":"n"},"status":{"conditions":[{"type":"Ready","status":"False","reason":"ContainersNotReady"}],
            "containerStatuses":[{"name":"a","state":{"running":{}}},{"name":"b","state":{"waiting":{"reason":"ContainerCreating"}}},
            {"name":"c","state":{"waiting":{"reason":"ImagePullBackOff","message":"no such image"}}}]}}"#,
        );
        assert_eq!(image, "container c: ImagePullBackOff: no such image", "the worst, not the first");
        assert_eq!(of(r#"{"status":{"conditions":[{"type":"Ready","status":"True"}]}}"#), "");
        assert_eq!(of(r#"{"spec":{"nodeName":"n"},"status":{}}"#), "node n has not told of it");
        assert_eq!(of("{}"), "no scheduler has looked at it");
    }

    #[test]
    fn what_a_program_wrote_when_it_ended_is_not_quoted() {
        let ended = of(
            r#"{"status":{"containerStatuses":[{"name":"a","state":{"terminated":{"exitCode":137,"reason":"OOMKilled","message":"password=x"}}}]}}"#,
        );
        assert_eq!(ended, "container a: ended with 137 OOMKilled");
    }

    #[test]
    fn a_workload_without_pods_says_why_it_may_not_make_any() {
        let refused = of_object(
            br#"{"status":{"conditions":[{"type":"Available","status":"False","reason":"MinimumReplicasUnavailable","message":"m"},
            {"type":"ReplicaFailure","status":"True","reason":"FailedCreate","message":"exceeded quota: none"}]}}"#,
        );
        assert_eq!(refused.unwrap(), "FailedCreate: exceeded quota: none");
        assert_eq!(of_object(b"{}").unwrap(), "");
    }
}
