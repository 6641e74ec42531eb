//! The memory of a process that is not a mapped file: what it cannot give back.
//!
//! The kernel keeps a peak of all resident memory only, in which a mapped file counts as far as it is cached. So the
//! process is looked at again and again; between two looks more may come and go.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

const BETWEEN: Duration = Duration::from_millis(1);

/// The most anonymous memory that `command` was seen with, in bytes. It must succeed.
pub fn anonymous(command: &mut Command) -> Result<f64> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let path = format!("/proc/{}/status", child.id());
    let (sender, ended) = mpsc::channel();
    let waiting = thread::spawn(move || sender.send(child.wait()));
    let mut most = 0.0_f64;
    let status = loop {
        most = most.max(resident(&path).unwrap_or(0.0));
        match ended.recv_timeout(BETWEEN) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(status) => break status.context("cannot wait for it")?,
            Err(RecvTimeoutError::Disconnected) => bail!("nobody waits for it"),
        }
    };
    let _ = waiting.join();
    if !status.success() {
        bail!("{} ended with {status}", command.get_program().display());
    }
    Ok(most)
}

fn resident(path: &str) -> Option<f64> {
    let status = fs::read_to_string(path).ok()?;
    let rest = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    rest.trim().strip_suffix(" kB")?.parse::<f64>().ok().map(|kib| kib * 1024.0)
}
