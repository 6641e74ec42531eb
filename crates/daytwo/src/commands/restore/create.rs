//! `daytwo restore create`: plans, shows with `--dry-run`, else carries the plan out.

use std::path::Path;

use daytwo_archive::{Backup, Location};
use daytwo_core::restore::{Existing, NamespaceMapping, Request};
use daytwo_engine::Site;
use daytwo_engine::journal::Timing;
use daytwo_engine::restore::{Detail, Runner};

use crate::cli::restore as cli;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::filters;
use crate::progress::Progress;
use crate::settings::Session;

use super::super::backup::{objects, open};
use super::changes::changes;
use super::view::{AsReport, Look, View};
use super::{pruning, saved};

/// What a restore works with: the cluster and the backup.
pub struct Sides {
    /// The cluster.
    pub site: Site,
    /// Where the backup lies, and the journal.
    pub location: Location,
    /// The backup, brought near.
    pub backup: Backup,
}

impl Sides {
    /// The one who plans and carries out.
    pub fn runner<'a>(&'a self, session: &'a Session, events: &'a Progress) -> Runner<'a> {
        Runner {
            site: &self.site,
            location: &self.location,
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
    let sides = sides(session, &verb.request, &mut request).await?;
    let run = verb.run.clone().unwrap_or_else(|| run_name(session, &request));
    let progress = Progress::new(session);
    let runner = sides.runner(session, &progress);
    pruning::possible(&request, &sides.backup)?;
    if verb.dry_run {
        let look = Look { diff: verb.show_diff, secrets: verb.show_secrets };
        let view = View::of(&runner, &request, &run, look, session.out.format).await?;
        drop(progress);
        return foreseen(session, view, verb.plan_out.as_deref());
    }
    let planned = runner.plan(&request, &run, Detail::Needed).await?;
    pruning::allow(session, &planned.plan, &verb.pruning)?;
    let report = runner.start(planned, &holder(session)).await;
    drop(progress);
    super::report::end(session, &run, report)
}

/// Prints what a restore would do, with the exit code that it would have.
fn foreseen(session: &Session, view: View, plan_out: Option<&Path>) -> Result {
    if let Some(file) = plan_out {
        saved::save(session, file, &view.plan)?;
    }
    let exit = if view.report.is_clean() { Exit::Done } else { Exit::Findings };
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
        concurrency: flags.concurrency,
        ..Request::default()
    })
}

/// Opens the backup and connects to the cluster.
///
/// # Errors
/// Those of either; Ctrl-C.
pub async fn sides(session: &Session, flags: &cli::Request, request: &mut Request) -> Result<Sides> {
    let opening = async {
        let mut opened = open::open(session, &flags.at, &flags.identities, &flags.from).await?;
        let site = Site::connect(&session.cluster).await?;
        opened.backup.spool().await?;
        Ok::<_, Failure>(Sides { site, location: opened.location, backup: opened.backup })
    };
    let stopped = || Failure::new(Exit::Failed, "stopped; nothing was written");
    let mut sides = session.interrupt.or(opening).await.ok_or_else(stopped)??;
    let kinds = objects::kinds(&mut sides.backup).await?;
    let mut unknown = request.filter.resolve(&kinds);
    unknown.extend(request.changes.status.resolve(&kinds));
    for name in unknown {
        session.speak.warn(&format!("the backup has no resource {name}"));
    }
    sides.location.url().clone_into(&mut request.location);
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
