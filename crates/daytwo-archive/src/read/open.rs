//! What kind of backup lies under a name, and what it says about itself.

use super::Keys;
use super::source::{Source, blocking, explain};
use crate::encrypt::Identity;
use crate::gzip::GzipReader;
use crate::head::Head;
use crate::layout::{BackupName, File};
use crate::location::{Error, Location, Result};
use crate::manifest::{Rows, Tail, find_tail};
use crate::velero::{self, BackupObject, MANIFEST_DIGEST};
use std::io::Read;

/// Most bytes of `velero-backup.json`: a Backup object fits into etcd.
const BACKUP_LIMIT: u64 = 4 * 1024 * 1024;

/// Most bytes of a side file of Velero's, decompressed.
const SIDE_LIMIT: u64 = 256 * 1024 * 1024;

/// Bytes fetched from the end of a manifest, in turn, until its tail is among them.
const TAILS: [u64; 3] = [128 * 1024, 2 * 1024 * 1024, 32 * 1024 * 1024];

/// A backup as it lies there.
pub(super) enum Kind {
    Daytwo(Box<Tail>),
    Velero(Box<Head>),
}

pub(super) async fn open(location: &Location, name: &BackupName, keys: &Keys) -> Result<Kind> {
    let key = name.key(File::VeleroBackup);
    match location.get_at_most(&key, BACKUP_LIMIT).await {
        Ok(bytes) => {
            let backup = BackupObject::parse(&bytes, location, &key)?;
            let ours = backup.annotation(MANIFEST_DIGEST).is_some()
                || location.exists(&name.key(File::Manifest)).await?;
            match ours {
                true => Ok(Kind::Daytwo(Box::new(tail(location, name).await?))),
                false => Ok(Kind::Velero(Box::new(velero_head(location, name, backup).await?))),
            }
        }
        Err(Error::NotFound { .. }) if location.exists(&name.key(File::Stored)).await? => {
            Ok(Kind::Daytwo(Box::new(encrypted_tail(location, name, &keys.identities).await?)))
        }
        Err(Error::NotFound { .. }) => {
            Err(Error::NotFound { key: format!("backup {name}"), location: location.url().to_owned() })
        }
        Err(error) => Err(error),
    }
}

/// The tail of a manifest that is not encrypted: the end of the file is fetched, no more.
pub(crate) async fn tail(location: &Location, name: &BackupName) -> Result<Tail> {
    let key = name.key(File::Manifest);
    for length in TAILS {
        let end = location.get_tail(&key, length).await?;
        let whole = (end.len() as u64) < length;
        if let Some(member) = find_tail(&end) {
            let mut text = Vec::new();
            GzipReader::new(member).read_to_end(&mut text).map_err(|error| explain(error, location, &key))?;
            return Tail::parse(&text).map_err(|what| location.corrupt(&key, what));
        }
        if whole {
            break;
        }
    }
    Err(location.corrupt(&key, "is damaged: it does not end as a manifest does"))
}

/// The tail of an encrypted manifest: all of it is fetched and decrypted.
pub(crate) async fn encrypted_tail(
    location: &Location,
    name: &BackupName,
    identities: &[Identity],
) -> Result<Tail> {
    let key = name.key(File::Manifest);
    let source = Source::fetch(location, &key).await?;
    let (identities, location) = (identities.to_vec(), location.clone());
    blocking(move || {
        let text = source.opened(Some(&identities)).and_then(|opened| {
            let mut rows = Rows::new(GzipReader::new(opened))?;
            while rows.next()?.is_some() {}
            rows.rest()
        });
        let text = text.map_err(|error| explain(error, &location, &key))?;
        Tail::parse(&text).map_err(|what| location.corrupt(&key, what))
    })
    .await
}

/// Side files that are missing or damaged leave the head with less in it.
async fn velero_head(location: &Location, name: &BackupName, backup: BackupObject) -> Result<Head> {
    let (results, list) = tokio::try_join!(
        side_file(location, name, File::Results),
        side_file(location, name, File::ResourceList)
    )?;
    let name = name.to_string();
    Ok(blocking(move || velero::head(&name, backup, results.as_deref(), list.as_deref())).await)
}

async fn side_file(location: &Location, name: &BackupName, file: File) -> Result<Option<Vec<u8>>> {
    let source = match Source::fetch(location, &name.key(file)).await {
        Ok(source) => source,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let read = blocking(move || {
        let mut bytes = Vec::new();
        GzipReader::new(source).take(SIDE_LIMIT).read_to_end(&mut bytes).map(|_| bytes)
    });
    Ok(read.await.ok())
}
