//! How far a backend is: in the raft log, in compaction, in its schema.

use serde::Deserialize;

use super::record::revision;
use super::{Backend, bucket};
use crate::bolt::Flaw;
use crate::{Result, Revision};

/// How far the history was compacted (`schema/bucket.go`: `scheduledCompactRev`, `finishedCompactRev`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compaction {
    /// What was last asked for.
    pub scheduled: Option<i64>,
    /// What was last done whole. Behind `scheduled` where etcd was stopped while it compacted.
    pub finished: Option<i64>,
}

impl Compaction {
    /// The revision from which on the keyspace is whole. Both may stand below what a restore bumped.
    pub fn newest(&self) -> Option<i64> {
        self.scheduled.max(self.finished)
    }

    /// Whether records that were to go are still there.
    pub fn half_done(&self) -> bool {
        self.scheduled > self.finished
    }
}

/// The members that raft counts (`raftpb.ConfState`, kept as JSON).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct ConfState {
    /// Ids of those who vote.
    pub voters: Vec<u64>,
    /// Ids of those who do not.
    pub learners: Vec<u64>,
    /// Those who voted before, during a change of members.
    pub voters_outgoing: Vec<u64>,
    /// Those who are to be learners after a change of members.
    pub learners_next: Vec<u64>,
    /// Whether such a change ends by itself.
    pub auto_leave: bool,
}

impl Backend {
    /// How far the history was compacted.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) if what is stored is no revision.
    pub fn compaction(&self) -> Result<Compaction> {
        let read =
            |key: &[u8]| self.meta(key, |bytes| revision(bytes).map(|(Revision { main, .. }, _)| main).ok());
        Ok(Compaction { scheduled: read(b"scheduledCompactRev")?, finished: read(b"finishedCompactRev")? })
    }

    /// The last entry of the raft log that is in here.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) if what is stored is no number of 8 bytes.
    pub fn consistent_index(&self) -> Result<Option<u64>> {
        self.meta(b"consistent_index", number)
    }

    /// The raft term of that entry; etcd before 3.5 kept none.
    ///
    /// # Errors
    /// As [`Backend::consistent_index`].
    pub fn term(&self) -> Result<Option<u64>> {
        self.meta(b"term", number)
    }

    /// The members that raft counts; etcd before 3.5 kept none here.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) if what is stored is no such JSON.
    pub fn conf_state(&self) -> Result<Option<ConfState>> {
        self.meta(b"confState", |bytes| serde_json::from_slice(bytes).ok())
    }

    /// The schema's version, such as `3.6.0`. etcd before 3.6 kept none, and etcd takes what is no version for none.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) at the first page on the way that cannot be read.
    pub fn storage_version(&self) -> Result<Option<String>> {
        Ok(self.value(bucket::META, b"storageVersion")?.and_then(version))
    }

    /// The version that all members of the cluster agreed on, such as `3.6.0`.
    ///
    /// # Errors
    /// As [`Backend::storage_version`].
    pub fn cluster_version(&self) -> Result<Option<String>> {
        Ok(self.value(bucket::CLUSTER, b"clusterVersion")?.and_then(version))
    }

    /// Whether clients have to log in.
    ///
    /// # Errors
    /// As [`Backend::storage_version`].
    pub fn auth_enabled(&self) -> Result<bool> {
        Ok(self.value(bucket::AUTH, b"authEnabled")? == Some(&[1]))
    }

    /// The names of those who can log in.
    ///
    /// # Errors
    /// As [`Backend::storage_version`].
    pub fn auth_users(&self) -> Result<Vec<String>> {
        let entries = self.entries(bucket::AUTH_USERS)?.into_iter().flatten();
        entries.map(|entry| Ok(String::from_utf8_lossy(entry?.key).into_owned())).collect()
    }

    fn meta<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> Option<T>) -> Result<Option<T>> {
        let Some(found) = self.bucket(bucket::META)? else { return Ok(None) };
        let Some(entry) = found.get(self.db(), key)? else { return Ok(None) };
        let wrong = || -> Flaw { entry.flaw(format!("{} cannot be read", String::from_utf8_lossy(key))) };
        Ok(Some(read(entry.value).ok_or_else(wrong)?))
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// A semantic version, as etcd's library reads one: `major.minor.patch`, perhaps with `-pre` and `+build` behind it.
fn version(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let numbers = text.split(['-', '+']).next()?;
    let mut parts = numbers.split('.').map(|part| part.parse::<i64>().ok());
    let three = [parts.next()??, parts.next()??, parts.next()??];
    (parts.next().is_none() && three.iter().all(|&part| part >= 0)).then(|| text.to_owned())
}
