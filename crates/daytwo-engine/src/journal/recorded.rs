//! What the records of a journal say together. It refuses what no runner writes: two plans, or a number twice.

use daytwo_core::plan::{Place, Plan};
use daytwo_core::restore::{Tally, WaveReport};
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
    /// Why the last holder let go, and what stands half done; `None` if it did not.
    pub stopped: Option<(String, Vec<String>)>,
    /// When every step had been carried out.
    pub ended: Option<Timestamp>,
    /// The process of that holder.
    pub(super) process: Option<Process>,
    /// The number of the next record.
    pub(super) next: u64,
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
            Entry::Checkpoint { step, through, tally } => {
                self.under_way = Some((step, through));
                self.tally.absorb(tally);
            }
            Entry::Ended { step, tally, wave } => {
                self.done = Some(step);
                self.under_way = None;
                self.tally.absorb(tally);
                self.waves.extend(wave);
            }
            Entry::Beat => {}
            Entry::Stopped { because, stands } => self.stopped = Some((because, stands)),
            Entry::Finished => self.ended = Some(record.at),
        }
        Ok(())
    }

    /// The step to carry out next; `None` once all are done.
    pub fn next_step(&self) -> Option<Place> {
        self.plan.next(self.done)
    }

    /// How much of what `step` reads was dealt with before.
    pub fn through(&self, step: Place) -> u64 {
        match self.under_way {
            Some((place, through)) if place == step => through,
            _ => 0,
        }
    }
}
