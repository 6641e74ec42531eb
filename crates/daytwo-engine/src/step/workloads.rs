//! Waits until what was restored is as available as it was in the backup, and says of the rest which pod keeps it, and
//! why. It writes nothing, so it may be begun anew at any time.
//!
//! It refuses to wait for what was not available in the backup, or is not asked for any more.

mod why;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use daytwo_core::finding::{Finding, Severity};
use daytwo_core::json::Meta;
use daytwo_core::resource::{ObjectKey, ResourceType};
use daytwo_core::restore::{Availability, Verdict};
use tokio::time::{Instant, sleep};

use super::request::Writer;
use super::step_name;
use crate::advance::{Act, Carried, RunError};
use crate::api::ApiError;
use crate::discovery;
use crate::event::Event;
use crate::restore::{Intake, lists};

/// The first and the longest pause between two looks.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Workloads that are named with their reason; the others are counted.
const NAMED: usize = 200;

/// A workload that is waited for.
struct Pending {
    key: ObjectKey,
    kind: ResourceType,
    /// How much of it was available in the backup.
    wanted: u64,
    /// How it stood at the last look; `None` if it was not there.
    seen: Option<Availability>,
}

impl Pending {
    /// As `1 of 3 available`.
    fn stands(&self) -> String {
        match &self.seen {
            Some(seen) => format!("{} of {} available", seen.available, self.wanted.min(seen.asked.max(1))),
            None => "it is not there".to_owned(),
        }
    }
}

/// Waits up to `deadline`; what is not available by then is named.
pub(super) async fn wait(deadline: Duration, act: &Act<'_>) -> Result<Carried, RunError> {
    let cluster = |source| RunError::Cluster { step: step_name::WORKLOADS.to_owned(), source };
    let since = Instant::now();
    let mut pause = PAUSES.0;
    let mut pending = gather(act).await?;
    let mut failed = Vec::new();
    let total = pending.len() as u64;
    loop {
        if act.halt.is_cancelled() {
            return Ok(Carried { stopped: true, ..Carried::default() });
        }
        look(act, &mut pending).await.map_err(cluster)?;
        let reached = |one: &Pending| one.seen.is_some_and(|seen| seen.reaches(one.wanted));
        pending.retain(|one| !reached(one));
        let (ended, going): (Vec<_>, Vec<_>) =
            pending.into_iter().partition(|one| one.seen.is_some_and(|seen| seen.failed));
        failed.extend(ended);
        pending = going;
        let done = total - (pending.len() + failed.len()) as u64;
        act.world.events.event(Event::Progress { what: "workloads".to_owned(), done, total: Some(total) });
        if pending.is_empty() || since.elapsed() >= deadline {
            failed.extend(pending);
            return name(act, &failed).await.map_err(cluster).map(|()| Carried::default());
        }
        tell(act, &pending, pause >= PAUSES.1 / 2).await.map_err(cluster)?;
        let left = deadline.saturating_sub(since.elapsed());
        tokio::select! {
            () = act.halt.cancelled() => {}
            () = sleep(pause.min(left)) => pause = (pause * 2).min(PAUSES.1),
        }
    }
}

/// What the backup holds of workloads that were available.
async fn gather(act: &Act<'_>) -> Result<Vec<Pending>, RunError> {
    let rules = act.world.rules;
    let mut entries = act.world.backup.entries().await?;
    let mut intake = Intake::new(rules.target());
    let mut pending = Vec::new();
    while let Some(entry) = entries.next().await? {
        let admitted = intake.admit(entry);
        let source = admitted.source();
        let Ok(Some(wanted)) = rules.wanted(&source) else { continue };
        if !admitted.stays_behind() && matches!(rules.judge(&source), Ok(Verdict::Take(_))) {
            let key = rules.key(&source);
            let here = rules.target().kind(&key.resource);
            let kind = here.unwrap_or_else(|| source.resource.clone());
            pending.push(Pending { key, kind, wanted, seen: None });
        }
    }
    Ok(pending)
}

/// Looks at all of them, by lists.
async fn look(act: &Act<'_>, pending: &mut [Pending]) -> Result<(), ApiError> {
    let mut by_kind: BTreeMap<ResourceType, BTreeSet<String>> = BTreeMap::new();
    let mut places = BTreeMap::new();
    for (at, one) in pending.iter_mut().enumerate() {
        one.seen = None;
        places.insert(one.key.clone(), at);
        by_kind.entry(one.kind.clone()).or_default().extend(one.key.namespace.clone());
    }
    for (kind, namespaces) in by_kind {
        let one_by_one = || -> Vec<String> {
            let path = |namespace: &String| discovery::path(&kind, &kind.version, Some(namespace));
            namespaces.iter().map(path).collect()
        };
        let all = discovery::path(&kind, &kind.version, None);
        let few = kind.namespaced && namespaces.len() <= lists::ONE_BY_ONE;
        let mut paths = if few { one_by_one() } else { vec![all.clone()] };
        while let Some(path) = paths.pop() {
            let resource = kind.group_resource();
            let listed = lists::each(act.world.site.client(), &path, "application/json", |object| {
                let meta = Meta::of_prefix(object)?;
                let namespace = meta.namespace.as_deref().map(str::to_owned);
                let key = ObjectKey { resource: resource.clone(), namespace, name: meta.name.to_string() };
                if let Some(at) = places.get(&key) {
                    pending[*at].seen = Availability::of(&resource, object)?;
                }
                Ok(())
            });
            match listed.await {
                Err(error) if error.is_denied() && path == all && kind.namespaced => paths = one_by_one(),
                // What may not be looked at stays pending, and is named with the server's reason.
                Err(error) if error.is_denied() || error.is_not_found() => {}
                done => done?,
            }
        }
    }
    Ok(())
}

/// Says how many are waited for, and of the first why.
async fn tell(act: &Act<'_>, pending: &[Pending], with_reason: bool) -> Result<(), ApiError> {
    let Some(first) = pending.first() else { return Ok(()) };
    let mut because = format!("{}: {}", first.key, first.stands());
    if with_reason {
        because.push_str(&format!(", {}", why::why(&writer(act), first).await?.text()));
    }
    if pending.len() > 1 {
        because.push_str(&format!("; and {} more", pending.len() - 1));
    }
    act.world.events.event(Event::Waiting { what: step_name::WORKLOADS.to_owned(), because });
    Ok(())
}

/// Names those that are not available, each with its pod and the reason.
async fn name(act: &Act<'_>, left: &[Pending]) -> Result<(), ApiError> {
    let writer = writer(act);
    for one in left.iter().take(NAMED) {
        let why = why::why(&writer, one).await?;
        let namespace =
            one.key.namespace.as_deref().map(|at| format!(" --namespace {at}")).unwrap_or_default();
        let (resource, name) = match &why.pod {
            Some(pod) => ("pod", pod),
            None => (one.key.resource.as_str(), &one.key.name),
        };
        let finding = Finding {
            id: "restore-workload-not-available".to_owned(),
            severity: Severity::Warning,
            subject: one.key.to_string(),
            evidence: format!("{}, {} in the backup: {}", one.stands(), one.wanted, why.text()),
            breaks: "it serves less than it did when the backup was made".to_owned(),
            remedy: "mend what keeps it; restoring again with --wait looks again".to_owned(),
            command: Some(format!("kubectl describe {resource} {name}{namespace}")),
        };
        act.tally(|tally| tally.findings.push(finding));
    }
    if let Some(more) = left.len().checked_sub(NAMED).filter(|more| *more > 0) {
        let finding = Finding {
            id: "restore-workload-not-available".to_owned(),
            severity: Severity::Warning,
            subject: format!("{more} more workloads"),
            evidence: "they are less available than in the backup".to_owned(),
            breaks: "they serve less than they did when the backup was made".to_owned(),
            remedy: "mend what keeps those that are named; restoring again with --wait looks again"
                .to_owned(),
            command: None,
        };
        act.tally(|tally| tally.findings.push(finding));
    }
    Ok(())
}

fn writer<'a>(act: &'a Act<'_>) -> Writer<'a> {
    Writer::of(act)
}
