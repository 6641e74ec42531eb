//! `cargo xtask bench restore`: restores into empty namespaces beside a bare loader that creates the same objects, and
//! beside Velero; a restore that finds nothing to do beside listing the same objects; pruning beside bare deletes; a plan,
//! and memory.
//!
//! Each round restores into namespaces of its own, so that nothing has to be deleted between them.

mod prune;
mod velero;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::ground::{Ground, finished};
use super::load::Counter;
use super::measure::Series;
use super::rows::{Must, Row, Unit};
use super::show;
use crate::cargo::say;

/// Larger backups are restored to see that memory does not follow.
const TIMED_UP_TO: u32 = 100_000;
/// The size whose plan and memory have limits.
const LIMITS_AT: u32 = 30_000;
/// The size that is pruned, and that Velero, which takes minutes, restores too.
const COMPARED_AT: u32 = 10_000;
const MEMORY_LIMIT: f64 = 64.0 * MIB;
const LARGE_MEMORY_LIMIT: f64 = 96.0 * MIB;
const PLAN_MEMORY_LIMIT: f64 = 128.0 * MIB;
const PLAN_SECONDS: f64 = 3.0;
const MIB: f64 = 1_048_576.0;
/// The namespaces that a cluster is filled in.
const NAMESPACES: u32 = 10;
/// What the bare loader is tried with.
const CONNECTIONS: [u32; 5] = [8, 16, 32, 64, 128];

/// Needs Go for its parts (built once) and a machine with nothing else to do. Exit code 1 if a row is not met.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also write the machine, all figures and all rows to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Objects of the backups, each of which is restored; above 100000 only memory is measured
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [10_000, 30_000, 200_000])]
    objects: Vec<u32>,
    /// Rounds in which both sides take turns
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Leave out the rows against Velero, which take a quarter of an hour
    #[arg(long)]
    without_velero: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let mut sizes = args.objects.clone();
    sizes.sort_unstable();
    sizes.dedup();
    let (mut series, mut rows) = (Vec::new(), Vec::new());
    for size in sizes {
        measure(size, args.rounds, &mut series, &mut rows)?;
        if size == COMPARED_AT {
            prune::measure(size, args.rounds, &mut series, &mut rows)?;
        }
        if size == COMPARED_AT && !args.without_velero {
            velero::measure(size, &mut series, &mut rows)?;
        }
    }
    show::show(args.json.as_deref(), &series, &rows)
}

/// In a cluster of its own, as rounds leave their objects behind.
fn measure(size: u32, rounds: u32, series: &mut Vec<Series>, rows: &mut Vec<Row>) -> Result<()> {
    let ground = Ground::start()?;
    let bench = Bench { ground: &ground, size };
    say(&format!("filling the cluster: {size} objects"));
    ground.fill(0, size)?;
    finished(&mut ground.backup(SOURCE, &bench.folder(), ground.site.kubeconfig()))?;
    match size > TIMED_UP_TO {
        true => bench.memory(series, rows),
        false => bench.timed(rounds, series, rows),
    }
}

/// The backup that is restored.
const SOURCE: &str = "source";

struct Bench<'a> {
    ground: &'a Ground,
    size: u32,
}

impl Bench<'_> {
    fn folder(&self) -> String {
        self.ground.path("folder").display().to_string()
    }

    /// Our restore into namespaces that begin with `prefix`.
    fn restore(&self, location: &str, prefix: &str, more: &[&str]) -> Command {
        let mut command = self.ground.daytwo(&["restore", "create", "--from", SOURCE, "-o", "name"]);
        command.args(["--location", location]);
        command.arg("--include-namespaces").arg(namespaces("bench"));
        command.arg("--namespace-mapping").arg(mapping(prefix)).args(more);
        command
    }

    fn here(&self, mut command: Command) -> Command {
        command.arg("--kubeconfig").arg(self.ground.site.kubeconfig());
        command
    }

    fn timed(&self, rounds: u32, series: &mut Vec<Series>, rows: &mut Vec<Row>) -> Result<()> {
        let objects = format!("{} objects", self.size);
        let connections = self.best("fill")?;
        say(&format!("{objects}: {rounds} rounds against a bare loader over {connections} connections"));
        let mut ours = Series::new(format!("restore into empty namespaces, {objects}"));
        let mut theirs = Series::new(format!("a bare loader, {connections} at a time, {objects}"));
        let mut plan = Series::new(format!("plan of a restore, {objects}"));
        let mut again = Series::new(format!("restore over the same, {objects}"));
        let mut lists = Series::new(format!("listing the same, {objects}"));
        for round in 1..=rounds {
            let (prefix, bare) = (format!("ours-{round}"), format!("bare-{round}"));
            let planned = self.here(self.restore(&self.folder(), &prefix, &["--dry-run"]));
            plan.push(self.ground.measure(&planned)?);
            let restore = self.here(self.restore(&self.folder(), &prefix, &[]));
            let loader = self.load("fill", &bare, connections);
            if round % 2 == 0 {
                theirs.push(self.ground.measure(&loader)?);
                ours.push(self.ground.measure(&restore)?);
            } else {
                ours.push(self.ground.measure(&restore)?);
                theirs.push(self.ground.measure(&loader)?);
            }
            let job = self.lists(&prefix)?;
            again.push(self.ground.measure(&restore)?);
            lists.push(self.ground.measure(&self.ground.floor(&job, 4))?);
        }
        let writes = self.writes()?;
        let median = |series: &Series| series.wall().map(|wall| wall.median);
        let row = |of: &Series, against: &Series, must| Row {
            what: of.name.clone(),
            against: against.name.clone(),
            must,
            unit: Unit::Seconds,
            ours: median(of),
            theirs: median(against),
            missing: None,
        };
        let limit = |what: String, must: f64, unit, ours| Row {
            what,
            against: "a limit".to_owned(),
            must: Must::AtMost(must),
            unit,
            ours,
            theirs: None,
            missing: None,
        };
        // Nine tenths of its writes per second.
        rows.push(row(&ours, &theirs, Must::AtMostTimes(1.0 / 0.9)));
        rows.push(limit(format!("writes per object, {objects}"), 1.2, Unit::Ratio, Some(writes)));
        rows.push(row(&again, &lists, Must::AtMostTimes(3.0)));
        if self.size == LIMITS_AT {
            let peak = |series: &Series| series.peak_rss().map(|peak| peak.max);
            rows.push(limit(plan.name.clone(), PLAN_SECONDS, Unit::Seconds, median(&plan)));
            rows.push(limit(
                format!("memory of a {}", plan.name),
                PLAN_MEMORY_LIMIT,
                Unit::Bytes,
                peak(&plan),
            ));
            rows.push(limit(format!("peak memory, {objects}"), MEMORY_LIMIT, Unit::Bytes, peak(&ours)));
        }
        series.extend([ours, theirs, plan, again, lists]);
        Ok(())
    }

    /// The number of connections with which the bare loader is fastest at `verb`, each tried on a prefix of its own.
    fn best(&self, verb: &str) -> Result<u32> {
        let mut best: Option<(f64, u32)> = None;
        for connections in CONNECTIONS {
            let took = self.ground.measure(&self.load(verb, &format!("try-{connections}"), connections))?;
            if best.is_none_or(|(wall, _)| took.wall < wall) {
                best = Some((took.wall, connections));
            }
        }
        best.map(|(_, connections)| connections).context("no number of connections")
    }

    /// What a bare client has to read to list the same objects: the lists of a restore that finds nothing to do.
    fn lists(&self, prefix: &str) -> Result<PathBuf> {
        let counter = Counter::before(self.ground)?;
        let mut restore = self.restore(&self.folder(), prefix, &["--dry-run"]);
        restore.arg("--kubeconfig").arg(counter.0.kubeconfig());
        finished(&mut restore)?;
        let paths = counter.take().paths;
        let recorded = self.ground.write("recorded.json", &json!(paths).to_string())?;
        let recorded = recorded.to_str().context("a temporary folder whose name is no text")?;
        let job = self.ground.client("plan", &["--recorded", recorded])?;
        self.ground.write("lists.json", &String::from_utf8(job).context("no text")?)
    }

    /// Requests that write, for each object.
    #[expect(clippy::cast_precision_loss, reason = "requests of one restore")]
    fn writes(&self) -> Result<f64> {
        let counter = Counter::before(self.ground)?;
        let mut restore = self.restore(&self.folder(), "counted", &[]);
        restore.arg("--kubeconfig").arg(counter.0.kubeconfig());
        finished(&mut restore)?;
        let seen = counter.0.take_seen();
        let writes = seen.iter().filter(|seen| seen.method != "GET").count();
        if writes < self.size as usize {
            bail!("{writes} writes were seen of a restore of {} objects", self.size);
        }
        Ok(writes as f64 / f64::from(self.size))
    }

    fn memory(&self, series: &mut Vec<Series>, rows: &mut Vec<Row>) -> Result<()> {
        say(&format!("{} objects: a restore for its memory", self.size));
        let mut ours = Series::new(format!("restore into empty namespaces, {} objects", self.size));
        ours.push(self.ground.measure(&self.here(self.restore(&self.folder(), "large", &[])))?);
        rows.push(Row {
            what: format!("peak memory, {} objects", self.size),
            against: "a limit".to_owned(),
            must: Must::AtMost(LARGE_MEMORY_LIMIT),
            unit: Unit::Bytes,
            ours: ours.peak_rss().map(|peak| peak.max),
            theirs: None,
            missing: None,
        });
        series.push(ours);
        Ok(())
    }
}

/// The namespaces that begin with `prefix`, as a flag takes them.
fn namespaces(prefix: &str) -> String {
    let names: Vec<String> = (0..NAMESPACES).map(|number| format!("{prefix}-{number:02}")).collect();
    names.join(",")
}

/// The namespaces that the cluster was filled in, each mapped to one that begins with `prefix`.
fn mapping(prefix: &str) -> String {
    let pairs: Vec<String> =
        (0..NAMESPACES).map(|number| format!("bench-{number:02}:{prefix}-{number:02}")).collect();
    pairs.join(",")
}
