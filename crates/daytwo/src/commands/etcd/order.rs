//! `daytwo etcd defrag` and `disarm`, and `daytwo resume` of either: plans on a living cluster, shown or carried out.

use daytwo_core::etcd::{DefragRequest, DisarmRequest, Reach};
use daytwo_core::plan::{Kind, Plan, SiteIdentity, Step};
use daytwo_core::restore::State;
use daytwo_engine::etcd::{Access, EtcdRan, EtcdRunError, EtcdRunner};
use daytwo_engine::journal::{Recorded, Timing};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::cli::etcd::live::{Defrag, Disarm};
use crate::cli::shared::Places;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::words;
use crate::place;
use crate::progress::Progress;
use crate::settings::Session;

use super::super::restore::plan::step_text;
use super::super::restore::resume::command;
use super::super::restore::sides::holder;
use super::reach;

/// Shows the plan, or carries it out and prints what came of it.
///
/// # Errors
/// Exit 3 where too little was seen, exit 4 where it would not be safe, exit 5 where it stopped.
pub async fn defrag(session: &Session, verb: Defrag) -> Result {
    let reached = reach::reach(session, &verb.reach)?;
    let deadline = SignedDuration::try_from(words::duration(&verb.member_timeout)?)?;
    let request = DefragRequest {
        reach: reached.reach,
        members: verb.members,
        at_least: verb.at_least,
        accept_outage: verb.accept_outage,
        deadline,
    };
    let run = verb.run.unwrap_or_else(|| name(session, "defrag"));
    carry_out(session, &reached.access, Kind::Defrag(request), &run, verb.dry_run, &verb.places).await
}

/// As [`defrag`], for alarms.
///
/// # Errors
/// As [`defrag`].
pub async fn disarm(session: &Session, verb: Disarm) -> Result {
    let reached = reach::reach(session, &verb.reach)?;
    let request = DisarmRequest { reach: reached.reach, members: verb.members, corrupt: verb.corrupt };
    let run = verb.run.unwrap_or_else(|| name(session, "disarm"));
    carry_out(session, &reached.access, Kind::Disarm(request), &run, verb.dry_run, &verb.places).await
}

fn name(session: &Session, verb: &str) -> String {
    format!("etcd-{verb}-{}", session.clock.now().strftime("%Y%m%d%H%M%S"))
}

async fn carry_out(
    session: &Session,
    access: &Access,
    kind: Kind,
    run: &str,
    dry_run: bool,
    places: &Places,
) -> Result {
    // Planning reads nothing of it, and needs none.
    let nowhere = daytwo_archive::Location::memory();
    let journals = if dry_run { nowhere } else { place::journals(session, places).await? };
    let progress = Progress::new(session);
    let runner = runner(session, access, &journals, &progress);
    let planning = async {
        match &kind {
            Kind::Defrag(request) => runner.plan_defrag(request, run).await,
            Kind::Disarm(request) => runner.plan_disarm(request, run).await,
            Kind::Restore(_) => Err(EtcdRunError::Cancelled),
        }
    };
    let plan = session.interrupt.or(planning).await.unwrap_or(Err(EtcdRunError::Cancelled));
    let plan = plan.map_err(|error| refused(error, &kind))?;
    if plan.phases.is_empty() {
        session.speak.note(nothing(&kind));
    }
    if dry_run || plan.phases.is_empty() {
        drop(progress);
        session.out.document(&PlanDocument { plan })?;
        return Ok(Exit::Done);
    }
    let ran = runner.start(plan, &holder(session)).await;
    drop(progress);
    end(session, ran, &command(run, places))
}

fn nothing(kind: &Kind) -> &'static str {
    match kind {
        Kind::Disarm(_) => "no alarm is raised: there is nothing to do",
        Kind::Defrag(_) | Kind::Restore(_) => "no member has so much free space: there is nothing to do",
    }
}

/// Goes on with a run that stopped or was killed.
///
/// # Errors
/// Exit 4 where another runner is at it or the cluster is another, exit 5 where it stopped again.
pub async fn resume(session: &Session, recorded: &Recorded, reach: &Reach, places: &Places) -> Result {
    let access = reach::again(reach)?;
    let journals = place::journals(session, places).await?;
    let progress = Progress::new(session);
    let run = &recorded.plan.id;
    let ran = runner(session, &access, &journals, &progress).resume(run, &holder(session)).await;
    drop(progress);
    end(session, ran, &command(run, places))
}

fn runner<'a>(
    session: &'a Session,
    access: &'a Access,
    journals: &'a daytwo_archive::Location,
    events: &'a Progress,
) -> EtcdRunner<'a> {
    let timing = Timing::default();
    EtcdRunner { access, journals, clock: &*session.clock, events, stop: session.interrupt.token(), timing }
}

/// With what helps against a refusal.
fn refused(error: EtcdRunError, kind: &Kind) -> Failure {
    use daytwo_core::etcd::Refused;
    let remedy = match (&error, kind) {
        (EtcdRunError::Refused(Refused::NoMargin { .. }), _) => {
            Some("--accept-outage, if the cluster may take no writes meanwhile")
        }
        (EtcdRunError::Refused(Refused::StillFull { .. }), _) => Some("daytwo etcd defrag --dry-run"),
        (EtcdRunError::Refused(Refused::Corrupt { .. }), _) => Some("--corrupt, once its keys were compared"),
        _ => None,
    };
    let failure = Failure::from(error);
    match remedy {
        Some(remedy) => failure.or_try(remedy),
        None => failure,
    }
}

fn end(session: &Session, ran: Result<EtcdRan, EtcdRunError>, again: &str) -> Result {
    let ran = ran.map_err(|error| {
        let stopped = matches!(error, EtcdRunError::Stopped { .. });
        let failure = Failure::from(error);
        if stopped { failure.or_try(again) } else { failure }
    })?;
    let state = ran.recorded.state();
    session.out.document(&EtcdRun::of(&ran))?;
    match state {
        State::Stopped { because, stands } => {
            stands.iter().for_each(|what| session.speak.warn(&format!("stands: {what}")));
            let what = format!("run {} was stopped: {because}", ran.recorded.plan.id);
            Err(Failure::new(Exit::Failed, what).or_try(again))
        }
        State::Finished | State::Aborted { .. } | State::Planned => Ok(Exit::Done),
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct PlanDocument {
    plan: Plan,
}

impl Document for PlanDocument {
    fn kind(&self) -> Option<&'static str> {
        None
    }

    fn text(&self, paint: Paint, _: bool) -> String {
        let SiteIdentity { context, version, .. } = &self.plan.site;
        let mut text = format!("{}: {context} (etcd {version})\n", paint.strong(&self.plan.id));
        for (place, step) in self.plan.steps() {
            let phase =
                self.plan.phases.get(place.phase).map(|phase| phase.name.as_str()).unwrap_or_default();
            text.push_str(&format!("  {place}  {phase}: {}\n", step_text(step)));
        }
        if self.plan.phases.is_empty() {
            text.push_str("  nothing to do\n");
        }
        text
    }

    fn names(&self) -> Vec<String> {
        vec![self.plan.id.clone()]
    }
}

/// What came of a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EtcdRun {
    run: String,
    /// `defrag` or `disarm`.
    does: &'static str,
    site: SiteIdentity,
    /// `Finished` or `Stopped`.
    state: &'static str,
    began: Timestamp,
    last: Timestamp,
    members: Vec<MemberAfter>,
    /// Alarms that are raised still; absent where nobody lists them.
    #[serde(skip_serializing_if = "Option::is_none")]
    alarms: Option<Vec<daytwo_core::etcd::Alarm>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MemberAfter {
    id: daytwo_core::etcd::Id,
    name: String,
    /// Bytes when it was planned; absent of one that had no turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    size_before: Option<u64>,
    /// Bytes now; absent of one that does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
}

impl EtcdRun {
    fn of(ran: &EtcdRan) -> Self {
        let plan = &ran.recorded.plan;
        let before = |id| {
            plan.steps().find_map(|(_, step)| match step {
                Step::DefragMember { member, size, .. } if *member == id => Some(*size),
                _ => None,
            })
        };
        let members = ran.seen.members.iter().map(|member| MemberAfter {
            id: member.id,
            name: member.title(),
            size_before: before(member.id),
            size: member.status().map(|status| status.db_size),
        });
        Self {
            run: plan.id.clone(),
            does: does(&plan.kind),
            site: plan.site.clone(),
            state: super::super::runs::find::state(&ran.recorded),
            began: ran.recorded.began,
            last: ran.recorded.last,
            members: members.collect(),
            alarms: ran.seen.alarms.clone(),
        }
    }
}

/// What a run is, in a word.
pub fn does(kind: &Kind) -> &'static str {
    match kind {
        Kind::Restore(_) => "restore",
        Kind::Defrag(_) => "defrag",
        Kind::Disarm(_) => "disarm",
    }
}

impl Document for EtcdRun {
    fn kind(&self) -> Option<&'static str> {
        Some("EtcdRun")
    }

    fn text(&self, paint: Paint, _: bool) -> String {
        let state = if self.state == "Finished" { paint.good(self.state) } else { paint.odd(self.state) };
        let mut text = format!("{}: {} of {}: {state}\n", self.run, self.does, self.site.context);
        for member in &self.members {
            let size = member.size.map_or_else(|| "does not answer".to_owned(), words::bytes);
            match member.size_before {
                Some(before) => {
                    text.push_str(&format!("  {}: {size}, {} before\n", member.name, words::bytes(before)));
                }
                None => text.push_str(&format!("  {}: {size}\n", member.name)),
            }
        }
        for alarm in self.alarms.iter().flatten() {
            text.push_str(&format!("  the alarm {} of {} is raised\n", alarm.alarm, alarm.member));
        }
        text
    }

    fn names(&self) -> Vec<String> {
        vec![self.run.clone()]
    }
}
