//! `daytwo key …`

mod generate;

use crate::cli::key::Key;
use crate::failure::Result;
use crate::settings::Session;

/// Runs one verb.
///
/// # Errors
/// Why it could not do its work.
pub fn run(session: &Session, verb: Key) -> Result {
    match verb {
        Key::Generate(verb) => generate::run(session, &verb),
    }
}
