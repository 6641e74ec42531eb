//! Finds runs by their journals, and says in a word where each stands.

use daytwo_archive::Location;
use daytwo_archive::layout::RUNS;
use daytwo_archive::location::Error as StoreError;
use daytwo_core::restore::Request;
use daytwo_engine::journal::Recorded;
use daytwo_engine::restore::recorded;

use crate::cli::shared::{OneRun, Places};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::table::Tone;
use crate::place;
use crate::settings::Session;
use crate::suggest;

/// Every run whose journal is at `journals`, oldest first. One that cannot be read is named on stderr.
///
/// # Errors
/// Those of listing the location.
async fn all(session: &Session, journals: &Location) -> Result<Vec<Recorded>> {
    let mut runs = Vec::new();
    for run in names(journals).await? {
        match recorded(journals, &run).await {
            Ok(recorded) => runs.push(recorded),
            Err(error) => session.speak.warn(&Failure::from(error).message()),
        }
    }
    runs.sort_by(|a, b| (a.began, &a.plan.id).cmp(&(b.began, &b.plan.id)));
    Ok(runs)
}

/// The place of journals, and every run there.
///
/// # Errors
/// As of [`all`]; Ctrl-C.
pub async fn listed(session: &Session, places: &Places) -> Result<(Location, Vec<Recorded>)> {
    let reading = async {
        let journals = place::journals(session, places).await?;
        let runs = all(session, &journals).await?;
        Ok::<_, Failure>((journals, runs))
    };
    session.interrupt.or(reading).await.ok_or_else(|| Failure::new(Exit::Failed, "stopped"))?
}

/// The run that the flags name.
///
/// # Errors
/// As of [`one`]; Ctrl-C.
pub async fn named(session: &Session, named: &OneRun) -> Result<Recorded> {
    let reading = async {
        let journals = place::journals(session, &named.places).await?;
        one(&journals, &named.run).await
    };
    session.interrupt.or(reading).await.ok_or_else(|| Failure::new(Exit::Failed, "stopped"))?
}

/// What the journal of `run` says.
///
/// # Errors
/// Exit 2 where there is none, with the nearest names; those of reading.
pub async fn one(journals: &Location, run: &str) -> Result<Recorded> {
    let runs = names(journals).await?;
    if runs.iter().any(|known| known == run) {
        return Ok(recorded(journals, run).await?);
    }
    let failure = Failure::usage(format!("there is no run {run:?} in {}", journals.url()));
    let failure = match suggest::did_you_mean(run, runs.iter().map(String::as_str)) {
        Some(hint) => failure.or_try(hint),
        None => failure.or_try(format!("daytwo runs list --location {}", journals.url())),
    };
    Err(failure.or_try("--journal LOCATION, if its journal is kept elsewhere"))
}

/// What a run was asked for that must be a restore.
///
/// # Errors
/// Exit 2 of another run.
pub fn restore(recorded: &Recorded) -> Result<&Request> {
    let run = &recorded.plan.id;
    let what = || format!("run {run} is no restore but works on an {}", recorded.plan.site.context);
    recorded.restore().ok_or_else(|| Failure::usage(what()).or_try(format!("daytwo resume {run}")))
}

async fn names(journals: &Location) -> Result<Vec<String>, StoreError> {
    journals.list_dirs(RUNS).await
}

/// How a state is shown.
pub fn tone(state: &str) -> Tone {
    if state == "Finished" { Tone::Good } else { Tone::Odd }
}

/// `Finished`, `Aborted`, `Stopped`, `Aborting` (given up, and not yet released), or `Running` (or killed: nobody said
/// that it stopped).
pub fn state(recorded: &Recorded) -> &'static str {
    match (&recorded.abort, recorded.ended, &recorded.stopped) {
        (None, Some(_), _) => "Finished",
        (Some(_), Some(_), _) => "Aborted",
        (Some(_), None, _) => "Aborting",
        (None, None, Some(_)) => "Stopped",
        (None, None, None) => "Running",
    }
}
