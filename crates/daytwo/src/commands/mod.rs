//! One module per verb: what it asks of the other crates, what it prints, and which exit code it ends with.

pub mod backup;
mod compare;
mod completion;
mod demo;
pub mod etcd;
mod key;
pub mod location;
mod man;
mod restore;
mod runs;
pub mod twin;
mod version;

use crate::cli::Verb;
use crate::failure::Result;
use crate::settings::Session;

/// Runs one verb.
///
/// # Errors
/// Why it could not do its work.
pub async fn run(session: &Session, verb: Verb) -> Result {
    match verb {
        Verb::Backup(verb) => backup::run(session, verb).await,
        Verb::Restore(verb) => restore::run(session, *verb).await,
        Verb::Resume(verb) => restore::resume::run(session, verb).await,
        Verb::Runs(verb) => runs::run(session, verb).await,
        Verb::Etcd(verb) => etcd::run(session, verb).await,
        Verb::Twin(verb) => twin::run(session, verb).await,
        Verb::Demo(verb) => demo::run(session, verb).await,
        Verb::Location(verb) => location::run(session, verb).await,
        Verb::Key(verb) => key::run(session, verb),
        Verb::Completion(verb) => completion::run(session, &verb),
        Verb::Man(verb) => man::run(session, &verb),
        Verb::Version(_) => version::run(session),
    }
}
