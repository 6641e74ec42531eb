//! `daytwo restore …`

mod changes;
pub mod create;
pub mod drill;
mod fields;
mod list;
pub mod plan;
mod pruning;
pub mod report;
pub mod resume;
mod saved;
pub mod sides;
mod view;

use crate::cli::restore::Restore;
use crate::failure::Result;
use crate::settings::Session;

/// Runs one verb.
///
/// # Errors
/// Why it could not do its work.
pub async fn run(session: &Session, verb: Restore) -> Result {
    match verb {
        Restore::Create(verb) => create::run(session, verb).await,
        Restore::Plan(verb) => plan::run(session, verb).await,
        Restore::Run(verb) => saved::run(session, verb).await,
        Restore::Resume(verb) => resume::run(session, verb).await,
        Restore::List(verb) => list::list(session, verb).await,
        Restore::Describe(verb) => list::describe(session, verb).await,
    }
}
