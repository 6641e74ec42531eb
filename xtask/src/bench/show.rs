//! What a benchmark ends with: two tables, a file, and an error where a row is not met.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::machine;
use super::measure::Series;
use super::rows::{self, Row};
use crate::cargo::print;

/// Prints everything measured and judged, writes it to `file`, and fails where a row is not met.
pub fn show(file: Option<&Path>, series: &[Series], rows: &[Row]) -> Result<()> {
    let machine = machine::describe();
    print(&format!("{}\n", machine::line(&machine)))?;
    print(&format!("Minimum / median / maximum:\n\n{}\n", rows::measured(series)))?;
    print(&format!("Medians:\n\n{}", rows::judged(rows)))?;
    if let Some(file) = file {
        let all = json!({
            "apiVersion": "daytwo.dev/v1alpha1",
            "kind": "Benchmark",
            "machine": machine,
            "series": series.iter().map(Series::json).collect::<Vec<_>>(),
            "rows": rows.iter().map(Row::json).collect::<Vec<_>>(),
        });
        std::fs::write(file, format!("{all:#}\n"))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    let unmet = rows.iter().filter(|row| !row.met()).count();
    if unmet > 0 {
        bail!("{unmet} of {} rows are not met", rows.len());
    }
    Ok(())
}
