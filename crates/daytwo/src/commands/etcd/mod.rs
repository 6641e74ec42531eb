//! `daytwo etcd …`

mod health;
pub mod order;
mod reach;
mod save;

use crate::cli::etcd::Etcd;
use crate::failure::Result;
use crate::settings::Session;

/// Runs one verb.
///
/// # Errors
/// Why it could not do its work.
pub async fn run(session: &Session, verb: Etcd) -> Result {
    match verb {
        Etcd::Save(verb) => save::run(session, *verb).await,
        Etcd::Health(verb) => health::run(session, verb).await,
        Etcd::Defrag(verb) => order::defrag(session, *verb).await,
        Etcd::Disarm(verb) => order::disarm(session, *verb).await,
    }
}
