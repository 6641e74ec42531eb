//! What each step does: it looks, acts, and looks again. It refuses to know what the plan is for: whoever planned
//! chose the steps.

mod account;
mod answers;
pub(crate) mod ask;
pub(crate) mod barriers;
mod change;
mod create;
mod door;
mod endpoints;
mod established;
mod follow;
mod job;
mod namespaces;
mod object;
mod outcome;
mod owners;
mod prune;
mod reclaim;
mod refusal;
mod release;
mod request;
mod workloads;

use daytwo_core::plan::Step;
use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::{Action, Counts, Failed, Wave, is_webhooks};
use jiff::SignedDuration;
use std::time::Duration;

pub(crate) use endpoints::has_ready_endpoint;

use crate::advance::{Act, Carried, RunError};
use crate::api::ApiError;
use crate::journal::Recorded;

/// Names of steps that also stand in what they tell.
mod step_name {
    pub const OWNERS: &str = "giving objects their owners";
    pub const WORKLOADS: &str = "availability of workloads";
    pub const RELEASE: &str = "releasing parked webhooks";
}

/// What a person calls a step.
pub(crate) fn name(step: &Step) -> String {
    match step {
        Step::EnsureNamespaces { .. } => "making namespaces".to_owned(),
        Step::CreateObjects { wave, .. } => format!("restoring {wave}"),
        Step::AwaitEstablished { .. } => "waiting for definitions".to_owned(),
        Step::AwaitEndpoints { .. } => "waiting for webhooks' services".to_owned(),
        Step::AwaitWorkloads { .. } => step_name::WORKLOADS.to_owned(),
        Step::ReleaseWebhooks { .. } => step_name::RELEASE.to_owned(),
        Step::PruneObjects { .. } => "deleting what the backup does not hold".to_owned(),
        Step::BindOwners { .. } => step_name::OWNERS.to_owned(),
        Step::RestoreReclaimPolicies { .. } => "giving volumes their reclaim policy back".to_owned(),
        Step::DefragMember { name, .. } => format!("defragmenting {name}"),
        Step::AwaitMembers { .. } => "waiting for etcd's members".to_owned(),
        Step::DisarmAlarm { alarm, name } => format!("taking the alarm {} of {name} back", alarm.alarm),
    }
}

/// Carries out `step`.
pub(crate) async fn carry_out(step: &Step, act: &Act<'_>) -> Result<Carried, RunError> {
    let stopped = match step {
        Step::EnsureNamespaces { namespaces } => namespaces::ensure(namespaces, act).await,
        Step::CreateObjects { wave, objects } => return create::create(*wave, *objects, act).await,
        Step::AwaitEstablished { definitions, deadline } => {
            established::wait(definitions, duration(*deadline), act).await
        }
        Step::AwaitEndpoints { services, deadline } => {
            endpoints::wait(services, duration(*deadline), act).await
        }
        Step::PruneObjects { extra } => prune::prune(extra, act).await,
        Step::BindOwners { last } => return owners::bind(*last, act).await,
        Step::AwaitWorkloads { deadline, .. } => return workloads::wait(duration(*deadline), act).await,
        Step::ReleaseWebhooks { deadline } => return release::release_all(duration(*deadline), act).await,
        Step::RestoreReclaimPolicies { deadline } => reclaim::restore(duration(*deadline), act).await,
        Step::DefragMember { .. } | Step::AwaitMembers { .. } | Step::DisarmAlarm { .. } => {
            return Err(RunError::Foreign { step: name(step) });
        }
    };
    let stopped = stopped.map_err(|source| RunError::Cluster { step: name(step), source })?;
    Ok(Carried { stopped, ..Carried::default() })
}

/// What a run leaves half done in the cluster where it stands now.
pub(crate) fn stands(recorded: &Recorded) -> Vec<String> {
    let mut stands = Vec::new();
    let left: Vec<&Step> =
        recorded.plan.steps().filter(|(place, _)| !recorded.is_done(*place)).map(|(_, step)| step).collect();
    let (yet, until) = match recorded.abort {
        None => (" yet", " until the run is resumed"),
        Some(_) => ("", ""),
    };
    let waves: Vec<&str> = left
        .iter()
        .filter_map(|step| match step {
            Step::CreateObjects { wave, .. } => Some(wave.name()),
            _ => None,
        })
        .collect();
    if !waves.is_empty() {
        stands.push(format!("not or not wholly restored{yet}: {}", waves.join(", ")));
    }
    if left.iter().any(|step| matches!(step, Step::PruneObjects { .. })) {
        stands.push(format!("what the backup does not hold is not or not wholly deleted{yet}"));
    }
    for step in &left {
        match step {
            Step::DefragMember { name, .. } => stands.push(format!("{name} is not defragmented{yet}")),
            Step::DisarmAlarm { alarm, name } => {
                stands.push(format!("the alarm {} of {name} is not taken back{yet}", alarm.alarm));
            }
            _ => {}
        }
    }
    // A wave that was cut off before its first checkpoint may have written, and no count tells.
    let begun = |wave: Wave| {
        recorded.under_way.is_some_and(|(place, _)| {
            matches!(recorded.plan.step(place), Some(Step::CreateObjects { wave: at, .. }) if *at == wave)
        })
    };
    let made = |counts: &Counts| counts.created + counts.updated + counts.replaced > 0;
    let any_begun = Wave::ALL.into_iter().any(begun);
    let created = any_begun || recorded.tally.resources.values().any(made);
    if created && left.iter().any(|step| matches!(step, Step::BindOwners { .. })) {
        stands.push(format!("objects restored before their owners have none{until}"));
    }
    let volumes = begun(Wave::Volumes) || recorded.tally.resources.get("persistentvolumes").is_some_and(made);
    if volumes && left.iter().any(|step| matches!(step, Step::RestoreReclaimPolicies { .. })) {
        stands.push(format!("restored PersistentVolumes keep the reclaim policy Retain{until}"));
    }
    if recorded.abort.is_some() {
        let held = recorded.tally.findings.iter().filter(|finding| finding.id == reclaim::HELD);
        stands.extend(held.map(|finding| format!("{} keeps the reclaim policy Retain", finding.subject)));
        let parked = recorded.tally.findings.iter().filter(|finding| finding.id == release::PARKED);
        stands
            .extend(parked.map(|finding| format!("{} stays parked: {}", finding.subject, finding.evidence)));
    }
    let webhooks = begun(Wave::Webhooks)
        || recorded.tally.resources.iter().any(|(resource, counts)| is_webhooks(resource) && made(counts));
    if webhooks && left.iter().any(|step| matches!(step, Step::ReleaseWebhooks { .. })) {
        let what = "restored webhooks are parked, and let pass what they cannot be asked about";
        stands.push(format!("{what}{until}"));
    }
    stands
}

/// The waits of plans are never negative.
pub(crate) fn duration(deadline: SignedDuration) -> Duration {
    Duration::try_from(deadline).unwrap_or_default()
}

/// What the server said about an object it refused; `body` is what was sent.
fn failed(object: ObjectKey, error: &ApiError, body: &[u8], what: &str) -> Failed {
    let message = refusal::message(&object.resource, error, body);
    let message = if what.is_empty() { message } else { format!("{what}: {message}") };
    Failed { object, code: error.code(), reason: error.reason().to_owned(), message, next: None }
}

/// Counts an object.
fn count(act: &Act<'_>, resource: &str, action: Action) {
    act.tally(|tally| tally.count(resource, action));
}
