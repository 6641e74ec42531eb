//! Our restore into empty namespaces against `velero restore create --wait`, of the same objects from the same S3 server:
//! once with Velero's defaults, once with its limits on requests lifted, and once more beside controllers.

use std::time::Instant;

use ::testbed::{Family, Velero, available};
use anyhow::{Result, bail};

use super::{Bench, SOURCE, namespaces};
use crate::bench::ground::{Ground, OURS, THEIRS, finished};
use crate::bench::measure::{Sample, Series};
use crate::bench::rows::{Must, Row, Unit};
use crate::cargo::say;

/// Requests a second, and at once, of a Velero whose limits are lifted.
const LIFTED: u32 = 5_000;

/// How Velero is run, and by how much ours is to be faster.
#[derive(Clone, Copy)]
enum Limits {
    Default,
    Lifted,
}

impl Limits {
    fn text(self) -> &'static str {
        match self {
            Limits::Default => "its defaults",
            Limits::Lifted => "its limits lifted",
        }
    }

    fn times(self) -> f64 {
        match self {
            Limits::Default => 40.0,
            Limits::Lifted => 25.0,
        }
    }
}

/// Measures without controllers and with them, each in a cluster of its own.
pub fn measure(size: u32, series: &mut Vec<Series>, rows: &mut Vec<Row>) -> Result<()> {
    available(&[Family::Velero])?;
    for (limits, controllers, beside) in [
        (Limits::Default, false, ""),
        (Limits::Lifted, false, ""),
        (Limits::Lifted, true, ", beside controllers"),
    ] {
        let ground = Ground::with_controllers(controllers)?;
        ground.fill(0, size)?;
        let bench = Bench { ground: &ground, size };
        prepare(&bench)?;
        bench.against(limits, beside, series, rows)?;
    }
    Ok(())
}

/// Both backups: ours, and Velero's of the same objects.
fn prepare(bench: &Bench<'_>) -> Result<()> {
    let mut ours = bench.ground.backup(SOURCE, &location(), bench.ground.site.kubeconfig());
    finished(ours.arg("--include-namespaces").arg(namespaces("bench")))?;
    let velero = Velero::start(&bench.ground.site, &bench.ground.s3, THEIRS)?;
    let phase =
        velero.backup(SOURCE, &[&format!("--include-namespaces={}", namespaces("bench")), "--ttl=24h"])?;
    match phase == "Completed" {
        true => Ok(()),
        false => bail!("Velero's backup is {phase}"),
    }
}

fn location() -> String {
    format!("s3://{OURS}")
}

impl Bench<'_> {
    /// One restore of Velero's between two of ours; its server runs for its own alone.
    fn against(
        &self,
        limits: Limits,
        beside: &str,
        series: &mut Vec<Series>,
        rows: &mut Vec<Row>,
    ) -> Result<()> {
        let objects = format!("{} objects{beside}", self.size);
        say(&format!("{objects}: a restore of Velero's with {}, which takes minutes", limits.text()));
        let key = match limits {
            Limits::Default => "default",
            Limits::Lifted => "lifted",
        };
        let mut ours =
            Series::new(format!("restore from S3, around Velero with {}, {objects}", limits.text()));
        let mut theirs = Series::new(format!("velero restore create --wait, {}, {objects}", limits.text()));
        let mut builder = Velero::builder(&self.ground.site, &self.ground.s3, THEIRS);
        if matches!(limits, Limits::Lifted) {
            builder = builder.client_qps(LIFTED).client_burst(LIFTED);
        }
        let ours_to = |name: &str| self.here(self.restore(&location(), name, &[]));
        ours.push(self.ground.measure(&ours_to(&format!("before-{key}")))?);
        let velero = builder.start()?;
        theirs.push(self.velero_restore(&velero, key)?);
        drop(velero);
        ours.push(self.ground.measure(&ours_to(&format!("after-{key}")))?);
        let row = |what: String, must, unit, of: &dyn Fn(&Series) -> Option<f64>| Row {
            what,
            against: theirs.name.clone(),
            must,
            unit,
            ours: of(&ours),
            theirs: of(&theirs),
            missing: None,
        };
        let wall = |series: &Series| series.wall().map(|wall| wall.median);
        let peak = |series: &Series| series.peak_rss().map(|peak| peak.max);
        rows.push(row(ours.name.clone(), Must::Faster(limits.times()), Unit::Seconds, &wall));
        rows.push(row(format!("its peak memory, {objects}"), Must::Less, Unit::Bytes, &peak));
        series.extend([ours, theirs]);
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "bytes of one process")]
    fn velero_restore(&self, velero: &Velero, key: &str) -> Result<Sample> {
        let (server, own) = (self.ground.site.apiserver_cpu_seconds()?, velero.cpu_seconds()?);
        let begin = Instant::now();
        let mapping = super::mapping(&format!("velero-{key}"));
        let args = ["--from-backup", SOURCE, &format!("--namespace-mappings={mapping}")];
        let phase = velero.restore(key, &args)?;
        let wall = begin.elapsed().as_secs_f64();
        if phase != "Completed" {
            bail!("Velero's restore is {phase}: {}", velero.cli(&["restore", "describe", key])?);
        }
        let server_cpu = self.ground.site.apiserver_cpu_seconds()? - server;
        let cpu = velero.cpu_seconds()? - own;
        Ok(Sample { wall, cpu, server_cpu, peak_rss: velero.peak_rss()? as f64 })
    }
}
