//! Defragments members and takes alarms back: observes, plans, and has the plan carried out by the one executor, in a
//! journal, so that a run that was killed is gone on with.
//!
//! It refuses to begin with what a plan does not hold, and to go on with another cluster's plan.

mod steps;

use daytwo_archive::Location;
use daytwo_core::etcd::{DefragRequest, DisarmRequest, Observation, Refused, plan_defrag, plan_disarm};
use daytwo_core::plan::{Changed, Plan};
use daytwo_core::restore::Tally;
use tokio_util::sync::CancellationToken;

use super::access::Access;
use super::error::EtcdError;
use super::observe::observe;
use crate::advance::{self, Progress, RunError};
use crate::event::{Clock, Observer};
use crate::journal::{Journal, JournalError, Recorded, Timing};

/// Why a run on an etcd cluster did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum EtcdRunError {
    /// The cluster cannot be asked.
    #[error(transparent)]
    Etcd(#[from] EtcdError),
    /// It would not be safe, or there is nothing to plan with.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The journal cannot be kept, or another runner holds the run.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A step could not be carried out; the run can be resumed.
    #[error("run {run} stopped; go on with it by its name")]
    Stopped {
        /// The run.
        run: String,
        /// Why.
        #[source]
        source: RunError,
    },
    /// What the plan relied on is no longer so.
    #[error("run {run} cannot go on: {}; plan anew, which leaves alone what is done", Changed::list(changed))]
    Stale {
        /// The run.
        run: String,
        /// What changed.
        changed: Vec<Changed>,
    },
    /// It was asked to stop before it had begun.
    #[error("given up; nothing was done")]
    Cancelled,
}

/// Runs plans on one etcd cluster.
#[derive(Clone, Copy)]
pub struct EtcdRunner<'a> {
    /// How it is reached.
    pub access: &'a Access,
    /// Where journals are kept.
    pub journals: &'a Location,
    /// The time for records.
    pub clock: &'a dyn Clock,
    /// Who is told.
    pub events: &'a dyn Observer,
    /// Ends the run cleanly when cancelled.
    pub stop: &'a CancellationToken,
    /// The times that journals keep.
    pub timing: Timing,
}

/// What came of a run.
#[derive(Debug)]
pub struct EtcdRan {
    /// As its journal tells it.
    pub recorded: Recorded,
    /// The cluster afterwards.
    pub seen: Observation,
}

impl EtcdRunner<'_> {
    /// What would be done to defragment; nothing is. `run` is the name that the run will have.
    ///
    /// # Errors
    /// [`EtcdRunError::Refused`], [`EtcdRunError::Etcd`].
    pub async fn plan_defrag(&self, request: &DefragRequest, run: &str) -> Result<Plan, EtcdRunError> {
        let seen = observe(self.access).await?;
        Ok(plan_defrag(&seen, request, run, self.clock.now())?)
    }

    /// What would be done to take alarms back; nothing is.
    ///
    /// # Errors
    /// As [`EtcdRunner::plan_defrag`].
    pub async fn plan_disarm(&self, request: &DisarmRequest, run: &str) -> Result<Plan, EtcdRunError> {
        let seen = observe(self.access).await?;
        Ok(plan_disarm(&seen, request, run, self.clock.now())?)
    }

    /// Carries `plan` out in a journal of its own. `holder` names this runner, and no other may use it.
    ///
    /// # Errors
    /// [`EtcdRunError::Stopped`] if a step could not be carried out, [`EtcdRunError::Journal`].
    pub async fn start(&self, plan: Plan, holder: &str) -> Result<EtcdRan, EtcdRunError> {
        let begun =
            Journal::begin(self.journals, plan, Tally::default(), holder, self.timing, self.clock.now());
        let mut journal = begun.await?;
        self.run(&mut journal).await
    }

    /// Goes on with `run`. What is done is not done again; what was under way is looked at again.
    ///
    /// # Errors
    /// As [`EtcdRunner::start`]; [`EtcdRunError::Stale`] if this is another cluster or it has other members.
    pub async fn resume(&self, run: &str, holder: &str) -> Result<EtcdRan, EtcdRunError> {
        let recorded = Journal::read(self.journals, run).await?;
        if let Some(at) = recorded.ended {
            return Err(JournalError::Ended { run: run.to_owned(), at }.into());
        }
        if let Some(abort) = &recorded.abort {
            return Err(JournalError::Aborting { run: run.to_owned(), since: abort.since }.into());
        }
        let seen = observe(self.access).await?;
        if seen.cluster.is_none() {
            let why = seen.silent.first().map(|(_, why)| why.clone()).unwrap_or_default();
            return Err(Refused::Unseen(why).into());
        }
        let changed = recorded.plan.stale(&seen.facts());
        if !changed.is_empty() {
            return Err(EtcdRunError::Stale { run: run.to_owned(), changed });
        }
        let taken = Journal::take(self.journals, run, holder, self.timing, self.clock, self.events);
        let mut journal = self.stop.run_until_cancelled(taken).await.ok_or(EtcdRunError::Cancelled)??;
        self.run(&mut journal).await
    }

    async fn run(&self, journal: &mut Journal) -> Result<EtcdRan, EtcdRunError> {
        loop {
            let progress = advance::advance(journal, self).await.map_err(|source| match source {
                RunError::Journal(error) => EtcdRunError::Journal(error),
                source => EtcdRunError::Stopped { run: journal.run().to_owned(), source },
            })?;
            if progress == Progress::Stopped || progress == Progress::Finished {
                let seen = observe(self.access).await?;
                return Ok(EtcdRan { recorded: journal.recorded().clone(), seen });
            }
        }
    }
}
