//! What is different about a restore into a twin: it is a rehearsal, of which the journal and the report are all that
//! stays.
//!
//! The restore itself is the same. What a twin cannot say is said: nobody waits for controllers that do not run in it, and
//! what it does not check is not called restorable.

use daytwo_core::finding::{Finding, Severity};
use daytwo_core::restore::{Report, Request, Waits};
use daytwo_engine::journal::Recorded;
use daytwo_twin::PassedBy;
use daytwo_twin::rules::unchecked;
use jiff::SignedDuration;

use crate::cli::shared::{Places, quoted};
use crate::failure::{Failure, Result};
use crate::output::words;
use crate::settings::Session;
use crate::site;

/// What to do once a run into a twin was stopped.
pub const AGAIN: &str = "the same again, as another run: nothing is left of the twin";

/// Asks of a twin what it can do: it has no controllers that would do later what is not done at once. Of a rehearsal nothing
/// is left for Velero's tools.
pub fn fit(session: &Session, request: &mut Request) {
    if request.wait {
        session.speak.warn(
            "no controller runs in a twin that would make workloads available: they are not waited for",
        );
        request.wait = false;
    }
    let (now, soon) = (SignedDuration::ZERO, SignedDuration::from_secs(1));
    request.waits = Waits { established: soon, bound: now, endpoints: now, ..request.waits };
    request.velero.no_files = true;
}

/// The name of a rehearsal of `run`.
pub fn name(session: &Session, run: &str) -> String {
    let id: String = session.run.chars().take(4).collect();
    format!("{run}-drill-{id}")
}

/// Refuses to go on with a run whose twin is gone, and in a twin with the run of a cluster: its journal would say done of
/// what was not done there.
///
/// # Errors
/// Exit 4.
pub fn gone(recorded: &Recorded, twin: bool) -> Result<()> {
    let (run, context) = (&recorded.plan.id, &recorded.plan.site.context);
    if site::was_twin(context) {
        let what = format!("run {run} was into {context}, of which nothing is left");
        return Err(Failure::refused(what).or_try("another name for this run"));
    }
    match twin {
        true => Err(Failure::refused(format!("run {run} is of {context}: a twin cannot go on with it"))
            .or_try("another name for this run")),
        false => Ok(()),
    }
}

/// Says what will be left.
pub fn tell(session: &Session, run: &str, places: &Places) {
    let flags = places.flags();
    session.speak.note(&format!(
        "a rehearsal: of the twin nothing is left, of the run its journal: daytwo runs show {run}{flags}"
    ));
}

/// The webhooks that a server would have asked about what the run wrote: those passed by more often than `before`.
pub fn not_asked(report: &Report, before: &[(PassedBy, u64)], after: &[(PassedBy, u64)]) -> Option<Finding> {
    let of =
        |webhook: &PassedBy| before.iter().find(|(one, _)| one == webhook).map_or(0, |(_, times)| *times);
    let asked = after.iter().map(|(webhook, times)| (webhook, times - of(webhook)));
    let words: Vec<String> = asked
        .filter(|(_, times)| *times > 0)
        .map(|(webhook, times)| {
            let unless = if webhook.conditions { ", if its conditions are met" } else { "" };
            let (name, writes) = (&webhook.name, words::count(times, "write"));
            format!("{name} of {} ({writes}{unless})", webhook.configuration)
        })
        .collect();
    (!words.is_empty()).then(|| Finding {
        id: "restore-webhooks-not-asked".to_owned(),
        severity: Severity::Info,
        subject: "the twin".to_owned(),
        evidence: format!("a server would have asked {}", words.join("; ")),
        breaks: "a webhook may refuse or change what the twin took".to_owned(),
        remedy: "ask the cluster itself, which writes nothing".to_owned(),
        command: Some(by_server(report)),
    })
}

/// What asks the cluster itself.
fn by_server(report: &Report) -> String {
    let (backup, location) = (&report.request.backup, quoted(&report.request.location));
    format!("daytwo restore create --from {backup} --dry-run=server-all --location {location}")
}

/// What a twin cannot know of the objects that `report` writes: not checked, and so not called restorable.
pub fn not_checked(report: &Report) -> Finding {
    let by_kind = report.tally.resources.iter().filter_map(|(resource, counts)| {
        let written = counts.created + counts.updated + counts.replaced + counts.merged;
        let rules = unchecked(resource);
        (written > 0 && !rules.is_empty()).then(|| format!("of {resource} ({written}): {}", rules.join(", ")))
    });
    let any = unchecked("*").iter().map(|rule| (*rule).to_owned());
    Finding {
        id: "restore-not-checked".to_owned(),
        severity: Severity::Info,
        subject: "the twin".to_owned(),
        evidence: format!("not checked: {}", any.chain(by_kind).collect::<Vec<_>>().join("; ")),
        breaks: "a server may refuse what the twin took".to_owned(),
        remedy: "ask the cluster itself, which writes nothing".to_owned(),
        command: Some(by_server(report)),
    }
}
