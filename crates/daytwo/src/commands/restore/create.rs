//! `daytwo restore create`: plans, shows with `--dry-run`, else carries the plan out.

use std::path::Path;

use daytwo_core::plan::Plan;
use daytwo_core::restore::{Existing, NamespaceMapping, Request, Scope, VeleroRecord, Waits, Webhooks};
use daytwo_engine::Site;
use daytwo_engine::restore::{Detail, velero_lacks};
use jiff::SignedDuration;

use crate::cli::restore as cli;
use crate::cli::restore::DryRun;
use crate::cli::shared::Places;
use crate::failure::{Failure, Result};
use crate::filters;
use crate::output::words;
use crate::progress::Progress;
use crate::settings::Session;

use super::changes::changes;
use super::sides::{Sides, holder};
use super::view::{AsReport, Look, View};
use super::{drill, pruning, resume, saved};

/// Restores and prints the report; exit 1 where something differs or is to be acted on, exit 5 where an object failed.
///
/// # Errors
/// Exit 2 for what cannot be asked, exit 3 where cluster or store do not answer, exit 5 where the run stopped.
pub async fn run(session: &Session, verb: cli::Create) -> Result {
    let mut request = request(&verb.request)?;
    request.velero =
        VeleroRecord { no_files: verb.velero.no_velero_files, restore_in: verb.velero.velero_cr.clone() };
    let sides = Sides::of(session, &verb.request, &mut request).await?;
    let places = &verb.request.places;
    velero_takes(&sides.site, &request).await?;
    if let Some(run) = verb.run.as_ref().filter(|_| verb.dry_run.is_none())
        && let Some(recorded) = resume::begun(&sides.journals, run).await?
    {
        return resume::same(session, &sides, recorded, &request, places).await;
    }
    let run = verb.run.clone().unwrap_or_else(|| run_name(session, &request));
    let progress = Progress::new(session);
    let runner = sides.runner(session, &progress);
    pruning::possible(&request, &sides.backup)?;
    if let Some(who) = verb.dry_run {
        let ask = match who {
            DryRun::Client => None,
            DryRun::Server => Some(Scope::Sample),
            DryRun::ServerAll => Some(Scope::All),
        };
        let look = Look { diff: verb.show_diff, secrets: verb.show_secrets, ask };
        let mut view = View::of(&runner, &request, &run, look, session.out.format).await?;
        drop(progress);
        if sides.twin.is_some() {
            view.report.tally.findings.push(drill::not_checked(&view.report));
        }
        return foreseen(session, view, verb.plan_out.as_deref(), places);
    }
    drop(progress);
    if sides.twin.is_some() {
        drill::tell(session, &run, places);
    }
    carry_out(session, &sides, &request, &run, &verb.pruning, places, |_| Ok(())).await
}

/// Plans, asks where it deletes, carries out what is `allowed`, and prints what came of it.
///
/// # Errors
/// Exit 3 where cluster or store do not answer, exit 5 where the run stopped or an object failed.
pub async fn carry_out(
    session: &Session,
    sides: &Sides,
    request: &Request,
    run: &str,
    pruning: &cli::Pruning,
    places: &Places,
    allowed: impl FnOnce(&Plan) -> Result<()>,
) -> Result {
    let progress = Progress::new(session);
    let runner = sides.runner(session, &progress);
    let mut planned = runner.plan(request, run, Detail::Needed).await?;
    allowed(&planned.plan)?;
    pruning::allow(session, &planned.plan, pruning).await?;
    if sides.twin.is_some() {
        planned.find(drill::not_checked(&planned.report));
    }
    let before = sides.twin.as_ref().map(|twin| twin.api().passed_by());
    let mut report = runner.start(planned, &holder(session)).await;
    drop(progress);
    if let (Some(twin), Some(before)) = (&sides.twin, before) {
        if let Ok(report) = &mut report {
            let asked = drill::not_asked(report, &before, &twin.api().passed_by());
            report.tally.findings.extend(asked);
        }
        return super::report::end(session, drill::AGAIN, places, report);
    }
    super::report::end(session, &resume::command(run, places), places, report)
}

/// Whether the cluster can take the Restore object that was asked for.
///
/// # Errors
/// Exit 2 where it cannot; those of looking.
pub async fn velero_takes(site: &Site, request: &Request) -> Result<()> {
    let Some(namespace) = &request.velero.restore_in else { return Ok(()) };
    match velero_lacks(site.client(), namespace).await? {
        None => Ok(()),
        Some(lacks) => Err(Failure::usage(format!("--velero-cr {namespace}: {lacks}"))
            .or_try("leave it out, or name the namespace that Velero lives in")),
    }
}

/// Prints what a restore would do, with the exit code that it would have.
fn foreseen(session: &Session, view: View, plan_out: Option<&Path>, places: &Places) -> Result {
    if let Some(file) = plan_out {
        saved::save(session, file, &view.plan, places)?;
    }
    let exit = super::report::exit(&view.report);
    session.out.document(&AsReport(view))?;
    session.speak.note("nothing was written: this is what a restore would do");
    Ok(exit)
}

/// The request that the flags describe.
///
/// # Errors
/// Exit 2 for filters and mappings that cannot be meant.
pub fn request(flags: &cli::Request) -> Result<Request> {
    let mapping = NamespaceMapping::parse(flags.namespace_mapping.iter().map(String::as_str))
        .map_err(|error| Failure::usage(error.to_string()))?;
    Ok(Request {
        backup: flags.from.clone(),
        filter: filters::filter(&flags.filters)?,
        namespace_mapping: mapping,
        changes: changes(&flags.changes)?,
        empty_volumes: flags.empty_volumes,
        prune: flags.prune,
        existing: match flags.existing {
            cli::Existing::Keep => Existing::Keep,
            cli::Existing::Update => Existing::Update,
            cli::Existing::Replace => Existing::Replace,
        },
        include_derived: flags.include_derived,
        webhooks: match flags.webhooks {
            cli::Webhooks::Wait => Webhooks::Wait,
            cli::Webhooks::Parked => Webhooks::Parked,
        },
        wait: flags.wait,
        waits: Waits { workloads: patience(&flags.wait_timeout)?, ..Waits::default() },
        concurrency: flags.concurrency,
        ..Request::default()
    })
}

/// How long workloads are waited for.
fn patience(text: &str) -> Result<SignedDuration> {
    let time = words::duration(text).map_err(|error| Failure::usage(error.to_string()))?;
    SignedDuration::try_from(time).map_err(|error| Failure::usage(format!("{text}: {error}")))
}

/// `BACKUP-YYYYMMDDhhmmss-ID`, in UTC, with a part of the run's UUID: two restores may begin in one second.
pub fn run_name(session: &Session, request: &Request) -> String {
    let id: String = session.run.chars().take(4).collect();
    format!("{}-{}-{id}", request.backup, session.clock.now().strftime("%Y%m%d%H%M%S"))
}
