//! Writes one backup as its objects arrive: claim, archive and side files, manifest, and last the file that makes the
//! backup exist. Until then nothing is visible as a backup; when anything fails, what was written is removed.
//!
//! Memory stays the same whatever the number of objects. Refuses to judge what it is given: an object is bytes and a
//! name.

mod body;
mod complete;
mod lane;
mod pool;
mod sink;

use self::body::Body;
use self::pool::Pool;
use crate::claim::Claim;
use crate::encrypt::Recipient;
use crate::head::{Complete, Consistency, Fallback, Head, LeftOut, OutsideCut, Problem, Resource, Server};
use crate::layout::{BackupName, File};
use crate::location::{Error, Location, Result};
use crate::sign::SigningKey;
use jiff::Timestamp;
use std::fmt;
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
#[derive(Clone, Copy)]
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

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.head.len() + self.body.len();
        write!(f, "Object({}/{}, {size} bytes)", self.namespace.unwrap_or_default(), self.name)
    }
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
pub struct BackupWriter {
    claim: Claim,
    options: WriteOptions,
    pool: Pool,
    body: Body,
}

impl fmt::Debug for BackupWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BackupWriter({}, {} objects)", self.claim.name(), self.body.objects)
    }
}

impl BackupWriter {
    /// Takes the name, or fails with [`Error::Conflict`].
    pub async fn claim(
        location: &Location,
        name: &BackupName,
        options: WriteOptions,
    ) -> Result<BackupWriter> {
        let pool = Pool::new(options.threads)?;
        let claim = Claim::take(location, name, &options.run, options.started).await?;
        match begin(&claim, &pool, &options).await {
            Ok(body) => Ok(BackupWriter { claim, options, pool, body }),
            Err(error) => Err(left(clean(&claim).await, error)),
        }
    }

    /// Begins a resource. Each at most once, and none without objects need be begun: [`Error::Invalid`] otherwise.
    #[expect(clippy::unused_async, reason = "may come to write: callers must not depend on it never waiting")]
    pub async fn begin(&mut self, resource: &Resource) -> Result<()> {
        self.body.begin_resource(resource)
    }

    /// Adds an object of the resource begun last. [`Error::Invalid`] if its name cannot be a path, or if it is larger
    /// than [`crate::tar::LARGEST_ENTRY`]: the writer is as before then. After any other error only
    /// [`BackupWriter::abandon`] is left.
    pub async fn add(&mut self, object: Object<'_>) -> Result<()> {
        self.body.add(object).await
    }

    /// Throws away what was added and begins anew, under the same claim.
    pub async fn restart(&mut self) -> Result<()> {
        let fresh = begin(&self.claim, &self.pool, &self.options).await?;
        std::mem::replace(&mut self.body, fresh).abort().await
    }

    /// Completes the backup and makes it visible. If that fails, what was written is removed.
    pub async fn finish(self, outcome: Outcome) -> Result<Head> {
        let BackupWriter { claim, options, pool: _pool, body } = self;
        match complete::complete(&claim, &options, body, outcome).await {
            Ok(head) => {
                if let Err(error) = claim.release().await {
                    tracing::warn!(%error, "the backup is complete; its claim could not be removed");
                }
                Ok(head)
            }
            Err(error) => Err(left(clean(&claim).await, error)),
        }
    }

    /// Removes everything written, and the claim.
    pub async fn abandon(self) -> Result<()> {
        let aborted = self.body.abort().await;
        clean(&self.claim).await?;
        aborted
    }
}

async fn begin(claim: &Claim, pool: &Pool, options: &WriteOptions) -> Result<Body> {
    Body::begin(claim, pool, &options.recipients, options.started.as_second()).await
}

/// Removes every file of the backup, the one that makes it visible first, and the claim. Files of another holder are
/// left alone.
async fn clean(claim: &Claim) -> Result<()> {
    match claim.still_held().await {
        Err(Error::Stale(_)) => return Ok(()),
        other => other?,
    }
    let files = [File::VeleroBackup, File::Stored, File::Manifest];
    let rest = File::ALL.into_iter().filter(|file| !files.contains(file) && *file != File::Claim);
    for file in files.into_iter().chain(rest) {
        claim.location().delete(&claim.name().key(file)).await?;
    }
    claim.release().await
}

/// The error to report: what went wrong first, and what is left if cleaning up failed too.
fn left(cleaned: Result<()>, error: Error) -> Error {
    if let Err(second) = cleaned {
        tracing::warn!(error = %second, "what was written of the backup could not be removed");
    }
    error
}
