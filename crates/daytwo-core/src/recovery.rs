//! Plans how a lost control plane is brought back, by hand: the cluster is down, so there is nothing to execute it with.
//!
//! A [`Recovery`] is printed, followed and ticked off by a person on the hosts. [`restore`] puts a snapshot back on every
//! member; [`quorum`] makes a cluster of the one member that is left, without a snapshot. Both are pure: what is known
//! of the site comes in as [`Facts`], the time of day as a stamp.
//!
//! What a plan refuses to do: delete anything (what is in the way is moved aside), begin before every server stands
//! still, and name a host that the facts do not know. What would not start afterwards is [`Refused`] here, before
//! anything stops.
//!
//! Where the steps come from:
//! * etcd: "Disaster recovery" and "Runtime reconfiguration" of etcd.io/docs/v3.6/op-guide; `server/etcdserver/bootstrap.go`
//!   of v3.6.16 for what `--force-new-cluster` keeps;
//! * kubeadm: `cmd/kubeadm/app/phases/etcd/local.go` and `constants.go` of Kubernetes v1.36 for paths and flags;
//! * K3s: docs.k3s.io "k3s etcd-snapshot" and "Backup and Restore", `pkg/etcd/etcd.go`, `pkg/cli/server/server.go`;
//! * RKE2: docs.rke2.io "Backup and Restore", "Subcommands";
//! * Harvester: RKE2 under `/opt/rke2/bin`, started through `rancher-system-agent` (harvester/harvester 4803, 4584, 7805).

mod check;
mod cluster;
mod facts;
mod kubeadm;
mod rancher;
mod refused;
mod seen;
mod shell;
mod sqlite;
mod standing;
#[cfg(test)]
mod tests;
mod text;

use serde::{Deserialize, Serialize};

use crate::plan::Fact;

pub use facts::{Alarm, Distribution, Facts, Host, Kept, Member, Request, Snapshot, Webhook};
pub use refused::Refused;
pub use seen::{Nodes, guess, member_of, nodes, webhooks};
pub use shell::quote;
pub use standing::{Entry, Standing, furthest};

/// What a person does to bring a control plane back, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovery {
    /// In a few words: of what, from what.
    pub title: String,
    /// What distribution it is for.
    pub distribution: Distribution,
    /// What the plan rests on, to be compared with what is there.
    pub facts: Vec<Fact>,
    /// What to know before beginning: what is lost, what this plan cannot see.
    pub cautions: Vec<String>,
    /// Done one after another; none begins before the one above it is ticked off.
    pub phases: Vec<Phase>,
}

/// Steps that are done together on one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Phase {
    /// What it is about.
    pub title: String,
    /// Where the commands are typed.
    pub host: Host,
    /// In order.
    pub steps: Vec<Step>,
}

/// One thing to do, to look at, and to tick off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What is done, and why.
    pub what: String,
    /// What is typed, quoted for a POSIX shell. One entry may run over several lines.
    pub commands: Vec<String>,
    /// What must be seen before the box is ticked.
    pub expect: String,
    /// What to do if something else is seen.
    pub otherwise: String,
}

impl Step {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), commands: Vec::new(), expect: String::new(), otherwise: String::new() }
    }

    fn run(mut self, command: impl Into<String>) -> Self {
        self.commands.push(command.into());
        self
    }

    fn see(mut self, expect: impl Into<String>) -> Self {
        self.expect = expect.into();
        self
    }

    fn or(mut self, otherwise: impl Into<String>) -> Self {
        self.otherwise = otherwise.into();
        self
    }
}

impl Phase {
    fn new(title: impl Into<String>, on: &Member, steps: Vec<Step>) -> Self {
        Self { title: title.into(), host: on.host.clone(), steps }
    }
}

/// The plan that puts the snapshot of `facts` back on every member.
///
/// # Errors
/// [`Refused`]: no plan with these facts would end with a control plane that runs.
pub fn restore(facts: &Facts, request: &Request) -> Result<Recovery, Refused> {
    facts.check(request)?;
    let snapshot = facts.snapshot.as_ref().ok_or(Refused::NoSnapshot)?;
    let phases = match (facts.distribution, snapshot.kept) {
        (Distribution::Kubeadm, _) => kubeadm::restore(facts, snapshot, request),
        (Distribution::K3s, Kept::Sqlite { .. }) => sqlite::restore(facts, snapshot, request),
        _ => rancher::restore(facts, snapshot, request),
    };
    Ok(Recovery {
        title: format!("Restore of the {} control plane from {}", facts.distribution.words(), snapshot.path),
        distribution: facts.distribution,
        facts: facts.listed(),
        cautions: check::cautions(facts, snapshot, request),
        phases,
    })
}

/// The plan that makes a cluster of the first member of `facts`, the only one alive, and joins the others to it again.
///
/// # Errors
/// [`Refused`]: no plan with these facts would end with a control plane that runs.
pub fn quorum(facts: &Facts, request: &Request) -> Result<Recovery, Refused> {
    facts.check(request)?;
    let phases = match facts.distribution {
        Distribution::Kubeadm => kubeadm::quorum(facts, request),
        _ => rancher::quorum(facts, request),
    };
    Ok(Recovery {
        title: format!(
            "Quorum of the {} control plane from its member {}",
            facts.distribution.words(),
            facts.first().host.name
        ),
        distribution: facts.distribution,
        facts: facts.listed(),
        cautions: standing::cautions(facts, request),
        phases,
    })
}
