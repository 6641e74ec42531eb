//! kube-rs against the twin: what is written on it for a cluster works on a twin, in process and over HTTPS.
//!
//! Every test runs both ways. What it cannot see: whether a real server says the same, which the contract of the API does.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod controller;
mod discovery;
mod finalizer;
mod ground;
mod kwok;
mod lease;
mod watch;
