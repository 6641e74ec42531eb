//! Decides: what a backup takes, what differs, what a restore does and in which order.
//!
//! Pure: it refuses sockets, files, the clock and chance. Time and listings are arguments; the engine acts.

pub mod json;
