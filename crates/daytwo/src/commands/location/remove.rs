//! `daytwo location remove`: forgets a name. The backups there stay.

use crate::cli::location::Remove;
use crate::config;
use crate::exit::Exit;
use crate::failure::Result;
use crate::place;
use crate::settings::Session;

/// Takes the location out of the config file.
///
/// # Errors
/// Exit 2 where there is no such name.
pub fn run(session: &Session, verb: &Remove) -> Result {
    let path = session.config_path()?;
    let mut config = config::read(&path)?;
    let Some(kept) = config.locations.remove(&verb.name) else {
        return Err(place::unknown(&verb.name, &config));
    };
    if config.default_location.as_deref() == Some(verb.name.as_str()) {
        config.default_location = None;
        session.speak.warn("it was the default location; there is none now");
    }
    config::write(&path, &config)?;
    session.speak.note(&format!("forgot {}; the backups in {} stay", verb.name, kept.url));
    Ok(Exit::Done)
}
