//! What lies at a location: the backups there, daytwo's and Velero's alike, their removal, and what killed runs left.
//!
//! Reads heads only, never an archive. Refuses to fail over one backup that cannot be read: it is listed as such.

mod delete;
mod orphans;

pub use self::delete::{Deleted, delete};
pub use self::orphans::{Ended, Orphan, OrphanKind, end_orphans, orphans};

use crate::claim;
use crate::layout::{self, BACKUPS, File};
use crate::location::{Error, Location, ObjectInfo, Result};
use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Heads read at a time.
const AT_A_TIME: usize = 32;

/// Most bytes a head can have: a Backup object fits into etcd.
const HEAD_LIMIT: u64 = 4 * 1024 * 1024;

/// One backup at a location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Its name: that of its directory.
    pub name: String,
    /// Whether it is there whole.
    pub state: State,
    /// Who wrote it.
    pub made_by: Tool,
    /// Whether a key is needed to read it.
    pub encrypted: bool,
    /// `status.phase`: `Completed`, `PartiallyFailed` and, from Velero, others.
    pub phase: Option<String>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub completed: Option<Timestamp>,
    /// When Velero's garbage collection deletes it; `None`: never.
    pub expiration: Option<Timestamp>,
    /// Objects in it.
    pub items: Option<u64>,
    /// `status.errors`.
    pub errors: u64,
    /// `status.warnings`.
    pub warnings: u64,
    /// The revision of the cut; `None` where it is not one moment.
    pub revision: Option<u64>,
    /// `spec.includedNamespaces`; empty or `*`: all.
    pub included_namespaces: Vec<String>,
    /// The Velero Schedule that made it.
    pub schedule: Option<String>,
    /// Bytes of all its files, if asked for.
    pub size: Option<u64>,
}

/// Whether a backup is there whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum State {
    /// Its head is there, which is written last.
    Complete,
    /// Being written, or left so.
    Unfinished {
        /// The run that claims it.
        run: Option<String>,
        /// Since when it does.
        since: Option<Timestamp>,
    },
    /// Its head is there and cannot be read.
    Unreadable {
        /// Why.
        why: String,
    },
}

/// Who wrote a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// daytwo, in Velero's layout.
    Daytwo,
    /// Velero.
    Velero,
}

/// What [`list`] looks for. Default: complete and unreadable backups, without sizes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Unfinished ones too.
    pub unfinished: bool,
    /// Sizes too: lists every object of the location, 1,000 a request.
    pub sizes: bool,
}

/// Every backup of a location, by start and name.
pub async fn list(location: &Location, options: ListOptions) -> Result<Vec<Listed>> {
    let sizes = async { if options.sizes { sizes(location).await.map(Some) } else { Ok(None) } };
    let heads = async {
        let names = location.list_dirs(BACKUPS).await?;
        stream::iter(names.into_iter().map(|name| one(location, name)))
            .buffer_unordered(AT_A_TIME)
            .try_filter_map(async |listed| Ok(listed))
            .try_collect::<Vec<Listed>>()
            .await
    };
    let (sizes, mut listed) = futures::try_join!(sizes, heads)?;
    listed.retain(|backup| options.unfinished || !matches!(backup.state, State::Unfinished { .. }));
    if let Some(sizes) = sizes {
        for backup in &mut listed {
            backup.size = sizes.get(&backup.name).copied();
        }
    }
    listed.sort_by(|a, b| (a.started, &a.name).cmp(&(b.started, &b.name)));
    Ok(listed)
}

/// One backup; `None` if nothing lies under its name.
pub async fn find(location: &Location, name: &str) -> Result<Option<Listed>> {
    one(location, name.to_owned()).await
}

async fn sizes(location: &Location) -> Result<BTreeMap<String, u64>> {
    let mut sizes = BTreeMap::new();
    let mut files = location.list(BACKUPS).await?;
    while let Some(file) = files.try_next().await? {
        if let Some((name, _)) = layout::split(&file.key) {
            *sizes.entry(name.to_owned()).or_insert(0) += file.size;
        }
    }
    Ok(sizes)
}

/// Every object in the directory of a backup.
async fn files(location: &Location, name: &str) -> Result<Vec<ObjectInfo>> {
    location.list(&layout::dir(name)).await?.try_collect().await
}

/// The part of a Velero Backup that a list shows. Everything may be missing: old releases wrote less.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Backup {
    metadata: Metadata,
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    included_namespaces: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    phase: Option<String>,
    start_timestamp: Option<Timestamp>,
    completion_timestamp: Option<Timestamp>,
    expiration: Option<Timestamp>,
    errors: u64,
    warnings: u64,
    progress: Option<Progress>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Progress {
    items_backed_up: Option<u64>,
}

/// The head of an encrypted backup, as far as it says what a list shows.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Stored {
    phase: Option<String>,
    started: Option<Timestamp>,
    finished: Option<Timestamp>,
    expiration: Option<Timestamp>,
    objects: Option<u64>,
    revision: Option<u64>,
}

async fn one(location: &Location, name: String) -> Result<Option<Listed>> {
    let key = File::VeleroBackup.key(&name);
    match location.get_at_most(&key, HEAD_LIMIT).await {
        Ok(head) => Ok(Some(match serde_json::from_slice::<Backup>(&head) {
            Ok(backup) => complete(name, backup),
            Err(error) => unreadable(name, format!("velero-backup.json is not a Backup: {error}")),
        })),
        Err(Error::NotFound { .. }) => without_velero_head(location, name).await,
        Err(error @ Error::Corrupt { .. }) => Ok(Some(unreadable(name, error.to_string()))),
        Err(error) => Err(error),
    }
}

async fn without_velero_head(location: &Location, name: String) -> Result<Option<Listed>> {
    let files = files(location, &name).await?;
    let has = |wanted: File| files.iter().any(|info| info.key == wanted.key(&name));
    if has(File::Stored) {
        return Ok(Some(match location.get_at_most(&File::Stored.key(&name), HEAD_LIMIT).await {
            Ok(head) => match serde_json::from_slice::<Stored>(&head) {
                Ok(stored) => encrypted(name, stored),
                Err(error) => unreadable(name, format!("its -daytwo-stored.json cannot be read: {error}")),
            },
            Err(error @ Error::Corrupt { .. }) => unreadable(name, error.to_string()),
            Err(error) => return Err(error),
        }));
    }
    if files.is_empty() {
        return Ok(None);
    }
    let claim = match claim::read(location, &name).await {
        Ok(claim) => claim,
        Err(Error::Corrupt { .. }) => None,
        Err(error) => return Err(error),
    };
    let made_by = if has(File::Claim) || has(File::Manifest) { Tool::Daytwo } else { Tool::Velero };
    let (run, since) = claim.map_or((None, None), |claim| (Some(claim.run), Some(claim.started)));
    Ok(Some(Listed { state: State::Unfinished { run, since }, started: since, made_by, ..empty(name) }))
}

fn empty(name: String) -> Listed {
    Listed {
        name,
        state: State::Complete,
        made_by: Tool::Velero,
        encrypted: false,
        phase: None,
        started: None,
        completed: None,
        expiration: None,
        items: None,
        errors: 0,
        warnings: 0,
        revision: None,
        included_namespaces: Vec::new(),
        schedule: None,
        size: None,
    }
}

fn unreadable(name: String, why: String) -> Listed {
    Listed { state: State::Unreadable { why }, ..empty(name) }
}

fn complete(name: String, backup: Backup) -> Listed {
    let annotations = backup.metadata.annotations.unwrap_or_default();
    let ours = annotations.keys().any(|key| key.starts_with("daytwo.dev/"));
    let labels = backup.metadata.labels.unwrap_or_default();
    let status = backup.status;
    Listed {
        made_by: if ours { Tool::Daytwo } else { Tool::Velero },
        phase: status.phase,
        started: status.start_timestamp,
        completed: status.completion_timestamp,
        expiration: status.expiration,
        items: status.progress.and_then(|progress| progress.items_backed_up),
        errors: status.errors,
        warnings: status.warnings,
        revision: annotations.get("daytwo.dev/revision").and_then(|revision| revision.parse().ok()),
        included_namespaces: backup.spec.included_namespaces.unwrap_or_default(),
        schedule: labels.get("velero.io/schedule-name").cloned(),
        ..empty(name)
    }
}

fn encrypted(name: String, stored: Stored) -> Listed {
    Listed {
        made_by: Tool::Daytwo,
        encrypted: true,
        phase: stored.phase,
        started: stored.started,
        completed: stored.finished,
        expiration: stored.expiration,
        items: stored.objects,
        revision: stored.revision,
        ..empty(name)
    }
}

#[cfg(test)]
mod tests;
