//! Our backup against Velero's, of the same cluster into the same S3 server: time, load and size.

use std::path::PathBuf;
use std::time::Instant;

use ::testbed::{Family, S3, Velero, VeleroBuilder, available};
use anyhow::{Result, bail};

use super::ground::{Ground, OURS, THEIRS, finished, size};
use super::load::{Counter, Load};
use super::measure::{Sample, Series};
use super::rows::{Must, Row, Unit};

/// Where the filling put its objects, and of which kinds: what both are asked for when sizes are compared.
const SAME: [&str; 2] = [
    "--include-namespaces=bench-00,bench-01,bench-02,bench-03,bench-04,bench-05,bench-06,bench-07,bench-08,bench-09",
    "--include-resources=configmaps,secrets,deployments.apps,widgets.bench.daytwo.dev",
];

/// What was found out about both.
pub struct Compared {
    ours: Series,
    theirs: Series,
    our_load: Load,
    their_load: Load,
    our_size: u64,
    their_size: u64,
}

impl Compared {
    /// Measures `rounds` rounds, after counting the load and writing one pair of archives of the same objects.
    pub fn measure(ground: &Ground, objects: &str, key: u32, ours: Load, rounds: u32) -> Result<Compared> {
        available(&[Family::Velero])?;
        let their_load = load(ground, key)?;
        let velero = builder(ground).start()?;
        let mut compared = Compared {
            ours: Series::new(format!("backup to S3, in turns with Velero, {objects}")),
            theirs: Series::new(format!("velero backup create --wait, {objects}")),
            our_load: ours,
            their_load,
            our_size: 0,
            their_size: 0,
        };
        for round in 1..=rounds {
            compared.theirs.push(timed(ground, &velero, &name(key, round))?);
            let backup = ground.backup(
                &format!("turn-{key}-{round}"),
                &format!("s3://{OURS}"),
                ground.site.kubeconfig(),
            );
            compared.ours.push(ground.measure(&backup)?);
        }
        let same = format!("same-{key}");
        completed(&velero, &same, &velero.backup(&same, &SAME)?)?;
        finished(ground.backup(&same, &format!("s3://{OURS}"), ground.site.kubeconfig()).args(SAME))?;
        compared.our_size = size(&file(&ground.s3, OURS, &same))?;
        compared.their_size = size(&file(&ground.s3, THEIRS, &same))?;
        Ok(compared)
    }

    pub fn all(&self) -> [Series; 2] {
        [self.ours.clone(), self.theirs.clone()]
    }
}

/// The rows of one size; without numbers where Velero could not be run, as `compared` says.
pub fn rows(objects: &str, compared: &Result<Compared>) -> Vec<Row> {
    let known = compared.as_ref().ok();
    let missing = compared.as_ref().err().map(|error| format!("not measured: {error:#}"));
    let row = |what: &str, against: &str, must, unit, [ours, theirs]: [Option<f64>; 2]| Row {
        what: format!("{what}, {objects}"),
        against: against.to_owned(),
        must,
        unit,
        ours,
        theirs,
        missing: missing.clone(),
    };
    let series = |of: fn(&Series) -> Option<f64>| {
        [known.and_then(|known| of(&known.ours)), known.and_then(|known| of(&known.theirs))]
    };
    let load = |of: fn(&Load) -> f64| {
        [known.map(|known| of(&known.our_load)), known.map(|known| of(&known.their_load))]
    };
    let velero = "velero backup create --wait";
    vec![
        row(
            "backup to S3",
            velero,
            Must::Faster(12.0),
            Unit::Seconds,
            series(|series| series.wall().map(|wall| wall.median)),
        ),
        row("requests to the API server", velero, Must::Less, Unit::Requests, load(|load| load.requests)),
        row("its response bytes, uncompressed", velero, Must::Less, Unit::Bytes, load(|load| load.bytes)),
        row(
            "its CPU seconds",
            velero,
            Must::Less,
            Unit::Seconds,
            series(|series| series.server_cpu().map(|cpu| cpu.median)),
        ),
        row(
            "size of the .tar.gz",
            "Velero's of the same objects",
            Must::AtMostTimes(1.0),
            Unit::Bytes,
            [known.map(|known| number(known.our_size)), known.map(|known| number(known.their_size))],
        ),
    ]
}

/// With the pace of Velero's own defaults: the testbed looks for backups more often, which is load.
fn builder(ground: &Ground) -> VeleroBuilder<'_> {
    Velero::builder(&ground.site, &ground.s3, THEIRS).server_arg("--backup-sync-period=1m")
}

/// One backup with all of Velero's requests going through a proxy.
fn load(ground: &Ground, key: u32) -> Result<Load> {
    let counter = Counter::before(ground)?;
    let kubeconfig = counter.0.kubeconfig();
    let velero = builder(ground).kubeconfig(&kubeconfig).start()?;
    counter.take();
    let name = format!("counted-{key}");
    velero.cli(&["backup", "create", &name, "--wait"])?;
    let load = counter.take();
    completed(&velero, &name, &phase(&velero, &name)?)?;
    Ok(load)
}

fn timed(ground: &Ground, velero: &Velero, name: &str) -> Result<Sample> {
    let (server, own) = (ground.site.apiserver_cpu_seconds()?, velero.cpu_seconds()?);
    let begin = Instant::now();
    velero.cli(&["backup", "create", name, "--wait"])?;
    let wall = begin.elapsed().as_secs_f64();
    let server_cpu = ground.site.apiserver_cpu_seconds()? - server;
    let cpu = velero.cpu_seconds()? - own;
    completed(velero, name, &phase(velero, name)?)?;
    let peak_rss = number(velero.peak_rss()?);
    Ok(Sample { wall, cpu, server_cpu, peak_rss })
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one file or process")]
fn number(bytes: u64) -> f64 {
    bytes as f64
}

fn phase(velero: &Velero, name: &str) -> Result<String> {
    let text = velero.cli(&["backup", "get", name, "--output=json"])?;
    let backup: serde_json::Value = serde_json::from_str(&text)?;
    Ok(backup["status"]["phase"].as_str().unwrap_or_default().to_owned())
}

fn completed(velero: &Velero, name: &str, phase: &str) -> Result<()> {
    if phase != "Completed" {
        bail!("Velero's backup {name} is {phase}: {}", velero.cli(&["backup", "describe", name])?);
    }
    Ok(())
}

/// The name of Velero's backup of a round.
pub fn name(key: u32, round: u32) -> String {
    format!("velero-{key}-{round}")
}

/// Where an archive lies behind the S3 server.
pub fn file(s3: &S3, bucket: &str, name: &str) -> PathBuf {
    s3.folder().join(bucket).join("backups").join(name).join(format!("{name}.tar.gz"))
}
