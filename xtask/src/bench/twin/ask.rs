//! The client's verbs, and what they print.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde::de::DeserializeOwned;

use crate::bench::ground::{finished, parse};

/// Runs `bench-client twin <verb>` to its end.
pub fn ask<T: DeserializeOwned>(client: &Path, verb: &str, kubeconfig: &Path, args: &[&str]) -> Result<T> {
    let mut command = command(client, verb, kubeconfig);
    parse(&finished(command.args(args))?.stdout)
}

/// `bench-client twin <verb>`.
pub fn command(client: &Path, verb: &str, kubeconfig: &Path) -> Command {
    let mut command = Command::new(client);
    command.args(["twin", verb, "--kubeconfig"]).arg(kubeconfig);
    command
}
