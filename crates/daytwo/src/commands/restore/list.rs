//! `daytwo restore list` and `daytwo restore describe`: the runs that a location's journals tell of.

use daytwo_archive::Location;
use daytwo_core::plan::Kind;
use daytwo_core::restore::{Report, State};
use daytwo_engine::journal::Recorded;
use daytwo_engine::restore::recorded;
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::restore::{Describe, List};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::table::{Cell, Table, Tone};
use crate::output::words;
use crate::place;
use crate::settings::Session;
use crate::suggest;

use super::report::ReportDocument;

/// Where journals lie: a folder for each run.
const RUNS: &str = "metadata/daytwo/runs";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RestoreList {
    location: String,
    items: Vec<Item>,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    run: String,
    backup: String,
    context: String,
    /// `Finished`, `Stopped`, or `Running` (or killed: nobody said that it stopped).
    state: &'static str,
    began: Timestamp,
    last: Timestamp,
    created: u64,
    differs: u64,
    failed: u64,
}

impl Document for RestoreList {
    const KIND: &'static str = "RestoreList";

    fn text(&self, paint: Paint, wide: bool) -> String {
        let mut header = vec!["RUN", "BACKUP", "STATE", "AGE", "CREATED", "DIFFERS", "FAILED"];
        if wide {
            header.extend(["CONTEXT", "BEGAN", "LAST-RECORD"]);
        }
        let mut table = Table::new(header);
        for item in &self.items {
            let tone = if item.state == "Finished" { Tone::Good } else { Tone::Odd };
            let mut row: Vec<Cell> = vec![
                item.run.clone().into(),
                item.backup.clone().into(),
                Cell::new(item.state, tone),
                words::age(item.began, self.now).into(),
                item.created.to_string().into(),
                item.differs.to_string().into(),
                item.failed.to_string().into(),
            ];
            if wide {
                row.extend([
                    item.context.clone().into(),
                    words::time(item.began).into(),
                    words::time(item.last).into(),
                ]);
            }
            table.row(row);
        }
        table.render(paint)
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|item| item.run.clone()).collect()
    }
}

/// Prints the runs, oldest first. A journal that cannot be read is named on stderr.
///
/// # Errors
/// Those of reading the location.
pub async fn list(session: &Session, verb: List) -> Result {
    let reading = async {
        let location = place::open(session, &verb.at).await?;
        let mut items = Vec::new();
        for run in location.list_dirs(RUNS).await? {
            match recorded(&location, &run).await {
                Ok(recorded) => items.push(item(run, &recorded)),
                Err(error) => session.speak.warn(&Failure::from(error).message()),
            }
        }
        Ok::<_, Failure>((location, items))
    };
    let stopped = || Failure::new(Exit::Failed, "stopped");
    let (location, mut items) = session.interrupt.or(reading).await.ok_or_else(stopped)??;
    items.sort_by(|a, b| (a.began, &a.run).cmp(&(b.began, &b.run)));
    if items.is_empty() {
        session.speak.note(&format!("no restores in {}", location.url()));
    }
    session.out.document(&RestoreList {
        location: location.url().to_owned(),
        items,
        now: session.clock.now(),
    })?;
    Ok(Exit::Done)
}

/// Prints what came of a run so far, with exit 0 whatever it was.
///
/// # Errors
/// Exit 2 for an unknown run; those of reading.
pub async fn describe(session: &Session, verb: Describe) -> Result {
    let reading = async {
        let location = place::open(session, &verb.at).await?;
        known(&location, &verb.run).await?;
        Ok::<_, Failure>(recorded(&location, &verb.run).await?)
    };
    let recorded =
        session.interrupt.or(reading).await.ok_or_else(|| Failure::new(Exit::Failed, "stopped"))??;
    let state = match (&recorded.ended, &recorded.stopped) {
        (Some(_), _) => State::Finished,
        (None, Some((because, stands))) => {
            State::Stopped { because: because.clone(), stands: stands.clone() }
        }
        (None, None) => State::Stopped {
            because: format!(
                "{} holds it, or was killed; its last record is of {}",
                recorded.holder,
                words::time(recorded.last)
            ),
            stands: Vec::new(),
        },
    };
    let times = (recorded.began, recorded.last);
    let Kind::Restore(request) = recorded.plan.kind;
    let report = Report::new(
        verb.run,
        request,
        recorded.plan.site,
        None,
        state,
        times,
        recorded.tally,
        recorded.waves,
    );
    session.out.document(&ReportDocument::new(report))?;
    Ok(Exit::Done)
}

/// Succeeds if the location has a journal of `run`.
///
/// # Errors
/// Exit 2 where it has none, with the nearest names.
pub async fn known(location: &Location, run: &str) -> Result<()> {
    let runs = location.list_dirs(RUNS).await?;
    if runs.iter().any(|known| known == run) {
        return Ok(());
    }
    let failure = Failure::usage(format!("there is no restore {run:?} in {}", location.url()));
    Err(match suggest::did_you_mean(run, runs.iter().map(String::as_str)) {
        Some(hint) => failure.or_try(hint),
        None => failure.or_try(format!("daytwo restore list --location {}", location.url())),
    })
}

fn item(run: String, recorded: &Recorded) -> Item {
    let Kind::Restore(request) = &recorded.plan.kind;
    let counts = recorded.tally.counts();
    let state = match (&recorded.ended, &recorded.stopped) {
        (Some(_), _) => "Finished",
        (None, Some(_)) => "Stopped",
        (None, None) => "Running",
    };
    Item {
        run,
        backup: request.backup.clone(),
        context: recorded.plan.site.context.clone(),
        state,
        began: recorded.began,
        last: recorded.last,
        created: counts.created,
        differs: counts.differs,
        failed: counts.failed,
    }
}
