//! The only crate that changes a cluster.
//!
//! It observes a [`Site`], backs it up at one revision ([`backup`]), and advances plans through their
//! [`journal`]. What to do is decided in `daytwo-core`; how a backup is stored is `daytwo-archive`'s.
//! It refuses to print, to read settings, and to make up time: the caller passes a [`Clock`].

pub mod advance;
pub mod api;
mod backup;
mod connect;
pub mod cut;
pub mod discovery;
pub mod etcd;
mod event;
pub mod journal;
mod pace;
pub mod restore;
mod site;
mod step;

pub use backup::{BackupError, BackupRequest, StoredRequest, backup, store};
pub use event::{Clock, Event, Observer, Silent};
pub use site::{ClusterOptions, ConnectError, Identity, Site};
