//! A backup of a real server's objects, opened, and listed beside the real server: the same bytes on both sides.

use std::path::Path;

use ::testbed::ControlPlane;
use anyhow::{Result, bail};
use serde::Deserialize;

use super::{Bench, limited, timed, wall};
use crate::bench::ground::finished;
use crate::bench::measure::Series;
use crate::bench::rows::{Must, Unit};
use crate::cargo::say;

const COUNT: u32 = 30_000;
const NAMESPACE: &str = "listed";
const PATH: &str = "/api/v1/namespaces/listed/configmaps";
const FASTER: f64 = 3.0;
/// What opening a backup of them may take, in seconds.
const OPEN: f64 = 1.5;

#[derive(Deserialize)]
struct Listed {
    wall: f64,
    bytes: u64,
}

impl Bench {
    pub(super) fn list(&mut self, real: &ControlPlane) -> Result<()> {
        say(&format!("filling the real server with {COUNT} ConfigMaps, and backing them up"));
        let count = COUNT.to_string();
        let args = ["--namespace", NAMESPACE, "--count", &count];
        self.ask::<serde::de::IgnoredAny>("create", real.kubeconfig(), &args)?;
        let location = self.path("backups");
        let mut backup =
            self.daytwo(&["backup", "create", "listed", "--include-namespaces", NAMESPACE, "--location"]);
        finished(backup.arg(&location).arg("--kubeconfig").arg(real.kubeconfig()))?;

        let from = format!("backup:listed@{}", location.display());
        let mut opened = Series::new(format!("open a backup of {COUNT} objects"));
        for _ in 0..self.rounds {
            let (twin, seconds) = self.serve(&from)?;
            opened.push(wall(seconds));
            twin.end(&mut self.nest)?;
        }
        let median = opened.wall().map_or(f64::NAN, |wall| wall.median);
        self.row(limited(opened.name.clone(), Unit::Seconds, OPEN, median));

        say(&format!("{} rounds of listing them", self.rounds));
        let (twin, _) = self.serve(&from)?;
        let mut ours = Series::new(format!("list {COUNT} ConfigMaps"));
        let mut theirs = Series::new("the same, kube-apiserver");
        // The first of each is not counted: caches are filled.
        let warm = [self.listed(&twin.kubeconfig)?, self.listed(real.kubeconfig())?];
        if warm[0].bytes.abs_diff(warm[1].bytes) * 100 > warm[1].bytes {
            bail!("a list of the twin has {} bytes, one of the real server {}", warm[0].bytes, warm[1].bytes);
        }
        for _ in 0..self.rounds {
            ours.push(wall(self.listed(&twin.kubeconfig)?.wall));
            theirs.push(wall(self.listed(real.kubeconfig())?.wall));
        }
        twin.end(&mut self.nest)?;
        self.row(timed(&ours, &theirs, Must::Faster(FASTER)));
        self.series.extend([opened, ours, theirs]);
        Ok(())
    }

    fn listed(&self, kubeconfig: &Path) -> Result<Listed> {
        self.ask("list", kubeconfig, &["--path", PATH])
    }
}
