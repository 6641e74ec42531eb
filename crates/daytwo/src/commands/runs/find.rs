//! Finds runs by their journals, and says in a word where each stands.

use daytwo_archive::Location;
use daytwo_archive::location::Error as StoreError;
use daytwo_engine::journal::Recorded;
use daytwo_engine::restore::recorded;

use crate::failure::{Failure, Result};
use crate::settings::Session;
use crate::suggest;

/// Where journals lie: a folder for each run.
const RUNS: &str = "metadata/daytwo/runs";

/// Every run whose journal is at `journals`, oldest first. One that cannot be read is named on stderr.
///
/// # Errors
/// Those of listing the location.
pub async fn all(session: &Session, journals: &Location) -> Result<Vec<Recorded>> {
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

/// Succeeds if there is a journal of `run`.
///
/// # Errors
/// Exit 2 where there is none, with the nearest names.
pub async fn known(journals: &Location, run: &str) -> Result<()> {
    let runs = names(journals).await?;
    if runs.iter().any(|known| known == run) {
        return Ok(());
    }
    let failure = Failure::usage(format!("there is no run {run:?} in {}", journals.url()));
    let failure = match suggest::did_you_mean(run, runs.iter().map(String::as_str)) {
        Some(hint) => failure.or_try(hint),
        None => failure.or_try(format!("daytwo runs list --location {}", journals.url())),
    };
    Err(failure.or_try("--journal LOCATION, if its journal is kept elsewhere"))
}

async fn names(journals: &Location) -> Result<Vec<String>, StoreError> {
    journals.list_dirs(RUNS).await
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
