//! `daytwo backup list`: every backup of a location, daytwo's and Velero's alike.

use daytwo_archive::catalog::{self, ListOptions, Listed, State, Tool};
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::Format;
use crate::cli::backup::List;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::table::{Cell, Table, Tone};
use crate::output::words;
use crate::place;
use crate::settings::Session;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BackupList {
    location: String,
    items: Vec<Listed>,
    #[serde(skip)]
    now: Timestamp,
}

impl Document for BackupList {
    fn kind(&self) -> Option<&'static str> {
        Some("BackupList")
    }

    fn text(&self, paint: Paint, wide: bool) -> String {
        let mut header = vec!["NAME", "STATUS", "AGE", "EXPIRES", "OBJECTS", "MADE-BY"];
        if wide {
            header.extend([
                "STARTED",
                "REVISION",
                "SIZE",
                "ERRORS",
                "WARNINGS",
                "NAMESPACES",
                "SCHEDULE",
                "ENCRYPTED",
            ]);
        }
        let mut table = Table::new(header);
        for item in &self.items {
            let mut row = self.row(item);
            if wide {
                row.extend(more(item));
            }
            table.row(row);
        }
        table.render(paint)
    }

    fn names(&self) -> Vec<String> {
        self.items.iter().map(|item| item.name.clone()).collect()
    }
}

impl BackupList {
    fn row(&self, item: &Listed) -> Vec<Cell> {
        let expires = item.expiration.map_or("never".to_owned(), |at| match at > self.now {
            true => format!("in {}", words::age(self.now, at)),
            false => "past".to_owned(),
        });
        vec![
            item.name.clone().into(),
            status(item),
            item.started.map_or_else(String::new, |at| words::age(at, self.now)).into(),
            expires.into(),
            item.items.map_or_else(String::new, |count| count.to_string()).into(),
            made_by(item.made_by).into(),
        ]
    }
}

fn more(item: &Listed) -> Vec<Cell> {
    let number = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    let namespaces =
        if item.included_namespaces.is_empty() { "*".to_owned() } else { item.included_namespaces.join(",") };
    vec![
        item.started.map(words::time).unwrap_or_default().into(),
        number(item.revision).into(),
        item.size.map(words::bytes).unwrap_or_default().into(),
        item.errors.to_string().into(),
        item.warnings.to_string().into(),
        namespaces.into(),
        item.schedule.clone().unwrap_or_default().into(),
        if item.encrypted { "yes".into() } else { "no".into() },
    ]
}

/// The phase, or what stands in its place.
fn status(item: &Listed) -> Cell {
    match &item.state {
        State::Unfinished { .. } => Cell::new("Unfinished", Tone::Odd),
        State::Unreadable { .. } => Cell::new("Unreadable", Tone::Bad),
        State::Complete => phase(item.phase.as_deref().unwrap_or("Unknown")),
    }
}

/// A phase in its colour.
fn phase(phase: &str) -> Cell {
    let tone = match phase {
        "Completed" => Tone::Good,
        "Failed" | "FailedValidation" => Tone::Bad,
        _ => Tone::Odd,
    };
    Cell::new(phase, tone)
}

/// Who made it, in a word.
fn made_by(maker: Tool) -> &'static str {
    match maker {
        Tool::Daytwo => "daytwo",
        Tool::Velero => "velero",
    }
}

/// Prints the list, oldest first.
///
/// # Errors
/// Those of opening and listing the location.
pub async fn run(session: &Session, verb: List) -> Result {
    let location = place::open(session, &verb.at).await?;
    let sizes = verb.sizes || session.out.format == Format::Wide;
    let listing = catalog::list(&location, ListOptions { unfinished: true, sizes });
    let Some(items) = session.interrupt.or(listing).await else {
        return Err(Failure::new(Exit::Failed, "stopped"));
    };
    let items = items?;
    for item in &items {
        if let State::Unreadable { why } = &item.state {
            session.speak.warn(&format!("backup {}: {why}", item.name));
        }
    }
    if items.is_empty() {
        session.speak.note(&format!("no backups in {}", location.url()));
    }
    session.out.document(&BackupList {
        location: location.url().to_owned(),
        items,
        now: session.clock.now(),
    })?;
    Ok(Exit::Done)
}
