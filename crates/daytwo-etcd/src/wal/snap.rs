//! Raft snapshots, `member/snap/<term>-<index>.snap`: who votes at an index of the log, and the members in the form of the
//! second API's store.
//!
//! The file is snappb.snapshot: a CRC-32C (1) of raftpb.Snapshot (2), which holds data (1) and metadata (2): conf_state 1,
//! index 2, term 3. Source: etcd v3.6.16, `server/etcdserver/api/snap/snapshotter.go`.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::proto::Message;
use super::raft::{ConfState, Mark};
use crate::mvcc::proto::{Fields, Wrong};
use crate::{Error, Result};

/// A v2 store of the time when users kept data in it could be large; today it is a few kilobytes.
const LARGEST: u64 = 512 << 20;

/// A raft snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The place in the log it stands for.
    pub mark: Mark,
    /// Who votes there.
    pub state: ConfState,
    /// The members, as JSON of the second API's store: see [`from_v2`](super::from_v2).
    pub data: Vec<u8>,
}

impl Snapshot {
    /// The file it goes into.
    pub fn file_name(&self) -> String {
        format!("{:016x}-{:016x}.snap", self.mark.term, self.mark.index)
    }
}

/// Reads a `.snap` file.
///
/// # Errors
/// [`Error::Corrupt`] if it is empty, its checksum is not that of its data, or it is no snapshot; [`Error::Io`].
pub fn read(path: &Path) -> Result<Snapshot> {
    let mut bytes = Vec::new();
    let mut file =
        File::open(path).map_err(|source| Error::Io { doing: "open", path: path.to_owned(), source })?;
    let read = file.by_ref().take(LARGEST + 1).read_to_end(&mut bytes);
    read.map_err(|source| Error::Io { doing: "read", path: path.to_owned(), source })?;
    let wrong = |what: String| Error::Corrupt { place: path.display().to_string(), what };
    if bytes.len() as u64 > LARGEST {
        return Err(wrong(format!("a raft snapshot of more than {} MiB", LARGEST >> 20)));
    }
    decode(&bytes).map_err(|what| wrong(what.to_string()))
}

/// The bytes of a `.snap` file.
pub fn write(snapshot: &Snapshot) -> Vec<u8> {
    let metadata = Message::new()
        .bytes(1, &snapshot.state.encode())
        .number(2, snapshot.mark.index)
        .number(3, snapshot.mark.term)
        .done();
    let inner = Message::new().bytes(1, &snapshot.data).bytes(2, &metadata).done();
    Message::new().number(1, u64::from(crc32c::crc32c(&inner))).bytes(2, &inner).done()
}

fn decode(bytes: &[u8]) -> Result<Snapshot, Wrong> {
    let (mut crc, mut inner) = (0, [].as_slice());
    for field in Fields::of(bytes) {
        match field? {
            (1, value) => crc = value.number()?,
            (2, value) => inner = value.bytes()?,
            _ => {}
        }
    }
    if inner.is_empty() || crc == 0 {
        return Err("the file holds no snapshot");
    }
    if u64::from(crc32c::crc32c(inner)) != crc {
        return Err("the checksum is not that of the snapshot");
    }
    let mut snapshot = Snapshot::default();
    for field in Fields::of(inner) {
        match field? {
            (1, value) => snapshot.data = value.bytes()?.to_vec(),
            (2, value) => metadata(value.bytes()?, &mut snapshot)?,
            _ => {}
        }
    }
    Ok(snapshot)
}

fn metadata(bytes: &[u8], snapshot: &mut Snapshot) -> Result<(), Wrong> {
    for field in Fields::of(bytes) {
        match field? {
            (1, value) => snapshot.state = ConfState::decode(value.bytes()?)?,
            (2, value) => snapshot.mark.index = value.number()?,
            (3, value) => snapshot.mark.term = value.number()?,
            _ => {}
        }
    }
    Ok(())
}
