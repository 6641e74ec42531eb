//! Who was in the cluster when the file was written, and the alarms that were on.

use std::fmt;

use serde::Deserialize;
use sha1::{Digest as _, Sha1};

use super::proto::{Fields, Wrong};
use super::{Backend, bucket};
use crate::Result;
use crate::bolt::Entry;

/// A member (`server/etcdserver/api/membership/member.go`, kept as JSON).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// Its id, which etcd prints in hexadecimal.
    pub id: u64,
    /// Its name; empty if it never started.
    #[serde(default)]
    pub name: String,
    /// Where other members reach it.
    #[serde(default, rename = "peerURLs")]
    pub peer_urls: Vec<String>,
    /// Where clients reach it.
    #[serde(default, rename = "clientURLs")]
    pub client_urls: Vec<String>,
    /// Whether it has no vote yet.
    #[serde(default, rename = "isLearner")]
    pub is_learner: bool,
}

/// What is wrong with a member, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmKind {
    /// Its database reached the quota: every put fails until it is disarmed, also after a restore.
    NoSpace,
    /// Its data was found to differ from the others'.
    Corrupt,
    /// One that this program does not know.
    Other(u64),
}

impl fmt::Display for AlarmKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AlarmKind::NoSpace => out.write_str("NOSPACE"),
            AlarmKind::Corrupt => out.write_str("CORRUPT"),
            AlarmKind::Other(number) => write!(out, "alarm {number}"),
        }
    }
}

/// An alarm that is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm {
    /// The member that raised it.
    pub member: u64,
    /// Which.
    pub kind: AlarmKind,
}

impl Backend {
    /// The members, by rising id. etcd before 3.5 may have kept them elsewhere.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) if one cannot be read.
    pub fn members(&self) -> Result<Vec<Member>> {
        self.each(bucket::MEMBERS, |entry| {
            let member: Member =
                serde_json::from_slice(entry.value).map_err(|_| "a member cannot be read")?;
            match id(entry.key)? == member.id {
                true => Ok(member),
                false => Err("a member stands under another's id"),
            }
        })
    }

    /// The ids of members that were removed: etcd never takes one of them back.
    ///
    /// # Errors
    /// As [`Backend::members`].
    pub fn members_removed(&self) -> Result<Vec<u64>> {
        self.each(bucket::MEMBERS_REMOVED, |entry| id(entry.key))
    }

    /// The id that a cluster has which began with just these members; `None` if there are none.
    ///
    /// etcd keeps the id in the WAL only. It is this cluster's own as long as no member was added or removed since it began
    /// (`server/etcdserver/api/membership/cluster.go`, `genID`).
    ///
    /// # Errors
    /// As [`Backend::members`].
    pub fn cluster_id(&self) -> Result<Option<u64>> {
        let mut ids: Vec<u64> = self.members()?.iter().map(|member| member.id).collect();
        ids.sort_unstable();
        let mut hash = Sha1::new();
        ids.iter().for_each(|id| hash.update(id.to_be_bytes()));
        let first = hash.finalize().first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
        Ok(first.filter(|_| !ids.is_empty()))
    }

    /// The alarms that were on.
    ///
    /// # Errors
    /// As [`Backend::members`].
    pub fn alarms(&self) -> Result<Vec<Alarm>> {
        self.each(bucket::ALARM, |entry| {
            let mut alarm = Alarm { member: 0, kind: AlarmKind::Other(0) };
            for field in Fields::of(entry.key) {
                match field? {
                    (1, value) => alarm.member = value.number()?,
                    (2, value) => {
                        alarm.kind = match value.number()? {
                            1 => AlarmKind::NoSpace,
                            2 => AlarmKind::Corrupt,
                            other => AlarmKind::Other(other),
                        };
                    }
                    _ => {}
                }
            }
            Ok(alarm)
        })
    }

    /// What `read` makes of each entry of the bucket `name`.
    pub(super) fn each<T>(
        &self,
        name: &[u8],
        read: impl Fn(&Entry<'_>) -> std::result::Result<T, Wrong>,
    ) -> Result<Vec<T>> {
        let entries = self.entries(name)?.into_iter().flatten();
        entries
            .map(|entry| {
                let entry = entry?;
                Ok(read(&entry).map_err(|wrong| entry.flaw(wrong))?)
            })
            .collect()
    }
}

/// An id as etcd writes it: 1 to 16 hexadecimal digits.
fn id(text: &[u8]) -> std::result::Result<u64, Wrong> {
    let text =
        std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    text.and_then(|text| u64::from_str_radix(text, 16).ok()).ok_or("a member's id cannot be read")
}
