//! `daytwo backup prune`: what a policy keeps stays, the rest goes; without `--yes` it only says so.

use std::time::Duration;

use daytwo_archive::Location;
use daytwo_archive::catalog::{self, ListOptions, Listed, Orphan, OrphanKind, State};
use daytwo_core::retention::{self, Candidate, Grade, Policy};
use serde::Serialize;

use crate::cli::backup::Prune;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::table::{Cell, Table, Tone};
use crate::output::words;
use crate::place;
use crate::settings::Session;

use super::delete;

/// What was, or would be, pruned.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BackupPruning {
    location: String,
    dry_run: bool,
    backups: Vec<Row>,
    orphans: Vec<Left>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    action: Action,
    why: String,
}

/// What a killed run left.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Left {
    action: Action,
    why: String,
    #[serde(flatten)]
    orphan: Orphan,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Action {
    Keep,
    Delete,
    Deleted,
    Failed,
}

impl Action {
    fn cell(self) -> Cell {
        match self {
            Self::Keep => Cell::new("keep", Tone::Good),
            Self::Delete => Cell::new("would delete", Tone::Odd),
            Self::Deleted => Cell::new("deleted", Tone::Odd),
            Self::Failed => Cell::new("failed", Tone::Bad),
        }
    }
}

impl Document for BackupPruning {
    fn kind(&self) -> Option<&'static str> {
        Some("BackupPruning")
    }

    fn text(&self, paint: Paint, _: bool) -> String {
        let mut table = Table::new(["BACKUP", "ACTION", "WHY"]);
        for row in &self.backups {
            table.row([row.name.clone().into(), row.action.cell(), row.why.clone().into()]);
        }
        let mut left = Table::new(["LEFT", "OF-BACKUP", "SINCE", "SIZE", "ACTION", "WHY"]);
        for Left { action, why, orphan } in &self.orphans {
            left.row([
                kind(orphan.kind).into(),
                orphan.backup.clone().unwrap_or_default().into(),
                words::time(orphan.since).into(),
                words::bytes(orphan.bytes).into(),
                action.cell(),
                why.clone().into(),
            ]);
        }
        let (backups, left) = (table.render(paint), left.render(paint));
        let between = if backups.is_empty() || left.is_empty() { "" } else { "\n" };
        format!("{backups}{between}{left}")
    }

    fn names(&self) -> Vec<String> {
        let gone = |action: Action| action != Action::Keep;
        self.backups.iter().filter(|row| gone(row.action)).map(|row| row.name.clone()).collect()
    }
}

fn kind(kind: OrphanKind) -> &'static str {
    match kind {
        OrphanKind::Backup => "unfinished backup",
        OrphanKind::Upload => "unfinished upload",
        OrphanKind::TemporaryFile => "temporary file",
        OrphanKind::Check => "location check",
    }
}

/// Decides, prints, and with `--yes` deletes; exit 1 where something could not be deleted.
///
/// # Errors
/// Those of listing the location.
pub async fn run(session: &Session, verb: Prune) -> Result {
    let older_than = words::duration(&verb.older_than)?;
    let location = place::open(session, &verb.at).await?;
    let deciding = async {
        let policy = policy(&verb);
        let backups = if policy.is_empty() {
            Vec::new()
        } else {
            decide(catalog::list(&location, ListOptions::default()).await?, &policy)
        };
        let orphans =
            if verb.orphans { find_orphans(session, &location, older_than).await? } else { Vec::new() };
        Ok::<_, Failure>((backups, orphans))
    };
    let stopped = || Failure::new(Exit::Failed, "stopped; nothing was deleted");
    let (backups, orphans) = session.interrupt.or(deciding).await.ok_or_else(stopped)??;
    let mut pruning =
        BackupPruning { location: location.url().to_owned(), dry_run: !verb.yes, backups, orphans };
    let mut exit = Exit::Done;
    if verb.yes {
        let done = session.interrupt.or(carry_out(&location, &mut pruning)).await;
        if done.is_none() {
            session.out.document(&pruning)?;
            return Err(Failure::new(
                Exit::Failed,
                "stopped; what is not marked as deleted stands, or is half deleted",
            )
            .or_try("the same command again"));
        }
        let failed = pruning.backups.iter().any(|row| row.action == Action::Failed)
            || pruning.orphans.iter().any(|left| left.action == Action::Failed);
        if failed {
            exit = Exit::Findings;
        }
    } else if pruning.backups.iter().any(|row| row.action == Action::Delete)
        || pruning.orphans.iter().any(|left| left.action == Action::Delete)
    {
        session.speak.note("nothing was deleted: this is what --yes would do");
    }
    session.out.document(&pruning)?;
    Ok(exit)
}

fn policy(verb: &Prune) -> Policy {
    Policy {
        last: verb.keep_last,
        daily: verb.keep_daily,
        weekly: verb.keep_weekly,
        monthly: verb.keep_monthly,
    }
}

/// What becomes of each backup. One that cannot be read, or does not say when it was made, is kept and named.
fn decide(listed: Vec<Listed>, policy: &Policy) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut candidates = Vec::new();
    for Listed { name, state, started, phase, .. } in listed {
        let why = match (state, started) {
            (State::Complete, Some(at)) => {
                candidates.push(Candidate { name, at, grade: grade(phase.as_deref()) });
                continue;
            }
            (State::Unreadable { why }, _) => format!("cannot be read: {why}"),
            _ => "says no time at which it was made".to_owned(),
        };
        rows.push(Row { name, action: Action::Keep, why });
    }
    let decision = retention::keep(&candidates, policy);
    let kept = decision.keep.into_iter();
    rows.extend(kept.map(|kept| Row { name: kept.name, action: Action::Keep, why: kept.why.join(", ") }));
    let dropped = decision.drop.into_iter();
    rows.extend(dropped.map(|dropped| Row {
        name: dropped.name,
        action: Action::Delete,
        why: dropped.why.to_owned(),
    }));
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

fn grade(phase: Option<&str>) -> Grade {
    match phase {
        Some("Completed") => Grade::Whole,
        Some("PartiallyFailed") => Grade::Partial,
        Some("Failed" | "FailedValidation") => Grade::Useless,
        _ => Grade::Unsettled,
    }
}

async fn find_orphans(session: &Session, location: &Location, older_than: Duration) -> Result<Vec<Left>> {
    let now = session.clock.now();
    let all = catalog::orphans(location, Duration::ZERO, now).await?;
    Ok(all
        .into_iter()
        .map(|orphan| {
            let quiet = now.duration_since(orphan.since);
            let dead = quiet.unsigned_abs() >= older_than && !quiet.is_negative();
            let (action, why) = if dead {
                (Action::Delete, format!("no sign of life for {}", words::age(orphan.since, now)))
            } else {
                (
                    Action::Keep,
                    format!("a sign of life {} ago: a run may be writing it", words::age(orphan.since, now)),
                )
            };
            Left { action, why, orphan }
        })
        .collect())
}

async fn carry_out(location: &Location, pruning: &mut BackupPruning) {
    for row in pruning.backups.iter_mut().filter(|row| row.action == Action::Delete) {
        match delete::one(location, &row.name).await {
            Ok(_) => row.action = Action::Deleted,
            Err(failure) => (row.action, row.why) = (Action::Failed, failure.message()),
        }
    }
    for left in pruning.orphans.iter_mut().filter(|left| left.action == Action::Delete) {
        match catalog::end_orphans(location, std::slice::from_ref(&left.orphan)).await {
            Ok(ended) if ended.alive > 0 => {
                (left.action, left.why) = (Action::Keep, "it showed a sign of life just now".to_owned());
            }
            Ok(_) => left.action = Action::Deleted,
            Err(error) => (left.action, left.why) = (Action::Failed, error.to_string()),
        }
    }
}
