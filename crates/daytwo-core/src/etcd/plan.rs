//! Plans for an etcd cluster: databases defragmented one member at a time, the leader last, health between; alarms
//! taken back once what raised them is gone.
//!
//! It refuses what would have the cluster take no writes, unless that is accepted: a member that is being
//! defragmented answers nothing, as if it were lost.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::observation::{AlarmKind, Member, Observation, Status};
use crate::plan::{API_VERSION, Fact, Impact, Kind, Phase, Plan, SiteIdentity, Step};

/// The longest wait for members to be well again.
const WELL: SignedDuration = SignedDuration::from_mins(5);

/// How the cluster was reached, so that who goes on with a run reaches it again. Files are named, never held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reach {
    /// Endpoints.
    pub endpoints: Vec<String>,
    /// The authorities that sign for its servers, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cacert: Option<PathBuf>,
    /// The client's certificate, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert: Option<PathBuf>,
    /// The client's key, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

/// What is to be defragmented.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DefragRequest {
    /// Where.
    pub reach: Reach,
    /// Members by name or id; none means all.
    pub members: Vec<String>,
    /// The share of a database, in percent, that must be free for it to be worth while.
    pub at_least: u64,
    /// Go on although the cluster takes no writes while a member is at it.
    pub accept_outage: bool,
    /// The longest time one member may take.
    pub deadline: SignedDuration,
}

impl Default for DefragRequest {
    fn default() -> Self {
        let deadline = SignedDuration::from_mins(10);
        Self { reach: Reach::default(), members: Vec::new(), at_least: 10, accept_outage: false, deadline }
    }
}

/// What alarms are to be taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DisarmRequest {
    /// Where.
    pub reach: Reach,
    /// Alarms of these members by name or id; none means all.
    pub members: Vec<String>,
    /// CORRUPT too: the keys of its member were looked at.
    pub corrupt: bool,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too little was seen.
    #[error("nobody can tell how the cluster stands: {0}")]
    Unseen(String),
    /// A member is named that there is not.
    #[error("there is no member {name}: there are {known}")]
    UnknownMember {
        /// What was asked for.
        name: String,
        /// Which there are.
        known: String,
    },
    /// The cluster takes no writes as it is.
    #[error(
        "the cluster has lost its quorum ({healthy} of {voters} voters are healthy): bring members back first"
    )]
    NoQuorum {
        /// Voters that are healthy.
        healthy: u64,
        /// Voters.
        voters: u64,
    },
    /// One more member that does not answer stops it.
    #[error(
        "the quorum margin is 0 ({healthy} of {voters} voters are healthy): while a member is defragmented the cluster takes no writes"
    )]
    NoMargin {
        /// Voters that are healthy.
        healthy: u64,
        /// Voters.
        voters: u64,
    },
    /// What raised the alarm is still so.
    #[error(
        "{member} still has {size} of {quota} bytes: the alarm would be raised again; delete or compact, then defragment"
    )]
    StillFull {
        /// The member.
        member: String,
        /// Bytes of its database.
        size: u64,
        /// Bytes it may have.
        quota: u64,
    },
    /// The alarm says that data differs.
    #[error(
        "the alarm CORRUPT of {member} says that its keys differ from those of others: remove it and add it anew"
    )]
    Corrupt {
        /// The member.
        member: String,
    },
}

/// Plans to defragment: the members that are worth it, learners and followers first.
///
/// # Errors
/// [`Refused`]. A plan without phases has nothing to do.
pub fn plan_defrag(
    seen: &Observation,
    request: &DefragRequest,
    id: &str,
    created: Timestamp,
) -> Result<Plan, Refused> {
    let wanted = wanted(seen, &request.members)?;
    if let Some(member) =
        wanted.iter().find(|member| !request.members.is_empty() && member.status().is_none())
    {
        return Err(Refused::Unseen(format!("{} does not answer", member.title())));
    }
    let quorum = seen.quorum();
    let (healthy, voters) = (quorum.healthy, quorum.voters);
    match quorum.margin() {
        None => return Err(Refused::NoQuorum { healthy, voters }),
        Some(0) if !request.accept_outage => return Err(Refused::NoMargin { healthy, voters }),
        Some(_) => {}
    }
    let leader = seen.leader().map(|member| member.id);
    let worth = |status: &&Status| status.is_worth_defragmenting(request.at_least);
    let mut chosen: Vec<(&Member, &Status)> =
        wanted.into_iter().filter_map(|member| Some((member, member.status().filter(worth)?))).collect();
    chosen.sort_by_key(|(member, _)| (Some(member.id) == leader, !member.learner, member.id));
    let well: Vec<_> =
        seen.statuses().filter(|(_, status)| status.leader.is_some()).map(|(m, _)| m.id).collect();
    let last = chosen.len().saturating_sub(1);
    let phases = chosen.iter().enumerate().map(|(n, (member, status))| Phase {
        name: member.title(),
        steps: vec![
            Step::AwaitMembers { members: well.clone(), deadline: WELL },
            Step::DefragMember {
                member: member.id,
                name: member.title(),
                endpoint: status.endpoint.clone(),
                size: status.db_size,
                free: status.free(),
                at_least: request.at_least,
                may_lead: n == last,
                deadline: request.deadline,
            },
            Step::AwaitMembers { members: well.clone(), deadline: WELL },
        ],
    });
    Ok(plan(seen, Kind::Defrag(request.clone()), (id, created), phases.collect()))
}

/// Plans to take alarms back, of those whose cause is gone.
///
/// # Errors
/// [`Refused`]. A plan without phases has nothing to do: no alarm is raised.
pub fn plan_disarm(
    seen: &Observation,
    request: &DisarmRequest,
    id: &str,
    created: Timestamp,
) -> Result<Plan, Refused> {
    let wanted = wanted(seen, &request.members)?;
    let Some(alarms) = &seen.alarms else {
        return Err(Refused::Unseen("no member would list the alarms".to_owned()));
    };
    let quorum = seen.quorum();
    if quorum.margin().is_none() && !seen.has_quorum() {
        return Err(Refused::NoQuorum { healthy: quorum.healthy, voters: quorum.voters });
    }
    let mut steps = Vec::new();
    for alarm in alarms {
        let member = seen.member(alarm.member);
        if !request.members.is_empty() && !wanted.iter().any(|member| member.id == alarm.member) {
            continue;
        }
        let name = member.map_or_else(|| alarm.member.to_string(), Member::title);
        let status = member.and_then(Member::status);
        match (alarm.alarm, status.and_then(|status| Some((status.db_size, status.quota?)))) {
            (AlarmKind::Corrupt, _) if !request.corrupt => return Err(Refused::Corrupt { member: name }),
            (AlarmKind::NoSpace, Some((size, quota))) if size >= quota => {
                return Err(Refused::StillFull { member: name, size, quota });
            }
            _ => steps.push(Step::DisarmAlarm { alarm: *alarm, name }),
        }
    }
    let phases = if steps.is_empty() { Vec::new() } else { vec![Phase { name: "alarms".to_owned(), steps }] };
    Ok(plan(seen, Kind::Disarm(request.clone()), (id, created), phases))
}

/// The members that are named, or all.
fn wanted<'a>(seen: &'a Observation, names: &[String]) -> Result<Vec<&'a Member>, Refused> {
    if seen.members.is_empty() {
        let why = seen.silent.first().map_or("no endpoint was given", |(_, why)| why.as_str());
        return Err(Refused::Unseen(why.to_owned()));
    }
    if names.is_empty() {
        return Ok(seen.members.iter().collect());
    }
    let find = |name: &String| {
        let known = || seen.members.iter().map(Member::title).collect::<Vec<_>>().join(", ");
        let found = seen.members.iter().find(|member| member.name == *name || member.id.to_string() == *name);
        found.ok_or_else(|| Refused::UnknownMember { name: name.clone(), known: known() })
    };
    names.iter().map(find).collect()
}

fn plan(seen: &Observation, kind: Kind, (id, created): (&str, Timestamp), phases: Vec<Phase>) -> Plan {
    let cluster = seen.cluster.unwrap_or_default();
    let leads = seen.leader().and_then(Member::status);
    let any = leads.or_else(|| seen.statuses().next().map(|(_, status)| status));
    Plan {
        api_version: API_VERSION.to_owned(),
        kind,
        id: id.to_owned(),
        created,
        site: SiteIdentity {
            context: format!("etcd cluster {cluster}"),
            server: any.map(|status| status.endpoint.clone()).unwrap_or_default(),
            version: any.map(|status| status.version.clone()).unwrap_or_default(),
            uid: Some(cluster.to_string()),
        },
        facts: seen.facts(),
        impact: Impact::default(),
        phases,
    }
}

impl Observation {
    /// What a plan for this cluster relies on: which it is, and who belongs to it.
    pub fn facts(&self) -> Vec<Fact> {
        let cluster = self.cluster.map_or_else(|| "not seen".to_owned(), |id| id.to_string());
        let members: Vec<String> = self.members.iter().map(|member| member.id.to_string()).collect();
        vec![Fact::new("the etcd cluster", cluster), Fact::new("its members", members.join(", "))]
    }
}

#[cfg(test)]
mod tests;
