//! How available a workload is, read from its status, so that a restore can wait until what it brought back is as
//! available as it was.
//!
//! What was not available in the backup is not waited for, and nothing is waited for that an object does not ask for
//! now. It refuses to count what a controller that is there itself answers for: a ReplicaSet of a Deployment, a pod of
//! a ReplicaSet.

use super::Rules;
use super::rules::{Source, controller};
use crate::json::{JsonError, Meta, elements, find, text_at};

/// How a workload stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Availability {
    /// How much of it is available: replicas, pods; of what is whole or not at all, 1 or 0.
    pub available: u64,
    /// How much of it is asked for.
    pub asked: u64,
    /// Whether its status tells of the object as it is now, not of an earlier generation.
    pub current: bool,
    /// Whether it has ended, and will not become available.
    pub failed: bool,
}

impl Availability {
    /// Whether as much is available as `wanted`, as far as it is asked for.
    pub fn reaches(&self, wanted: u64) -> bool {
        self.current && self.available >= wanted.min(self.asked)
    }

    /// How `object`, one of `resource`, stands; `None` of a kind that does not become available.
    ///
    /// The fields are those of `k8s.io/api` 0.36: `apps/v1`, `batch/v1`, `core/v1`, `apiregistration.k8s.io/v1`.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn of(resource: &str, object: &[u8]) -> Result<Option<Self>, JsonError> {
        let number = |path: &[&str]| number(object, path);
        let replicas = |available: Option<u64>| {
            let generation = number(&["metadata", "generation"])?.unwrap_or_default();
            let observed = number(&["status", "observedGeneration"])?.unwrap_or_default();
            let asked = number(&["spec", "replicas"])?.unwrap_or(1);
            let available = available.unwrap_or_default();
            Ok::<_, JsonError>(Self { available, asked, current: observed >= generation, failed: false })
        };
        let whole = |there: bool| Self { available: there.into(), asked: 1, current: true, failed: false };
        Ok(Some(match resource {
            "deployments.apps" | "replicasets.apps" | "replicationcontrollers" => {
                replicas(number(&["status", "availableReplicas"])?)?
            }
            "statefulsets.apps" => {
                // Servers before 1.22 do not tell which of the ready ones are available.
                let available = number(&["status", "availableReplicas"])?;
                replicas(available.or(number(&["status", "readyReplicas"])?))?
            }
            "daemonsets.apps" => {
                let asked = number(&["status", "desiredNumberScheduled"])?.unwrap_or_default();
                Self { asked, ..replicas(number(&["status", "numberAvailable"])?)? }
            }
            "pods" => whole(condition(object, "Ready")?),
            "jobs.batch" => job(object)?,
            "persistentvolumeclaims" => {
                whole(text_at(object, &["status", "phase"])?.as_deref() == Some("Bound"))
            }
            "apiservices.apiregistration.k8s.io" => whole(condition(object, "Available")?),
            _ => return Ok(None),
        }))
    }
}

/// A Job asks for as many pods as may still run; one that is complete or suspended asks for none.
fn job(job: &[u8]) -> Result<Availability, JsonError> {
    let number = |path: &[&str]| number(job, path);
    let suspended = find(job, &["spec", "suspend"])?.is_some_and(|span| &job[span] == b"true");
    let mut asked = number(&["spec", "parallelism"])?.unwrap_or(1);
    if let Some(completions) = number(&["spec", "completions"])? {
        asked = asked.min(completions.saturating_sub(number(&["status", "succeeded"])?.unwrap_or_default()));
    }
    if suspended || condition(job, "Complete")? {
        asked = 0;
    }
    // Servers before 1.24 do not count the ready ones.
    let ready = number(&["status", "ready"])?;
    let available = ready.or(number(&["status", "active"])?).unwrap_or_default();
    Ok(Availability { available, asked, current: true, failed: condition(job, "Failed")? })
}

impl Rules {
    /// How much of `source`, which was judged to be taken, was available in the backup; `None` where there is nothing
    /// to wait for.
    ///
    /// # Errors
    /// Its bytes are no JSON object with metadata.
    pub fn wanted(&self, source: &Source<'_>) -> Result<Option<u64>, JsonError> {
        let resource = source.resource.group_resource();
        let Some(was) = Availability::of(&resource, source.bytes)? else { return Ok(None) };
        let answered_for =
            matches!(resource.as_str(), "replicasets.apps" | "replicationcontrollers" | "pods")
                && controller(&Meta::of_prefix(source.bytes)?)?.is_some();
        Ok(Some(was.available).filter(|wanted| *wanted > 0 && !answered_for))
    }
}

fn number(object: &[u8], path: &[&str]) -> Result<Option<u64>, JsonError> {
    let Some(span) = find(object, path)? else { return Ok(None) };
    Ok(std::str::from_utf8(&object[span]).ok().and_then(|text| text.parse().ok()))
}

/// Whether the condition of this type is `True`.
fn condition(object: &[u8], kind: &str) -> Result<bool, JsonError> {
    let Some(span) = find(object, &["status", "conditions"])? else { return Ok(false) };
    let conditions = &object[span];
    if !conditions.starts_with(b"[") {
        return Ok(false);
    }
    for condition in elements(conditions) {
        let condition = &conditions[condition?];
        if text_at(condition, &["type"])?.as_deref() == Some(kind) {
            return Ok(text_at(condition, &["status"])?.as_deref() == Some("True"));
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(resource: &str, object: &str) -> Availability {
        Availability::of(resource, object.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn a_status_of_an_earlier_generation_says_nothing() {
        let old = of(
            "deployments.apps",
            r#"{"metadata":{"generation":2},"spec":{"replicas":3},"status":{"observedGeneration":1,"availableReplicas":3}}"#,
        );
        assert!(!old.reaches(3));
        assert!(Availability { current: true, ..old }.reaches(3));
        let new = of("deployments.apps", r#"{"metadata":{"generation":1},"spec":{}}"#);
        assert!(!new.reaches(1), "its controller has not looked at it");
    }

    #[test]
    fn nothing_is_waited_for_that_is_not_asked_for_any_more() {
        let less = of(
            "statefulsets.apps",
            r#"{"metadata":{"generation":1},"spec":{"replicas":1},"status":{"observedGeneration":1,"readyReplicas":1}}"#,
        );
        assert!(less.reaches(3));
        let nodes = of(
            "daemonsets.apps",
            r#"{"metadata":{"generation":1},"status":{"observedGeneration":1,"desiredNumberScheduled":2,"numberAvailable":2}}"#,
        );
        assert!(nodes.reaches(5), "there are fewer nodes now");
    }

    #[test]
    fn a_job_that_is_complete_is_not_waited_for_and_one_that_failed_will_not_come() {
        let running = of(
            "jobs.batch",
            r#"{"spec":{"completions":9,"parallelism":3},"status":{"active":3,"ready":2,"succeeded":8}}"#,
        );
        assert_eq!((running.available, running.asked), (2, 1));
        let complete =
            of("jobs.batch", r#"{"spec":{},"status":{"conditions":[{"type":"Complete","status":"True"}]}}"#);
        assert!(complete.reaches(1) && !complete.failed);
        let failed =
            of("jobs.batch", r#"{"spec":{},"status":{"conditions":[{"type":"Failed","status":"True"}]}}"#);
        assert!(!failed.reaches(1) && failed.failed);
        assert!(of("jobs.batch", r#"{"spec":{"suspend":true}}"#).reaches(1));
    }

    #[test]
    fn pods_claims_and_api_services_are_available_or_not() {
        let ready = |status: &str| {
            of("pods", &format!(r#"{{"status":{{"conditions":[{{"type":"Ready","status":"{status}"}}]}}}}"#))
        };
        assert!(ready("True").reaches(1) && !ready("False").reaches(1));
        assert!(of("persistentvolumeclaims", r#"{"status":{"phase":"Bound"}}"#).reaches(1));
        assert!(!of("persistentvolumeclaims", r#"{"status":{"phase":"Pending"}}"#).reaches(1));
        assert!(!of("apiservices.apiregistration.k8s.io", r#"{"status":{}}"#).reaches(1));
        assert_eq!(Availability::of("configmaps", b"{}").unwrap(), None);
    }
}
