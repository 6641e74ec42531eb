//! Saves a snapshot of a living cluster to a location or a file: from a follower that is well, as it streams, its
//! SHA-256 checked on the way.
//!
//! What is there is whole: the snapshot appears when its last byte was checked, and its record, which says what it is
//! and what it needs to be of use, after it. A member that goes away takes nothing with it: what was written is thrown
//! away and the next member is asked from the beginning. It refuses to replace a snapshot that is there.
//!
//! A snapshot holds every Secret of the cluster. Files have mode 0600, and recipients can be named to encrypt it for.

mod choose;
mod depends;
mod digest;
mod key;
mod record;
mod sqlite;

use bytes::Bytes;
use daytwo_archive::digest::Digest;
use daytwo_archive::encrypt::{Encryptor, Recipient};
use daytwo_archive::layout::ETCD;
use daytwo_archive::{ArchiveError, Location};
use tokio_util::sync::CancellationToken;

pub use choose::candidates;
pub use depends::{Authority, Depends, Encryption, Missing, ServiceAccountKey, Token, depends};
pub use record::{Revisions, Saved, SavedKind, Source};
pub use sqlite::{STORE, save_sqlite};

use super::access::Access;
use super::client::Client;
use super::error::EtcdError;
use super::observe::observe;
use crate::event::{Clock, Event, Observer};
use digest::{SnapshotDigest, Sums};

/// Where a snapshot is put.
#[derive(Debug, Clone)]
pub struct Target {
    location: Location,
    data: String,
    record: String,
}

impl Target {
    /// Called `name` at `location`: below `metadata/daytwo/etcd/`, where Velero does not look. `unique` is a part of a
    /// name that no other save uses, so that two of the same name do not write to one object.
    pub fn named(location: &Location, name: &str, unique: &str) -> Self {
        let folder = format!("{ETCD}/{name}");
        Self {
            location: location.clone(),
            data: format!("{folder}/{unique}.db"),
            record: format!("{folder}/snapshot.json"),
        }
    }

    /// The file `name` in the folder `location`, its record beside it as `name.json`.
    pub fn file(location: &Location, name: &str) -> Self {
        Self { location: location.clone(), data: name.to_owned(), record: format!("{name}.json") }
    }

    fn encrypted(mut self) -> Self {
        self.data.push_str(".age");
        self
    }
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct SaveRequest {
    /// The member to save from, by name or id; `None` lets a follower be chosen.
    pub member: Option<String>,
    /// Whom to encrypt for; nobody means not at all.
    pub recipients: Vec<Recipient>,
    /// What the snapshot needs beside itself, as found on a host.
    pub depends: Depends,
}

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The cluster cannot be asked, or what it sent is damaged.
    #[error(transparent)]
    Etcd(#[from] EtcdError),
    /// The location does not take it.
    #[error("cannot write the snapshot")]
    Store(#[from] ArchiveError),
    /// The SQLite store cannot be copied.
    #[error("cannot copy {path}")]
    Sqlite {
        /// The store.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is one of this name.
    #[error("{key} is at {location} already; it was not touched: choose another name")]
    Exists {
        /// What is there.
        key: String,
        /// Where.
        location: String,
    },
    /// It was asked to stop; nothing was kept.
    #[error("stopped; nothing was kept")]
    Cancelled,
}

/// Saves a snapshot of the cluster that `access` leads to, and returns its record.
///
/// # Errors
/// [`SaveError`]. In every case nothing is left at the target.
pub async fn save(
    access: &Access,
    request: &SaveRequest,
    target: &Target,
    clock: &dyn Clock,
    events: &dyn Observer,
    stop: &CancellationToken,
) -> Result<Saved, SaveError> {
    let target = vacant(request, target).await?;
    let seen = observe(access).await?;
    let candidates = candidates(&seen, request.member.as_deref())?;
    let mut failed: Option<EtcdError> = None;
    for candidate in &candidates {
        if let Some(error) = &failed {
            events.event(Event::Note(format!("{error}; asking {} from the beginning", candidate.title())));
        }
        let Some(status) = candidate.status() else { continue };
        let client = Client::connect(access, &status.endpoint).await?;
        let what = format!("saving from {}", candidate.title());
        events.event(Event::Started { what: what.clone() });
        let started = clock.now();
        let copied = copy(&client, &request.recipients, &target, events, stop).await;
        events.event(Event::Finished { what });
        match copied {
            Ok(copied) => {
                let mut depends = request.depends.clone();
                depends.ask(&client).await;
                let saved = record::of(&seen, candidate, copied, depends, (started, clock.now()), &target);
                return finish(saved, &target).await;
            }
            Err(SaveError::Etcd(error)) if error.is_unavailable() => failed = Some(error),
            Err(error) => return Err(error),
        }
    }
    let nobody = || EtcdError::Invalid("no member of the cluster answers".to_owned());
    Err(failed.unwrap_or_else(nobody).into())
}

/// The target as it is written to, where nothing is yet.
async fn vacant(request: &SaveRequest, target: &Target) -> Result<Target, SaveError> {
    let target = if request.recipients.is_empty() { target.clone() } else { target.clone().encrypted() };
    for key in [&target.record, &target.data] {
        if target.location.exists(key).await? {
            return Err(exists(&target, key));
        }
    }
    Ok(target)
}

/// Puts the record beside the snapshot: from now on there is one. Of two saves of one name one comes first.
async fn finish(saved: Saved, target: &Target) -> Result<Saved, SaveError> {
    let body =
        serde_json::to_vec_pretty(&saved).expect("invariant: a record has string keys and finite numbers");
    match target.location.create(&target.record, Bytes::from(body)).await {
        Ok(()) => Ok(saved),
        Err(error) => {
            target.location.delete(&target.data).await?;
            Err(match error {
                ArchiveError::Exists { .. } => exists(target, &target.record),
                error => error.into(),
            })
        }
    }
}

fn exists(target: &Target, key: &str) -> SaveError {
    SaveError::Exists { key: key.to_owned(), location: target.location.url().to_owned() }
}

/// What was written.
struct Copied {
    /// Of the snapshot with its tail.
    digest: SnapshotDigest,
    /// As stored, where that is encrypted.
    stored: Option<(u64, Digest)>,
    storage_version: String,
    revisions: Revisions,
}

/// Streams a snapshot to the target, which holds it once this returns; else nothing.
async fn copy(
    client: &Client,
    recipients: &[Recipient],
    target: &Target,
    events: &dyn Observer,
    stop: &CancellationToken,
) -> Result<Copied, SaveError> {
    let before = client.status().await?.header.map(|header| header.revision).unwrap_or_default();
    let mut stream = client.snapshot().await?;
    // Before anything is written at the target: who does not send the first bytes is passed over without a trace.
    let first = client.next(&mut stream).await?;
    let Some(first) = first else { return Err(damaged(client, "it is empty").into()) };
    let after = client.status().await?.header.map(|header| header.revision).unwrap_or_default();
    let total = first.remaining_bytes + first.blob.len() as u64;
    let storage_version = first.version.clone();
    let mut writing = Writing::begin(target, recipients).await?;
    let streamed = async {
        let mut next = Some(first);
        while let Some(message) = next {
            writing.write(message.blob).await?;
            let done = writing.sums.length().min(total);
            events.event(Event::Progress {
                what: "bytes of the snapshot".to_owned(),
                done,
                total: Some(total),
            });
            next = client.next(&mut stream).await?;
        }
        Ok::<(), SaveError>(())
    };
    let streamed = stop.run_until_cancelled(streamed).await.unwrap_or(Err(SaveError::Cancelled));
    if let Err(error) = streamed {
        writing.abort().await;
        return Err(error);
    }
    let digest = writing.digest().await;
    if let Err(why) = check(&digest, total) {
        writing.abort().await;
        return Err(damaged(client, &why).into());
    }
    let stored = writing.publish().await?;
    Ok(Copied { digest, stored, storage_version, revisions: Revisions { from: before, to: after } })
}

/// Whether what arrived is what was announced (`total` bytes without the tail), and what its tail says.
fn check(digest: &SnapshotDigest, total: u64) -> Result<(), String> {
    if digest.size != total + 32 {
        return Err(format!("{} bytes arrived of {} announced", digest.size, total + 32));
    }
    if digest.is_true() { Ok(()) } else { Err("its SHA-256 is not the one sent with it".to_owned()) }
}

fn damaged(client: &Client, why: &str) -> EtcdError {
    EtcdError::Corrupt { endpoint: client.endpoint().to_owned(), why: why.to_owned() }
}

/// A snapshot on its way: hashed, encrypted if it shall be, uploaded.
struct Writing {
    upload: daytwo_archive::upload::Upload,
    sums: Sums,
    sealing: Option<(Encryptor, Sums)>,
}

impl Writing {
    async fn begin(target: &Target, recipients: &[Recipient]) -> Result<Self, SaveError> {
        let sealing = match recipients {
            [] => None,
            some => Some((Encryptor::new(some)?, Sums::default())),
        };
        let upload = target.location.upload(&target.data).await?;
        Ok(Self { upload, sums: Sums::default(), sealing })
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), SaveError> {
        self.sums.update(bytes.clone()).await;
        let bytes = match &mut self.sealing {
            None => bytes,
            Some((encryptor, sums)) => {
                let sealed = Bytes::from(encryptor.update(&bytes));
                sums.update(sealed.clone()).await;
                sealed
            }
        };
        Ok(self.upload.write(bytes).await?)
    }

    /// The digest of what was written so far.
    async fn digest(&mut self) -> SnapshotDigest {
        std::mem::take(&mut self.sums).finish().await
    }

    /// Makes it appear. Size and digest of what is stored, where that is encrypted.
    async fn publish(mut self) -> Result<Option<(u64, Digest)>, SaveError> {
        let stored = match self.sealing {
            None => None,
            Some((encryptor, mut sums)) => {
                let rest = Bytes::from(encryptor.finish());
                sums.update(rest.clone()).await;
                self.upload.write(rest).await?;
                let stored = sums.finish().await;
                Some((stored.size, stored.whole))
            }
        };
        self.upload.finish().await?;
        Ok(stored)
    }

    async fn abort(self) {
        if let Err(error) = self.upload.abort().await {
            tracing::warn!(%error, "an upload that was begun could not be ended");
        }
    }
}
