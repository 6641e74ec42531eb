//! Our backup against the floors: the same pages read by a bare client, one after another and four at a time.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::ground::{Ground, OURS, parse, size};
use super::measure::Series;
use super::rows::{Must, Row, Unit};

/// What is measured in each round, in this order, and in the next round backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Ours(Store),
    /// A bare client with so many requests in flight.
    Floor(Store, u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Store {
    Folder,
    S3,
}

const SIDES: [Side; 6] = [
    Side::Ours(Store::Folder),
    Side::Floor(Store::Folder, 1),
    Side::Floor(Store::Folder, 4),
    Side::Ours(Store::S3),
    Side::Floor(Store::S3, 1),
    Side::Floor(Store::S3, 4),
];

impl Side {
    fn name(self, objects: &str) -> String {
        let upload = |store| if store == Store::S3 { " and an upload" } else { "" };
        match self {
            Side::Ours(Store::Folder) => format!("backup to a folder, {objects}"),
            Side::Ours(Store::S3) => format!("backup to S3, {objects}"),
            Side::Floor(store, 1) => format!("its pages{}, one after another, {objects}", upload(store)),
            Side::Floor(store, _) => format!("its pages{}, four in flight, {objects}", upload(store)),
        }
    }
}

/// The rounds of one size.
pub struct Floors {
    /// One for each of [`SIDES`].
    pub all: Vec<Series>,
}

impl Floors {
    /// Measures `rounds` rounds of `objects`, whose pages were recorded in `paths`.
    pub fn measure(
        ground: &Ground,
        objects: &str,
        key: u32,
        paths: &[String],
        rounds: u32,
    ) -> Result<Floors> {
        let recorded = ground.write("recorded.json", &json!(paths).to_string())?;
        let mut all: Vec<Series> = SIDES.iter().map(|side| Series::new(side.name(objects))).collect();
        // Round 0 warms up. Its archive is as large as any.
        for round in 0..=rounds {
            let jobs = jobs(ground, &recorded, key)?;
            let mut order: Vec<usize> = (0..SIDES.len()).collect();
            if round % 2 == 0 {
                order.reverse();
            }
            for index in order {
                let sample = ground.measure(&command(ground, SIDES[index], key, round, &jobs))?;
                if round > 0 {
                    all[index].push(sample);
                }
            }
        }
        Ok(Floors { all })
    }

    pub fn rows(&self) -> Vec<Row> {
        let against = [(0, 1, 1.15), (0, 2, 1.8), (3, 4, 1.15), (3, 5, 1.8)];
        let row = |(ours, theirs, times): (usize, usize, f64)| {
            let median = |index: usize| self.all[index].wall().map(|wall| wall.median);
            Row {
                what: self.all[ours].name.clone(),
                against: self.all[theirs].name.clone(),
                must: Must::AtMostTimes(times),
                unit: Unit::Seconds,
                ours: median(ours),
                theirs: median(theirs),
                missing: None,
            }
        };
        against.into_iter().map(row).collect()
    }

    /// The most memory that any of our backups had.
    pub fn peak_rss(&self) -> Option<f64> {
        let most = |index: usize| self.all[index].peak_rss().map(|peak| peak.max);
        Some(most(0)?.max(most(3)?))
    }
}

fn command(ground: &Ground, side: Side, key: u32, round: u32, jobs: &Jobs) -> Command {
    let kubeconfig = ground.site.kubeconfig();
    match side {
        Side::Ours(Store::Folder) => {
            ground.backup(&name(key, round), &ground.path("folder").display().to_string(), kubeconfig)
        }
        Side::Ours(Store::S3) => ground.backup(&name(key, round), &format!("s3://{OURS}"), kubeconfig),
        Side::Floor(Store::Folder, in_flight) => ground.floor(&jobs.read, in_flight),
        Side::Floor(Store::S3, in_flight) => ground.floor(&jobs.upload, in_flight),
    }
}

/// The name of our backup of a round.
pub fn name(key: u32, round: u32) -> String {
    format!("bench-{key}-{round}")
}

/// Where our archive of a round lies in the folder.
pub fn archive(ground: &Ground, name: &str) -> PathBuf {
    ground.path("folder").join("backups").join(name).join(format!("{name}.tar.gz"))
}

/// Files that say what a floor does: with and without upload.
struct Jobs {
    read: PathBuf,
    upload: PathBuf,
}

/// Fresh tokens at a fresh revision, as the server does not keep old ones at the same cost.
fn jobs(ground: &Ground, recorded: &std::path::Path, key: u32) -> Result<Jobs> {
    let recorded = recorded.to_str().context("a temporary folder whose name is no text")?;
    let mut job: Value = parse(&ground.client("plan", &["--recorded", recorded])?)?;
    let read = ground.write("read.json", &job.to_string())?;
    let path = format!("/{OURS}/floor");
    // Before the first backup there is none to be as large as.
    let bytes = size(&archive(ground, &name(key, 0))).unwrap_or(1);
    job["upload"] = json!({
        "address": ground.s3.endpoint().trim_start_matches("http://"),
        "path": path,
        "headers": ground.s3.sign("PUT", &path),
        "bytes": bytes,
    });
    let upload = ground.write("upload.json", &job.to_string())?;
    Ok(Jobs { read, upload })
}
