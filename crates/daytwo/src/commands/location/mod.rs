//! `daytwo location …`

mod add;
mod check;
mod list;
mod remove;
pub mod velero;

use crate::cli::location::Location;
use crate::failure::Result;
use crate::settings::Session;

/// Runs one verb.
///
/// # Errors
/// Why it could not do its work.
pub async fn run(session: &Session, verb: Location) -> Result {
    match verb {
        Location::Add(verb) => add::run(session, verb),
        Location::List(_) => list::run(session),
        Location::Remove(verb) => remove::run(session, &verb),
        Location::Check(verb) => check::run(session, verb).await,
    }
}
