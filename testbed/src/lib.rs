//! Real parts for tests: etcd, kine, a Kubernetes control plane, an S3 server and Velero, built from
//! pinned Go modules and run as plain processes on loopback.
//!
//! Tests that talk to a mock prove what the mock does. These talk to the programs a site runs, at
//! exact versions, with no container runtime and no network. What it refuses to do: run pods
//! (there are no kubelets), and leave anything behind (see [`nest`]).
//!
//! The API is synchronous. From an async test call it in place: it blocks for seconds, at start only.
//!
//! ```no_run
//! # fn test() {
//! let Some(site) = testbed::shared::control_plane() else { return }; // says what is skipped
//! let namespaces = site.kubectl(&["get", "namespaces", "--output=name"]).unwrap();
//! assert!(namespaces.contains("namespace/default"));
//! # }
//! ```

pub mod build;
mod certs;
mod control_plane;
mod defaults;
mod etcd_cluster;
mod family;
mod fault;
mod kine;
mod kubeconfig;
mod kwok;
pub mod nest;
mod port;
mod proc;
mod program;
mod s3;
mod s3_request;
pub mod shared;
mod velero;
mod wait;

use std::fmt;
use std::io::{self, Write as _};

pub use build::{Parts, build};
pub use certs::Ca;
pub use control_plane::{Builder, ControlPlane};
pub use defaults::{Defaults, Kept};
pub use etcd_cluster::{EtcdCluster, EtcdClusterBuilder};
pub use family::Family;
pub use fault::{Api, Fault, FaultProxy, Gate, Hook, Rule, Seen};
pub use kine::{Kine, KineBuilder};
pub use kwok::Kwok;
pub use s3::{S3, S3Builder};
pub use s3_request::Response;
pub use velero::{Velero, VeleroBuilder};
pub use wait::until;

/// Why real parts cannot be run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// `DAYTWO_TESTBED=off` is set.
    Off,
    /// Processes are found again through `/proc`, which only Linux has.
    Linux,
    /// This family is neither in the cache nor can it be built, as there is no Go.
    Go(Family),
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missing::Off => out.write_str("DAYTWO_TESTBED=off"),
            Missing::Linux => out.write_str("the testbed runs on Linux only"),
            Missing::Go(family) => write!(
                out,
                "no Go to build {family} with, and none built in {}; install Go (https://go.dev/dl) and run `cargo xtask testbed build`",
                build::cache().display()
            ),
        }
    }
}

impl std::error::Error for Missing {}

/// Whether every one of `families` is built, or could be.
///
/// # Errors
/// The first reason why not.
pub fn available(families: &[Family]) -> Result<(), Missing> {
    if std::env::var("DAYTWO_TESTBED").is_ok_and(|value| value == "off") {
        return Err(Missing::Off);
    }
    if !cfg!(target_os = "linux") {
        return Err(Missing::Linux);
    }
    match families.iter().find(|family| !build::can(**family)) {
        None => Ok(()),
        Some(family) => Err(Missing::Go(*family)),
    }
}

/// The built `families`, or `None` after saying on stderr what is skipped and why.
///
/// # Panics
/// With `CI=true` where they are missing, as nothing may be skipped there; and anywhere if a build fails.
pub fn parts_or_skip(families: &[Family]) -> Option<Parts> {
    if let Err(missing) = available(families) {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        assert!(!ci(), "{test} may not be skipped with CI=true: {missing}");
        say(&format!("skipped: {test}: {missing}"));
        return None;
    }
    match build(families) {
        Ok(parts) => Some(parts),
        Err(error) => panic!("cannot build the parts of the testbed: {error:#}"),
    }
}

/// Whether a missing part is a failure.
pub fn ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

/// To stderr past the capture of a test's output: a build of minutes and a skipped test must be seen.
pub(crate) fn say(line: &str) {
    // Nobody to tell if stderr is closed.
    let _ = writeln!(io::stderr(), "testbed: {line}");
}
