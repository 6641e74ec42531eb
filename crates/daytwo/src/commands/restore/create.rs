//! `daytwo restore create`: plans, shows with `--dry-run`, else carries the plan out.

use std::path::Path;

use daytwo_archive::{Backup, Location};
use daytwo_core::restore::{Existing, NamespaceMapping, Request, Scope, VeleroRecord, Waits, Webhooks};
use daytwo_engine::Site;
use daytwo_engine::journal::Timing;
use daytwo_engine::restore::{Detail, Runner, velero_lacks};
use jiff::SignedDuration;

use crate::cli::restore as cli;
use crate::cli::restore::DryRun;
use crate::cli::shared::Journals;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::filters;
use crate::output::words;
use crate::place;
use crate::progress::Progress;
use crate::settings::Session;

use super::super::backup::{objects, open};
use super::changes::changes;
use super::view::{AsReport, Look, View};
use super::{pruning, resume, saved};

/// What a restore works with: the cluster and the backup.
pub struct Sides {
    /// The cluster.
    pub site: Site,
    /// Where the journal is kept; by habit where the backup lies.
    pub journals: Location,
    /// The backup, brought near.
    pub backup: Backup,
}

impl Sides {
    /// The one who plans and carries out.
    pub fn runner<'a>(&'a self, session: &'a Session, events: &'a Progress) -> Runner<'a> {
        Runner {
            site: &self.site,
            location: &self.journals,
            backup: &self.backup,
            clock: &*session.clock,
            events,
            stop: session.interrupt.token(),
            timing: Timing::default(),
        }
    }
}

/// Restores and prints the report; exit 1 where something differs or is to be acted on, exit 5 where an object failed.
///
/// # Errors
/// Exit 2 for what cannot be asked, exit 3 where cluster or store do not answer, exit 5 where the run stopped.
pub async fn run(session: &Session, verb: cli::Create) -> Result {
    let mut request = request(&verb.request)?;
    request.velero =
        VeleroRecord { no_files: verb.velero.no_velero_files, restore_in: verb.velero.velero_cr.clone() };
    let sides = sides(session, &verb.request, &mut request).await?;
    let flag = &verb.request.journals;
    velero_takes(&sides.site, &request).await?;
    if let Some(run) = verb.run.as_ref().filter(|_| verb.dry_run.is_none())
        && let Some(recorded) = resume::begun(&sides.journals, run).await?
    {
        return resume::same(session, &sides, recorded, &request, flag).await;
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
        let view = View::of(&runner, &request, &run, look, session.out.format).await?;
        drop(progress);
        return foreseen(session, view, verb.plan_out.as_deref(), flag);
    }
    let planned = runner.plan(&request, &run, Detail::Needed).await?;
    pruning::allow(session, &planned.plan, &verb.pruning)?;
    let report = runner.start(planned, &holder(session)).await;
    drop(progress);
    super::report::end(session, &resume::command(&run, flag), report)
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
fn foreseen(session: &Session, view: View, plan_out: Option<&Path>, flag: &Journals) -> Result {
    if let Some(file) = plan_out {
        saved::save(session, file, &view.plan, flag)?;
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

/// Opens the backup and connects to the cluster.
///
/// # Errors
/// Those of either; Ctrl-C.
pub async fn sides(session: &Session, flags: &cli::Request, request: &mut Request) -> Result<Sides> {
    let opening = async {
        let mut opened = open::open(session, &flags.at, &flags.identities, &flags.from).await?;
        let site = Site::connect(&session.cluster).await?;
        let journals = place::journals(session, &flags.at, &flags.journals).await?;
        opened.backup.spool().await?;
        Ok::<_, Failure>(Sides { site, journals, backup: opened.backup })
    };
    let stopped = || Failure::new(Exit::Failed, "stopped; nothing was written");
    let mut sides = session.interrupt.or(opening).await.ok_or_else(stopped)??;
    let kinds = objects::kinds(&mut sides.backup).await?;
    let mut unknown = request.filter.resolve(&kinds);
    unknown.extend(request.changes.status.resolve(&kinds));
    for name in unknown {
        session.speak.warn(&format!("the backup has no resource {name}"));
    }
    sides.backup.location().url().clone_into(&mut request.location);
    Ok(sides)
}

/// `BACKUP-YYYYMMDDhhmmss-ID`, in UTC, with a part of the run's UUID: two restores may begin in one second.
pub fn run_name(session: &Session, request: &Request) -> String {
    let id: String = session.run.chars().take(4).collect();
    format!("{}-{}-{id}", request.backup, session.clock.now().strftime("%Y%m%d%H%M%S"))
}

/// What no other runner is called, for people to read: user, host, process and a part of the run's UUID.
pub fn holder(session: &Session) -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(|| "somebody".to_owned());
    let host = variable("HOSTNAME").or_else(|| {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
        Some(name.trim().to_owned()).filter(|name| !name.is_empty())
    });
    let id: String = session.run.chars().take(8).collect();
    format!(
        "{user}@{}, process {}, {id}",
        host.unwrap_or_else(|| "unknown host".to_owned()),
        std::process::id()
    )
}
