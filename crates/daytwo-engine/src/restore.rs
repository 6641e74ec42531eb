//! Restores a backup into a cluster: observes, plans, and has the plan carried out.
//!
//! [`Runner::plan`] reads the backup and the cluster and writes nothing: it is the dry run. [`Runner::start`] puts the
//! plan into a journal and carries it out; [`Runner::resume`] goes on with a run that was stopped or killed. What
//! becomes of each object is decided in `daytwo_core::restore`. It refuses to hold a backup in memory: it is streamed,
//! once to see what is in it, once to judge, and once for each wave.

mod abort;
mod access;
mod admit;
mod ask;
mod compare;
mod definitions;
mod elsewhere;
pub(crate) mod lists;
mod live;
mod observe;
pub(crate) mod prune;
mod record;
mod survey;
mod velero;

use daytwo_archive::{ArchiveError, Backup, Location};
use daytwo_core::finding::{Finding, Severity};
use daytwo_core::plan::{Changed, Fact, Kind, Plan, SiteIdentity};
use daytwo_core::restore::{Decided, Report, Request, Rules, State, Tally};
use tokio_util::sync::CancellationToken;

use crate::advance::{self, Progress, RunError, World};
use crate::api::ApiError;
use crate::event::{Clock, Event, Observer};
use crate::journal::{Journal, JournalError, Recorded, Timing};
use crate::pace::Gate;
use crate::site::Site;
use crate::step::barriers::Barriers;

use observe::Sight;

pub use abort::abandon;
pub(crate) use admit::{Admitted, Intake};
pub use compare::{Compared, Comparing, Comparison};
pub(crate) use live::{Live, Look, Seen};
pub use velero::lacks as velero_lacks;

/// Why a restore did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The cluster does not answer, or refuses what every restore needs.
    #[error("cannot look at the cluster")]
    Cluster(#[from] ApiError),
    /// The backup cannot be read.
    #[error(transparent)]
    Backup(#[from] ArchiveError),
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
    #[error(
        "run {run} cannot go on: {}; begin a new restore, which keeps what is there",
        Changed::list(changed)
    )]
    Stale {
        /// The run.
        run: String,
        /// What changed.
        changed: Vec<Changed>,
    },
    /// The location keeps the files of a restore of this name, of which no journal tells here: this one's would replace
    /// them.
    #[error(
        "there are files of a restore {run} at {location}, of Velero's or of a run with its journal elsewhere; \
         choose another name, or --no-velero-files"
    )]
    NameTaken {
        /// The name.
        run: String,
        /// Where its files lie.
        location: String,
    },
    /// The run is about something else.
    #[error("run {run} is no restore")]
    NoRestore {
        /// The run.
        run: String,
    },
    /// It was asked to stop before anything was written.
    #[error("given up; nothing was written")]
    Cancelled,
}

/// Restores from one backup into one site.
#[derive(Clone, Copy)]
pub struct Runner<'a> {
    /// The cluster.
    pub site: &'a Site,
    /// Where the journal is kept; by habit where the backup lies.
    pub location: &'a Location,
    /// The backup. One that is passed over repeatedly should be spooled.
    pub backup: &'a Backup,
    /// The time for records and reports.
    pub clock: &'a dyn Clock,
    /// Who is told.
    pub events: &'a dyn Observer,
    /// Ends the run cleanly when cancelled.
    pub stop: &'a CancellationToken,
    /// The times that journals keep.
    pub timing: Timing,
}

/// A plan that was made, with what it was made of.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What it would come to; nothing is written yet.
    pub report: Report,
    /// Each object, where that was asked for.
    pub objects: Vec<Decided>,
    known: Tally,
    rules: Rules,
}

impl Planned {
    /// Adds something that was found elsewhere to what the run will tell.
    pub fn find(&mut self, finding: Finding) {
        self.known.findings.push(finding.clone());
        self.report.tally.findings.push(finding);
    }
}

/// How much a plan tells of single objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Those that need a person.
    Needed,
    /// And what is going to be changed on the way.
    Changes,
    /// And every object with what becomes of it: as much memory as there are objects.
    Objects,
}

/// The plan of a run, and how far it came: which backup it needs, before that is opened.
///
/// # Errors
/// [`JournalError::NotFound`] and the others of a journal that cannot be read.
pub async fn recorded(location: &Location, run: &str) -> Result<Recorded, JournalError> {
    Journal::read(location, run).await
}

impl Runner<'_> {
    /// Decides what a restore of `request` would do, and writes nothing. `run` is the name that the run will have.
    ///
    /// # Errors
    /// [`RestoreError::Cluster`], [`RestoreError::Backup`], [`RestoreError::Cancelled`].
    pub async fn plan(&self, request: &Request, run: &str, detail: Detail) -> Result<Planned, RestoreError> {
        let planned = self.stop.run_until_cancelled(self.planned(request, run, detail)).await;
        planned.unwrap_or(Err(RestoreError::Cancelled))
    }

    async fn planned(&self, request: &Request, run: &str, detail: Detail) -> Result<Planned, RestoreError> {
        let created = self.clock.now();
        let rules = self.observe(request.clone(), Sight::Preflight).await?;
        self.events.event(Event::Started { what: "planning".to_owned() });
        let facts = self.facts();
        let (planned, objects) = survey::judge(self, &rules, run, created, facts, detail).await?;
        self.events.event(Event::Finished { what: "planning".to_owned() });
        let mut tally = planned.known.clone();
        tally.absorb(planned.expected);
        let report = Report::new(
            run.to_owned(),
            rules.request().clone(),
            self.identity(),
            self.same_cluster(),
            State::Planned,
            (created, self.clock.now()),
            tally,
            Vec::new(),
        );
        Ok(Planned { plan: planned.plan, report, objects, known: planned.known, rules })
    }

    /// Carries `planned` out, in a journal of its own. `holder` names this runner to people and to other runners, and
    /// no other runner may use it.
    ///
    /// # Errors
    /// [`RestoreError::Journal`] or [`RestoreError::NameTaken`] if there is a run or a restore of this name;
    /// [`RestoreError::Stopped`] if a step could not be carried out. Objects that the server refused are no error: the
    /// report names them.
    pub async fn start(&self, planned: Planned, holder: &str) -> Result<Report, RestoreError> {
        let Planned { plan, known, rules, .. } = planned;
        self.say_which(&plan.site);
        if record::is_taken(self, &rules, &plan.id).await? {
            let location = self.backup.location().url().to_owned();
            return Err(RestoreError::NameTaken { run: plan.id, location });
        }
        let begun = Journal::begin(self.location, plan, known, holder, self.timing, self.clock.now());
        let mut journal = begun.await?;
        self.run(&mut journal, &rules).await
    }

    /// Goes on with `run`, held by `holder` as with [`Runner::start`]. What is done is not done again; what was under
    /// way is looked at again.
    ///
    /// # Errors
    /// As [`Runner::start`]; [`JournalError::Held`] if another runner is at it, [`JournalError::Ended`] if nothing is
    /// left, [`RestoreError::Stale`] if this is another cluster or another backup.
    pub async fn resume(&self, run: &str, holder: &str) -> Result<Report, RestoreError> {
        let recorded = Journal::read(self.location, run).await?;
        if let (Some(abort), None) = (&recorded.abort, recorded.ended) {
            return Err(JournalError::Aborting { run: run.to_owned(), since: abort.since }.into());
        }
        let (mut journal, rules) = self.take(&recorded, holder).await?;
        self.run(&mut journal, &rules).await
    }

    /// Takes hold of a run that this cluster and this backup are those of.
    async fn take(&self, recorded: &Recorded, holder: &str) -> Result<(Journal, Rules), RestoreError> {
        let (plan, run) = (&recorded.plan, recorded.plan.id.clone());
        if let Some(at) = recorded.ended {
            return Err(JournalError::Ended { run, at }.into());
        }
        let Kind::Restore(request) = plan.kind.clone() else {
            return Err(RestoreError::NoRestore { run });
        };
        let rules = self.observe(request, Sight::Needed).await?;
        let changed = plan.stale(&self.facts());
        if !changed.is_empty() {
            return Err(RestoreError::Stale { run, changed });
        }
        self.say_which(&plan.site);
        let taken = Journal::take(self.location, &run, holder, self.timing, self.clock, self.events);
        let journal = self.stop.run_until_cancelled(taken).await.ok_or(RestoreError::Cancelled)??;
        Ok((journal, rules))
    }

    /// Carries out what is left, keeps the record of the run, and ends it.
    async fn run(&self, journal: &mut Journal, rules: &Rules) -> Result<Report, RestoreError> {
        let gate = Gate::new(rules.request().in_flight());
        let barriers = Barriers::new(self.events);
        let world = World {
            site: self.site,
            backup: self.backup,
            rules,
            clock: self.clock,
            events: self.events,
            stop: self.stop,
            gate: &gate,
            barriers: &barriers,
        };
        while journal.recorded().next_step().is_some() {
            let progress = advance::advance(journal, &world).await.map_err(|source| match source {
                RunError::Journal(error) => RestoreError::Journal(error),
                source => RestoreError::Stopped { run: journal.run().to_owned(), source },
            })?;
            if progress == Progress::Stopped {
                return Ok(journal.recorded().report(self.same_cluster()));
            }
        }
        // Before the run says that it is over: who resumes one that was killed in between keeps the record again.
        let recorded = journal.recorded().clone();
        let keeping = record::keep(self, rules, &recorded);
        let report = advance::beside(journal, self.clock, keeping).await?;
        advance::end(journal, report.finished).await?;
        Ok(report)
    }

    /// What the backup holds and the cluster has, as far as `request` is concerned.
    async fn observe(&self, request: Request, sight: Sight) -> Result<Rules, RestoreError> {
        self.events.event(Event::Started { what: "reading the backup".to_owned() });
        let elsewhere = elsewhere::read(self.backup.location(), self.backup).await?;
        let served = observe::served(self.site.client()).await?;
        let census = survey::census(self.backup, &request, elsewhere, &served).await?;
        let census = census.made_on(&self.backup.head().server.version);
        self.events.event(Event::Finished { what: "reading the backup".to_owned() });
        self.events.event(Event::Started { what: "looking at the cluster".to_owned() });
        let target = observe::target(self.site, served, (&census, &request), sight, self.events).await?;
        self.events.event(Event::Finished { what: "looking at the cluster".to_owned() });
        Ok(Rules::new(request, census, target))
    }

    /// What a plan of this backup for this cluster relies on.
    fn facts(&self) -> Vec<Fact> {
        let head = self.backup.head();
        let mut backup = head.name.clone();
        if let Some(revision) = head.revision {
            backup.push_str(&format!(" at revision {revision}"));
        }
        if let Some(finished) = head.finished {
            backup.push_str(&format!(" of {finished}"));
        }
        let uid = self.site.identity().uid.clone();
        vec![
            Fact::new("the backup", format!("{backup}, {} objects", head.objects)),
            Fact::new("the cluster's kube-system", uid.unwrap_or_else(|| "not readable".to_owned())),
        ]
    }

    fn identity(&self) -> SiteIdentity {
        let identity = self.site.identity();
        SiteIdentity {
            context: identity.context.clone(),
            server: identity.server.clone(),
            version: identity.version.clone(),
            uid: identity.uid.clone(),
        }
    }

    /// Whether the backup was made of this cluster; `None` where one of the two does not say who it is.
    fn same_cluster(&self) -> Option<bool> {
        let uid = &self.backup.head().server.uid;
        self.identity().same_cluster(Some(uid.as_str()).filter(|uid| !uid.is_empty()))
    }

    fn say_which(&self, site: &SiteIdentity) {
        let other = match self.same_cluster() {
            Some(false) => "; the backup was made of another cluster",
            _ => "",
        };
        let note = format!("restoring into {} ({}){other}", site.context, site.server);
        self.events.event(Event::Note(note));
    }
}

/// A finding about what could not be looked at.
fn unseen(resource: &str, error: &ApiError) -> Finding {
    Finding {
        id: "restore-kind-not-listed".to_owned(),
        severity: Severity::Warning,
        subject: resource.to_owned(),
        evidence: error.to_string(),
        breaks: "which of its objects are there is not known before each is tried".to_owned(),
        remedy: "allow the caller to list it".to_owned(),
        command: Some(format!("kubectl auth can-i list {resource} --all-namespaces")),
    }
}
