//! `daytwo location add`: keeps a location under a name. It does not speak to the store; `location check` does.

use daytwo_archive::location::Location;

use crate::cli::location::Add;
use crate::config::{self, Kept};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::place;
use crate::settings::Session;

/// Writes the location to the config file.
///
/// # Errors
/// Exit 2 for a name or URL that cannot be used, exit 4 where the name is taken.
pub fn run(session: &Session, verb: Add) -> Result {
    if verb.name.is_empty() || place::is_url(&verb.name) || verb.name.contains([':', '/', ' ', ',']) {
        return Err(Failure::usage(format!("{:?} cannot name a location", verb.name))
            .or_try("a name without ':', '/', ',' and spaces that does not begin with a dot"));
    }
    if !place::is_url(&verb.url) {
        return Err(Failure::usage(format!("{:?} is no URL", verb.url))
            .or_try(format!("s3://BUCKET/PREFIX, or ./{} if a folder is meant", verb.url)));
    }
    if let Some((_, rest)) = verb.url.split_once("://")
        && rest.split('/').next().is_some_and(|host| host.contains('@'))
        && !verb.url.starts_with("abfs")
    {
        return Err(Failure::usage("the URL holds credentials, which the config file does not keep").or_try(
            "the URL without them, and --profile NAME or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ));
    }
    let mut kept = place::overlay(Kept { url: verb.url, ..Kept::default() }, &verb.store);
    if !kept.url.contains("://") {
        kept.url = std::path::absolute(&kept.url)?.display().to_string();
    }
    kept.ca_file = kept.ca_file.map(std::path::absolute).transpose()?;
    Location::open(&kept.url, &place::options(&kept, session.clock.now())?)?;

    let path = session.config_path()?;
    let mut config = config::read(&path)?;
    if config.locations.contains_key(&verb.name) && !verb.replace {
        return Err(Failure::refused(format!("there is a location named {} already", verb.name))
            .or_try("another name, or --replace"));
    }
    if verb.default {
        config.default_location = Some(verb.name.clone());
    }
    config.locations.insert(verb.name.clone(), kept);
    config::write(&path, &config)?;
    session.speak.note(&format!("kept {} in {}", verb.name, path.display()));
    session.speak.suggest(&format!("daytwo location check {}", verb.name));
    Ok(Exit::Done)
}
