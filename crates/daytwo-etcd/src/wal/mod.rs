//! A member's raft log (`member/wal/*.wal`) and raft snapshots (`member/snap/*.snap`), read and written.
//!
//! A database lags behind what its member acknowledged: the rest is in the log only. And a member that is to start needs a
//! log that names it and its cluster. What is here refuses to do: apply an entry, repair a log (etcd cuts a torn tail
//! itself), or trust a length it read.
//!
//! Formats: etcd v3.6.16, `server/storage/wal/{wal,encoder,decoder}.go`, `walpb/record.proto`,
//! `server/etcdserver/api/snap/snapshotter.go`; raft v3.6.0, `raftpb/raft.proto`. 3.4 to 3.7 read and write the same.

mod frame;
mod members;
mod proto;
mod raft;
mod read;
mod request;
mod snap;
mod write;

#[cfg(test)]
pub(crate) mod tests;

pub use members::{from_v2, to_json, to_v2};
pub use raft::{ConfState, Entry, EntryKind, HardState, Identity, Mark};
pub use read::{Pending, Survey, Torn, entries, segments, survey};
pub use request::{Kind, Request, Touched};
pub use snap::{Snapshot, read as read_snap, write as write_snap};
pub use write::{NewLog, write};
