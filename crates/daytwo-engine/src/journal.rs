//! The journal of a run: what was decided, what was done, and who may go on.
//!
//! Record *n* of a run is the object `metadata/daytwo/runs/<run>/<n>.json` at a location, created only if it is not
//! there. So the journal is also the lock: of two runners one loses the race for the next number, learns who won, and
//! stops. It lives outside the cluster it is about, because a restore rewinds the cluster.
//!
//! A holder writes at least every [`Timing::beat`], and starts no act later than [`Timing::lease`] after its last
//! record. Whoever takes over waits until the journal has not moved for [`Timing::dead_after`], by its own monotonic
//! clock; no two clocks are compared. A holder that was a process of the same machine need not be waited for once the
//! kernel says that it is gone. Bulk work never waits for a record: checkpoints are written beside it.
//!
//! Beside the records, under a name that is no number, lies the report of a run that ended.
//!
//! It refuses to hold what must not leave a cluster: records name objects and give reasons, never a Secret's value or
//! a digest of one.

mod error;
mod lease;
mod process;
mod record;
mod recorded;

use std::time::Duration;

use bytes::Bytes;
use daytwo_archive::Location;
use daytwo_archive::layout::RUNS;
use daytwo_archive::location::Error as StoreError;
use daytwo_core::plan::Plan;
use daytwo_core::restore::Tally;
use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

pub use error::JournalError;
pub use lease::Lease;
pub use record::{Entry, Record};
pub use recorded::{Abort, Recorded};

use crate::event::{Clock, Event, Observer};
use process::Process;

/// The largest record that is read, in bytes.
const MAX_RECORD: u64 = 64 << 20;
/// The pause before a record that the store did not take is written again; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Records read at the same time.
const READERS: usize = 16;

/// The times that make a journal a lock. They must keep their order: beat < lease < dead after.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// How often a bulk step writes a checkpoint. Default 5 s.
    pub checkpoint: Duration,
    /// How long a holder stays silent at most. Default 10 s.
    pub beat: Duration,
    /// How long after its last record a holder still starts acts. Default 15 s.
    pub lease: Duration,
    /// How long a journal must not have moved before another runner takes over. Default 30 s.
    pub dead_after: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            checkpoint: Duration::from_secs(5),
            beat: Duration::from_secs(10),
            lease: Duration::from_secs(15),
            dead_after: Duration::from_secs(30),
        }
    }
}

/// An open journal, which this runner holds.
#[derive(Debug)]
pub struct Journal {
    location: Location,
    run: String,
    holder: String,
    timing: Timing,
    next: u64,
    lease: Lease,
    recorded: Recorded,
}

/// The key of record `n` of `run`.
pub fn key(run: &str, n: u64) -> String {
    format!("{}{n}.json", folder(run))
}

/// The folder of `run`: its records by number, and what is kept of it once it ended, under names that are none.
pub fn folder(run: &str) -> String {
    format!("{RUNS}/{run}/")
}

impl Journal {
    /// Begins the journal of `plan`, held by `holder`: a text that no other runner uses, for people to read. `known`
    /// is what the planning found out about objects that no step will touch.
    ///
    /// # Errors
    /// [`JournalError::Exists`] or [`JournalError::Held`] if the run has a journal, [`JournalError::Begin`] if it
    /// cannot be written.
    pub async fn begin(
        location: &Location,
        plan: Plan,
        known: Tally,
        holder: &str,
        timing: Timing,
        at: Timestamp,
    ) -> Result<Self, JournalError> {
        let run = plan.id.clone();
        if !is_name(&run) {
            return Err(JournalError::Invalid(run));
        }
        let mut first = Record::new(&run, 0, at, holder, Entry::Planned { plan: Box::new(plan), known });
        first.process = Process::own();
        let recorded = Recorded::of(first.clone()).map_err(|what| corrupt(&run, 0, what))?;
        let mut journal = Self {
            location: location.clone(),
            run,
            holder: holder.to_owned(),
            timing,
            next: 0,
            lease: Lease::new(timing.lease),
            recorded,
        };
        match journal.write(&first).await {
            Ok(()) => Ok(journal),
            Err(JournalError::Held { run, .. }) => {
                let there = Self::read(location, &run).await?;
                Err(match there.ended {
                    Some(_) => JournalError::Exists { run, holder: there.holder, since: there.began },
                    None => held(&run, &there),
                })
            }
            Err(JournalError::Store { run, source }) => Err(JournalError::Begin { run, source }),
            Err(error) => Err(error),
        }
    }

    /// What the journal of `run` says, without taking hold of it.
    ///
    /// # Errors
    /// [`JournalError::NotFound`], [`JournalError::Corrupt`], [`JournalError::Store`].
    pub async fn read(location: &Location, run: &str) -> Result<Recorded, JournalError> {
        if !is_name(run) {
            return Err(JournalError::Invalid(run.to_owned()));
        }
        let numbers = numbers(location, run).await?;
        let records: Vec<Record> =
            stream::iter(numbers).map(|n| fetch(location, run, n)).buffered(READERS).try_collect().await?;
        let mut records = records.into_iter();
        let first = records.next().ok_or_else(|| JournalError::NotFound {
            run: run.to_owned(),
            location: location.url().to_owned(),
        })?;
        let mut recorded = Recorded::of(first).map_err(|what| corrupt(run, 0, what))?;
        for record in records {
            let n = record.n;
            recorded.apply(record).map_err(|what| corrupt(run, n, what))?;
        }
        Ok(recorded)
    }

    /// Takes hold of a run that stopped or whose holder died, to go on with it.
    ///
    /// A run whose holder did not let go is watched until its journal has not moved for [`Timing::dead_after`]; not so
    /// where the holder was a process of this machine that is gone.
    ///
    /// # Errors
    /// [`JournalError::Held`] if the journal moves meanwhile, [`JournalError::Ended`] if every step was carried out.
    pub async fn take(
        location: &Location,
        run: &str,
        holder: &str,
        timing: Timing,
        clock: &dyn Clock,
        events: &dyn Observer,
    ) -> Result<Self, JournalError> {
        let recorded = Self::read(location, run).await?;
        if let Some(at) = recorded.ended {
            return Err(JournalError::Ended { run: run.to_owned(), at });
        }
        let gone = recorded.process.as_ref().zip(Process::own()).is_some_and(|(it, own)| it.is_gone(&own));
        if recorded.stopped.is_some() {
            // It let go.
        } else if gone {
            events.event(Event::Note(format!("{} is gone and did not let go of run {run}", recorded.holder)));
        } else {
            events.event(Event::Waiting {
                what: format!("run {run} to stand still for {} s", timing.dead_after.as_secs()),
                because: format!(
                    "{} holds it and did not let go (last heard of at {})",
                    recorded.holder, recorded.last
                ),
            });
            watch(location, run, &recorded, timing).await?;
        }
        Self::seize(location, recorded, holder, timing, clock.now()).await
    }

    /// Writes that `holder` goes on from where `recorded` ends; of several that try, one succeeds.
    async fn seize(
        location: &Location,
        recorded: Recorded,
        holder: &str,
        timing: Timing,
        at: Timestamp,
    ) -> Result<Self, JournalError> {
        let from = recorded.holder.clone();
        let mut journal = Self {
            location: location.clone(),
            run: recorded.plan.id.clone(),
            holder: holder.to_owned(),
            timing,
            next: recorded.next,
            lease: Lease::new(timing.lease),
            recorded,
        };
        journal.append(Entry::Taken { from }, at).await?;
        Ok(journal)
    }

    /// The run.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// What the journal says so far.
    pub fn recorded(&self) -> &Recorded {
        &self.recorded
    }

    /// The times it keeps.
    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// The right to act, which each record renews.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Writes the next record.
    ///
    /// # Errors
    /// [`JournalError::Held`] if another runner took over; this one must not act any more. [`JournalError::Store`] if
    /// the store does not take it.
    pub async fn append(&mut self, entry: Entry, at: Timestamp) -> Result<(), JournalError> {
        let taken = matches!(entry, Entry::Taken { .. });
        let mut record = Record::new(&self.run, self.next, at, &self.holder, entry);
        record.process = taken.then(Process::own).flatten();
        self.write(&record).await?;
        let n = record.n;
        self.recorded.apply(record).map_err(|what| corrupt(&self.run, n, what))
    }

    async fn write(&mut self, record: &Record) -> Result<(), JournalError> {
        let key = key(&self.run, record.n);
        let body =
            serde_json::to_vec(record).expect("invariant: a record has string keys and finite numbers");
        // The right to act counts from before the write: when the store took it is not known.
        let since = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match self.location.create(&key, Bytes::from(body.clone())).await {
                Ok(()) => break,
                Err(StoreError::Exists { .. }) => {
                    // Ours, if an earlier try of this write arrived and its answer did not.
                    let there = fetch(&self.location, &self.run, record.n).await?;
                    if there == *record {
                        break;
                    }
                    let recorded = Self::read(&self.location, &self.run).await?;
                    return Err(held(&self.run, &recorded));
                }
                // As long as acts may start; what somebody has to mend does not go away by itself.
                Err(StoreError::Unavailable(failure))
                    if failure.remedy.is_none() && since.elapsed() + pause < self.timing.lease =>
                {
                    tracing::debug!(%failure, "writing a record again");
                    sleep(pause).await;
                    pause *= 2;
                }
                Err(source) => return Err(JournalError::Store { run: self.run.clone(), source }),
            }
        }
        self.next = record.n + 1;
        self.lease.renew(since);
        Ok(())
    }
}

/// Returns once the journal has not moved for long enough.
async fn watch(location: &Location, run: &str, seen: &Recorded, timing: Timing) -> Result<(), JournalError> {
    let since = Instant::now();
    while since.elapsed() < timing.dead_after {
        // The wait itself is what is asked for: that nothing happens in it.
        sleep(timing.dead_after.saturating_sub(since.elapsed()).min(timing.beat / 4)).await;
        let moved = location.exists(&key(run, seen.next)).await;
        if moved.map_err(|source| JournalError::Store { run: run.to_owned(), source })? {
            return Err(held(run, &Journal::read(location, run).await?));
        }
    }
    Ok(())
}

/// The numbers of the records, from 0 without a gap.
async fn numbers(location: &Location, run: &str) -> Result<Vec<u64>, JournalError> {
    let folder = folder(run);
    let store = |source| JournalError::Store { run: run.to_owned(), source };
    let mut listed = location.list(folder.trim_end_matches('/')).await.map_err(store)?;
    let mut numbers = Vec::new();
    while let Some(info) = listed.try_next().await.map_err(store)? {
        let name = info.key.strip_prefix(&folder).and_then(|name| name.strip_suffix(".json"));
        numbers.extend(name.and_then(|n| n.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    match numbers.iter().zip(0..).find(|(n, expected)| **n != *expected) {
        Some((_, expected)) => {
            Err(corrupt(run, expected, "it is missing, and later ones are there".to_owned()))
        }
        None => Ok(numbers),
    }
}

async fn fetch(location: &Location, run: &str, n: u64) -> Result<Record, JournalError> {
    let body = location
        .get_at_most(&key(run, n), MAX_RECORD)
        .await
        .map_err(|source| JournalError::Store { run: run.to_owned(), source })?;
    serde_json::from_slice(&body).map_err(|error| corrupt(run, n, error.to_string()))
}

fn held(run: &str, recorded: &Recorded) -> JournalError {
    JournalError::Held {
        run: run.to_owned(),
        holder: recorded.holder.clone(),
        since: recorded.since,
        last: recorded.last,
    }
}

fn corrupt(run: &str, n: u64, what: String) -> JournalError {
    JournalError::Corrupt { key: key(run, n), what }
}

/// RFC 1123 subdomain, of which every part can stand in a key.
fn is_name(run: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    run.len() <= 253
        && run.split('.').all(|part| {
            let bytes = part.as_bytes();
            bytes.first().copied().is_some_and(inner)
                && bytes.last().copied().is_some_and(inner)
                && bytes.iter().all(|byte| inner(*byte) || *byte == b'-')
        })
}

#[cfg(test)]
mod tests;
