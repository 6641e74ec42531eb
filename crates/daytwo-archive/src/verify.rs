//! Proves a backup: reads every byte of it again.
//!
//! Of daytwo's backups every flipped bit is found, and damage is reported by the objects it hurt; of Velero's, which hold
//! no digests, what can be proved is, and the rest is named. Takes a backup that is too damaged to be opened. Repairs
//! nothing.

mod ahead;
mod archive;
mod files;
mod foreign;
mod heads;
mod lines;
mod member;
mod naming;
mod ours;
mod report;
mod watched;

pub use self::report::{Finding, Report, Severity};

use crate::layout::{BackupName, File};
use crate::location::{Error, Location, Result};
use crate::read::Keys;
use crate::sign::VerifyingKey;
use futures::TryStreamExt;
use std::collections::BTreeMap;

/// How to verify.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// The key that must have signed the backup.
    pub key: Option<VerifyingKey>,
    /// Threads that decompress, at least 1. Default 2.
    pub threads: usize,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        VerifyOptions { key: None, threads: 2 }
    }
}

/// Verifies the backup `name`, also one too damaged to open. Damage is in the report; an error means that it could not
/// be told: the location did not answer ([`Error::Unavailable`], [`Error::Denied`]), or there is no such backup, or none
/// that is complete ([`Error::NotFound`]).
pub async fn verify(
    location: &Location,
    name: &BackupName,
    keys: &Keys,
    options: &VerifyOptions,
) -> Result<Report> {
    let found = Found::list(location, name).await?;
    let has = |file: File| found.sizes.contains_key(&file.name(name.as_str()));
    let report = Report::default();
    let run = Run { location, name, keys, options, found: &found };
    if has(File::VeleroBackup) && !has(File::Manifest) && !heads::names_manifest(location, name).await? {
        return foreign::verify(run, report).await;
    }
    if has(File::VeleroBackup) || has(File::Stored) || has(File::Manifest) && !has(File::Claim) {
        return ours::verify(run, report).await;
    }
    let what = match found.sizes.is_empty() {
        true => format!("backup {name}"),
        false => format!("complete backup {name}, only files of one that was not finished"),
    };
    Err(Error::NotFound { key: what, location: location.url().to_owned() })
}

/// One verification.
#[derive(Clone, Copy)]
struct Run<'a> {
    location: &'a Location,
    name: &'a BackupName,
    keys: &'a Keys,
    options: &'a VerifyOptions,
    found: &'a Found,
}

impl Run<'_> {
    /// Name of a file inside the backup's directory.
    fn file(&self, file: File) -> String {
        file.name(self.name.as_str())
    }

    fn place(&self, file: File) -> watched::Place {
        watched::Place { location: self.location.clone(), file: self.file(file), key: self.name.key(file) }
    }
}

/// What lies in the backup's directory: sizes by name.
struct Found {
    sizes: BTreeMap<String, u64>,
}

impl Found {
    async fn list(location: &Location, name: &BackupName) -> Result<Found> {
        let dir = format!("{}/", name.dir());
        let mut listed = location.list(&name.dir()).await?;
        let mut sizes = BTreeMap::new();
        while let Some(info) = listed.try_next().await? {
            if let Some(file) = info.key.strip_prefix(&dir) {
                sizes.insert(file.to_owned(), info.size);
            }
        }
        Ok(Found { sizes })
    }
}
