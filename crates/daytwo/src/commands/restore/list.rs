//! `daytwo restore list` and `daytwo restore describe`: the runs that a location's journals tell of.

use daytwo_engine::journal::Recorded;
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::restore::{Describe, List};
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::table::{Cell, Table};
use crate::output::words;
use crate::settings::Session;

use super::super::runs::find;
use super::report::ReportDocument;

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
    /// As in [`find::state`].
    state: &'static str,
    began: Timestamp,
    last: Timestamp,
    created: u64,
    differs: u64,
    failed: u64,
}

impl Document for RestoreList {
    fn kind(&self) -> Option<&'static str> {
        Some("RestoreList")
    }

    fn text(&self, paint: Paint, wide: bool) -> String {
        let mut header = vec!["RUN", "BACKUP", "STATE", "AGE", "CREATED", "DIFFERS", "FAILED"];
        if wide {
            header.extend(["CONTEXT", "BEGAN", "LAST-RECORD"]);
        }
        let mut table = Table::new(header);
        for item in &self.items {
            let mut row: Vec<Cell> = vec![
                item.run.clone().into(),
                item.backup.clone().into(),
                Cell::new(item.state, find::tone(item.state)),
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
    let (location, runs) = find::listed(session, &verb.places).await?;
    let items: Vec<Item> = runs.iter().filter_map(item).collect();
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
    let recorded = find::named(session, &verb.one).await?;
    find::restore(&recorded)?;
    let report = recorded.report(None);
    session.out.document(&ReportDocument::new(report))?;
    Ok(Exit::Done)
}

/// `None` of a run that is no restore.
fn item(recorded: &Recorded) -> Option<Item> {
    let request = recorded.restore()?;
    let counts = recorded.tally.counts();
    Some(Item {
        run: recorded.plan.id.clone(),
        backup: request.backup.clone(),
        context: recorded.plan.site.context.clone(),
        state: find::state(recorded),
        began: recorded.began,
        last: recorded.last,
        created: counts.created,
        differs: counts.differs,
        failed: counts.failed,
    })
}
