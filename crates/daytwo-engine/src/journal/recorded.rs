//! What the records of a journal say together. It refuses what no runner writes: two plans, or a number twice.

use std::collections::BTreeMap;

use daytwo_core::plan::{Kind, Place, Plan, Step};
use daytwo_core::restore::{Fates, Report, Request, State, Tally, Wave, WaveReport};
use jiff::Timestamp;

use super::process::Process;
use super::record::{Entry, Record};

/// A run as its journal tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// What is to be done.
    pub plan: Plan,
    /// When the run began, by its first runner's clock.
    pub began: Timestamp,
    /// Who holds it, or held it last.
    pub holder: String,
    /// Since when that one does.
    pub since: Timestamp,
    /// When the last record was written.
    pub last: Timestamp,
    /// The last step that was carried out.
    pub done: Option<Place>,
    /// The step under way, and how much of what it reads is dealt with.
    pub under_way: Option<(Place, u64)>,
    /// What came of it so far.
    pub tally: Tally,
    /// Waves that ended.
    pub waves: Vec<WaveReport>,
    /// What became of each object of the waves.
    pub fates: BTreeMap<Wave, Fates>,
    /// That it is given up, or was.
    pub abort: Option<Abort>,
    /// Why the last holder let go, and what stands half done; `None` if it did not.
    pub stopped: Option<(String, Vec<String>)>,
    /// When it was over: every step had been carried out, or it was given up.
    pub ended: Option<Timestamp>,
    /// The process of that holder.
    pub(super) process: Option<Process>,
    /// The number of the next record; so many there are.
    pub next: u64,
}

/// A run that is given up.
#[derive(Debug, Clone, PartialEq)]
pub struct Abort {
    /// Why.
    pub because: String,
    /// Since when.
    pub since: Timestamp,
    /// The last step that had been carried out by then.
    pub done: Option<Place>,
    /// What it left as it is, once it was over.
    pub stands: Vec<String>,
}

impl Recorded {
    /// What record 0 says.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn of(first: Record) -> Result<Self, String> {
        let Record { n: 0, at, holder, process, entry: Entry::Planned { plan, known }, .. } = first else {
            return Err("a journal begins with a plan".to_owned());
        };
        Ok(Self {
            plan: *plan,
            began: at,
            holder,
            since: at,
            last: at,
            done: None,
            under_way: None,
            tally: known,
            waves: Vec::new(),
            fates: BTreeMap::new(),
            abort: None,
            stopped: None,
            ended: None,
            process,
            next: 1,
        })
    }

    /// Takes in the next record.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn apply(&mut self, record: Record) -> Result<(), String> {
        if record.n == 0 {
            return Ok(());
        }
        if record.n != self.next {
            return Err(format!("record {} was expected", self.next));
        }
        self.next += 1;
        self.last = record.at;
        self.stopped = None;
        match record.entry {
            Entry::Planned { .. } => return Err("a second plan".to_owned()),
            Entry::Taken { .. } => {
                self.holder = record.holder;
                self.process = record.process;
                self.since = record.at;
            }
            Entry::Began { step } => {
                if self.under_way.is_none_or(|(place, _)| place != step) {
                    self.under_way = Some((step, 0));
                }
            }
            Entry::Checkpoint { step, through, tally, fates } => {
                self.under_way = Some((step, through));
                self.came_of(step, tally, fates);
            }
            Entry::Ended { step, tally, wave, fates } => {
                self.done = Some(step);
                self.under_way = None;
                self.came_of(step, tally, fates);
                self.waves.extend(wave);
            }
            Entry::Beat => {}
            Entry::Stopped { because, stands } => self.stopped = Some((because, stands)),
            Entry::Finished => self.ended = Some(record.at),
            Entry::Aborting { because } => {
                let (since, done) = (record.at, self.done);
                self.abort = Some(Abort { because, since, done, stands: Vec::new() });
            }
            Entry::Aborted { stands, .. } => {
                let abort = self.abort.as_mut().ok_or("it was given up before that began")?;
                abort.stands = stands;
                self.ended = Some(record.at);
            }
        }
        Ok(())
    }

    fn came_of(&mut self, step: Place, tally: Tally, fates: Fates) {
        self.tally.absorb(tally);
        if let Some(Step::CreateObjects { wave, .. }) = self.plan.step(step) {
            self.fates.entry(*wave).or_default().absorb(fates);
        }
    }

    /// The step to carry out next; `None` once all are done. Of a run that is given up only release steps are.
    pub fn next_step(&self) -> Option<Place> {
        let mut left = self.plan.steps().filter(|(place, _)| self.done.is_none_or(|done| *place > done));
        left.find(|(_, step)| self.abort.is_none() || step.is_release()).map(|(place, _)| place)
    }

    /// Whether the step at `place` was carried out to its end.
    pub fn is_done(&self, place: Place) -> bool {
        let through = |done: Option<Place>| done.is_some_and(|done| place <= done);
        match &self.abort {
            None => through(self.done),
            Some(abort) => {
                let release = self.plan.step(place).is_some_and(Step::is_release);
                through(abort.done) || release && through(self.done)
            }
        }
    }

    /// Where the run stands, in a report's words.
    pub fn state(&self) -> State {
        match (&self.abort, &self.stopped, self.ended) {
            (Some(Abort { because, stands, .. }), _, Some(_)) => {
                State::Aborted { because: because.clone(), stands: stands.clone() }
            }
            (None, _, Some(_)) => State::Finished,
            (Some(Abort { because, .. }), stopped, None) => State::Stopped {
                because: format!("it is being given up: {because}"),
                stands: stopped.as_ref().map(|(_, stands)| stands.clone()).unwrap_or_default(),
            },
            (_, Some((because, stands)), None) => {
                State::Stopped { because: because.clone(), stands: stands.clone() }
            }
            (_, None, None) => State::Stopped {
                because: format!(
                    "{} holds it since {}, or was killed; its last record is of {}",
                    self.holder, self.since, self.last
                ),
                stands: Vec::new(),
            },
        }
    }

    /// What was asked for, if it is a restore.
    pub fn restore(&self) -> Option<&Request> {
        match &self.plan.kind {
            Kind::Restore(request) => Some(request),
            Kind::Defrag(_) | Kind::Disarm(_) => None,
        }
    }

    /// What came of a restore so far. `same_cluster` as in [`Report::same_cluster`]. Of another run, whose tally is
    /// empty, the report is too.
    pub fn report(&self, same_cluster: Option<bool>) -> Report {
        Report::new(
            self.plan.id.clone(),
            self.restore().cloned().unwrap_or_default(),
            self.plan.site.clone(),
            same_cluster,
            self.state(),
            (self.began, self.last),
            self.tally.clone(),
            self.waves.clone(),
        )
    }

    /// How much of what `step` reads was dealt with before.
    pub fn through(&self, step: Place) -> u64 {
        match self.under_way {
            Some((place, through)) if place == step => through,
            _ => 0,
        }
    }
}
