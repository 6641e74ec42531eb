//! `daytwo runs show`: a run step by step, as its journal tells it.

use daytwo_core::plan::SiteIdentity;
use daytwo_core::restore::{Request, State, Tally, WaveReport};
use daytwo_engine::journal::Recorded;
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::runs::Show;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::table::{Cell, Table, Tone};
use crate::output::words;
use crate::settings::Session;

use super::super::etcd::order;
use super::super::restore::plan::step_text;
use super::find;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    run: String,
    /// What the run is: `restore`, `defrag` or `disarm`.
    does: &'static str,
    /// Of a restore.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Request>,
    site: SiteIdentity,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stands: Vec<String>,
    began: Timestamp,
    last: Timestamp,
    records: u64,
    holder: String,
    since: Timestamp,
    steps: Vec<Step>,
    waves: Vec<WaveReport>,
    tally: Tally,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    place: String,
    phase: String,
    what: String,
    /// `done`, `underWay`, `left`, or `passedOver` of a run that was given up.
    state: &'static str,
    /// Whether a run that is given up carries it out.
    releases: bool,
    /// Of a step under way: so many objects of the backup, from the first one on, are dealt with.
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<u64>,
}

impl Document for Run {
    fn kind(&self) -> Option<&'static str> {
        Some("Run")
    }

    fn text(&self, paint: Paint, _: bool) -> String {
        let mut text = format!(
            "{}: {} {} ({}): {}\n",
            self.run,
            self.does,
            match &self.request {
                Some(request) => format!("{} into {}", request.backup, self.site.context),
                None => format!("of {}", self.site.context),
            },
            self.site.server,
            self.state
        );
        if let Some(because) = &self.because {
            text.push_str(&format!("  because: {because}\n"));
        }
        text.push_str(&format!("  held by {} since {}\n", self.holder, words::time(self.since)));
        text.push_str(&format!(
            "  begun {}; {} records, the last one {} ago\n",
            words::time(self.began),
            self.records,
            words::age(self.last, self.now)
        ));
        self.stands.iter().for_each(|what| text.push_str(&format!("  stands: {what}\n")));
        let mut table = Table::new(["PLACE", "PHASE", "STEP", "STATE"]);
        for step in &self.steps {
            let (word, tone) = match (step.state, step.through) {
                ("done", _) => ("done".to_owned(), Tone::Good),
                ("underWay", Some(through)) => {
                    (format!("under way, through object {through} of the backup"), Tone::Odd)
                }
                ("underWay", None) => ("under way".to_owned(), Tone::Odd),
                ("passedOver", _) => ("passed over".to_owned(), Tone::Odd),
                (state, _) => (state.to_owned(), Tone::Plain),
            };
            let place = step.place.clone();
            table.row([
                place.into(),
                step.phase.clone().into(),
                step.what.clone().into(),
                Cell::new(word, tone),
            ]);
        }
        text.push_str(&table.render(paint));
        let counts = self.tally.counts();
        text.push_str(&format!(
            "so far: {} created, {} updated, {} replaced, {} deleted, {} the same, {} differ, {} passed over, {} failed\n",
            counts.created,
            counts.updated + counts.merged,
            counts.replaced,
            counts.deleted,
            counts.same,
            counts.differs,
            counts.skipped,
            counts.failed
        ));
        text
    }

    fn names(&self) -> Vec<String> {
        vec![self.run.clone()]
    }
}

/// Prints the run, with exit 0 wherever it stands.
///
/// # Errors
/// Exit 2 for an unknown run; those of reading.
pub async fn run(session: &Session, verb: Show) -> Result {
    let recorded = find::named(session, &verb.one).await?;
    session.out.document(&document(recorded, session.clock.now()))?;
    Ok(Exit::Done)
}

fn document(recorded: Recorded, now: Timestamp) -> Run {
    let steps = steps(&recorded);
    let state = find::state(&recorded);
    let (because, stands) = match recorded.state() {
        State::Stopped { because, stands } | State::Aborted { because, stands } => (Some(because), stands),
        State::Finished | State::Planned => (None, Vec::new()),
    };
    let request = recorded.restore().cloned();
    let does = order::does(&recorded.plan.kind);
    Run {
        run: recorded.plan.id,
        does,
        request,
        site: recorded.plan.site,
        state,
        because,
        stands,
        began: recorded.began,
        last: recorded.last,
        records: recorded.next,
        holder: recorded.holder,
        since: recorded.since,
        steps,
        waves: recorded.waves,
        tally: recorded.tally,
        now,
    }
}

fn steps(recorded: &Recorded) -> Vec<Step> {
    let phases = &recorded.plan.phases;
    let each = recorded.plan.steps().map(|(place, step)| {
        let under_way = recorded.under_way.filter(|(at, _)| *at == place && recorded.ended.is_none());
        let given_up = recorded.abort.is_some() && (recorded.ended.is_some() || !step.is_release());
        let state = match (recorded.is_done(place), given_up, under_way) {
            (true, ..) => "done",
            (false, true, _) => "passedOver",
            (false, false, Some(_)) => "underWay",
            (false, false, None) => "left",
        };
        Step {
            place: place.to_string(),
            phase: phases.get(place.phase).map(|phase| phase.name.clone()).unwrap_or_default(),
            what: step_text(step),
            state,
            releases: step.is_release(),
            through: under_way.map(|(_, through)| through).filter(|through| *through > 0),
        }
    });
    each.collect()
}
