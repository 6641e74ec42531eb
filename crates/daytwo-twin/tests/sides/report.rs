//! What a run found: the disagreements, then a table of the agreement by area.

use std::fmt::Write as _;

use super::known::Known;

/// How one call went.
pub struct Outcome {
    pub id: String,
    /// Its line in the file.
    pub at: usize,
    /// As the script has it.
    pub line: String,
    /// What the real side says.
    pub real: String,
    /// Empty where both sides agree.
    pub differences: Vec<String>,
}

/// How the calls of one area went.
pub struct Area {
    pub name: String,
    pub outcomes: Vec<Outcome>,
    /// Whether all its calls are told of.
    pub whole: bool,
    /// Why it could not go on.
    pub broken: Option<String>,
}

/// At most so many differences of one call are shown.
const SHOWN: usize = 12;

/// What there is to read (with `DAYTWO_PARITY_SHOW` also what the real side answered), and what makes the test fail.
pub fn of(areas: &[Area], known: &Known) -> (String, Vec<String>) {
    let show = std::env::var_os("DAYTWO_PARITY_SHOW").is_some();
    let mut text = String::new();
    let mut wrong = Vec::new();
    for area in areas {
        for outcome in &area.outcomes {
            if show {
                let Outcome { id, at, line, real, .. } = outcome;
                let _ = writeln!(text, "\n{}:{at} {id}  {line}\n{real}", area.name);
            }
            let reason = known.reason(&area.name, &outcome.id);
            if outcome.differences.is_empty() {
                if reason.is_some() {
                    wrong.push(format!("{} {} agrees by now: take it off the list", area.name, outcome.id));
                }
                continue;
            }
            if reason.is_none() {
                wrong.push(format!("{} {} disagrees", area.name, outcome.id));
                let Outcome { id, at, line, .. } = outcome;
                let _ = writeln!(text, "\n{}:{at} {id}  {line}", area.name);
                for difference in outcome.differences.iter().take(SHOWN) {
                    let _ = writeln!(text, "  {difference}");
                }
                if outcome.differences.len() > SHOWN {
                    let _ = writeln!(text, "  … and {} more", outcome.differences.len() - SHOWN);
                }
            }
        }
        if let Some(why) = &area.broken {
            wrong.push(format!("{} goes no further: {why}", area.name));
            continue;
        }
        let calls = |id: &str| area.outcomes.iter().any(|outcome| outcome.id == id);
        for (_, id) in known.0.keys().filter(|(name, id)| area.whole && *name == area.name && !calls(id)) {
            wrong.push(format!("{} {id} is on the list, but there is no such call", area.name));
        }
    }
    text.push_str(&table(areas, known));
    (text, wrong)
}

fn table(areas: &[Area], known: &Known) -> String {
    let mut text = format!("\n{:<16}{:>7}{:>7}{:>7}{:>10}\n", "area", "calls", "agree", "known", "disagree");
    let mut sum = [0; 4];
    for area in areas {
        let disagree = |outcome: &&Outcome| !outcome.differences.is_empty();
        let calls = area.outcomes.len();
        let all = area.outcomes.iter().filter(disagree).count();
        let listed = area
            .outcomes
            .iter()
            .filter(disagree)
            .filter(|outcome| known.reason(&area.name, &outcome.id).is_some())
            .count();
        let row = [calls, calls - all, listed, all - listed];
        sum.iter_mut().zip(row).for_each(|(sum, of_area)| *sum += of_area);
        let _ = writeln!(text, "{:<16}{:>7}{:>7}{:>7}{:>10}", area.name, row[0], row[1], row[2], row[3]);
    }
    let _ = writeln!(text, "{:<16}{:>7}{:>7}{:>7}{:>10}", "all", sum[0], sum[1], sum[2], sum[3]);
    text
}
