//! `cargo xtask bench twin`: a twin beside etcd and a kube-apiserver: how soon each answers, how many writes it takes, how
//! fast it lists; and what a twin holds: watchers, and backups that it opens.
//!
//! One client asks both, over HTTPS and HTTP/1.1, for identity encoding, in a process of its own. It shares two cores with
//! the server that it asks, so what it can do by itself is measured too, against a server that does nothing.

mod ask;
mod create;
mod list;
mod open;
mod ready;
mod side;
mod watch;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ::testbed::nest::Nest;
use ::testbed::{ControlPlane, Family, available};
use anyhow::Result;

use self::side::Twin;
use super::measure::{Sample, Series};
use super::rows::{Must, Row, Unit};
use super::show;
use crate::cargo::{self, say};

/// Needs Go for its parts (built once) and a machine with nothing else to do. Exit code 1 if a row is not met.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also write the machine, all figures and all rows to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Rounds in which both sides take turns
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measure only these
    #[arg(long, value_name = "PART", value_enum, value_delimiter = ',', default_values_t = Part::ALL)]
    only: Vec<Part>,
}

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// From exec to /readyz
    Ready,
    /// Creates over 32 connections
    Create,
    /// A list of 30,000 objects, and the opening of a backup of them
    List,
    /// 1,000 watchers
    Watch,
    /// The opening of a backup of 150,000 pods
    Open,
}

impl Part {
    const ALL: [Part; 5] = [Part::Ready, Part::Create, Part::List, Part::Watch, Part::Open];
}

/// Everything that is measured with, and what was measured so far.
struct Bench {
    nest: Nest,
    daytwo: PathBuf,
    client: PathBuf,
    rounds: u32,
    series: Vec<Series>,
    rows: Vec<Row>,
}

pub fn run(args: &Args) -> Result<()> {
    available(&[Family::Etcd, Family::Kube])?;
    let [daytwo, client] = cargo::programs(
        ["daytwo", "bench-client"],
        &["--release", "--package", "daytwo", "--package", "xtask"],
    )?;
    let nest = Nest::new("bench")?;
    let mut bench = Bench { nest, daytwo, client, rounds: args.rounds, series: Vec::new(), rows: Vec::new() };
    let wanted = |part| args.only.contains(&part);
    if wanted(Part::Ready) {
        bench.ready()?;
    }
    if wanted(Part::Create) || wanted(Part::List) {
        let real = real(&bench.path("real"))?;
        if wanted(Part::Create) {
            bench.create(&real)?;
        }
        if wanted(Part::List) {
            bench.list(&real)?;
        }
    }
    if wanted(Part::Watch) {
        bench.watch()?;
    }
    if wanted(Part::Open) {
        bench.open()?;
    }
    show::show(args.json.as_deref(), &bench.series, &bench.rows)
}

/// The real server, in a folder of this path, without controllers. Compaction would come in some rounds and not in others.
fn real(folder: &Path) -> Result<ControlPlane> {
    let builder = ControlPlane::builder().controller_manager(false).folder(folder);
    builder.compaction_interval(std::time::Duration::ZERO).start()
}

impl Bench {
    /// A path in the folder that goes afterwards.
    fn path(&self, name: &str) -> PathBuf {
        self.nest.folder().join(name)
    }

    /// Our tool, with no settings of this machine's user.
    fn daytwo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.daytwo);
        command.args(args);
        for variable in ["DAYTWO_LOCATION", "DAYTWO_IDENTITY", "KUBECONFIG", "XDG_CONFIG_HOME"] {
            command.env_remove(variable);
        }
        command.env("HOME", self.nest.folder());
        command
    }

    /// Serves a twin of `from`, and says how long that took from exec to `/readyz`.
    fn serve(&mut self, from: &str) -> Result<(Twin, f64)> {
        let kubeconfig = self.path("twin.kubeconfig");
        // What the one before left would lead to nowhere.
        let _ = fs::remove_file(&kubeconfig);
        let mut command = self.daytwo(&["twin", "serve", "--from", from, "--kubeconfig"]);
        command.arg(&kubeconfig);
        Twin::serve(&mut self.nest, &self.client, &mut command, kubeconfig)
    }

    /// Runs the client and takes what it prints.
    fn ask<T: serde::de::DeserializeOwned>(&self, verb: &str, kubeconfig: &Path, args: &[&str]) -> Result<T> {
        ask::ask(&self.client, verb, kubeconfig, args)
    }

    fn row(&mut self, row: Row) {
        say(&format!("{}: {:?} against {:?}", row.what, row.ours, row.theirs));
        self.rows.push(row);
    }
}

/// A row of medians of wall clock.
fn timed(ours: &Series, theirs: &Series, must: Must) -> Row {
    Row {
        what: ours.name.clone(),
        against: theirs.name.clone(),
        must,
        unit: Unit::Seconds,
        ours: ours.wall().map(|wall| wall.median),
        theirs: theirs.wall().map(|wall| wall.median),
        missing: None,
    }
}

/// A row that is held against a limit.
fn limited(what: impl Into<String>, unit: Unit, limit: f64, ours: f64) -> Row {
    Row {
        what: what.into(),
        against: "a limit".to_owned(),
        must: Must::AtMost(limit),
        unit,
        ours: Some(ours),
        theirs: None,
        missing: None,
    }
}

/// A run of which only the time is known.
fn wall(wall: f64) -> Sample {
    Sample { wall, cpu: 0.0, server_cpu: 0.0, peak_rss: 0.0 }
}
