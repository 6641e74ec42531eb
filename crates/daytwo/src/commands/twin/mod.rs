//! `daytwo twin …`

mod kubeconfig;
mod kubectl;
mod limits;
pub mod open;
mod serve;

use crate::cli::twin::Twin;
use crate::failure::Result;
use crate::settings::Session;

/// Runs one verb.
///
/// # Errors
/// Why it could not do its work.
pub async fn run(session: &Session, verb: Twin) -> Result {
    match verb {
        Twin::Serve(verb) => serve::run(session, *verb).await,
        Twin::Kubectl(verb) => kubectl::run(session, *verb).await,
    }
}
