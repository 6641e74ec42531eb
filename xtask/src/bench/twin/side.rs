//! A twin as a process of its own, so that its memory is its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ::testbed::nest::Nest;
use anyhow::{Context as _, Result, bail};

use super::ask::command;

const NAME: &str = "twin";
/// It ends what is being answered first.
const ENDING: Duration = Duration::from_secs(30);

/// A twin that is served.
pub struct Twin {
    pub kubeconfig: PathBuf,
    pid: u32,
}

impl Twin {
    /// Starts `serve` in `nest`, and returns once `/readyz` was answered: with the seconds since it was started.
    pub fn serve(
        nest: &mut Nest,
        client: &Path,
        serve: &mut Command,
        kubeconfig: PathBuf,
    ) -> Result<(Twin, f64)> {
        // It looks for the kubeconfig before there is one, so that it is not its own start that is measured.
        let mut waiting = command(client, "ready", &kubeconfig);
        let mut waiting = waiting.stdin(Stdio::null()).spawn().context("cannot run the client")?;
        let begin = Instant::now();
        let pid = nest.spawn(NAME, serve)?;
        let status = loop {
            if let Some(status) = waiting.try_wait().context("cannot wait for the client")? {
                break status;
            }
            if let Err(error) = nest.check(NAME) {
                let _ = waiting.kill();
                let _ = waiting.wait();
                return Err(nest.explain(&error));
            }
            std::thread::park_timeout(Duration::from_micros(200));
        };
        let wall = begin.elapsed().as_secs_f64();
        if !status.success() {
            bail!("the client that waits for a twin ended with {status}");
        }
        Ok((Twin { kubeconfig, pid }, wall))
    }

    /// The most memory it had resident so far, in bytes.
    pub fn peak_rss(&self) -> Result<f64> {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.pid)).context("the twin has ended")?;
        let line =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak of memory")?;
        let kib = line.trim().strip_suffix(" kB").context("a peak of memory in another unit")?;
        Ok(kib.parse::<f64>().context("a peak of memory that is no number")? * 1024.0)
    }

    /// Ends it as Ctrl-C does, or so.
    pub fn end(self, nest: &mut Nest) -> Result<()> {
        nest.terminate(NAME, ENDING)
    }
}
