//! The steps on etcd members. Each looks, acts, and looks again, so that it can run twice.
//!
//! A defragmentation that was cut off goes on in the member: who looks first finds the member silent, waits for it,
//! and then finds nothing left to do.

use std::time::Duration;

use daytwo_core::etcd::{Alarm, Id, Member, Observation};
use daytwo_core::plan::{Kind, Step};
use tokio::time::{Instant, sleep};

use super::super::client::Client;
use super::super::error::EtcdError;
use super::super::observe::observe;
use super::EtcdRunner;
use crate::advance::{Carried, Course, Ground, RunError, Turn};
use crate::event::Event;
use crate::step::{duration, name};

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Raft entries that a member may be behind and count as up to date.
const CLOSE: u64 = 1_000;

impl Ground for EtcdRunner<'_> {
    fn course(&self) -> Course<'_> {
        Course { clock: self.clock, events: self.events, stop: self.stop }
    }

    async fn carry_out(&self, step: &Step, turn: &Turn) -> Result<Carried, RunError> {
        let done = match step {
            Step::AwaitMembers { members, deadline } => {
                self.await_members(members, duration(*deadline), turn).await
            }
            Step::DefragMember { .. } => self.defrag(step, turn).await,
            Step::DisarmAlarm { alarm, .. } => self.disarm(step, *alarm, turn).await,
            _ => return Err(RunError::Foreign { step: name(step) }),
        };
        let stopped = !done.map_err(|error| error.at(step))?;
        Ok(Carried { stopped, ..Carried::default() })
    }
}

/// Why a step was not carried out.
enum NotDone {
    Etcd(EtcdError),
    Unsafe(String),
}

impl From<EtcdError> for NotDone {
    fn from(error: EtcdError) -> Self {
        Self::Etcd(error)
    }
}

impl NotDone {
    fn at(self, step: &Step) -> RunError {
        let step = name(step);
        match self {
            Self::Etcd(source) => RunError::Etcd { step, source },
            Self::Unsafe(why) => RunError::Unsafe { step, why },
        }
    }
}

/// Why `member` is not well; `None` where it is.
fn unwell(seen: &Observation, id: Id) -> Option<String> {
    let Some(member) = seen.member(id) else { return Some(format!("{id} is no member any more")) };
    let Some(status) = member.status() else { return Some(format!("{} does not answer", member.title())) };
    let leads = seen.leader().and_then(Member::status).map_or(u64::MAX, |leader| leader.index);
    if status.leader.is_none() {
        return Some(format!("{} knows no leader", member.title()));
    }
    let behind = leads.saturating_sub(status.applied);
    (behind > CLOSE).then(|| format!("{} is {behind} raft entries behind", member.title()))
}

impl EtcdRunner<'_> {
    /// `false` where it was stopped.
    async fn await_members(&self, members: &[Id], deadline: Duration, turn: &Turn) -> Result<bool, NotDone> {
        let end = Instant::now() + deadline;
        let mut told = None;
        loop {
            let seen = observe(self.access).await?;
            let Some(why) = members.iter().find_map(|member| unwell(&seen, *member)) else { return Ok(true) };
            if Instant::now() >= end {
                return Err(NotDone::Unsafe(format!("after {} s {why}", deadline.as_secs())));
            }
            if told.as_ref() != Some(&why) {
                let what = "etcd's members to be well".to_owned();
                self.events.event(Event::Waiting { what, because: why.clone() });
                told = Some(why);
            }
            tokio::select! {
                () = turn.halt.cancelled() => return Ok(false),
                () = sleep(PAUSE) => {}
            }
        }
    }

    async fn defrag(&self, step: &Step, turn: &Turn) -> Result<bool, NotDone> {
        let Step::DefragMember { member: id, name, endpoint, at_least, may_lead, deadline, .. } = step else {
            return Ok(true);
        };
        let seen = observe(self.access).await?;
        let Some(member) = seen.member(*id) else {
            return Err(NotDone::Unsafe(format!("{name} is no member any more")));
        };
        let Some(status) = member.status() else {
            return Err(NotDone::Unsafe(format!("{name} does not answer at {endpoint}")));
        };
        if !status.is_worth_defragmenting(*at_least) {
            let free = status.free_percent();
            self.events.event(Event::Note(format!("{name}: {free} % are free, which is not worth while")));
            return Ok(true);
        }
        if status.leader == Some(*id) && !may_lead {
            return Err(NotDone::Unsafe(format!(
                "{name} leads by now, and the leader comes last: plan anew"
            )));
        }
        let quorum = seen.quorum();
        let accepted = match &turn.kind {
            Kind::Defrag(request) => request.accept_outage,
            Kind::Restore(_) | Kind::Disarm(_) => false,
        };
        // A learner has no vote to miss.
        if !accepted && !member.learner && quorum.margin().unwrap_or(0) == 0 {
            let why = format!(
                "the quorum margin is 0 ({} of {} voters are healthy)",
                quorum.healthy, quorum.voters
            );
            return Err(NotDone::Unsafe(why));
        }
        let client = Client::connect(self.access, &status.endpoint).await?;
        if !turn.may_act().await {
            return Ok(false);
        }
        // Once begun it goes on in the member, whoever waits for it: it is not cut off.
        client.defragment(duration(*deadline)).await?;
        let after = observe(self.access).await?;
        if let Some(now) = after.member(*id).and_then(Member::status) {
            let note = format!("{name}: {} bytes, {} before", now.db_size, status.db_size);
            self.events.event(Event::Note(note));
        }
        Ok(true)
    }

    async fn disarm(&self, step: &Step, alarm: Alarm, turn: &Turn) -> Result<bool, NotDone> {
        let seen = observe(self.access).await?;
        let raised = |seen: &Observation| seen.alarms.as_ref().map(|alarms| alarms.contains(&alarm));
        if raised(&seen) == Some(false) {
            return Ok(true);
        }
        let Some((_, status)) = seen.statuses().find(|(_, status)| status.leader.is_some()) else {
            return Err(NotDone::Unsafe("no member knows a leader".to_owned()));
        };
        let client = Client::connect(self.access, &status.endpoint).await?;
        if !turn.may_act().await {
            return Ok(false);
        }
        client.disarm(alarm).await?;
        match raised(&observe(self.access).await?) {
            Some(false) => Ok(true),
            _ => Err(NotDone::Unsafe(format!("{} was raised again at once", name(step)))),
        }
    }
}
