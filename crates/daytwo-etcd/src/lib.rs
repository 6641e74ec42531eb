//! Opens an etcd snapshot, a member's data directory or a K3s database by itself, and shows the Kubernetes objects in it.
//!
//! No etcd runs, nothing is locked, and nothing that is read is changed. No byte of a file is trusted: what is damaged ends
//! in an [`Error`] that names the place. What it refuses to do: talk to a member or to a cluster (the engine does), and
//! know what a backup is.

pub mod bolt;
pub mod datadir;
mod error;
pub mod k3s;
pub mod keyspace;
pub mod kine;
pub mod kube;
pub mod mvcc;
mod record;
pub mod restore;
pub mod source;
pub mod status;
pub mod verify;
pub mod wal;

pub use error::{Error, Result};
pub use record::{Each, Readable, Record, Revision, Store};
