//! The only executor: carries out the steps of a plan, one after another, and writes down what came of each.
//!
//! A step may be begun more than once (a runner was killed in it) and must bear it; what bulk steps have behind them
//! is in the journal's checkpoints. It refuses to act without a journal: a lost lock or a store that takes no records
//! ends the work before the next act starts.

use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use daytwo_archive::{ArchiveError, Backup};
use daytwo_core::plan::{Kind, Place, Step};
use daytwo_core::restore::{Fates, Rules, Tally, WaveReport};
use jiff::Timestamp;
use tokio::time::{Instant, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::api::ApiError;
use crate::etcd::EtcdError;
use crate::event::{Clock, Event, Observer};
use crate::journal::{Entry, Journal, JournalError, Lease, Timing};
use crate::pace::{Gate, Pass};
use crate::site::Site;
use crate::step;
use crate::step::barriers::Barriers;

/// Where steps are carried out, and with what.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// The cluster.
    pub site: &'a Site,
    /// The backup that restore steps read.
    pub backup: &'a Backup,
    /// The decisions that restore steps follow.
    pub rules: &'a Rules,
    /// The time for records.
    pub clock: &'a dyn Clock,
    /// Who is told.
    pub events: &'a dyn Observer,
    /// Ends the run cleanly when cancelled.
    pub stop: &'a CancellationToken,
    /// What every write passes.
    pub(crate) gate: &'a Gate,
    /// What refused its objects so far.
    pub(crate) barriers: &'a Barriers<'a>,
}

/// What a run keeps to, whatever it is about.
#[derive(Clone, Copy)]
pub(crate) struct Course<'a> {
    /// The time for records.
    pub clock: &'a dyn Clock,
    /// Who is told.
    pub events: &'a dyn Observer,
    /// Ends the run cleanly when cancelled.
    pub stop: &'a CancellationToken,
}

/// What steps are carried out on: a cluster and a backup, or an etcd cluster.
pub(crate) trait Ground {
    /// What its runs keep to.
    fn course(&self) -> Course<'_>;

    /// Carries out `step`; `turn` says whether it may go on, and takes what comes of it.
    async fn carry_out(&self, step: &Step, turn: &Turn) -> Result<Carried, RunError>;
}

impl Ground for World<'_> {
    fn course(&self) -> Course<'_> {
        Course { clock: self.clock, events: self.events, stop: self.stop }
    }

    async fn carry_out(&self, step: &Step, turn: &Turn) -> Result<Carried, RunError> {
        step::carry_out(step, &Act { world: self, turn }).await
    }
}

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A step was carried out; there may be more.
    Step(Place),
    /// Every step that is to be carried out was; the run ended.
    Finished,
    /// The run was asked to stop, and did; it can be resumed.
    Stopped,
}

/// Why a run did not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The journal cannot be kept, or another runner has it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The cluster does not answer, or refuses what the step cannot do without.
    #[error("cannot go on with {step}")]
    Cluster {
        /// The step.
        step: String,
        /// What the request met.
        #[source]
        source: ApiError,
    },
    /// The backup cannot be read.
    #[error("cannot read the backup any further")]
    Backup(#[from] ArchiveError),
    /// An etcd member does not answer, or refuses what the step cannot do without.
    #[error("cannot go on with {step}")]
    Etcd {
        /// The step.
        step: String,
        /// What the call met.
        #[source]
        source: EtcdError,
    },
    /// What the step needs to be safe is no longer so.
    #[error("cannot go on with {step}: {why}")]
    Unsafe {
        /// The step.
        step: String,
        /// What changed.
        why: String,
    },
    /// The step is one of another kind of plan.
    #[error("{step} is no step of such a plan")]
    Foreign {
        /// The step.
        step: String,
    },
}

/// What carrying out a step came to.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// How long a wave took.
    pub wave: Option<WaveReport>,
    /// Whether it was stopped before its end.
    pub stopped: bool,
}

/// Carries out the next step of the journal's plan; once none is left, ends the run.
///
/// # Errors
/// [`RunError`]; the journal says what stands, unless it is what failed.
pub(crate) async fn advance(journal: &mut Journal, ground: &impl Ground) -> Result<Progress, RunError> {
    let course = ground.course();
    let Some(place) = journal.recorded().next_step() else {
        end(journal, course.clock.now()).await?;
        return Ok(Progress::Finished);
    };
    if course.stop.is_cancelled() {
        stop(journal, course.clock, "it was interrupted").await?;
        return Ok(Progress::Stopped);
    }
    let step =
        journal.recorded().plan.step(place).expect("invariant: the next step is one of the plan").clone();
    journal.append(Entry::Began { step: place }, course.clock.now()).await?;
    course.events.event(Event::Started { what: step::name(&step) });
    let turn = Turn::new(course.stop, place, journal);
    let done = CancellationToken::new();
    let work = async {
        let carried = ground.carry_out(&step, &turn).await;
        done.cancel();
        carried
    };
    let (carried, kept) = tokio::join!(work, keep(journal, &turn, course.clock, &done));
    kept?;
    course.events.event(Event::Finished { what: step::name(&step) });
    let News { through, tally, fates } = turn.take();
    match carried {
        Ok(Carried { stopped: false, wave }) => {
            journal.append(Entry::Ended { step: place, tally, wave, fates }, course.clock.now()).await?;
            Ok(Progress::Step(place))
        }
        Ok(Carried { stopped: true, .. }) => {
            let checkpoint = Entry::Checkpoint { step: place, through, tally, fates };
            journal.append(checkpoint, course.clock.now()).await?;
            stop(journal, course.clock, "it was interrupted").await?;
            Ok(Progress::Stopped)
        }
        Err(error) => {
            let checkpoint = Entry::Checkpoint { step: place, through, tally, fates };
            let told = async {
                journal.append(checkpoint, course.clock.now()).await?;
                stop(journal, course.clock, &crate::api::causes(&error)).await
            };
            if let Err(lost) = told.await {
                tracing::warn!(error = %lost, "the journal does not say how the run ended");
            }
            Err(error)
        }
    }
}

/// Writes that the run is over, and how.
pub(crate) async fn end(journal: &mut Journal, at: Timestamp) -> Result<(), JournalError> {
    let recorded = journal.recorded();
    if recorded.ended.is_some() {
        return Ok(());
    }
    let entry = match &recorded.abort {
        None => Entry::Finished,
        Some(abort) => Entry::Aborted { because: abort.because.clone(), stands: step::stands(recorded) },
    };
    journal.append(entry, at).await
}

/// Does `work` that is no step, and shows meanwhile that the holder lives.
pub(crate) async fn beside<T>(
    journal: &mut Journal,
    clock: &dyn Clock,
    work: impl Future<Output = T>,
) -> Result<T, JournalError> {
    let mut ticks = interval(journal.timing().beat);
    ticks.tick().await;
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            _ = ticks.tick() => journal.append(Entry::Beat, clock.now()).await?,
        }
    }
}

/// Lets go of the run, saying what is left half done.
async fn stop(journal: &mut Journal, clock: &dyn Clock, because: &str) -> Result<(), JournalError> {
    let stands = step::stands(journal.recorded());
    journal.append(Entry::Stopped { because: because.to_owned(), stands }, clock.now()).await
}

/// Writes checkpoints and signs of life while a step is carried out, and halts it if that fails.
async fn keep(
    journal: &mut Journal,
    turn: &Turn,
    clock: &dyn Clock,
    done: &CancellationToken,
) -> Result<(), JournalError> {
    let Timing { checkpoint, beat, .. } = journal.timing();
    let mut ticks = interval(checkpoint);
    ticks.tick().await;
    let mut last = Instant::now();
    loop {
        tokio::select! {
            biased;
            () = done.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        let entry = match turn.news() {
            Some(News { through, tally, fates }) => {
                Entry::Checkpoint { step: turn.place, through, tally, fates }
            }
            None if last.elapsed() + checkpoint > beat => Entry::Beat,
            None => continue,
        };
        if let Err(error) = journal.append(entry, clock.now()).await {
            turn.halt.cancel();
            return Err(error);
        }
        last = Instant::now();
    }
}

/// A step of a restore while it is carried out.
pub(crate) struct Act<'a> {
    /// Where.
    pub world: &'a World<'a>,
    turn: &'a Turn,
}

/// A step while it is carried out: what it has behind it, and whether it may go on.
pub(crate) struct Turn {
    /// How much of what it reads was dealt with before.
    pub from: u64,
    /// Cancelled when it is to end: on request, or because the journal cannot be kept.
    pub halt: CancellationToken,
    /// What the plan is for.
    pub kind: Kind,
    /// The Services that the plan waits for.
    services: Vec<String>,
    place: Place,
    lease: Lease,
    beat: std::time::Duration,
    behind: Mutex<Behind>,
}

#[derive(Debug, Default)]
struct Behind {
    through: u64,
    recorded: u64,
    tally: Tally,
    fates: Fates,
}

/// What no record tells of yet.
struct News {
    through: u64,
    tally: Tally,
    fates: Fates,
}

impl Deref for Act<'_> {
    type Target = Turn;

    fn deref(&self) -> &Turn {
        self.turn
    }
}

impl Act<'_> {
    /// A place among the writes in flight; `None` once the step is to end.
    pub async fn enter(&self) -> Option<Pass<'_>> {
        tokio::select! {
            biased;
            () = self.halt.cancelled() => None,
            pass = self.world.gate.enter() => Some(pass),
        }
    }
}

impl Turn {
    fn new(stop: &CancellationToken, place: Place, journal: &Journal) -> Self {
        let from = journal.recorded().through(place);
        let services = journal.recorded().plan.steps().filter_map(|(_, step)| match step {
            Step::AwaitEndpoints { services, .. } => Some(services.clone()),
            _ => None,
        });
        Self {
            kind: journal.recorded().plan.kind.clone(),
            services: services.flatten().collect(),
            from,
            halt: stop.child_token(),
            place,
            lease: journal.lease().clone(),
            beat: journal.timing().beat,
            behind: Mutex::new(Behind { through: from, recorded: from, ..Behind::default() }),
        }
    }

    /// The Services, as `namespace/name`, that the plan waits for.
    pub fn services(&self) -> &[String] {
        &self.services
    }

    /// Adds to what came of the step.
    pub fn tally(&self, add: impl FnOnce(&mut Tally)) {
        add(&mut self.behind().tally);
    }

    /// Everything the step reads before number `through` is dealt with, and `add` tells what came of it: of both or
    /// of none is told in a checkpoint, so that nothing is counted twice when the run is resumed.
    pub fn dealt_with(&self, through: u64, add: impl FnOnce(&mut Tally, &mut Fates)) {
        let mut behind = self.behind();
        behind.through = behind.through.max(through);
        let Behind { tally, fates, .. } = &mut *behind;
        add(tally, fates);
    }

    /// Whether another act may start. Waits while the journal is behind; `false` once the step is to end.
    pub async fn may_act(&self) -> bool {
        while !self.lease.holds() {
            tokio::select! {
                () = self.halt.cancelled() => return false,
                // The next record renews the lease, or fails and halts the step.
                () = sleep(self.beat / 20) => {}
            }
        }
        !self.halt.is_cancelled()
    }

    /// Progress that no record tells of yet.
    fn news(&self) -> Option<News> {
        let behind = self.behind();
        let is_new = behind.through > behind.recorded || !behind.tally.is_empty();
        drop(behind);
        is_new.then(|| self.take())
    }

    fn take(&self) -> News {
        let mut behind = self.behind();
        behind.recorded = behind.through;
        News {
            through: behind.through,
            tally: std::mem::take(&mut behind.tally),
            fates: std::mem::take(&mut behind.fates),
        }
    }

    fn behind(&self) -> std::sync::MutexGuard<'_, Behind> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
