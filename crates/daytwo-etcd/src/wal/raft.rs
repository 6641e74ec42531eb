//! Raft's own messages, as etcd keeps them.
//!
//! Field numbers: raft v3.6.0, `raftpb/raft.proto`; etcd v3.6.16, `server/storage/wal/walpb/record.proto` and
//! `api/etcdserverpb/etcdserver.proto` (`Metadata`).

use super::proto::Message;
use crate::mvcc::proto::{Fields, Wrong};

/// Whose log it is: the first record of each segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Identity {
    /// The member's id.
    pub member: u64,
    /// Its cluster's id.
    pub cluster: u64,
}

impl Identity {
    pub(super) fn decode(bytes: &[u8]) -> Result<Identity, Wrong> {
        let mut identity = Identity::default();
        for field in Fields::of(bytes) {
            match field? {
                (1, value) => identity.member = value.number()?,
                (2, value) => identity.cluster = value.number()?,
                _ => {}
            }
        }
        Ok(identity)
    }

    pub(super) fn encode(self) -> Vec<u8> {
        Message::new().number(1, self.member).number(2, self.cluster).done()
    }
}

/// What raft must never forget: its term, its vote, and up to where the log is decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HardState {
    /// The term it was in.
    pub term: u64,
    /// Whom it voted for in that term; 0 for nobody.
    pub vote: u64,
    /// The index up to which it knew entries to be committed. A member may have acknowledged more than that: the index
    /// is not flushed on its own.
    pub commit: u64,
}

impl HardState {
    pub(super) fn decode(bytes: &[u8]) -> Result<HardState, Wrong> {
        let mut state = HardState::default();
        for field in Fields::of(bytes) {
            match field? {
                (1, value) => state.term = value.number()?,
                (2, value) => state.vote = value.number()?,
                (3, value) => state.commit = value.number()?,
                _ => {}
            }
        }
        Ok(state)
    }

    pub(super) fn encode(self) -> Vec<u8> {
        Message::new().number(1, self.term).number(2, self.vote).number(3, self.commit).done()
    }
}

/// Who votes at some index of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfState {
    /// Ids of the voting members.
    pub voters: Vec<u64>,
    /// Ids of those that only follow.
    pub learners: Vec<u64>,
}

impl ConfState {
    pub(super) fn decode(bytes: &[u8]) -> Result<ConfState, Wrong> {
        let mut state = ConfState::default();
        for field in Fields::of(bytes) {
            match field? {
                (1, value) => state.voters.push(value.number()?),
                (2, value) => state.learners.push(value.number()?),
                _ => {}
            }
        }
        Ok(state)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let voters = self.voters.iter().fold(Message::new(), |message, id| message.number(1, *id));
        // The last one: auto_leave, always false outside of a change in two steps, which etcd does not make.
        self.learners.iter().fold(voters, |message, id| message.number(2, *id)).number(5, 0).done()
    }
}

/// A place in the log that a `.snap` file stands for, as the log records it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The term of the entry at `index`.
    pub term: u64,
    /// The last index that the snapshot covers.
    pub index: u64,
}

impl Mark {
    /// walpb.Snapshot: index 1, term 2, conf_state 3.
    pub(super) fn decode(bytes: &[u8]) -> Result<Mark, Wrong> {
        let mut mark = Mark::default();
        for field in Fields::of(bytes) {
            match field? {
                (1, value) => mark.index = value.number()?,
                (2, value) => mark.term = value.number()?,
                _ => {}
            }
        }
        Ok(mark)
    }

    pub(super) fn encode(self, state: Option<&ConfState>) -> Vec<u8> {
        let message = Message::new().number(1, self.index).number(2, self.term);
        match state {
            Some(state) => message.bytes(3, &state.encode()).done(),
            None => message.done(),
        }
    }
}

/// What an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A request; empty where a new leader only made itself known.
    Normal,
    /// Who is a member.
    Membership,
}

/// An entry of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What it is for.
    pub kind: EntryKind,
    /// The term it was proposed in.
    pub term: u64,
    /// Its place, from 1, without gaps.
    pub index: u64,
    /// `InternalRaftRequest` or `ConfChange`.
    pub data: &'a [u8],
}

impl<'a> Entry<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Entry<'a>, Wrong> {
        let mut entry = Entry { kind: EntryKind::Normal, term: 0, index: 0, data: &[] };
        for field in Fields::of(bytes) {
            match field? {
                (1, value) => {
                    entry.kind = match value.number()? {
                        0 => EntryKind::Normal,
                        // ConfChange and ConfChangeV2.
                        1 | 2 => EntryKind::Membership,
                        _ => return Err("an entry is of no known type"),
                    }
                }
                (2, value) => entry.term = value.number()?,
                (3, value) => entry.index = value.number()?,
                (4, value) => entry.data = value.bytes()?,
                _ => {}
            }
        }
        Ok(entry)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let kind = match self.kind {
            EntryKind::Normal => 0,
            EntryKind::Membership => 1,
        };
        Message::new().number(1, kind).number(2, self.term).number(3, self.index).bytes(4, self.data).done()
    }
}

/// The change that adds a voting member: raftpb.ConfChange with type ConfChangeAddNode.
pub(super) fn add_member(id: u64, context: &[u8]) -> Vec<u8> {
    Message::new().number(1, 0).number(2, 0).number(3, id).bytes(4, context).done()
}
