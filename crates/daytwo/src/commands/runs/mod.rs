//! `daytwo runs …`

mod abort;
pub mod find;
mod list;
mod show;

use crate::cli::runs::Runs;
use crate::failure::Result;
use crate::settings::Session;

/// Runs one verb.
///
/// # Errors
/// Why it could not do its work.
pub async fn run(session: &Session, verb: Runs) -> Result {
    match verb {
        Runs::List(verb) => list::run(session, verb).await,
        Runs::Show(verb) => show::run(session, verb).await,
        Runs::Abort(verb) => abort::run(session, verb).await,
    }
}
