//! Decides: what a backup takes, what differs, what a restore does and in which order.
//!
//! Pure: it refuses sockets, files, the clock and chance. Time and listings are arguments; the engine acts.

pub mod diff;
pub mod etcd;
pub mod filter;
pub mod finding;
pub mod json;
pub mod patch;
pub mod plan;
pub mod recovery;
pub mod redact;
pub mod resource;
pub mod restore;
pub mod retention;
pub mod selector;
pub mod webhook;
