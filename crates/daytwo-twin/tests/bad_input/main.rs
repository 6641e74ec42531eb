//! Bad input: the real server's answer or a clean refusal, never a panic, never a hang, and memory that stays within bounds.
//!
//! Short by itself; with `DAYTWO_LONG=1` in the numbers that a stubborn client would come with. What it cannot see: whether
//! the words of an answer are the real server's, which the contract of the API holds call by call.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod ask;
mod bodies;
mod client;
mod deep;
mod flood;
mod frames;
mod paths;
mod slow;
mod wire;

/// Whether all of it is wanted.
fn long() -> bool {
    std::env::var_os("DAYTWO_LONG").is_some_and(|value| value != "0")
}
