//! `daytwo backup …`

pub mod open;

pub mod create;
mod delete;
pub mod describe;
mod diff;
mod export;
mod get;
mod list;
pub mod naming;
pub mod objects;
mod prune;
pub mod verify;
pub mod writing;

use crate::cli::backup::Backup;
use crate::failure::Result;
use crate::settings::Session;

/// Runs one verb.
///
/// # Errors
/// Why it could not do its work.
pub async fn run(session: &Session, verb: Backup) -> Result {
    match verb {
        Backup::Create(verb) => create::run(session, verb).await,
        Backup::List(verb) => list::run(session, verb).await,
        Backup::Describe(verb) => describe::run(session, verb).await,
        Backup::Get(verb) => get::run(session, verb).await,
        Backup::Verify(verb) => verify::run(session, verb).await,
        Backup::Diff(verb) => diff::run(session, verb).await,
        Backup::Export(verb) => export::run(session, verb).await,
        Backup::Delete(verb) => delete::run(session, verb).await,
        Backup::Prune(verb) => prune::run(session, verb).await,
    }
}
