//! From exec until `/readyz` is answered over TLS.

use std::process::Stdio;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use super::ask::command;
use super::{Bench, real, timed, wall};
use crate::bench::measure::Series;
use crate::bench::rows::Must;
use crate::cargo::say;

/// How much sooner a twin must answer.
const FASTER: f64 = 50.0;
/// A real server takes seconds.
const SLOW_ROUNDS: u32 = 3;

impl Bench {
    pub(super) fn ready(&mut self) -> Result<()> {
        let rounds = self.rounds;
        say(&format!("{rounds} rounds of starting a twin, and some of etcd and kube-apiserver"));
        let mut ours = Series::new("twin serve --from fixture:empty, exec to /readyz");
        let mut theirs = Series::new("etcd and kube-apiserver");
        for round in 0..=rounds {
            let (twin, seconds) = self.serve("fixture:empty")?;
            twin.end(&mut self.nest)?;
            // The first fills the page cache.
            if round > 0 {
                ours.push(wall(seconds));
            }
        }
        for round in 0..=rounds.min(SLOW_ROUNDS) {
            let seconds = self.real_ready(round)?;
            if round > 0 {
                theirs.push(wall(seconds));
            }
        }
        self.row(timed(&ours, &theirs, Must::Faster(FASTER)));
        self.series.extend([ours, theirs]);
        Ok(())
    }

    /// Starts the real parts, and ends them.
    fn real_ready(&self, round: u32) -> Result<f64> {
        let folder = self.path(&format!("start-{round}"));
        let kubeconfig = folder.join("kubeconfig");
        let mut waiting = command(&self.client, "ready", &kubeconfig);
        let mut waiting = waiting.stdin(Stdio::null()).spawn().context("cannot run the client")?;
        let begin = Instant::now();
        // What follows the answer (the test bed waits for more) is not counted.
        let starting = thread::spawn(move || real(&folder));
        let status = waiting.wait().context("cannot wait for the client")?;
        let seconds = begin.elapsed().as_secs_f64();
        match starting.join() {
            Ok(started) => drop(started?),
            Err(_) => bail!("starting a real server panicked"),
        }
        if !status.success() {
            bail!("the client that waits for a real server ended with {status}");
        }
        Ok(seconds)
    }
}
