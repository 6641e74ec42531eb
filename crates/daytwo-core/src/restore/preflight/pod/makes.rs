//! How many pods come of a workload. It refuses to know nodes and schedules.

use serde::Deserialize;

use crate::json::{JsonError, find};

/// What comes of a pod or a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Makes {
    /// It is a pod.
    Itself,
    /// A controller makes so many pods of it.
    Pods(u64),
    /// A controller makes pods of it, who knows how many.
    Unknown,
}

/// How many pods come of an object of `resource` that was just created.
///
/// # Errors
/// It is not JSON.
pub fn makes(resource: &str, object: &[u8]) -> Result<Makes, JsonError> {
    let number = |path: &[&str]| {
        let span = find(object, path)?;
        Ok::<_, JsonError>(span.and_then(|span| serde_json::from_slice::<u64>(&object[span]).ok()))
    };
    Ok(match resource {
        "pods" => Makes::Itself,
        "jobs.batch" => {
            let suspended = find(object, &["spec", "suspend"])?.is_some_and(|span| &object[span] == b"true");
            let ended = find(object, &["status", "completionTime"])?.is_some() || failed(object)?;
            let parallel = number(&["spec", "parallelism"])?.unwrap_or(1);
            let left = number(&["spec", "completions"])?.unwrap_or(u64::MAX);
            Makes::Pods(if suspended || ended { 0 } else { parallel.min(left) })
        }
        "daemonsets.apps" | "cronjobs.batch" => Makes::Unknown,
        _ => Makes::Pods(number(&["spec", "replicas"])?.unwrap_or(1)),
    })
}

/// Whether a Job has failed.
fn failed(job: &[u8]) -> Result<bool, JsonError> {
    let Some(span) = find(job, &["status", "conditions"])? else { return Ok(false) };
    #[derive(Deserialize)]
    struct Condition {
        #[serde(rename = "type")]
        of_type: String,
        status: String,
    }
    let conditions = serde_json::from_slice::<Vec<Condition>>(&job[span]).unwrap_or_default();
    Ok(conditions.iter().any(|one| one.of_type == "Failed" && one.status == "True"))
}
