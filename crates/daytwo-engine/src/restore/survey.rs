//! Passes over a backup: once to count what is in it, once to judge each object. Both stream.

use daytwo_archive::{ArchiveError, Backup};
use daytwo_core::plan::Fact;
use daytwo_core::resource::{ObjectKey, ResourceType};
use daytwo_core::restore::{
    Action, Census, DataElsewhere, Decided, Planned, Planner, Request, Rules, Target, There, Wave,
};
use jiff::Timestamp;

use super::admit::{Intake, Moved};
use super::live::Names;
use super::{Detail, Live, Look, RestoreError, Runner, access, prune, unseen};
use crate::event::Event;

/// Progress is told after this many objects.
const TELL_EVERY: u64 = 1_000;

/// What `backup` holds, at versions that `target` serves.
pub async fn census(
    backup: &Backup,
    request: &Request,
    elsewhere: DataElsewhere,
    target: &Target,
) -> Result<Census, ArchiveError> {
    let mut census = Census::new(elsewhere);
    let mut intake = Intake::new(target);
    let mut entries = backup.entries().await?;
    while let Some(entry) = entries.next().await? {
        let admitted = intake.admit(entry);
        if admitted.stays_behind() {
            census.pass();
            continue;
        }
        // What is no JSON is counted as failed when it is judged.
        let _ = census.note(request, &admitted.source());
    }
    Ok(census)
}

/// Judges every object against what is in the cluster, and makes the plan.
pub async fn judge(
    runner: &Runner<'_>,
    rules: &Rules,
    run: &str,
    created: Timestamp,
    facts: Vec<Fact>,
    detail: Detail,
) -> Result<(Planned, Vec<Decided>), RestoreError> {
    let kinds: Vec<ResourceType> = Wave::ALL
        .into_iter()
        .flat_map(|wave| rules.census().kinds_of(wave))
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    let live = Live::see(runner.site.client(), rules, &kinds, Look::Before).await?;
    let mut needs = access::begin(runner.site.client()).await?;
    let mut planner = Planner::new(rules, detail >= Detail::Changes);
    let mut names = Names::default();
    let mut objects = Vec::new();
    let mut intake = Intake::new(rules.target());
    let mut entries = runner.backup.entries().await?;
    let mut done = 0;
    while let Some(entry) = entries.next().await? {
        let admitted = intake.admit(entry);
        let source = admitted.source();
        let there = || match live.get(rules, &source) {
            None => Ok(There::Nothing),
            Some(seen) if seen.finishes(rules, &source)? => Ok(There::Unfinished),
            Some(seen) if seen.is(rules, &source)? => Ok(There::Same),
            Some(_) => Ok(There::Another),
        };
        let decided = match &admitted.moved {
            None => planner.take(&source, there),
            Some(Moved { conversion, came: Err(why) }) => planner.stays(&source, conversion, why),
            Some(Moved { conversion, came: Ok(notes) }) => {
                let decided = planner.take(&source, there);
                if let Some(decided) = &decided {
                    planner.converted(&source, decided.action, conversion, notes);
                }
                decided
            }
        };
        if let (Some(needs), Some(decided)) = (&mut needs, &decided) {
            // What is no JSON is counted as failed.
            let _ = needs.note(rules, &source, decided.action);
        }
        if rules.request().prune {
            names.insert(&rules.key(&source));
        }
        objects.extend(decided.filter(|_| detail == Detail::Objects));
        done += 1;
        if u64::is_multiple_of(done, TELL_EVERY) {
            let what = "objects".to_owned();
            runner.events.event(Event::Progress { what, done, total: Some(runner.backup.head().objects) });
        }
    }
    if rules.request().prune {
        let complete = prune::complete(runner.backup.head(), rules);
        let extra =
            prune::extra(runner.site.client(), rules, &complete, |object| names.contains(object)).await?;
        let extra: Vec<ObjectKey> = extra.into_iter().map(|extra| extra.object).collect();
        if detail == Detail::Objects {
            let gone = |object| Decided { object, action: Action::Deleted, why: None };
            objects.extend(extra.iter().cloned().map(gone));
        }
        planner.prune(extra);
    }
    let mut planned = planner.finish(run, created, runner.identity(), facts);
    planned.known.findings.extend(live.unseen.iter().map(|(resource, error)| unseen(resource, error)));
    if let Some(needs) = needs {
        let unlisted = live.unseen.iter().map(|(resource, _)| resource.clone()).collect();
        let denied = access::review(runner.site.client(), rules, needs, &planned.plan, &unlisted).await?;
        planned.known.findings.extend(denied);
    }
    Ok((planned, objects))
}
