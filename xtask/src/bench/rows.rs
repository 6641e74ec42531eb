//! The rows a benchmark is judged by, and how they are shown: as a table for people, as JSON for machines.

use serde_json::{Value, json};

use super::measure::{Series, Spread};

const MIB: f64 = 1_048_576.0;

/// What must hold between ours and theirs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Must {
    /// Ours is at most so many times theirs.
    AtMostTimes(f64),
    /// Theirs takes at least so many times as long.
    Faster(f64),
    /// Ours is less.
    Less,
    /// Ours is at most this, in the row's unit.
    AtMost(f64),
}

/// What a row's numbers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Bytes,
    Requests,
    Ratio,
}

/// One thing that must hold.
#[derive(Debug, Clone)]
pub struct Row {
    pub what: String,
    pub against: String,
    pub must: Must,
    pub unit: Unit,
    pub ours: Option<f64>,
    /// Not there where ours is held against a limit.
    pub theirs: Option<f64>,
    /// Why a number is missing.
    pub missing: Option<String>,
}

impl Row {
    /// Theirs over ours where faster is asked for, ours over theirs otherwise.
    pub fn ratio(&self) -> Option<f64> {
        let (ours, theirs) = (self.ours?, self.theirs?);
        match self.must {
            Must::Faster(_) => Some(theirs / ours),
            _ => Some(ours / theirs),
        }
    }

    /// A row with a number missing is not met.
    pub fn met(&self) -> bool {
        match self.must {
            Must::AtMost(limit) => self.ours.is_some_and(|ours| ours <= limit),
            Must::AtMostTimes(times) => self.ratio().is_some_and(|ratio| ratio <= times),
            Must::Faster(times) => self.ratio().is_some_and(|ratio| ratio >= times),
            Must::Less => self.ratio().is_some_and(|ratio| ratio < 1.0),
        }
    }

    fn must(&self) -> String {
        match self.must {
            Must::AtMostTimes(times) => format!("≤ {times:.2} ×"),
            Must::Faster(times) => format!("≥ {times:.1} × faster"),
            Must::Less => "less".to_owned(),
            Must::AtMost(limit) => format!("≤ {}", self.unit.show(limit)),
        }
    }

    pub fn json(&self) -> Value {
        json!({
            "what": self.what,
            "against": self.against,
            "must": self.must(),
            "unit": match self.unit {
                Unit::Seconds => "seconds",
                Unit::Bytes => "bytes",
                Unit::Requests => "requests",
                Unit::Ratio => "ratio",
            },
            "ours": self.ours,
            "theirs": self.theirs,
            "ratio": self.ratio(),
            "met": self.met(),
            "missing": self.missing,
        })
    }

    fn cells(&self) -> Vec<String> {
        let show = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| self.unit.show(value));
        let verdict = match (&self.missing, self.met()) {
            (Some(why), _) => format!("no: {why}"),
            (None, true) => "yes".to_owned(),
            (None, false) => "no".to_owned(),
        };
        let ratio = match (self.ratio(), self.must) {
            (None, _) => "-".to_owned(),
            (Some(ratio), Must::Faster(_)) => format!("{ratio:.1} × faster"),
            (Some(ratio), _) => format!("{ratio:.3} ×"),
        };
        vec![
            self.what.clone(),
            self.against.clone(),
            self.must(),
            show(self.ours),
            show(self.theirs),
            ratio,
            verdict,
        ]
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Unit::Seconds => format!("{value:.3} s"),
            Unit::Bytes => format!("{:.2} MiB", value / MIB),
            Unit::Requests => format!("{value:.0}"),
            Unit::Ratio => format!("{value:.2}"),
        }
    }
}

/// Every row in a table.
pub fn judged(rows: &[Row]) -> String {
    let header = ["what", "against", "must be", "ours", "theirs", "ratio", "met"];
    table(&header, &rows.iter().map(Row::cells).collect::<Vec<_>>())
}

/// Every series in a table: minimum, median and maximum.
pub fn measured(all: &[Series]) -> String {
    let header = ["what", "rounds", "wall, s", "CPU, s", "API server CPU, s", "peak RSS, MiB"];
    let show = |spread: Option<Spread>, of: f64, digits: usize| match spread {
        None => "-".to_owned(),
        Some(Spread { min, median, max }) => {
            format!("{:.digits$} / {:.digits$} / {:.digits$}", min / of, median / of, max / of)
        }
    };
    let cells = |series: &Series| {
        vec![
            series.name.clone(),
            series.rounds().to_string(),
            show(series.wall(), 1.0, 3),
            show(series.cpu(), 1.0, 2),
            show(series.server_cpu(), 1.0, 2),
            show(series.peak_rss(), MIB, 1),
        ]
    };
    table(&header, &all.iter().map(cells).collect::<Vec<_>>())
}

/// A table in Markdown, its columns aligned.
fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&header).chain(rows).collect();
    let width = |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |row: &[String]| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        format!("| {} |", cells.join(" | "))
    };
    let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
    let lines = [line(&header), line(&rule)].into_iter().chain(rows.iter().map(|row| line(row)));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(must: Must, ours: Option<f64>, theirs: Option<f64>) -> Row {
        let (what, against) = ("a".to_owned(), "b".to_owned());
        Row { what, against, must, unit: Unit::Seconds, ours, theirs, missing: None }
    }

    #[test]
    fn what_was_not_measured_is_not_met() {
        assert!(!row(Must::Less, Some(1.0), None).met());
        assert!(!row(Must::AtMost(2.0), None, None).met());
    }

    #[test]
    fn faster_is_counted_the_other_way_round() {
        assert!(row(Must::Faster(4.0), Some(1.0), Some(4.0)).met());
        assert!(!row(Must::Faster(4.0), Some(4.0), Some(1.0)).met());
        assert!(row(Must::AtMostTimes(1.15), Some(1.1), Some(1.0)).met());
        assert!(!row(Must::Less, Some(1.0), Some(1.0)).met());
    }
}
