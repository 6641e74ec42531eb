//! Restores into a real control plane: what goes wrong where a restore is careless, and that nothing of it does.
//!
//! One control plane with its controller manager serves all tests of this binary; each keeps to names of its own.

mod accounts;
mod going_on;
mod harness;
mod kept;
mod kinds;
mod mapping;
mod services;
mod volumes;
mod webhooks;
mod workloads;
