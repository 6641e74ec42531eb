//! The record beside a snapshot: what it is, where it came from, and what it needs to be of use.
//!
//! It holds no secret: no token and no key, only what they are recognized by.

use daytwo_archive::digest::Digest;
use daytwo_core::etcd::{Id, Member, Observation};
use daytwo_core::plan::API_VERSION;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::depends::Depends;
use super::{Copied, Target};

/// What is known of a snapshot that was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Saved {
    /// The version of its form.
    pub api_version: String,
    /// `EtcdSnapshot`.
    pub kind: SavedKind,
    /// Where it lies: a location's URL.
    pub location: String,
    /// The object or file there.
    pub file: String,
    /// Bytes of the snapshot, as etcdutl takes it.
    pub size: u64,
    /// SHA-256 of it, the tail included: what `sha256sum` says of the file.
    pub sha256: Digest,
    /// What is stored, where that is encrypted (age).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<Stored>,
    /// Where it came from.
    pub source: Source,
    /// When it was begun.
    pub started: Timestamp,
    /// When it was whole.
    pub finished: Timestamp,
    /// What it needs beside itself.
    pub depends: Depends,
}

/// The kind of a [`Saved`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SavedKind {
    /// The only one.
    EtcdSnapshot,
}

/// A file as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stored {
    /// Bytes.
    pub size: u64,
    /// SHA-256.
    pub sha256: Digest,
}

/// Where a snapshot came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "store", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Source {
    /// A member of an etcd cluster.
    Etcd {
        /// The cluster.
        cluster: Id,
        /// The member.
        member: Id,
        /// Its name.
        name: String,
        /// The endpoint.
        endpoint: String,
        /// Whether it led then.
        leader: bool,
        /// The version of its program.
        version: String,
        /// The version of its database; empty below etcd 3.6.
        storage_version: String,
        /// Its raft term.
        term: u64,
        /// Which revision the snapshot is of.
        revision: Revisions,
    },
    /// The SQLite store of a K3s server.
    Kine {
        /// The store.
        path: std::path::PathBuf,
        /// Which revision the copy is of: both are the same.
        revision: Revisions,
        /// Up to where kine had compacted, 0 for never.
        compacted: i64,
    },
}

/// Revisions between which a snapshot lies: etcd does not say which one it is of. Equal on a cluster at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revisions {
    /// The member's revision just before.
    pub from: i64,
    /// The member's revision just after it had begun.
    pub to: i64,
}

pub(super) fn of(
    seen: &Observation,
    member: &Member,
    copied: Copied,
    depends: Depends,
    (started, finished): (Timestamp, Timestamp),
    target: &Target,
) -> Saved {
    let status = member.status().cloned().unwrap_or_default();
    Saved {
        api_version: API_VERSION.to_owned(),
        kind: SavedKind::EtcdSnapshot,
        location: target.location.url().to_owned(),
        file: target.data.clone(),
        size: copied.digest.size,
        sha256: copied.digest.whole,
        stored: copied.stored.map(|(size, sha256)| Stored { size, sha256 }),
        source: Source::Etcd {
            cluster: seen.cluster.unwrap_or_default(),
            member: member.id,
            name: member.name.clone(),
            endpoint: status.endpoint,
            leader: status.leader == Some(member.id),
            version: status.version,
            storage_version: copied.storage_version,
            term: status.term,
            revision: copied.revisions,
        },
        started,
        finished,
        depends,
    }
}
