//! Writes one backup as its objects arrive: claim, archive and side files, manifest, and last the file that makes the
//! backup exist. Until then nothing is visible as a backup; when anything fails, what was written is removed.
//!
//! Memory stays the same whatever the number of objects. Refuses to judge what it is given: an object is bytes and a
//! name.

use crate::encrypt::Recipient;
use crate::head::{Complete, Consistency, Fallback, Head, LeftOut, OutsideCut, Problem, Resource, Server};
use crate::layout::BackupName;
use crate::location::{Error, Location, Result};
use crate::sign::SigningKey;
use jiff::Timestamp;
use std::time::Duration;

/// How a backup is written.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Names the run; differs between any two.
    pub run: String,
    /// When the run began: the time of every entry in the archive.
    pub started: Timestamp,
    /// Encrypts every file to these, if any.
    pub recipients: Vec<Recipient>,
    /// Signs the backup.
    pub sign: Option<SigningKey>,
    /// Threads that compress, at least 1. 2 keep up with an API server.
    pub threads: usize,
}

/// One object: its JSON is `head` followed by `body`.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    /// `None` for objects outside namespaces.
    pub namespace: Option<&'a str>,
    /// `metadata.name`.
    pub name: &'a str,
    /// First part of the JSON; may be empty.
    pub head: &'a [u8],
    /// The rest of it.
    pub body: &'a [u8],
}

/// What is known once everything has been read.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// When all had been read.
    pub finished: Timestamp,
    /// Of which cluster.
    pub server: Server,
    /// The revision, where there was one.
    pub revision: Option<u64>,
    /// Whether all objects are of one moment.
    pub consistency: Consistency,
    /// Something wanted that could not be read: any makes the backup `PartiallyFailed`.
    pub problems: Vec<Problem>,
    /// Something left out on purpose.
    pub left_out: Vec<LeftOut>,
    /// Resources read outside the revision.
    pub outside: Vec<OutsideCut>,
    /// Ways round something that failed.
    pub fallbacks: Vec<Fallback>,
    /// Resources of which every object was seen.
    pub complete: Vec<Complete>,
    /// Velero's `BackupSpec`; what it leaves out is filled in.
    pub spec: serde_json::Value,
    /// After which time Velero's garbage collection may delete the backup; `None` means never.
    pub ttl: Option<Duration>,
    /// What a reader should know though nothing is missing.
    pub warnings: Vec<String>,
}

/// A backup being written. Dropped unfinished, it leaves its claim and perhaps some files, which
/// [`crate::catalog::end_orphans`] removes; [`BackupWriter::abandon`] leaves nothing.
#[derive(Debug)]
pub struct BackupWriter {
    options: WriteOptions,
}

impl BackupWriter {
    /// Takes the name, or fails with [`Error::Conflict`].
    pub async fn claim(
        _location: &Location,
        _name: &BackupName,
        options: WriteOptions,
    ) -> Result<BackupWriter> {
        Ok(BackupWriter { options })
    }

    /// Begins a resource. Each at most once: [`Error::Invalid`] otherwise.
    pub async fn begin(&mut self, _resource: &Resource) -> Result<()> {
        Err(Error::Invalid(format!("not yet: {}", self.options.run)))
    }

    /// Adds an object of the resource begun last. [`Error::Invalid`] if its name cannot be a path or it is larger than
    /// [`crate::tar::LARGEST_ENTRY`]: the writer is as before then.
    pub async fn add(&mut self, _object: Object<'_>) -> Result<()> {
        Err(Error::Invalid("not yet".into()))
    }

    /// Throws away what was added and begins anew, under the same claim.
    pub async fn restart(&mut self) -> Result<()> {
        Err(Error::Invalid("not yet".into()))
    }

    /// Completes the backup and makes it visible. If that fails, what was written is removed.
    pub async fn finish(self, _outcome: Outcome) -> Result<Head> {
        Err(Error::Invalid("not yet".into()))
    }

    /// Removes everything written, and the claim.
    pub async fn abandon(self) -> Result<()> {
        Err(Error::Invalid("not yet".into()))
    }
}
