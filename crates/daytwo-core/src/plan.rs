//! A plan: what will be done to a site, decided in full before anything moves.
//!
//! Every capability is a planner that returns a [`Plan`]; one executor advances it. A plan is a value: it is
//! printed by a dry run, kept as the first record of a run's journal, and read back by whoever resumes the run.
//! It refuses to hold what must not leave a cluster: no value out of a Secret, and no digest of one.
//!
//! ```json
//! {
//!   "apiVersion": "daytwo.dev/v1alpha1",
//!   "kind": "RestorePlan",
//!   "request": { "backup": "nightly", "location": "s3://backups/site-1" },
//!   "id": "nightly-20260102030405",
//!   "created": "2026-01-02T03:04:05Z",
//!   "site": { "context": "site-1", "server": "https://10.0.0.1:6443", "version": "v1.36.3", "uid": "c0ffee" },
//!   "facts": [ { "what": "backup", "was": "nightly at revision 4711" } ],
//!   "impact": { "creates": 120, "updates": 2, "deletes": 0 },
//!   "phases": [ { "name": "claims", "steps": [ { "do": "createObjects", "wave": "claims", "objects": 2 } ] } ]
//! }
//! ```

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::etcd::{Alarm, DefragRequest, DisarmRequest, Id};
use crate::resource::ObjectKey;
use crate::restore::{Request, Wave};

/// The version of every JSON document that daytwo writes.
pub const API_VERSION: &str = "daytwo.dev/v1alpha1";

/// Phases of steps, and what they rest on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// [`API_VERSION`].
    pub api_version: String,
    /// What the plan is for, with the request it was made for.
    #[serde(flatten)]
    pub kind: Kind,
    /// The name of the run that carries it out; a key at the location, so an RFC 1123 subdomain.
    pub id: String,
    /// When it was decided.
    pub created: Timestamp,
    /// The cluster it is for.
    pub site: SiteIdentity,
    /// What was seen and relied on; a run whose facts changed is [`stale`](Plan::stale).
    pub facts: Vec<Fact>,
    /// How much it changes.
    pub impact: Impact,
    /// What is done, phase after phase.
    pub phases: Vec<Phase>,
}

/// What a plan is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "request")]
#[expect(clippy::large_enum_variant, reason = "there is one of a run, and it is moved a few times")]
pub enum Kind {
    /// Objects of a backup are created in a cluster.
    #[serde(rename = "RestorePlan")]
    Restore(Request),
    /// Databases of etcd members are rewritten without what is free in them.
    #[serde(rename = "EtcdDefragPlan")]
    Defrag(DefragRequest),
    /// Alarms of etcd members are taken back.
    #[serde(rename = "EtcdDisarmPlan")]
    Disarm(DisarmRequest),
}

/// Which cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SiteIdentity {
    /// The kubeconfig context it was reached by.
    pub context: String,
    /// The API server's URL.
    pub server: String,
    /// The API server's version, such as `v1.36.3`.
    pub version: String,
    /// The UID of the namespace kube-system, which no two clusters share; `None` where it may not be read.
    pub uid: Option<String>,
}

impl SiteIdentity {
    /// Whether both are known to be one cluster, known to be two, or neither (`None`).
    pub fn same_cluster(&self, other_uid: Option<&str>) -> Option<bool> {
        Some(self.uid.as_deref()? == other_uid?)
    }
}

/// Something seen of a site or a backup that the plan rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What was looked at; unique within a plan.
    pub what: String,
    /// What it was.
    pub was: String,
}

impl Fact {
    /// A fact.
    pub fn new(what: impl Into<String>, was: impl Into<String>) -> Self {
        Self { what: what.into(), was: was.into() }
    }
}

/// How much a plan changes, in objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impact {
    /// Objects made.
    pub creates: u64,
    /// Objects changed.
    pub updates: u64,
    /// Objects removed.
    pub deletes: u64,
}

impl Impact {
    /// Whether this changes more than `before` does, in any way.
    pub fn grew_from(&self, before: &Impact) -> bool {
        self.creates > before.creates || self.updates > before.updates || self.deletes > before.deletes
    }
}

/// A fact that is no longer so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// What was looked at.
    pub what: String,
    /// What the plan saw; `None` where it saw nothing.
    pub was: Option<String>,
    /// What is there now; `None` where there is nothing.
    pub is: Option<String>,
}

impl Changed {
    /// All of them in one line.
    pub fn list(changed: &[Changed]) -> String {
        changed.iter().map(Changed::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Changed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(out, "{} was {} and is {}", self.what, side(&self.was), side(&self.is))
    }
}

/// Steps that belong together, with a name for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// What it is about, such as `claims`.
    pub name: String,
    /// Carried out one after another.
    pub steps: Vec<Step>,
}

/// One idempotent act: it looks, acts, and looks again, so that carrying it out twice is harmless.
///
/// Bulk work is one step, however many objects it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Step {
    /// Makes namespaces that objects need and that neither the cluster nor the backup's own objects provide.
    EnsureNamespaces {
        /// Their names in the cluster.
        namespaces: Vec<String>,
    },
    /// Creates what the backup holds of one wave and the cluster lacks.
    CreateObjects {
        /// Which objects.
        wave: Wave,
        /// How many the plan counted; what is left after a look is created.
        objects: u64,
    },
    /// Waits until the server serves the kinds that CustomResourceDefinitions define.
    AwaitEstablished {
        /// Names of CustomResourceDefinitions.
        definitions: Vec<String>,
        /// The longest wait.
        deadline: SignedDuration,
    },
    /// Waits until Services have a ready endpoint.
    AwaitEndpoints {
        /// `namespace/name` in the cluster.
        services: Vec<String>,
        /// The longest wait.
        deadline: SignedDuration,
    },
    /// Gives objects that were created before their owners those owners, and the managers of their fields.
    BindOwners {
        /// Whether owners that are not there yet will not come: they are given up.
        last: bool,
    },
    /// Deletes objects that the backup does not hold, each by the UID and version that a last look shows.
    PruneObjects {
        /// Their names in the cluster, in the order of deleting.
        extra: Vec<ObjectKey>,
    },
    /// Waits until restored workloads are as available as they were in the backup.
    AwaitWorkloads {
        /// How many the plan counted.
        workloads: u64,
        /// The longest wait; those not available by then are named.
        deadline: SignedDuration,
    },
    /// Gives webhooks that were restored parked their failure policy back, once somebody answers for them.
    ReleaseWebhooks {
        /// The longest wait; those nobody answers for by then stay parked and are named.
        deadline: SignedDuration,
    },
    /// Gives PersistentVolumes that were created with the policy Retain their own policy back, once bound.
    RestoreReclaimPolicies {
        /// The longest wait for volumes to be bound; those not bound by then stay at Retain and are named.
        deadline: SignedDuration,
    },
    /// Has an etcd member rewrite its database without what is free in it. It answers nothing meanwhile.
    DefragMember {
        /// The member.
        member: Id,
        /// Its name.
        name: String,
        /// Where it answers.
        endpoint: String,
        /// Bytes of its database when it was planned.
        size: u64,
        /// Bytes of it that were free.
        free: u64,
        /// The share of it, in percent, that must be free for it to be worth while; below it nothing is done.
        at_least: u64,
        /// Whether it may lead: the others are done.
        may_lead: bool,
        /// The longest time it may take.
        deadline: SignedDuration,
    },
    /// Waits until members of an etcd cluster answer, know a leader, and are up to date.
    AwaitMembers {
        /// Which.
        members: Vec<Id>,
        /// The longest wait.
        deadline: SignedDuration,
    },
    /// Takes an alarm of an etcd member back.
    DisarmAlarm {
        /// Which.
        alarm: Alarm,
        /// The member's name.
        name: String,
    },
}

impl Step {
    /// Whether it puts something in order that earlier steps had to leave half done. A run that is given up carries
    /// these out, and no others.
    pub fn is_release(&self) -> bool {
        match self {
            Self::RestoreReclaimPolicies { .. }
            | Self::BindOwners { last: true }
            | Self::ReleaseWebhooks { .. } => true,
            Self::EnsureNamespaces { .. }
            | Self::CreateObjects { .. }
            | Self::AwaitEstablished { .. }
            | Self::AwaitEndpoints { .. }
            | Self::AwaitWorkloads { .. }
            | Self::BindOwners { last: false }
            | Self::PruneObjects { .. }
            | Self::DefragMember { .. }
            | Self::AwaitMembers { .. }
            | Self::DisarmAlarm { .. } => false,
        }
    }
}

impl Plan {
    /// Every step with its place: (phase, step within the phase).
    pub fn steps(&self) -> impl Iterator<Item = (Place, &Step)> {
        self.phases.iter().enumerate().flat_map(|(phase, steps)| {
            steps.steps.iter().enumerate().map(move |(step, value)| (Place { phase, step }, value))
        })
    }

    /// The step at `place`.
    pub fn step(&self, place: Place) -> Option<&Step> {
        self.phases.get(place.phase)?.steps.get(place.step)
    }

    /// The place after `place`; the first for `None`; `None` at the end.
    pub fn next(&self, place: Option<Place>) -> Option<Place> {
        self.steps().map(|(at, _)| at).find(|at| place.is_none_or(|place| *at > place))
    }

    /// The facts that differ from what the plan saw, in its order; then those that it did not see.
    pub fn stale(&self, now: &[Fact]) -> Vec<Changed> {
        let find = |facts: &[Fact], what: &str| {
            facts.iter().find(|fact| fact.what == what).map(|fact| fact.was.clone())
        };
        let seen = self.facts.iter().map(|fact| &fact.what);
        let new = now.iter().map(|fact| &fact.what).filter(|what| find(&self.facts, what).is_none());
        seen.chain(new)
            .map(|what| Changed { what: what.clone(), was: find(&self.facts, what), is: find(now, what) })
            .filter(|change| change.was != change.is)
            .collect()
    }
}

/// Where a step stands in its plan, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The phase.
    pub phase: usize,
    /// The step within the phase.
    pub step: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.phase, self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let wave = |wave: Wave, objects| Step::CreateObjects { wave, objects };
        Plan {
            api_version: API_VERSION.to_owned(),
            kind: Kind::Restore(Request { backup: "nightly".into(), ..Request::default() }),
            id: "nightly-1".into(),
            created: Timestamp::UNIX_EPOCH,
            site: SiteIdentity {
                context: "site".into(),
                server: "https://h".into(),
                version: "v1".into(),
                uid: Some("u".into()),
            },
            facts: vec![Fact::new("backup", "nightly"), Fact::new("kube-system", "u")],
            impact: Impact { creates: 3, ..Impact::default() },
            phases: vec![
                Phase {
                    name: "definitions".into(),
                    steps: vec![
                        wave(Wave::Definitions, 1),
                        Step::AwaitEstablished {
                            definitions: vec!["a.x.io".into()],
                            deadline: SignedDuration::from_secs(60),
                        },
                    ],
                },
                Phase { name: "nothing".into(), steps: vec![] },
                Phase { name: "config".into(), steps: vec![wave(Wave::Config, 2)] },
            ],
        }
    }

    #[test]
    fn what_was_planned_is_read_back_as_it_was() {
        let plan = plan();
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
        assert!(
            json.starts_with(r#"{"apiVersion":"daytwo.dev/v1alpha1","kind":"RestorePlan","request":{"#),
            "{json}"
        );
    }

    #[test]
    fn steps_are_walked_past_an_empty_phase_to_the_end() {
        let plan = plan();
        let mut at = None;
        let mut walked = Vec::new();
        while let Some(place) = plan.next(at) {
            walked.push(place.to_string());
            at = Some(place);
        }
        assert_eq!(walked, ["0.0", "0.1", "2.0"]);
    }

    #[test]
    fn a_fact_that_changed_vanished_or_came_makes_a_plan_stale() {
        let now = [Fact::new("backup", "other"), Fact::new("quota", "3")];
        let changed = plan().stale(&now);
        let brief: Vec<_> =
            changed.iter().map(|c| (c.what.as_str(), c.was.as_deref(), c.is.as_deref())).collect();
        assert_eq!(
            brief,
            [
                ("backup", Some("nightly"), Some("other")),
                ("kube-system", Some("u"), None),
                ("quota", None, Some("3"))
            ]
        );
        assert!(plan().stale(&plan().facts).is_empty());
    }

    #[test]
    fn an_impact_grows_if_any_part_of_it_does() {
        let before = Impact { creates: 5, updates: 1, deletes: 0 };
        assert!(!Impact { creates: 4, ..before }.grew_from(&before));
        assert!(Impact { creates: 0, updates: 0, deletes: 1 }.grew_from(&before));
    }

    #[test]
    fn a_cluster_without_a_uid_is_neither_the_same_nor_another() {
        let mut site = plan().site;
        assert_eq!(site.same_cluster(Some("u")), Some(true));
        assert_eq!(site.same_cluster(Some("v")), Some(false));
        assert_eq!(site.same_cluster(None), None);
        site.uid = None;
        assert_eq!(site.same_cluster(Some("u")), None);
    }
}
