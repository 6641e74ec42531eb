//! `cargo xtask bench etcd`: reading an etcd snapshot of 1 GiB beside etcdutl, openssl and etcd itself.
//!
//! Both sides take turns in one run, on a file that is in the page cache. One object out of it is held against what it takes
//! to get at one otherwise: restore the snapshot, start etcd, ask.

mod memory;
mod objects;
mod server;
mod snapshot;
mod write;

use std::path::PathBuf;
use std::process::Command;

use ::testbed::nest::Nest;
use ::testbed::{Family, Parts, build};
use anyhow::{Context as _, Result};

use self::objects::object;
use self::snapshot::CHANGED;
use super::ground::took;
use super::measure::{Sample, Series};
use super::rows::{Must, Row, Unit};
use super::show;
use crate::cargo::{self, say};

const MIB: f64 = 1_048_576.0;
/// What status may have in memory that is not the file.
const MEMORY: f64 = 64.0 * MIB;
/// What listing everything may take.
const LIST: f64 = 1.5;

/// Needs Go for its parts (built once), openssl, and a machine with nothing else to do. Exit code 1 if a row is not met.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also write the machine, all figures and all rows to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Rounds in which both sides take turns
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measure this snapshot, with keys as this command writes them, instead of one of its own
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    let parts = build(&[Family::Etcd])?;
    let file = match &args.snapshot {
        Some(file) => file.canonicalize().with_context(|| format!("no {}", file.display()))?,
        None => snapshot::file(&parts)?,
    };
    let [daytwo, client] = cargo::programs(
        ["daytwo", "bench-client"],
        &["--release", "--package", "daytwo", "--package", "xtask"],
    )?;
    let bench = Bench { nest: Nest::new("bench")?, parts, daytwo, client, file, rounds: args.rounds };
    let (mut series, mut rows) = (Vec::new(), Vec::new());
    bench.status(&mut series, &mut rows)?;
    bench.verify(&mut series, &mut rows)?;
    bench.get(&mut series, &mut rows)?;
    bench.list(&mut series, &mut rows)?;
    // The last ones write where there may be no room for it: what was measured before is shown nevertheless.
    for (what, measured) in [
        ("restore", write::restore(&bench, &mut series, &mut rows)),
        ("save", write::save(&bench, &mut series, &mut rows)),
    ] {
        if let Err(error) = measured {
            let missing = Some(format!("not measured: {error:#}"));
            rows.push(Row { missing, ..row([what, "etcd's own"], Must::Less, [None, None]) });
        }
    }
    show::show(args.json.as_deref(), &series, &rows)
}

struct Bench {
    nest: Nest,
    parts: Parts,
    daytwo: PathBuf,
    client: PathBuf,
    file: PathBuf,
    rounds: u32,
}

impl Bench {
    /// Our verb on the file, with no settings of this machine's user.
    fn daytwo(&self, verb: &str, args: &[&str]) -> Command {
        let mut command = self.ours(verb);
        command.arg(&self.file).args(args);
        command
    }

    fn ours(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.daytwo);
        command.args(["etcd", verb]);
        for variable in ["DAYTWO_LOCATION", "DAYTWO_IDENTITY", "KUBECONFIG", "XDG_CONFIG_HOME"] {
            command.env_remove(variable);
        }
        command.env("HOME", self.nest.folder());
        command
    }

    fn utl(&self, args: &[&str]) -> Result<Command> {
        let mut command = Command::new(self.parts.program(Family::Etcd, "etcdutl")?);
        command.args(args).arg(&self.file);
        Ok(command)
    }

    fn measure(&self, command: &Command) -> Result<Sample> {
        took(&self.client, command, &[0])
    }

    /// Both commands in turns, the first round not counted: it fills the page cache.
    fn turns(&self, names: [&str; 2], commands: [&Command; 2]) -> Result<[Series; 2]> {
        say(&format!("{} rounds of {} and {}", self.rounds, names[0], names[1]));
        let mut pair = names.map(Series::new);
        for round in 0..=self.rounds {
            for (series, command) in pair.iter_mut().zip(commands) {
                let sample = self.measure(command)?;
                if round > 0 {
                    series.push(sample);
                }
            }
        }
        Ok(pair)
    }

    fn status(&self, series: &mut Vec<Series>, rows: &mut Vec<Row>) -> Result<()> {
        let ours = self.daytwo("status", &["-o", "json"]);
        let theirs = self.utl(&["snapshot", "status", "--write-out=json"])?;
        let names = ["status", "etcdutl snapshot status"];
        let pair = self.turns(names, [&ours, &theirs])?;
        rows.push(row(names, Must::Less, [median(&pair[0]), median(&pair[1])]));
        let memory = memory::anonymous(&mut self.daytwo("status", &["-o", "json"]))?;
        rows.push(Row {
            unit: Unit::Bytes,
            ..row(["anonymous memory of status", "64 MiB"], Must::AtMost(MEMORY), [Some(memory), None])
        });
        series.extend(pair);
        Ok(())
    }

    fn verify(&self, series: &mut Vec<Series>, rows: &mut Vec<Row>) -> Result<()> {
        let ours = self.daytwo("verify", &["-o", "json"]);
        let mut theirs = Command::new("openssl");
        theirs.args(["dgst", "-sha256"]).arg(&self.file);
        let names = ["verify", "openssl dgst -sha256"];
        let pair = self.turns(names, [&ours, &theirs])?;
        rows.push(row(names, Must::AtMostTimes(2.0), [median(&pair[0]), median(&pair[1])]));
        series.extend(pair);
        Ok(())
    }

    /// The last changed object, one that was never changed, and one that is not there.
    fn get(&self, series: &mut Vec<Series>, rows: &mut Vec<Row>) -> Result<()> {
        let key = |number| object(number, 0).0;
        let (newest, oldest) = (key(CHANGED - 1), key(CHANGED));
        let absent = "/registry/configmaps/team-00/none".to_owned();
        let mut otherwise = Series::new("etcdutl restore, etcd, etcdctl get");
        for round in 0..=self.rounds {
            let sample = server::otherwise(self.nest.folder(), &self.parts, &self.file, &newest)?;
            if round > 0 {
                otherwise.push(sample);
            }
        }
        for (name, key) in
            [("get the newest", newest), ("get the oldest", oldest), ("get one not there", absent)]
        {
            let command = self.daytwo("get", &["--show-secrets", "--key", &key]);
            let mut ours = Series::new(name);
            for round in 0..=self.rounds {
                // Exit code 1 says that it is not there.
                let sample = took(&self.client, &command, &[0, 1])?;
                if round > 0 {
                    ours.push(sample);
                }
            }
            let names = [name, "etcdutl restore, etcd, etcdctl get"];
            rows.push(row(names, Must::Faster(20.0), [median(&ours), median(&otherwise)]));
            series.push(ours);
        }
        series.push(otherwise);
        Ok(())
    }

    fn list(&self, series: &mut Vec<Series>, rows: &mut Vec<Row>) -> Result<()> {
        let command = self.daytwo("ls", &[]);
        let name = format!("ls of everything, {} keys", objects::COUNT);
        let mut ours = Series::new(&name);
        for round in 0..=self.rounds {
            let sample = self.measure(&command)?;
            if round > 0 {
                ours.push(sample);
            }
        }
        rows.push(row([&name, "1.5 s"], Must::AtMost(LIST), [median(&ours), None]));
        series.push(ours);
        Ok(())
    }
}

fn median(series: &Series) -> Option<f64> {
    series.wall().map(|wall| wall.median)
}

fn row(names: [&str; 2], must: Must, [ours, theirs]: [Option<f64>; 2]) -> Row {
    let [what, against] = names.map(str::to_owned);
    Row { what, against, must, unit: Unit::Seconds, ours, theirs, missing: None }
}
