//! `daytwo backup delete`: asks, unless told not to; refuses a backup that owns data elsewhere.

use daytwo_archive::Location;
use daytwo_archive::catalog;
use serde::Serialize;

use crate::ask::ask;
use crate::cli::backup::Delete;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::words;
use crate::place;
use crate::settings::Session;

use super::open;

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct BackupDeletion {
    location: String,
    deleted: Vec<Gone>,
}

/// One deleted backup.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gone {
    /// Its name.
    pub name: String,
    /// Files deleted.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Document for BackupDeletion {
    fn kind(&self) -> Option<&'static str> {
        Some("BackupDeletion")
    }

    fn text(&self, _: Paint, _: bool) -> String {
        self.deleted.iter().map(|gone| format!("{gone}\n")).collect()
    }

    fn names(&self) -> Vec<String> {
        self.deleted.iter().map(|gone| gone.name.clone()).collect()
    }
}

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let files = words::count(self.files as u64, "file");
        write!(f, "deleted {} ({files}, {})", self.name, words::bytes(self.bytes))
    }
}

/// Deletes the backups one after another; the first that cannot be deleted ends it.
///
/// # Errors
/// Exit 2 for an unknown name, exit 4 without a yes and for a backup that owns data elsewhere.
pub async fn run(session: &Session, verb: Delete) -> Result {
    let location = place::open(session, &verb.at).await?;
    for name in &verb.names {
        open::find(&location, name).await?;
    }
    if !verb.yes {
        ask(session, &format!("delete {} from {}?", verb.names.join(", "), location.url())).await?;
    }
    let mut deletion = BackupDeletion { location: location.url().to_owned(), ..BackupDeletion::default() };
    for name in &verb.names {
        let gone = match session.interrupt.or(one(&location, name)).await {
            Some(Ok(gone)) => gone,
            Some(Err(failure)) => {
                session.out.document(&deletion)?;
                return Err(failure);
            }
            None => {
                session.out.document(&deletion)?;
                return Err(Failure::new(Exit::Failed, format!("stopped while {name} was deleted"))
                    .or_try(format!("daytwo backup delete {name}, or daytwo backup prune --orphans")));
            }
        };
        deletion.deleted.push(gone);
    }
    session.out.document(&deletion)?;
    Ok(Exit::Done)
}

/// Deletes one backup.
///
/// # Errors
/// Those of the catalog.
pub async fn one(location: &Location, name: &str) -> Result<Gone> {
    let deleted = catalog::delete(location, name).await?;
    Ok(Gone { name: name.to_owned(), files: deleted.files, bytes: deleted.bytes })
}
