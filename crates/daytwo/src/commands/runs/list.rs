//! `daytwo runs list`: the runs whose journals a location holds.

use daytwo_engine::journal::Recorded;
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::runs::List;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::table::{Cell, Table};
use crate::output::words;
use crate::settings::Session;

use super::super::etcd::order;
use super::find;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RunList {
    location: String,
    items: Vec<Item>,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    run: String,
    /// What the run is: `restore`.
    does: &'static str,
    of: String,
    context: String,
    state: &'static str,
    began: Timestamp,
    last: Timestamp,
    holder: String,
    since: Timestamp,
    steps: u64,
    done: u64,
}

impl Document for RunList {
    fn kind(&self) -> Option<&'static str> {
        Some("RunList")
    }

    fn text(&self, paint: Paint, wide: bool) -> String {
        let mut header = vec!["RUN", "DOES", "STATE", "STEPS", "AGE", "HOLDER"];
        if wide {
            header.extend(["SINCE", "LAST-RECORD", "CONTEXT"]);
        }
        let mut table = Table::new(header);
        for item in &self.items {
            let mut row: Vec<Cell> = vec![
                item.run.clone().into(),
                format!("{} {}", item.does, item.of).into(),
                Cell::new(item.state, find::tone(item.state)),
                format!("{}/{}", item.done, item.steps).into(),
                words::age(item.began, self.now).into(),
                item.holder.clone().into(),
            ];
            if wide {
                row.extend([
                    words::time(item.since).into(),
                    words::time(item.last).into(),
                    item.context.clone().into(),
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
pub async fn run(session: &Session, verb: List) -> Result {
    let (journals, runs) = find::listed(session, &verb.places).await?;
    if runs.is_empty() {
        session.speak.note(&format!("no runs in {}", journals.url()));
    }
    session.out.document(&RunList {
        location: journals.url().to_owned(),
        items: runs.iter().map(item).collect(),
        now: session.clock.now(),
    })?;
    Ok(Exit::Done)
}

fn item(recorded: &Recorded) -> Item {
    let steps = recorded.plan.steps().count();
    let done = recorded.plan.steps().filter(|(place, _)| recorded.is_done(*place)).count();
    Item {
        run: recorded.plan.id.clone(),
        does: order::does(&recorded.plan.kind),
        of: recorded
            .restore()
            .map_or_else(|| recorded.plan.site.context.clone(), |request| request.backup.clone()),
        context: recorded.plan.site.context.clone(),
        state: find::state(recorded),
        began: recorded.began,
        last: recorded.last,
        holder: recorded.holder.clone(),
        since: recorded.since,
        steps: steps as u64,
        done: done as u64,
    }
}
