//! What came of a restore, or would: counts of everything, and by name what a person should look at.

use std::fmt::Write;

use daytwo_core::finding::{Finding, Severity};
use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::{Existing, Failed, Report, State, WaveReport};
use daytwo_engine::journal::JournalError;
use daytwo_engine::restore::RestoreError;
use serde::Serialize;

use crate::cli::shared::Places;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::table::{Cell, Table, Tone};
use crate::output::words;
use crate::settings::Session;

/// Entries of a list that the table shows; the wide one shows all.
const SHOWN: usize = 50;

/// What came of a run. What would come of one is a [`super::view::View`].
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct ReportDocument {
    report: Report,
}

impl ReportDocument {
    /// What came of a run.
    pub fn new(report: Report) -> Self {
        Self { report }
    }
}

/// The exit code of a restore that came to its end, or would come to this.
pub fn exit(report: &Report) -> Exit {
    match (report.counts.failed, report.is_clean()) {
        (1.., _) => Exit::Failed,
        (0, false) => Exit::Findings,
        (0, true) => Exit::Done,
    }
}

/// Prints what came of a run whose journal lies at `places`, and the exit code that goes with it. `again` is the command
/// that goes on with it.
///
/// # Errors
/// That of the run; exit 5 where it was stopped, or where an object failed.
pub fn end(session: &Session, again: &str, places: &Places, report: Result<Report, RestoreError>) -> Result {
    let report = report.map_err(|error| {
        let remedy = match &error {
            RestoreError::Stopped { .. } | RestoreError::Journal(JournalError::Store { .. }) => {
                Some(again.to_owned())
            }
            RestoreError::Journal(JournalError::Aborting { run, .. }) => {
                Some(format!("daytwo runs abort {run}{}", places.flags()))
            }
            RestoreError::Journal(JournalError::Begin { .. }) => {
                Some("--journal LOCATION, which keeps the journal elsewhere: a folder, or a URL".to_owned())
            }
            _ => None,
        };
        let failure = Failure::from(error);
        match remedy {
            Some(remedy) => failure.or_try(remedy),
            None => failure,
        }
    })?;
    let stopped = match &report.state {
        State::Stopped { because, stands } => Some((because.clone(), stands.clone())),
        State::Finished | State::Aborted { .. } | State::Planned => None,
    };
    let run = report.run.clone();
    let exit = exit(&report);
    session.out.document(&ReportDocument::new(report))?;
    let Some((because, stands)) = stopped else { return Ok(exit) };
    for what in stands {
        session.speak.warn(&format!("stands half done: {what}"));
    }
    Err(Failure::new(Exit::Failed, format!("run {run} was stopped: {because}")).or_try(again))
}

impl Document for ReportDocument {
    fn kind(&self) -> Option<&'static str> {
        None
    }

    fn text(&self, paint: Paint, wide: bool) -> String {
        let report = &self.report;
        let mut text = head(report, paint);
        text.push_str(&table(report, paint));
        let most = if wide { usize::MAX } else { SHOWN };
        let (counts, tally) = (&report.counts, &report.tally);
        let lists: [(&str, u64, Vec<String>); 7] = [
            ("Failed", counts.failed, tally.failures.iter().map(failed).collect()),
            ("To act on", tally.findings.len() as u64, tally.findings.iter().map(finding).collect()),
            (
                "Differs, and was left as it is",
                counts.differs,
                tally.differing.iter().map(ObjectKey::to_string).collect(),
            ),
            ("Passed over", counts.skipped, skipped(report)),
            ("Asked to be changed", tally.changed.len() as u64, changed(report)),
            (
                "Changed on the way",
                tally.notes.len() as u64,
                tally.notes.iter().map(|note| format!("{} {}", note.object, note.what)).collect(),
            ),
            ("Waves", report.waves.len() as u64, report.waves.iter().map(wave).collect()),
        ];
        for (title, count, lines) in lists.iter().filter(|(_, _, lines)| !lines.is_empty()) {
            let _ = writeln!(text, "\n{}", paint.strong(&format!("{title} ({count})")));
            lines.iter().take(most).for_each(|line| text.push_str(&format!("  {line}\n")));
            if lines.len() > most {
                let _ = writeln!(text, "  and {} more: see -o wide", lines.len() - most);
            }
        }
        if report.tally.unnamed > 0 {
            let _ = writeln!(text, "\n{} more are counted and not named", report.tally.unnamed);
        }
        text
    }

    fn names(&self) -> Vec<String> {
        vec![self.report.run.clone()]
    }
}

/// The run, its sides, and how it stands.
pub(super) fn head(report: &Report, paint: Paint) -> String {
    let state = match &report.state {
        State::Finished => paint.good("finished"),
        State::Stopped { because, .. } => format!("{}: {because}", paint.odd("stopped")),
        State::Aborted { because, .. } => format!("{}: {because}", paint.odd("aborted")),
        State::Planned => "planned".to_owned(),
    };
    let site = &report.site;
    let mut text = format!(
        "{}: backup {} into {} ({}, {}): {state}\n",
        report.run, report.request.backup, site.context, site.server, site.version
    );
    if report.same_cluster == Some(false) {
        text.push_str("  the backup was made of another cluster\n");
    }
    if let State::Aborted { stands, .. } = &report.state {
        stands.iter().for_each(|what| text.push_str(&format!("  stands as it is: {what}\n")));
    }
    text
}

fn wave(wave: &WaveReport) -> String {
    format!("{}: {} in {:.1} s", wave.wave, words::count(wave.objects, "object"), wave.seconds)
}

/// Counts by resource.
pub fn table(report: &Report, paint: Paint) -> String {
    let planned = report.state == State::Planned;
    let mut head = vec!["RESOURCE", if planned { "TO-CREATE" } else { "CREATED" }];
    let changes = report.request.existing != Existing::Keep;
    if changes {
        head.extend(if planned { ["TO-UPDATE", "TO-REPLACE"] } else { ["UPDATED", "REPLACED"] });
    }
    if report.request.prune {
        head.push(if planned { "TO-DELETE" } else { "DELETED" });
    }
    head.extend(["SAME", "DIFFERS", "MERGED", "SKIPPED", "FAILED"]);
    let mut table = Table::new(head);
    let total = (report.tally.resources.len() > 1).then_some(("(all)", &report.counts));
    let each = report.tally.resources.iter().map(|(resource, counts)| (resource.as_str(), counts));
    for (resource, counts) in each.chain(total) {
        let bad = |count: u64| Cell::new(count.to_string(), if count > 0 { Tone::Bad } else { Tone::Plain });
        let mut row = vec![resource.into(), counts.created.to_string().into()];
        if changes {
            row.extend([counts.updated.to_string().into(), counts.replaced.to_string().into()]);
        }
        if report.request.prune {
            row.push(counts.deleted.to_string().into());
        }
        row.extend([
            counts.same.to_string().into(),
            bad(counts.differs),
            counts.merged.to_string().into(),
            counts.skipped.to_string().into(),
            bad(counts.failed),
        ]);
        table.row(row);
    }
    table.render(paint)
}

/// An object that failed, in a line.
pub(super) fn failed(failed: &Failed) -> String {
    let code = failed.code.map(|code| format!("{code} ")).unwrap_or_default();
    let next = failed.next.as_ref().map(|next| format!("\n    {next}")).unwrap_or_default();
    format!("{}: {code}{} {}{next}", failed.object, failed.reason, failed.message)
}

/// A finding, in a line and one for its command.
pub(super) fn finding(finding: &Finding) -> String {
    let word = match finding.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    };
    let command = finding.command.as_ref().map(|command| format!("\n    {command}")).unwrap_or_default();
    format!(
        "{word}: {}: {}; {}; {} ({}){command}",
        finding.subject, finding.evidence, finding.breaks, finding.remedy, finding.id
    )
}

/// How many objects each change that was asked for is about.
pub(super) fn changed(report: &Report) -> Vec<String> {
    report
        .tally
        .changed
        .iter()
        .map(|(by, count)| format!("{by}: {}", words::count(*count, "object")))
        .collect()
}

/// What was passed over: a line for each reason, and for each object that is lost.
pub(super) fn skipped(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for (why, group) in &report.tally.skipped {
        lines.push(format!("{}: {}", group.count, why.text()));
        if why.is_loss() {
            lines.extend(group.objects.iter().map(|object| format!("  {object}")));
        }
    }
    lines
}
