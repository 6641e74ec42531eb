//! How far a member's data directory has come, and which of several is to begin with when quorum is lost.
//!
//! What counts is what is known to be committed. `--force-new-cluster` drops every entry beyond
//! max(HardState.commit, consistent index) (`bootstrapWALFromSnapshot` in `server/etcdserver/bootstrap.go`, etcd v3.6.16),
//! so a longer log is no help where its end was never committed. Committed entries are the same on all members, so the
//! one that knows of more holds everything that the others do.

use std::fmt;

use super::{Distribution, Facts, Member, Request};

/// Raft's place of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The leader's term it was written in.
    pub term: u64,
    /// Its place in the log.
    pub index: u64,
}

/// What a data directory says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The last entry whose effect is in the database.
    pub consistent_index: u64,
    /// HardState's commit in the WAL; `None` where it was not read.
    pub commit: Option<u64>,
    /// The last entry in the WAL; `None` where it was not read.
    pub last: Option<Entry>,
    /// The newest revision in the database.
    pub revision: i64,
    /// The cluster's id; two directories of different ids were never members of one cluster.
    pub cluster: Option<u64>,
}

impl Standing {
    /// The last entry that a start with `--force-new-cluster` keeps.
    pub fn committed(&self) -> u64 {
        self.commit.unwrap_or_default().max(self.consistent_index)
    }

    /// How many entries of its log a start with `--force-new-cluster` drops.
    pub fn dropped(&self) -> u64 {
        self.last.map_or(0, |last| last.index.saturating_sub(self.committed()))
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "committed to entry {}, revision {}", self.committed(), self.revision)?;
        match self.last {
            Some(last) => write!(f, ", log to entry {} of term {}", last.index, last.term),
            None => f.write_str(", WAL not read"),
        }
    }
}

/// The member whose directory is furthest on, and those that are as far; `None` where none was looked at.
///
/// The order is by what is committed, then by the last entry as Raft orders logs: by term, then by index.
pub fn furthest(members: &[Member]) -> Option<Vec<&Member>> {
    let rank = |member: &Member| member.standing.as_ref().map(|s| (s.committed(), s.last));
    let best = members.iter().filter_map(rank).max()?;
    Some(members.iter().filter(|member| rank(member) == Some(best)).collect())
}

pub(super) fn cautions(facts: &Facts, request: &Request) -> Vec<String> {
    let first = facts.first();
    let mut cautions = vec![
        "This is for a cluster that has lost more than half of its members for good. If enough of them can be started \
         again to make a majority, start them and do nothing of this: nothing is lost then."
            .to_owned(),
    ];
    match furthest(&facts.members) {
        None => cautions.push(format!(
            "How far the members' data directories have come was not looked at: name each that can be read, or a copy of \
             it, as --dir NAME=DIR. If {} is behind the others, what only they hold is lost.",
            first.host.name
        )),
        Some(best) => cautions.push(compared(facts, &best)),
    }
    if let Some(standing) = &first.standing {
        let lost = standing.dropped();
        if lost > 0 {
            cautions.push(format!(
                "{lost} entries at the end of {}'s log are not known to be committed and are dropped. Some of them may have \
                 been acknowledged to a client.",
                first.host.name
            ));
        }
    }
    cautions.push(format!(
        "Lost is what was acknowledged and never reached {}. Its revisions will be given again to other changes, so every \
         kube-apiserver, kubelet and controller is restarted: none may go on from a revision it saw before.",
        first.host.name
    ));
    if facts.distribution != Distribution::Kubeadm {
        cautions.push(super::rancher::by_hand(facts));
    }
    if facts.distribution == Distribution::Harvester {
        cautions.push(super::rancher::machines());
    }
    cautions.push(super::check::kept(request));
    cautions
}

fn compared(facts: &Facts, best: &[&Member]) -> String {
    let first = facts.first();
    let names: Vec<&str> = best.iter().map(|member| member.host.name.as_str()).collect();
    let unseen: Vec<&str> = facts
        .members
        .iter()
        .filter(|member| member.standing.is_none())
        .map(|member| member.host.name.as_str())
        .collect();
    let mut text = match best.iter().any(|member| member.name == first.name) {
        true if best.len() > 1 => {
            format!("{} are equally far on; {} is begun with.", names.join(" and "), names[0])
        }
        true => {
            format!("{} is furthest on of those that were looked at, and is begun with.", first.host.name)
        }
        false => format!(
            "{} is further on than {}, which was asked for: begin with {} instead (--alive {}), or what only it holds is \
             lost.",
            names.join(" and "),
            first.host.name,
            names[0],
            names[0]
        ),
    };
    if !unseen.is_empty() {
        text.push_str(&format!(" Not looked at: {}.", unseen.join(", ")));
    }
    text
}
