//! Removing one backup. The head goes first, so that no reader ever sees a backup that has lost a part.
//!
//! Refuses a backup that owns snapshots or volume data elsewhere: without it nobody would know of them.

use super::files;
use crate::claim;
use crate::layout::{self, File};
use crate::location::{Conflict, Error, Location, ObjectInfo, Result};
use flate2::read::MultiGzDecoder;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;
use serde_json::Value;
use std::io::Read;

/// Most bytes of a side file, stored and unpacked.
const SIDE_LIMIT: u64 = 64 * 1024 * 1024;

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Deleted {
    /// Objects of the store.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// Deletes the backup `name` and every file in its directory. Interrupted, it may be called again.
///
/// [`Error::NotFound`] if nothing lies under the name, [`Error::Conflict`] if it is being written, [`Error::Refused`]
/// if it owns data outside the location: `velero backup delete` removes that too.
pub async fn delete(location: &Location, name: &str) -> Result<Deleted> {
    if name.is_empty() || name.contains('/') {
        return Err(Error::Invalid(format!("{name:?} is no name of a backup")));
    }
    let files = files(location, name).await?;
    if files.is_empty() {
        return Err(Error::NotFound { key: layout::dir(name), location: location.url().to_owned() });
    }
    let has = |wanted: File| files.iter().any(|info| info.key == wanted.key(name));
    if has(File::VeleroBackup) {
        refuse_owner(location, name, &files).await?;
    } else if has(File::Claim) && !has(File::Stored) {
        let held = claim::read(location, name).await?;
        let (holder, since) = held.map_or((None, None), |held| (Some(held.run), Some(held.started)));
        let (name, location) = (name.to_owned(), location.url().to_owned());
        return Err(Error::Conflict(Box::new(Conflict { name, location, complete: false, holder, since })));
    }
    remove(location, name, &files).await
}

async fn remove(location: &Location, name: &str, files: &[ObjectInfo]) -> Result<Deleted> {
    let rank = |info: &ObjectInfo| match layout::split(&info.key).and_then(|(_, file)| File::of(name, file)) {
        Some(File::VeleroBackup) => 0,
        Some(File::Stored | File::Manifest) => 1,
        Some(File::Claim) => 3,
        _ => 2,
    };
    for now in 0..=3 {
        stream::iter(files.iter().filter(|info| rank(info) == now))
            .map(|info| location.delete(&info.key))
            .buffer_unordered(8)
            .try_collect::<()>()
            .await?;
    }
    Ok(Deleted { files: files.len(), bytes: files.iter().map(|info| info.size).sum() })
}

async fn refuse_owner(location: &Location, name: &str, files: &[ObjectInfo]) -> Result<()> {
    for file in File::OWNING {
        let key = file.key(name);
        if !files.iter().any(|info| info.key == key) {
            continue;
        }
        let packed = location.get_at_most(&key, SIDE_LIMIT).await;
        let refuse = |what: String| {
            Err(Error::Refused(format!(
                "backup {name} in {} {what}; deleted from here, that data would stay behind unknown: use velero backup delete {name}",
                location.url()
            )))
        };
        match packed.map(|packed| owned(&packed)) {
            Ok(Ok(0)) => {}
            Ok(Ok(many)) => {
                return refuse(format!("owns data outside of it ({many} entries in {})", file.name(name)));
            }
            Ok(Err(why)) => {
                return refuse(format!(
                    "may own data outside of it: {} cannot be read ({why})",
                    file.name(name)
                ));
            }
            Err(Error::NotFound { .. }) => {}
            Err(Error::Corrupt { what, .. }) => {
                return refuse(format!("may own data outside of it: {} {what}", file.name(name)));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Entries of a side file that stand for data outside the backup.
fn owned(packed: &[u8]) -> Result<usize, String> {
    let mut text = Vec::new();
    let unpacked = MultiGzDecoder::new(packed)
        .take(SIDE_LIMIT + 1)
        .read_to_end(&mut text)
        .map_err(|error| error.to_string())?;
    if unpacked as u64 > SIDE_LIMIT {
        return Err(format!("it unpacks to more than {SIDE_LIMIT} bytes"));
    }
    match serde_json::from_slice(&text).map_err(|error| error.to_string())? {
        Value::Null => Ok(0),
        // A volume that was skipped is recorded in volumeinfo and has no data anywhere.
        Value::Array(entries) => Ok(entries.iter().filter(|entry| entry["skipped"] != true).count()),
        _ => Err("it is not a list".into()),
    }
}
