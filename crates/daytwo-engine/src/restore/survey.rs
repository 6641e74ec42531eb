//! Passes over a backup: once to count what is in it, once to judge each object. Both stream.

use std::sync::Arc;

use daytwo_archive::{ArchiveError, Backup, Entry, Resource};
use daytwo_core::plan::Fact;
use daytwo_core::resource::{ObjectKey, ResourceType};
use daytwo_core::restore::{
    Action, Census, DataElsewhere, Decided, Planned, Planner, Request, Rules, Source, There, Wave,
};
use jiff::Timestamp;

use super::live::Names;
use super::{Detail, Live, Look, RestoreError, Runner, access, prune, unseen};
use crate::event::Event;

/// Progress is told after this many objects.
const TELL_EVERY: u64 = 1_000;

/// The archive's resource types as the decisions know them, each made once.
#[derive(Debug, Default)]
pub struct Kinds {
    known: Vec<(Arc<Resource>, Arc<ResourceType>)>,
}

impl Kinds {
    /// The type of an entry.
    pub fn of(&mut self, resource: &Arc<Resource>) -> Arc<ResourceType> {
        // Entries of one type stand together, so the last is nearly always the one.
        let known =
            self.known.iter().rev().find(|(known, _)| Arc::ptr_eq(known, resource) || known == resource);
        if let Some((_, kind)) = known {
            return Arc::clone(kind);
        }
        let kind = Arc::new(ResourceType {
            group: resource.group.clone(),
            version: resource.version.clone(),
            resource: resource.resource.clone(),
            kind: resource.kind.clone(),
            namespaced: resource.namespaced,
        });
        self.known.push((Arc::clone(resource), Arc::clone(&kind)));
        kind
    }
}

/// An entry as the decisions know it.
pub(super) fn source<'a>(entry: &'a Entry, kind: &'a ResourceType) -> Source<'a> {
    Source { resource: kind, namespace: entry.namespace.as_deref(), name: &entry.name, bytes: &entry.bytes }
}

/// What `backup` holds.
pub async fn census(
    backup: &Backup,
    request: &Request,
    elsewhere: DataElsewhere,
) -> Result<Census, ArchiveError> {
    let mut census = Census::new(elsewhere);
    let mut kinds = Kinds::default();
    let mut entries = backup.entries().await?;
    while let Some(entry) = entries.next().await? {
        let kind = kinds.of(&entry.resource);
        // What is no JSON is counted as failed when it is judged.
        let _ = census.note(request, &source(&entry, &kind));
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
    let mut kinds = Kinds::default();
    let mut entries = runner.backup.entries().await?;
    let mut done = 0;
    while let Some(entry) = entries.next().await? {
        let kind = kinds.of(&entry.resource);
        let source = source(&entry, &kind);
        let there = || match live.get(rules, &source) {
            None => Ok(There::Nothing),
            Some(seen) if seen.half_done => Ok(There::Unfinished),
            Some(seen) if seen.is(rules, &source)? => Ok(There::Same),
            Some(_) => Ok(There::Another),
        };
        let decided = planner.take(&source, there);
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
        let complete = prune::complete(runner.backup.head());
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
