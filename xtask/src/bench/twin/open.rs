//! A backup of a large cluster, made once and kept by its recipe's number, opened.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::{Bench, limited, wall};
use crate::bench::ground::finished;
use crate::bench::measure::Series;
use crate::bench::rows::Unit;
use crate::cargo::say;

/// Another one for every change of what the fixture makes.
const RECIPE: u32 = 1;
const PODS: u32 = 150_000;
const FIXTURE: &str = "twin:fixture:scale?nodes=5000&pods=150000";
/// What opening it may take: seconds, and bytes.
const SECONDS: f64 = 15.0;
const MEMORY: f64 = 1.5 * 1_073_741_824.0;
/// It takes seconds.
const ROUNDS: u32 = 3;

impl Bench {
    pub(super) fn open(&mut self) -> Result<()> {
        let location = self.scale()?;
        let what = format!("open a backup of {PODS} pods");
        let (mut opened, mut memory) = (Series::new(what.clone()), 0.0_f64);
        for _ in 0..self.rounds.min(ROUNDS) {
            let (twin, seconds) = self.serve(&format!("backup:scale@{}", location.display()))?;
            memory = memory.max(twin.peak_rss()?);
            opened.push(wall(seconds));
            twin.end(&mut self.nest)?;
        }
        let median = opened.wall().map_or(f64::NAN, |wall| wall.median);
        self.row(limited(what.clone(), Unit::Seconds, SECONDS, median));
        self.row(limited(format!("{what}: peak memory of the server"), Unit::Bytes, MEMORY, memory));
        self.series.push(opened);
        Ok(())
    }

    /// Where the backup is, made now if it is not there.
    fn scale(&self) -> Result<PathBuf> {
        let folder = ::testbed::build::cache().with_file_name("bench");
        let path = folder.join(format!("twin-{RECIPE}"));
        if path.exists() {
            return Ok(path);
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        say(&format!("backing up {PODS} pods, once: {}", path.display()));
        let part = folder.join(format!("twin-{RECIPE}.{}", std::process::id()));
        let mut backup = self.daytwo(&["backup", "create", "scale", "--from", FIXTURE, "--location"]);
        finished(backup.arg(&part))?;
        fs::rename(&part, &path).with_context(|| format!("cannot rename {}", part.display()))?;
        Ok(path)
    }
}
