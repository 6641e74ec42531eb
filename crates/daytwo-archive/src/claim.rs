//! The right to write one backup. Multipart uploads have no conditional create: of two runs that write one name the
//! loser could replace the winner's archive before it fails on `velero-backup.json`. So a run first creates
//! `backups/<B>/<B>-daytwo-claim.json`, which only one can, and only its holder writes the rest.
//!
//! Refuses a name under which anything lies already. Does not judge whether another holder is alive.

use crate::layout::{BackupName, File, split};
use crate::location::{Conflict, Error, Location, Result};
use crate::upload::Upload;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Most bytes a claim can have: a larger file is none.
const LIMIT: u64 = 1024 * 1024;

/// What a claim says, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// `daytwo.dev/v1alpha1`.
    pub api_version: String,
    /// `Claim`.
    pub kind: String,
    /// The backup claimed.
    pub backup: String,
    /// The run that holds it.
    pub run: String,
    /// Since when, by the holder's clock.
    pub started: Timestamp,
    /// Uploads in parts that were begun, in the order of their beginning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uploads: Vec<Begun>,
}

/// An upload in parts that a holder began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Relative to the location.
    pub key: String,
    /// The store's id of it.
    pub id: String,
}

/// The right to write the backup of one name. Clones share it. Not released when dropped: a run that dies leaves it.
#[derive(Debug, Clone)]
pub struct Claim {
    location: Location,
    name: BackupName,
    record: Arc<Mutex<Record>>,
}

impl Claim {
    /// Takes the name for `run`, or fails with [`Error::Conflict`], which names the holder. Of several at once exactly
    /// one succeeds, if `run` differs between them. Taking what this very run holds succeeds again.
    pub async fn take(location: &Location, name: &BackupName, run: &str, at: Timestamp) -> Result<Claim> {
        let record = Record {
            api_version: "daytwo.dev/v1alpha1".into(),
            kind: "Claim".into(),
            backup: name.to_string(),
            run: run.to_owned(),
            started: at,
            uploads: Vec::new(),
        };
        refuse_taken(location, name, run).await?;
        create(location, name, &record).await?;
        let claim =
            Claim { location: location.clone(), name: name.clone(), record: Arc::new(Mutex::new(record)) };
        // Between the look and the claim another run may have written this backup whole and released its claim.
        if let Err(taken) = refuse_taken(location, name, run).await {
            claim.release().await?;
            return Err(taken);
        }
        Ok(claim)
    }

    /// The backup claimed.
    pub fn name(&self) -> &BackupName {
        &self.name
    }

    /// Where.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The run that holds it.
    pub async fn run(&self) -> String {
        self.record.lock().await.run.clone()
    }

    /// Begins a file of the backup. Once it has grown beyond one part its id stands in the claim.
    pub async fn upload(&self, file: File) -> Result<Upload> {
        Upload::begin(&self.location, &self.name.key(file), Some(self.clone())).await
    }

    /// Writes a small file of the backup in one go.
    pub async fn put(&self, file: File, bytes: Bytes) -> Result<()> {
        self.location.put(&self.name.key(file), bytes).await
    }

    /// Adds an upload in parts to what the claim says, so that others can end it if this run dies.
    /// [`Error::Stale`] if the claim is no longer ours.
    pub async fn record_upload(&self, key: &str, id: &str) -> Result<()> {
        let mut record = self.record.lock().await;
        self.check(&record.run).await?;
        record.uploads.push(Begun { key: key.to_owned(), id: id.to_owned() });
        self.location.put_scratch(&self.name.key(File::Claim), encode(&record)?).await
    }

    /// Succeeds if the claim is still ours, else [`Error::Stale`]. Ask before the file is written that makes the backup
    /// exist: somebody may have taken this run for dead.
    pub async fn still_held(&self) -> Result<()> {
        let run = self.record.lock().await.run.clone();
        self.check(&run).await
    }

    async fn check(&self, run: &str) -> Result<()> {
        let stale = |what: String| {
            Error::Stale(format!(
                "the claim on backup {} in {} {what}; nothing more is written",
                self.name,
                self.location.url()
            ))
        };
        match read(&self.location, self.name.as_str()).await? {
            Some(record) if record.run == run => Ok(()),
            Some(record) => Err(stale(format!("is now held by run {}", record.run))),
            None => Err(stale("has been removed".into())),
        }
    }

    /// Gives the name free. Releasing what is released already is no error.
    pub async fn release(&self) -> Result<()> {
        self.location.delete(&self.name.key(File::Claim)).await
    }
}

/// The claim on `backup`, if there is one. [`Error::Corrupt`] if there is one that cannot be read.
pub async fn read(location: &Location, backup: &str) -> Result<Option<Record>> {
    let key = File::Claim.key(backup);
    match location.get_at_most(&key, LIMIT).await {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(record) => Ok(Some(record)),
            Err(error) => Err(location.corrupt(&key, format!("is no claim: {error}"))),
        },
        Err(Error::NotFound { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

fn encode(record: &Record) -> Result<Bytes> {
    let mut bytes = serde_json::to_vec_pretty(record)
        .map_err(|error| Error::Invalid(format!("the claim cannot be written: {error}")))?;
    bytes.push(b'\n');
    Ok(bytes.into())
}

fn conflict(location: &Location, name: &BackupName, complete: bool, held: Option<Record>) -> Error {
    let (holder, since) = held.map_or((None, None), |record| (Some(record.run), Some(record.started)));
    Error::Conflict(Box::new(Conflict {
        name: name.to_string(),
        location: location.url().to_owned(),
        complete,
        holder,
        since,
    }))
}

/// Fails if anything lies under the name but this run's own claim.
async fn refuse_taken(location: &Location, name: &BackupName, run: &str) -> Result<()> {
    let mut claimed = false;
    let mut other = false;
    let mut complete = false;
    for info in location.list_to_write(&name.dir()).await? {
        match split(&info.key).and_then(|(backup, file)| File::of(backup, file)) {
            Some(File::Claim) => claimed = true,
            Some(File::VeleroBackup | File::Stored) => complete = true,
            _ => other = true,
        }
    }
    if complete {
        return Err(conflict(location, name, true, None));
    }
    let held = if claimed { read(location, name.as_str()).await? } else { None };
    match held {
        Some(record) if record.run == run => Ok(()),
        Some(record) => Err(conflict(location, name, false, Some(record))),
        None if other => Err(conflict(location, name, false, None)),
        None => Ok(()),
    }
}

/// Creates the claim. An answer that was lost, or a store that answers a retry of what it did already with a conflict,
/// is settled by reading back.
async fn create(location: &Location, name: &BackupName, record: &Record) -> Result<()> {
    let key = name.key(File::Claim);
    let bytes = encode(record)?;
    let mut last = None;
    for _ in 0..3 {
        let error = match location.create(&key, bytes.clone()).await {
            Ok(()) => return Ok(()),
            Err(error @ (Error::Exists { .. } | Error::Unavailable(_))) => error,
            Err(error) => return Err(error),
        };
        match read(location, name.as_str()).await {
            Ok(Some(held)) if held.run == record.run => return Ok(()),
            Ok(Some(held)) => return Err(conflict(location, name, false, Some(held))),
            // Given free in between, or a passing conflict of the store: once more.
            Ok(None) if matches!(error, Error::Exists { .. }) => last = Some(error),
            _ => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| conflict(location, name, false, None)))
}

#[cfg(test)]
mod tests;
