//! `cargo xtask bench backup`: fills a cluster step by step, measures at each size, prints two tables.

use std::path::PathBuf;

use anyhow::Result;

use super::floor::Floors;
use super::ground::Ground;
use super::measure::Series;
use super::rows::{Must, Row, Unit};
use super::velero::{self, Compared};
use super::{floor, load, show, verify};
use crate::cargo::say;

/// Larger clusters are filled to see that memory does not follow; timing them adds nothing.
const TIMED_UP_TO: u32 = 100_000;
/// The size whose memory has a limit, and is the measure of larger ones.
const MEMORY_AT: u32 = 30_000;
const MEMORY_LIMIT: f64 = 64.0 * 1_048_576.0;
const MEMORY_GROWTH: f64 = 1.10;
/// Velero takes seconds where others take a fraction of one, and is measured in fewer rounds.
const SLOW_ROUNDS: u32 = 5;

/// Needs Go for its parts (built once) and a machine with nothing else to do. Exit code 1 if a row is not met.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also write the machine, all figures and all rows to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Objects in the cluster, step by step; above 100000 only memory is measured
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [10_000, 30_000, 200_000])]
    objects: Vec<u32>,
    /// Rounds in which both sides take turns; what is slow, such as Velero, takes part in at most five
    #[arg(long, value_name = "N", default_value_t = 11, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// What has been measured so far.
#[derive(Default)]
struct Measured {
    series: Vec<Series>,
    rows: Vec<Row>,
    /// The peak of memory by number of objects.
    memory: Vec<(u32, Option<f64>)>,
}

pub fn run(args: &Args) -> Result<()> {
    let mut sizes = args.objects.clone();
    sizes.sort_unstable();
    sizes.dedup();
    let ground = Ground::start()?;
    let mut measured = Measured::default();
    let mut filled = 0;
    for size in sizes {
        say(&format!("filling the cluster: {size} objects"));
        ground.fill(filled, size)?;
        filled = size;
        if size > TIMED_UP_TO {
            memory(&ground, size, args.rounds.min(SLOW_ROUNDS), &mut measured)?;
        } else {
            timed(&ground, size, args.rounds, &mut measured)?;
        }
    }
    let rows = memory_rows(&measured.memory);
    measured.rows.extend(rows);
    show::show(args.json.as_deref(), &measured.series, &measured.rows)
}

fn timed(ground: &Ground, size: u32, rounds: u32, measured: &mut Measured) -> Result<()> {
    let objects = format!("{size} objects");
    let load = load::ours(ground, &format!("counted-{size}"))?;
    say(&format!("{objects}: {rounds} rounds against a bare client"));
    let floors = Floors::measure(ground, &objects, size, &load.paths, rounds)?;
    let slow = rounds.min(SLOW_ROUNDS);
    say(&format!("{objects}: {slow} rounds against Velero"));
    let compared = Compared::measure(ground, &objects, size, load, slow);
    if let Err(error) = &compared {
        say(&format!("Velero could not be measured: {error:#}"));
    }
    say(&format!("{objects}: {rounds} rounds of verifying"));
    let verified = verify::measure(ground, &objects, size, rounds, compared.is_ok().then_some(slow))?;

    measured.memory.push((size, floors.peak_rss()));
    measured.rows.extend(floors.rows());
    measured.rows.extend(velero::rows(&objects, &compared));
    measured.rows.extend(verified.rows(&objects));
    measured.series.extend(floors.all);
    if let Ok(compared) = compared {
        measured.series.extend(compared.all());
    }
    measured.series.extend(verified.all());
    Ok(())
}

/// Backs up a large cluster for its memory.
fn memory(ground: &Ground, size: u32, rounds: u32, measured: &mut Measured) -> Result<()> {
    say(&format!("{size} objects: {rounds} rounds for memory"));
    let stores = [
        (format!("backup to a folder, {size} objects"), ground.path("folder").display().to_string()),
        (format!("backup to S3, {size} objects"), format!("s3://{}", super::ground::OURS)),
    ];
    let mut all = stores.each_ref().map(|(name, _)| Series::new(name.clone()));
    for round in 1..=rounds {
        for (series, (_, location)) in all.iter_mut().zip(&stores) {
            let backup = ground.backup(&floor::name(size, round), location, ground.site.kubeconfig());
            series.push(ground.measure(&backup)?);
        }
    }
    let most = all.iter().filter_map(Series::peak_rss).map(|peak| peak.max).reduce(f64::max);
    measured.memory.push((size, most));
    measured.series.extend(all);
    Ok(())
}

fn memory_rows(memory: &[(u32, Option<f64>)]) -> Vec<Row> {
    let at = memory.iter().find(|(size, _)| *size == MEMORY_AT).and_then(|(_, peak)| *peak);
    let row =
        |size: Option<u32>, against: &str, must, ours: Option<f64>, theirs: Option<f64>, needs: &str| Row {
            what: match size {
                Some(size) => format!("peak memory of a backup, {size} objects"),
                None => "peak memory of a backup of more objects".to_owned(),
            },
            against: against.to_owned(),
            must,
            unit: Unit::Bytes,
            ours,
            theirs,
            missing: (!needs.is_empty()).then(|| format!("not measured: needs --objects {needs}")),
        };
    let limit = Must::AtMost(MEMORY_LIMIT);
    let needs = if at.is_none() { MEMORY_AT.to_string() } else { String::new() };
    let mut rows = vec![row(Some(MEMORY_AT), "a limit", limit, at, None, &needs)];
    let growth = Must::AtMostTimes(MEMORY_GROWTH);
    let against = format!("the same, {MEMORY_AT} objects");
    let larger: Vec<_> = memory.iter().filter(|(size, _)| *size > MEMORY_AT).collect();
    for (size, peak) in &larger {
        rows.push(row(Some(*size), &against, growth, *peak, at, &needs));
    }
    if larger.is_empty() {
        rows.push(row(None, &against, growth, None, at, &format!("{MEMORY_AT},200000")));
    }
    rows
}
