//! What killed runs left: backups without a head, uploads in parts that nobody ends, temporary files, checks.
//!
//! Finds by age alone. Whether the run that holds a claim is dead is the caller's judgement. Refuses, at the end, what
//! has changed since it was found.

use super::files;
use crate::claim::{self, Begun};
use crate::layout::{self, BACKUPS, File, OWN};
use crate::location::{Backend, Error, Location, ObjectInfo, Result};
use futures::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Something that a run left and no other will use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Orphan {
    /// What it is.
    pub kind: OrphanKind,
    /// The backup it belongs to.
    pub backup: Option<String>,
    /// The run that left it, where a claim says so.
    pub run: Option<String>,
    /// Its last sign of life, by the store's clock.
    pub since: Timestamp,
    /// Keys of its files.
    pub keys: Vec<String>,
    /// Bytes of its files.
    pub bytes: u64,
    /// Uploads in parts to end.
    pub uploads: Vec<Begun>,
}

/// What an orphan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum OrphanKind {
    /// Files of a backup that has no head.
    Backup,
    /// An upload in parts, which costs space and is seen nowhere else.
    Upload,
    /// A temporary file in a folder.
    TemporaryFile,
    /// What a check of the location did not remove.
    Check,
}

/// What was ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// Orphans ended.
    pub orphans: usize,
    /// Objects removed.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Orphans left alone, since they showed life after they were found.
    pub alive: usize,
}

/// What lies at the location without use and showed no sign of life for `older_than` before `now`.
pub async fn orphans(location: &Location, older_than: Duration, now: Timestamp) -> Result<Vec<Orphan>> {
    let older_than = SignedDuration::try_from(older_than).unwrap_or(SignedDuration::MAX);
    let old = |since: Timestamp| now.duration_since(since) >= older_than;
    let mut found = unfinished(location).await?;
    let parts = temporary(location).await?;
    for info in parts {
        let backup = layout::split(&info.key).map(|(name, _)| name.to_owned());
        match found.iter_mut().find(|orphan| orphan.kind == OrphanKind::Backup && orphan.backup == backup) {
            Some(orphan) => {
                orphan.since = orphan.since.max(info.modified);
                orphan.bytes += info.size;
                orphan.keys.push(info.key);
            }
            None => found.push(of_files(OrphanKind::TemporaryFile, backup, vec![info])),
        }
    }
    found.extend(uploads(location, &found).await?);
    found.extend(checks(location).await?);
    found.retain(|orphan| old(orphan.since));
    found.sort_by(|a, b| (a.kind, &a.backup, &a.keys).cmp(&(b.kind, &b.backup, &b.keys)));
    Ok(found)
}

fn of_files(kind: OrphanKind, backup: Option<String>, files: Vec<ObjectInfo>) -> Orphan {
    Orphan {
        kind,
        backup,
        run: None,
        since: files.iter().map(|info| info.modified).max().unwrap_or(Timestamp::UNIX_EPOCH),
        bytes: files.iter().map(|info| info.size).sum(),
        keys: files.into_iter().map(|info| info.key).collect(),
        uploads: Vec::new(),
    }
}

/// Backups without a head, of any age.
async fn unfinished(location: &Location) -> Result<Vec<Orphan>> {
    let mut backups: BTreeMap<String, Vec<ObjectInfo>> = BTreeMap::new();
    let mut listed = location.list(BACKUPS).await?;
    while let Some(info) = listed.try_next().await? {
        if let Some((name, _)) = layout::split(&info.key) {
            backups.entry(name.to_owned()).or_default().push(info);
        }
    }
    let mut found = Vec::new();
    for (name, files) in backups {
        if !complete(&name, &files) {
            found.push(with_claim(location, of_files(OrphanKind::Backup, Some(name), files)).await?);
        }
    }
    Ok(found)
}

fn complete(name: &str, files: &[ObjectInfo]) -> bool {
    files.iter().any(|info| info.key == File::VeleroBackup.key(name) || info.key == File::Stored.key(name))
}

async fn with_claim(location: &Location, mut orphan: Orphan) -> Result<Orphan> {
    let name = orphan.backup.as_deref().unwrap_or_default();
    match claim::read(location, name).await {
        Ok(Some(record)) => {
            orphan.run = Some(record.run);
            orphan.uploads = record.uploads;
        }
        Ok(None) | Err(Error::Corrupt { .. }) => {}
        Err(error) => return Err(error),
    }
    Ok(orphan)
}

async fn temporary(location: &Location) -> Result<Vec<ObjectInfo>> {
    match location.backend() {
        Backend::Folder(folder) => {
            let mut parts = folder.parts(BACKUPS).await?;
            parts.extend(folder.parts("metadata").await?);
            parts.extend(folder.parts("restores").await?);
            Ok(parts)
        }
        Backend::Bucket(_) => Ok(Vec::new()),
    }
}

/// Uploads that the store lists and no unfinished backup's claim names.
async fn uploads(location: &Location, known: &[Orphan]) -> Result<Vec<Orphan>> {
    let open = location.open_uploads().await?;
    let named = |id: &str| known.iter().flat_map(|orphan| &orphan.uploads).any(|upload| upload.id == id);
    let unnamed = open.into_iter().filter(|upload| !named(&upload.id));
    Ok(unnamed
        .map(|upload| Orphan {
            kind: OrphanKind::Upload,
            backup: layout::split(&upload.key).map(|(name, _)| name.to_owned()),
            run: None,
            since: upload.initiated.unwrap_or(Timestamp::UNIX_EPOCH),
            keys: Vec::new(),
            bytes: 0,
            uploads: vec![Begun { key: upload.key, id: upload.id }],
        })
        .collect())
}

async fn checks(location: &Location) -> Result<Vec<Orphan>> {
    let mut found = Vec::new();
    for dir in location.list_dirs(OWN).await? {
        if dir.starts_with("check-") {
            let files: Vec<ObjectInfo> = location.list(&format!("{OWN}/{dir}")).await?.try_collect().await?;
            if !files.is_empty() {
                found.push(of_files(OrphanKind::Check, None, files));
            }
        }
    }
    Ok(found)
}

/// Removes orphans, each after looking at it again. May be called again after it was interrupted. A part still on its
/// way when its upload is ended may bring the upload back in S3: looked for later, it is found again.
pub async fn end_orphans(location: &Location, orphans: &[Orphan]) -> Result<Ended> {
    let mut ended = Ended::default();
    for orphan in orphans {
        if !still_dead(location, orphan).await? {
            ended.alive += 1;
            continue;
        }
        for upload in &orphan.uploads {
            location.end_upload(&upload.key, &upload.id).await?;
        }
        // The claim first: a holder that lives after all finds it gone before it writes a head.
        let claim = orphan.backup.as_deref().map(|name| File::Claim.key(name));
        let (first, rest): (Vec<_>, Vec<_>) =
            orphan.keys.iter().partition(|key| Some(*key) == claim.as_ref());
        for key in first.into_iter().chain(rest) {
            location.delete(key).await?;
        }
        ended.orphans += 1;
        ended.files += orphan.keys.len();
        ended.bytes += orphan.bytes;
    }
    Ok(ended)
}

/// Whether nothing has moved since the orphan was found.
async fn still_dead(location: &Location, orphan: &Orphan) -> Result<bool> {
    let (OrphanKind::Backup, Some(name)) = (orphan.kind, &orphan.backup) else { return Ok(true) };
    let now = files(location, name).await?;
    if complete(name, &now) || now.iter().any(|info| info.modified > orphan.since) {
        return Ok(false);
    }
    let claim = with_claim(location, of_files(OrphanKind::Backup, Some(name.clone()), Vec::new())).await?;
    Ok(claim.run.is_none() || claim.run == orphan.run)
}
