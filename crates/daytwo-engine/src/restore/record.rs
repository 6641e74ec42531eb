//! What is kept of a run once it is over: its report beside the journal, and, for Velero's tools, files beside the
//! backup and a Restore object.
//!
//! It refuses to fail a restore: what could not be kept is told. It refuses to tell in the clear what an encrypted
//! backup hides: of such a backup no files are kept for Velero, as they name every object.

use std::collections::BTreeSet;

use daytwo_archive::restores::{Became, RestoreRecord, Results};
use daytwo_archive::{ArchiveError, Location};
use daytwo_core::plan::Step;
use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::{Action, Report, Rules, State, Verdict, Wave};
use jiff::Timestamp;

use super::{Intake, RestoreError, Runner, velero};
use crate::event::{Event, Observer};
use crate::journal::{Journal, JournalError, Recorded, folder};
use crate::step;

/// Whether the files that this run is going to keep would replace those of a restore that is not its own.
pub(super) async fn is_taken(runner: &Runner<'_>, rules: &Rules, run: &str) -> Result<bool, RestoreError> {
    if rules.request().velero.no_files
        || runner.backup.head().encrypted
        || !RestoreRecord::is_there(runner.backup.location(), run).await?
    {
        return Ok(false);
    }
    // Those of a run of ours are told by its journal.
    Ok(matches!(Journal::read(runner.location, run).await, Err(JournalError::NotFound { .. })))
}

/// Keeps the record of a run of which no step is left, and returns its report.
pub(super) async fn keep(runner: &Runner<'_>, rules: &Rules, recorded: &Recorded) -> Report {
    let mut report = ending(recorded, runner.same_cluster(), runner.clock.now());
    let wanted = &rules.request().velero;
    let results = results(&report);
    if !wanted.no_files && !runner.backup.head().encrypted {
        let location = runner.backup.location();
        if let Err(error) = files(runner, rules, recorded, &report, &results).await {
            let text = format!(
                "the files of restore {} for Velero could not be written to {} ({error}); --no-velero-files leaves them out",
                report.run,
                location.url()
            );
            runner.events.event(Event::Note(text));
        }
    }
    if let Some(namespace) = &wanted.restore_in {
        let finding = velero::restore(runner.site.client(), namespace, &report, &results).await;
        report.tally.findings.extend(finding);
    }
    beside_journal(runner.location, runner.events, &report).await;
    report
}

/// The report that a run ends with at `now`, if no step is left.
pub(super) fn ending(recorded: &Recorded, same_cluster: Option<bool>, now: Timestamp) -> Report {
    let mut report = recorded.report(same_cluster);
    report.finished = now;
    report.state = match &recorded.abort {
        None => State::Finished,
        Some(abort) => State::Aborted { because: abort.because.clone(), stands: step::stands(recorded) },
    };
    report
}

/// Writes the report into the folder of the journal, where no record has its name.
pub(super) async fn beside_journal(location: &Location, events: &dyn Observer, report: &Report) {
    let key = format!("{}report.json", folder(&report.run));
    let mut body =
        serde_json::to_vec_pretty(report).expect("invariant: a report has string keys and finite numbers");
    body.push(b'\n');
    if let Err(error) = location.put(&key, body.into()).await {
        events.event(Event::Note(format!("the report could not be kept as {key}: {error}")));
    }
}

async fn files(
    runner: &Runner<'_>,
    rules: &Rules,
    recorded: &Recorded,
    report: &Report,
    results: &Results,
) -> Result<(), ArchiveError> {
    let mut record = RestoreRecord::default();
    log(&mut record, report);
    objects(&mut record, runner, rules, recorded).await?;
    record.write(runner.backup.location(), &report.run, results).await
}

/// Tells what became of each object of the backup that was asked for.
async fn objects(
    record: &mut RestoreRecord,
    runner: &Runner<'_>,
    rules: &Rules,
    recorded: &Recorded,
) -> Result<(), ArchiveError> {
    let failed: BTreeSet<&ObjectKey> = recorded.tally.failures.iter().map(|failed| &failed.object).collect();
    let looked_at: BTreeSet<Wave> = recorded
        .plan
        .steps()
        .filter_map(|(_, step)| match step {
            Step::CreateObjects { wave, .. } => Some(*wave),
            _ => None,
        })
        .collect();
    let mut intake = Intake::new(rules.target());
    let mut entries = runner.backup.entries().await?;
    let mut number = 0;
    while let Some(entry) = entries.next().await? {
        let this = number;
        number += 1;
        let admitted = intake.admit(entry);
        let source = admitted.source();
        let key = rules.key(&source);
        let became = match rules.judge(&source).ok().filter(|_| !failed.contains(&key)) {
            Some(Verdict::NotAsked) => continue,
            None => Became::Failed,
            Some(Verdict::Skip(_)) => Became::Skipped,
            // No wave takes what nothing brings to a version that is served.
            Some(Verdict::Take(_)) if admitted.stays_behind() => Became::Skipped,
            Some(Verdict::Take(wave)) => match recorded.fates.get(&wave).and_then(|fates| fates.of(this)) {
                Some(action) => in_velero_s_words(action),
                // Of a run that was given up: its turn did not come.
                None if looked_at.contains(&wave) => continue,
                None => Became::Skipped,
            },
        };
        let named = (admitted.kind.api_version(), admitted.kind.kind.as_str());
        record.object((&named.0, named.1), key.namespace.as_deref(), &key.name, became);
    }
    Ok(())
}

fn in_velero_s_words(action: Action) -> Became {
    match action {
        Action::Created => Became::Created,
        Action::Updated | Action::Replaced | Action::Merged => Became::Updated,
        Action::Failed => Became::Failed,
        Action::Same | Action::Differs | Action::Deleted | Action::Skipped => Became::Skipped,
    }
}

/// Errors and warnings, as `velero restore describe` shows them.
fn results(report: &Report) -> Results {
    let (tally, mut results) = (&report.tally, Results::default());
    for failed in &tally.failures {
        let what = format!("error restoring {}: {}", failed.object, failed.message);
        results.errors.about(failed.object.namespace.as_deref(), what);
    }
    for object in &tally.differing {
        // The words of `pkg/restore/restore.go`, which people look for.
        let what = format!(
            "could not restore, {} {:?} already exists. Warning: the in-cluster version is different than the backed-up version",
            object.resource, object.name
        );
        results.warnings.about(object.namespace.as_deref(), what);
    }
    for (why, group) in tally.skipped.iter().filter(|(why, _)| why.is_loss()) {
        for object in &group.objects {
            let what = format!("{object} was not restored: {}", why.text());
            results.warnings.about(object.namespace.as_deref(), what);
        }
    }
    for finding in &tally.findings {
        results
            .warnings
            .velero
            .push(format!("{}: {}; {}", finding.subject, finding.evidence, finding.breaks));
    }
    if tally.unnamed > 0 {
        results.warnings.velero.push(format!("{} more entries are counted and not named", tally.unnamed));
    }
    results
}

/// The story of the run, as `velero restore logs` shows it.
fn log(record: &mut RestoreRecord, report: &Report) {
    let (tally, run) = (&report.tally, report.run.as_str());
    let begun = format!("Restoring backup {} into {}", report.request.backup, report.site.server);
    record.line(report.started, "info", &begun, run);
    for wave in &report.waves {
        let text = format!("Restored {}: {} objects in {:.1} s", wave.wave, wave.objects, wave.seconds);
        record.line(report.finished, "info", &text, run);
    }
    for (resource, counts) in &tally.resources {
        let text = format!(
            "Restored {resource}: {} created, {} changed, {} left as they were, {} passed over, {} failed",
            counts.created,
            counts.updated + counts.replaced + counts.merged,
            counts.same + counts.differs,
            counts.skipped,
            counts.failed
        );
        record.line(report.finished, "info", &text, run);
    }
    for noted in &tally.notes {
        record.line(report.finished, "info", &format!("{} {}", noted.object, noted.what), run);
    }
    for object in &tally.differing {
        let text = format!("{object} differs from the backup and was left as it is");
        record.line(report.finished, "warning", &text, run);
    }
    for finding in &tally.findings {
        let text = format!("{}: {}; {}", finding.subject, finding.evidence, finding.remedy);
        record.line(report.finished, "warning", &text, run);
    }
    for failed in &tally.failures {
        record.line(report.finished, "error", &format!("{}: {}", failed.object, failed.message), run);
    }
    let end = match &report.state {
        State::Aborted { because, .. } => ("warning", format!("Restore given up: {because}")),
        _ => ("info", format!("Restore ended: {} objects", report.counts.total())),
    };
    record.line(report.finished, end.0, &end.1, run);
}
