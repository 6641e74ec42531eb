//! Creates over many connections, and what the client can do by itself.

use ::testbed::ControlPlane;
use anyhow::Result;
use serde::Deserialize;

use super::ask::command;
use super::{Bench, timed};
use crate::bench::ground::finished;
use crate::bench::measure::{Sample, Series};
use crate::bench::rows::Must;
use crate::cargo::say;

const COUNT: u32 = 20_000;
const CONNECTIONS: u32 = 32;
/// The rate that a twin must have, in rates of the real server.
const FASTER: f64 = 8.0;
/// From this part of its own limit on it is the client that limits.
const NEAR: f64 = 0.8;
/// A real server takes seconds.
const SLOW_ROUNDS: u32 = 3;

#[derive(Deserialize)]
struct Created {
    wall: f64,
    cpu: f64,
}

impl Bench {
    pub(super) fn create(&mut self, real: &ControlPlane) -> Result<()> {
        say(&format!("rounds of creating {COUNT} ConfigMaps over {CONNECTIONS} connections"));
        let (twin, _) = self.serve("fixture:empty")?;
        let stub = self.path("stub.kubeconfig");
        self.nest.spawn("stub", &mut command(&self.client, "stub", &stub))?;
        finished(&mut command(&self.client, "ready", &stub))?;
        let mut ours = Series::new(format!("create {COUNT} ConfigMaps over {CONNECTIONS} connections"));
        let mut theirs = Series::new("the same, kube-apiserver");
        let mut nothing = Series::new("the same, a server that only says 201");
        let rounds = self.rounds;
        for round in 0..rounds {
            ours.push(self.created(&twin.kubeconfig, round)?);
            nothing.push(self.created(&stub, round)?);
            if round < SLOW_ROUNDS {
                theirs.push(self.created(real.kubeconfig(), round)?);
            }
        }
        self.nest.kill("stub")?;
        twin.end(&mut self.nest)?;
        let mut row = timed(&ours, &theirs, Must::Faster(FASTER));
        if let (Some(ours), Some(ceiling)) = (row.ours, nothing.wall().map(|wall| wall.median)) {
            let rate = |seconds: f64| f64::from(COUNT) / seconds;
            let who = if ceiling >= ours * NEAR { "; it is what limits" } else { "" };
            row.what = format!(
                "{} ({:.0}/s; the client's own limit {:.0}/s{who})",
                row.what,
                rate(ours),
                rate(ceiling)
            );
        }
        self.row(row);
        self.series.extend([ours, theirs, nothing]);
        Ok(())
    }

    fn created(&self, kubeconfig: &std::path::Path, round: u32) -> Result<Sample> {
        let (namespace, count, connections) =
            (format!("bench-{round}"), COUNT.to_string(), CONNECTIONS.to_string());
        let args = ["--namespace", &namespace, "--count", &count, "--connections", &connections];
        let Created { wall, cpu } = self.ask("create", kubeconfig, &args)?;
        Ok(Sample { wall, cpu, server_cpu: 0.0, peak_rss: 0.0 })
    }
}
