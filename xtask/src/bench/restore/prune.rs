//! A restore with `--prune` that deletes as many objects as the backup does not hold, beside bare deletes of as many.

use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{Bench, CONNECTIONS};
use crate::bench::ground::{Ground, finished, parse};
use crate::bench::measure::Series;
use crate::bench::rows::{Must, Row, Unit};
use crate::cargo::say;

/// A backup of namespaces that hold nothing.
const BARE: &str = "bare";
const PREFIX: &str = "prune";

/// `rounds` rounds in a cluster of its own, which holds nothing but what is deleted.
pub fn measure(size: u32, rounds: u32, series: &mut Vec<Series>, rows: &mut Vec<Row>) -> Result<()> {
    let ground = Ground::start()?;
    Bench { ground: &ground, size }.prune(rounds, series, rows)
}

impl Bench<'_> {
    fn prune(&self, rounds: u32, series: &mut Vec<Series>, rows: &mut Vec<Row>) -> Result<()> {
        for connections in CONNECTIONS {
            finished(&mut self.load("fill", &format!("try-{connections}"), 32))?;
        }
        let connections = self.best("clear")?;
        say(&format!("pruning {} objects: {rounds} rounds", self.size));
        let mut ours = Series::new(format!("prune of {} extra objects", self.size));
        let mut theirs = Series::new(format!("bare deletes, {connections} at a time, {} objects", self.size));
        finished(&mut self.ground.client_command("fill", &["--prefix", PREFIX, "--from", "0", "--to", "0"]))?;
        let backup = self.ground.backup(BARE, &self.folder(), self.ground.site.kubeconfig());
        finished({ backup }.arg("--include-namespaces").arg(super::namespaces(PREFIX)))?;
        let prune = |output: &str| {
            let mut prune = self.ground.daytwo(&["restore", "create", "--from", BARE, "-o", output]);
            prune.args(["--location", &self.folder(), "--prune", "--yes"]);
            self.here(prune)
        };
        for round in 1..=rounds {
            let bare = format!("deleted-{round}");
            finished(&mut self.load("fill", PREFIX, connections))?;
            finished(&mut self.load("fill", &bare, connections))?;
            let mut measure = |ours_is_next: bool| -> Result<()> {
                match ours_is_next {
                    true => ours.push(self.ground.measure(&prune("name"))?),
                    false => theirs.push(self.ground.measure(&self.load("clear", &bare, connections))?),
                }
                Ok(())
            };
            measure(round % 2 == 1)?;
            measure(round % 2 == 0)?;
            let left: Value = parse(&finished(&mut prune("json"))?.stdout)?;
            // A count of nothing is left out.
            ensure!(left["counts"]["deleted"].is_null(), "a prune left objects behind: {}", left["counts"]);
        }
        rows.push(Row {
            what: ours.name.clone(),
            against: theirs.name.clone(),
            // Eight tenths of its deletes per second.
            must: Must::AtMostTimes(1.0 / 0.8),
            unit: Unit::Seconds,
            ours: ours.wall().map(|wall| wall.median),
            theirs: theirs.wall().map(|wall| wall.median),
            missing: None,
        });
        series.extend([ours, theirs]);
        Ok(())
    }

    /// The release-built half creates or deletes all objects of `prefix`.
    pub fn load(&self, verb: &str, prefix: &str, connections: u32) -> Command {
        let (size, connections) = (self.size.to_string(), connections.to_string());
        let args = ["--prefix", prefix, "--connections", &connections, "--from", "0", "--to", &size];
        self.ground.client_command(verb, &args)
    }
}
