//! `daytwo location check`: proves that a location does what backups need.

use daytwo_archive::location::{CheckResult, Outcome};
use serde::Serialize;

use crate::cli::location::Check;
use crate::cli::shared::At;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::table::{Cell, Table, Tone};
use crate::place;
use crate::settings::Session;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LocationCheck {
    location: String,
    usable: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    step: &'static str,
    outcome: &'static str,
    detail: String,
}

impl From<CheckResult> for Step {
    fn from(result: CheckResult) -> Self {
        let outcome = match result.outcome {
            Outcome::Good => "Good",
            Outcome::Warning => "Warning",
            Outcome::Bad => "Bad",
            Outcome::Skipped => "Skipped",
        };
        Self { step: result.step, outcome, detail: result.detail }
    }
}

impl Document for LocationCheck {
    fn kind(&self) -> Option<&'static str> {
        Some("LocationCheck")
    }

    fn text(&self, paint: Paint, _: bool) -> String {
        let mut table = Table::new(["STEP", "OUTCOME", "DETAIL"]);
        for step in &self.steps {
            let tone = match step.outcome {
                "Good" => Tone::Good,
                "Bad" => Tone::Bad,
                _ => Tone::Odd,
            };
            table.row([step.step.into(), Cell::new(step.outcome, tone), step.detail.clone().into()]);
        }
        table.render(paint)
    }

    fn names(&self) -> Vec<String> {
        vec![self.location.clone()]
    }
}

/// Runs the steps and prints them; exit 1 where one is bad.
///
/// # Errors
/// Those of opening the location.
pub async fn run(session: &Session, verb: Check) -> Result {
    let at = At { location: verb.name.or(verb.at.location), store: verb.at.store };
    let location = place::open(session, &at).await?;
    let Some(results) = session.interrupt.or(location.check(&session.run)).await else {
        return Err(Failure::new(
            Exit::Failed,
            format!("stopped; objects may be left under metadata/daytwo/check-{}", session.run),
        ));
    };
    let bad = results.iter().any(|result| result.outcome == Outcome::Bad);
    let steps = results.into_iter().map(Step::from).collect();
    session.out.document(&LocationCheck { location: location.url().to_owned(), usable: !bad, steps })?;
    Ok(if bad { Exit::Findings } else { Exit::Done })
}
