//! The log of a member that has not run yet: whose it is, one entry for each member of its cluster, and a snapshot that
//! covers them.
//!
//! The segment is named after index 1, where etcdutl names it after 0. etcd then finds the log only through the raft snapshot
//! beside it: a log alone, left by a restore that was ended between the two, is refused, not started as an empty cluster.
//! Source: etcd v3.6.16, `etcdutl/snapshot/v3_snapshot.go` (saveWALAndSnap), `server/storage/wal/{wal,encoder}.go`.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::members::to_json;
use super::proto::Message;
use super::raft::{ConfState, Entry, EntryKind, HardState, Identity, Mark, add_member};
use super::read::name;
use crate::mvcc::Member;
use crate::{Error, Result};

/// The size etcd gives a segment before it begins the next one, in bytes.
const SEGMENT: u64 = 64 * 1000 * 1000;
/// The term of all that is in it: raft's first.
const TERM: u64 = 1;

/// What a new log is made of.
#[derive(Debug, Clone, Copy)]
pub struct NewLog<'a> {
    /// Whose log it is.
    pub identity: Identity,
    /// All members of its cluster, by id. None of them may be a learner.
    pub members: &'a [Member],
}

impl NewLog<'_> {
    /// The state of the member: all entries decided.
    pub fn state(&self) -> HardState {
        let vote = self.members.first().map_or(0, |member| member.id);
        HardState { term: TERM, vote, commit: self.members.len() as u64 }
    }

    /// The snapshot that covers all its entries: its place in the log.
    pub fn mark(&self) -> Mark {
        Mark { term: TERM, index: self.members.len() as u64 }
    }

    /// Who votes then.
    pub fn conf_state(&self) -> ConfState {
        ConfState { voters: self.members.iter().map(|member| member.id).collect(), learners: Vec::new() }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut log = Records::default();
        log.checksum();
        log.record(1, &self.identity.encode());
        log.record(5, &Mark::default().encode(None));
        for (index, member) in (1u64..).zip(self.members) {
            let data = add_member(member.id, to_json(member).to_string().as_bytes());
            let entry = Entry { kind: EntryKind::Membership, term: TERM, index, data: &data };
            log.record(2, &entry.encode());
        }
        log.record(3, &self.state().encode());
        log.record(5, &self.mark().encode(Some(&self.conf_state())));
        log.bytes
    }
}

/// Writes a log of one segment into `dir`, which must be there and hold none; gives its file, flushed. `dir` is not.
///
/// # Errors
/// [`Error::Io`]: the file exists, or cannot be written.
pub fn write(dir: &Path, log: &NewLog<'_>) -> Result<PathBuf> {
    let path = dir.join(name(0, 1));
    let written = || -> std::io::Result<()> {
        let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(&log.bytes())?;
        // The rest reads as zeros; etcd takes the space when it opens the log to write.
        file.set_len(SEGMENT)?;
        file.sync_all()
    };
    match written() {
        Ok(()) => Ok(path),
        Err(source) => Err(Error::Io { doing: "write", path, source }),
    }
}

#[derive(Default)]
pub(super) struct Records {
    pub(super) bytes: Vec<u8>,
    crc: u32,
}

impl Records {
    /// The record that says where the checksum stands.
    pub(super) fn checksum(&mut self) {
        self.frame(&Message::new().number(1, 4).number(2, u64::from(self.crc)).done());
    }

    pub(super) fn record(&mut self, kind: u64, data: &[u8]) {
        self.crc = crc32c::crc32c_append(self.crc, data);
        self.frame(&Message::new().number(1, kind).number(2, u64::from(self.crc)).bytes(3, data).done());
    }

    fn frame(&mut self, record: &[u8]) {
        let padding = record.len().next_multiple_of(8) - record.len();
        let mut length = record.len() as u64;
        if padding > 0 {
            length |= (0x80 | padding as u64) << 56;
        }
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(record);
        self.bytes.resize(self.bytes.len() + padding, 0);
    }
}
