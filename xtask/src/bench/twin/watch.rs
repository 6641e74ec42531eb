//! Watchers by the thousand beside writers: none misses an event, one that does not read is cut off, and memory stays.

use anyhow::Result;
use serde::Deserialize;

use super::{Bench, limited, wall};
use crate::bench::measure::Series;
use crate::bench::rows::{Must, Row, Unit};
use crate::cargo::say;

const WATCHERS: u32 = 1_000;
const WRITES: u32 = 10_000;
const MEMORY: f64 = 600.0 * 1_048_576.0;

#[derive(Deserialize)]
struct Watched {
    wall: f64,
    exact: u32,
    others: Vec<String>,
    slow: Option<u32>,
}

impl Bench {
    pub(super) fn watch(&mut self) -> Result<()> {
        say(&format!("{WATCHERS} watchers, {WRITES} writes"));
        let (twin, _) = self.serve("fixture:empty")?;
        let (watchers, writes) = (WATCHERS.to_string(), WRITES.to_string());
        let args =
            ["--watchers", &watchers, "--namespace", "watched", "--count", &writes, "--connections", "8"];
        let seen: Watched = self.ask("watch", &twin.kubeconfig, &args)?;
        let memory = twin.peak_rss()?;
        twin.end(&mut self.nest)?;
        let what = format!("{WATCHERS} watchers, {WRITES} writes");
        let missed = f64::from(WATCHERS - seen.exact);
        let missing = (!seen.others.is_empty()).then(|| seen.others.join("; "));
        self.row(Row {
            missing,
            ..limited(
                format!("{what}: watchers that did not see each event once and in order"),
                Unit::Requests,
                0.0,
                missed,
            )
        });
        self.row(Row {
            what: "a watcher that reads nothing: events it got before it was cut off".to_owned(),
            against: "all of them".to_owned(),
            must: Must::Less,
            unit: Unit::Requests,
            ours: seen.slow.map(f64::from),
            theirs: Some(f64::from(WRITES)),
            missing: seen.slow.is_none().then(|| "it was not cut off".to_owned()),
        });
        self.row(limited(format!("{what}: peak memory of the server"), Unit::Bytes, MEMORY, memory));
        let mut series = Series::new(what);
        series.push(wall(seen.wall));
        self.series.push(series);
        Ok(())
    }
}
