//! Verifying a backup against `gzip -t`, which only proves that the archive decompresses.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::ground::{Ground, THEIRS};
use super::measure::Series;
use super::rows::{Must, Row, Unit};
use super::{floor, velero};

/// Verifies our backup of the last round, and Velero's of its last round if there is one.
pub fn measure(
    ground: &Ground,
    objects: &str,
    key: u32,
    rounds: u32,
    theirs: Option<u32>,
) -> Result<Measured> {
    let ours = floor::name(key, rounds);
    let file = floor::archive(ground, &ours);
    let mut measured = Measured {
        ours: pair(ground, objects, "our", &ours, &ground.path("folder"), &file, rounds)?,
        theirs: None,
    };
    if let Some(last) = theirs {
        let name = velero::name(key, last);
        let bucket = ground.s3.folder().join(THEIRS);
        let file = velero::file(&ground.s3, THEIRS, &name);
        measured.theirs = Some(pair(ground, objects, "Velero's", &name, &bucket, &file, rounds)?);
    }
    Ok(measured)
}

/// For each archive: verifying it, and `gzip -t` of it.
pub struct Measured {
    ours: [Series; 2],
    theirs: Option<[Series; 2]>,
}

impl Measured {
    pub fn all(&self) -> Vec<Series> {
        self.ours.iter().chain(self.theirs.iter().flatten()).cloned().collect()
    }

    pub fn rows(&self, objects: &str) -> Vec<Row> {
        let row = |whose: &str, times: f64, pair: Option<&[Series; 2]>| {
            let median = |index: usize| pair.and_then(|pair| pair[index].wall()).map(|wall| wall.median);
            Row {
                what: format!("verify {whose} backup, {objects}"),
                against: "gzip -t of its archive".to_owned(),
                must: Must::Faster(times),
                unit: Unit::Seconds,
                ours: median(0),
                theirs: median(1),
                missing: pair.is_none().then(|| "not measured: Velero could not be run".to_owned()),
            }
        };
        vec![row("our", 4.0, Some(&self.ours)), row("Velero's", 1.5, self.theirs.as_ref())]
    }
}

fn pair(
    ground: &Ground,
    objects: &str,
    whose: &str,
    name: &str,
    location: &Path,
    file: &Path,
    rounds: u32,
) -> Result<[Series; 2]> {
    let location = location.display().to_string();
    let verify = ground.daytwo(&["backup", "verify", name, "--location", &location]);
    let mut gzip = Command::new("gzip");
    gzip.arg("-t").arg(file);
    let mut pair = [
        Series::new(format!("verify {whose} backup, {objects}")),
        Series::new(format!("gzip -t of {whose} archive, {objects}")),
    ];
    for round in 0..=rounds {
        for (series, command) in pair.iter_mut().zip([&verify, &gzip]) {
            let sample = ground.measure(command)?;
            if round > 0 {
                series.push(sample);
            }
        }
    }
    Ok(pair)
}
