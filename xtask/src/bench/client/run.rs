//! Runs one command and says what it took, by the kernel's own account of a child that has ended.
//!
//! The kernel counts the memory of the process that starts a program as the program's own until it is
//! loaded, so this process must be smaller than any that it measures; it is a few MiB.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::Serialize;

/// What a command took.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Took {
    /// From before its start until it was gone, in seconds.
    wall: f64,
    /// User and system time, in seconds, its own children included.
    cpu: f64,
    /// The most memory it had resident, in bytes.
    peak_rss: u64,
    /// Its exit code; `None` where a signal ended it.
    code: Option<i32>,
}

/// Its stdout goes nowhere, its stderr where ours goes.
pub fn run(command: &[OsString]) -> Result<Took> {
    let (program, args) = command.split_first().context("no command")?;
    let mut child = Command::new(program);
    child.args(args).stdin(Stdio::null()).stdout(Stdio::null());
    let begin = Instant::now();
    let status = child.status().with_context(|| format!("cannot run {}", program.display()))?;
    let wall = begin.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("no account of the child")?;
    let cpu = seconds(usage.user_time()) + seconds(usage.system_time());
    let peak_rss = u64::try_from(usage.max_rss()).unwrap_or(0) * 1024;
    Ok(Took { wall, cpu, peak_rss, code: status.code() })
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a benchmark")]
fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}
