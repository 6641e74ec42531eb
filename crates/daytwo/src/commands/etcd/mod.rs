//! `daytwo etcd …`

mod diff;
mod export;
mod found;
mod get;
mod health;
mod history;
mod ls;
pub mod open;
pub mod order;
mod plan;
mod reach;
mod restore;
mod save;
pub mod snapshot;
mod status;
mod verify;
pub mod versions;

use crate::cli::etcd::Etcd;
use crate::failure::Result;
use crate::settings::Session;

/// Runs one verb.
///
/// # Errors
/// Why it could not do its work.
pub async fn run(session: &Session, verb: Etcd) -> Result {
    match verb {
        Etcd::Status(verb) => status::run(session, verb).await,
        Etcd::Verify(verb) => verify::run(session, verb).await,
        Etcd::Ls(verb) => ls::run(session, verb).await,
        Etcd::Get(verb) => get::run(session, verb).await,
        Etcd::History(verb) => history::run(session, verb).await,
        Etcd::Diff(verb) => diff::run(session, *verb).await,
        Etcd::Export(verb) => export::run(session, *verb).await,
        Etcd::Save(verb) => save::run(session, *verb).await,
        Etcd::Health(verb) => health::run(session, verb).await,
        Etcd::Defrag(verb) => order::defrag(session, *verb).await,
        Etcd::Disarm(verb) => order::disarm(session, *verb).await,
        Etcd::Plan(verb) => plan::run(session, verb).await,
        Etcd::Restore(verb) => restore::run(session, *verb).await,
    }
}
