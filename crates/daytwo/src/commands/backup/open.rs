//! Finds a backup by name, and says which may have been meant where there is none.

use daytwo_archive::catalog::{self, ListOptions, Listed};
use daytwo_archive::encrypt::Identity;
use daytwo_archive::{Backup, BackupName, Keys, Location};

use crate::cli::shared::{At, Identities};
use crate::failure::{Failure, Result};
use crate::place;
use crate::settings::Session;
use crate::suggest;

/// A backup that was found.
pub struct Opened {
    /// Where it lies.
    pub location: Location,
    /// It.
    pub backup: Backup,
}

/// Opens the backup `name` at the location that the flags name.
///
/// # Errors
/// Exit 2 for an unknown name; those of reading its head.
pub async fn open(session: &Session, at: &At, identities: &Identities, name: &str) -> Result<Opened> {
    let keys = keys(identities)?;
    let location = place::open(session, at).await?;
    let backup = named(&location, name, &keys).await?;
    Ok(Opened { location, backup })
}

/// Opens the backup `name` of `location`.
///
/// # Errors
/// As [`open`].
pub async fn named(location: &Location, name: &str, keys: &Keys) -> Result<Backup> {
    let listed = find(location, name).await?;
    let encrypted = listed.encrypted;
    let name = BackupName::try_from(listed.name.as_str())?;
    match Backup::open(location, &name, keys).await {
        Ok(backup) => Ok(backup),
        Err(error) => {
            let failure = Failure::from(error);
            Err(if encrypted {
                failure.or_try("--identity FILE, with an identity it was encrypted to")
            } else {
                failure
            })
        }
    }
}

/// What the catalog says of the backup `name`.
///
/// # Errors
/// Exit 2 where there is none, with the nearest names.
pub async fn find(location: &Location, name: &str) -> Result<Listed> {
    if !name.is_empty()
        && !name.contains('/')
        && let Some(listed) = catalog::find(location, name).await?
    {
        return Ok(listed);
    }
    let failure = Failure::usage(format!("there is no backup {name:?} in {}", location.url()));
    let names: Vec<String> = catalog::list(location, ListOptions::default())
        .await?
        .into_iter()
        .map(|listed| listed.name)
        .collect();
    Err(match suggest::did_you_mean(name, names.iter().map(String::as_str)) {
        Some(hint) => failure.or_try(hint),
        None => failure.or_try(format!("daytwo backup list --location {}", location.url())),
    })
}

/// Reads the identities that were named.
///
/// # Errors
/// Exit 2 for a file that cannot be read or holds none.
pub fn keys(identities: &Identities) -> Result<Keys> {
    let mut keys = Keys::default();
    for path in &identities.identities {
        keys.identities.extend(Identity::load(path)?);
    }
    Ok(keys)
}
