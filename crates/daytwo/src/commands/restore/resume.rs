//! `daytwo resume`, and the same command given again: goes on where a run stopped.

use daytwo_archive::Location;
use daytwo_archive::location::Error as StoreError;
use daytwo_core::etcd::{DefragRequest, DisarmRequest};
use daytwo_core::plan::Kind;
use daytwo_core::restore::{Differs, Request};
use daytwo_engine::journal::{JournalError, Recorded};
use daytwo_engine::restore::recorded;

use crate::cli::restore::Resume;
use crate::cli::shared::Places;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::progress::Progress;
use crate::settings::Session;

use super::super::etcd::order;
use super::super::runs::find;
use super::drill;
use super::sides::{Sides, holder};

/// The command that goes on with `run`.
pub fn command(run: &str, places: &Places) -> String {
    format!("daytwo resume {run}{}", places.flags())
}

/// Goes on with the run and prints the report of all of it.
///
/// # Errors
/// Exit 2 for a run that is unknown or ended, exit 4 where another runner is at it, or cluster or backup changed.
pub async fn run(session: &Session, verb: Resume) -> Result {
    let recorded = find::named(session, &verb.one).await?;
    match &recorded.plan.kind {
        Kind::Restore(_) => {}
        Kind::Defrag(DefragRequest { reach, .. }) | Kind::Disarm(DisarmRequest { reach, .. }) => {
            return order::resume(session, &recorded, reach, &verb.one.places).await;
        }
    }
    let opening = Sides::of_run(session, &verb.one, &verb.identities);
    let stopped = || Failure::new(Exit::Failed, "stopped; the run stands as it stood");
    let sides = session.interrupt.or(opening).await.ok_or_else(stopped)??;
    drill::gone(&recorded, sides.twin.is_some())?;
    go_on(session, &sides, &verb.one.run, &verb.one.places).await
}

async fn go_on(session: &Session, sides: &Sides, run: &str, places: &Places) -> Result {
    let progress = Progress::new(session);
    let report = sides.runner(session, &progress).resume(run, &holder(session)).await;
    drop(progress);
    super::report::end(session, &command(run, places), places, report)
}

/// The run of this name, if it was begun.
///
/// # Errors
/// Those of reading its journal.
pub async fn begun(journals: &Location, run: &str) -> Result<Option<Recorded>> {
    match recorded(journals, run).await {
        Ok(recorded) => Ok(Some(recorded)),
        Err(JournalError::NotFound { .. }) => Ok(None),
        // A folder that is still to be made.
        Err(JournalError::Store { source: StoreError::Invalid(_), .. })
            if journals.folder().is_some_and(|folder| !folder.exists()) =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Goes on with a run that the same command began, `request` being what it asks for now.
///
/// # Errors
/// Exit 4 where the run ended, or was begun with another request; those of [`run`].
pub async fn same(
    session: &Session,
    sides: &Sides,
    recorded: Recorded,
    request: &Request,
    places: &Places,
) -> Result {
    let run = recorded.plan.id.clone();
    if recorded.ended.is_some() {
        let error = JournalError::Exists { run: run.clone(), holder: recorded.holder, since: recorded.began };
        return Err(Failure::from(error).or_try(format!("daytwo runs show {run}{}", places.flags())));
    }
    let was = find::restore(&recorded)?.clone();
    drill::gone(&recorded, sides.twin.is_some())?;
    let differs = was.differences(request);
    if !differs.is_empty() {
        let text = |one: &Differs| format!("{} was {} and is {}", one.what, one.was, one.is);
        let differs: Vec<String> = differs.iter().map(text).collect();
        let what =
            format!("run {run} did not end, and was begun with another request: {}", differs.join(", "));
        return Err(Failure::refused(what).or_try(command(&run, places)).or_try("another name for this run"));
    }
    if recorded.abort.is_some() {
        let error = JournalError::Aborting { run: run.clone(), since: recorded.since };
        return Err(Failure::from(error).or_try(format!("daytwo runs abort {run}{}", places.flags())));
    }
    session
        .speak
        .note(&format!("run {run} was begun at {} and did not end: going on with it", recorded.began));
    if was.concurrency != request.concurrency || was.waits != request.waits {
        session.speak.note("requests in flight and waits stay those that it was begun with");
    }
    go_on(session, sides, &run, places).await
}
