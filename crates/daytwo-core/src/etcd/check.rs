//! What is wrong with an etcd cluster. A pure function of what was seen.
//!
//! It refuses to call a cluster healthy of which a part was not seen, and to name a remedy that is not a command.

mod members;
mod space;

use crate::finding::{Finding, Severity};

use super::observation::Observation;

/// What is called too much. The defaults are said with their sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Raft entries that a member may be behind the leader. Default 1,000: etcd refuses writes at 5,000
    /// (`maxGapBetweenApplyAndCommitIndex`, server/etcdserver/v3_server.go of 3.6).
    pub lag: u64,
    /// Milliseconds that a read with a quorum may take. Default 500: half of etcd's default election timeout.
    pub read_ms: u64,
    /// Percent of the quota that the database may take. Default 80.
    pub quota_percent: u64,
    /// Percent of the file that may be free. Default 45, and [`Limits::free_bytes`] 100 MB: where OpenShift's etcd
    /// operator defragments (cluster-etcd-operator, pkg/operator/defragcontroller).
    pub free_percent: u64,
    /// Bytes that may be free whatever their share.
    pub free_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lag: 1_000, read_ms: 500, quota_percent: 80, free_percent: 45, free_bytes: 100_000_000 }
    }
}

/// How a cluster stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to act on, and all of it was seen.
    Healthy,
    /// Something to act on.
    Findings,
    /// Nobody answered, or too little was seen to tell.
    Unknown,
}

/// How the cluster stands, `findings` being those of [`check`].
pub fn verdict(seen: &Observation, findings: &[Finding]) -> Verdict {
    let quorum = seen.quorum();
    // Members that are lost only from here: whether they are healthy nobody can say.
    let only_from_here = quorum.margin().is_none() && seen.has_quorum();
    if seen.members.is_empty() || only_from_here || !seen.statuses().any(|_| true) {
        return Verdict::Unknown;
    }
    if findings.iter().any(|finding| finding.severity.counts()) {
        return Verdict::Findings;
    }
    if seen.alarms.is_none() { Verdict::Unknown } else { Verdict::Healthy }
}

/// What a person should act on, the worst first.
pub fn check(seen: &Observation, limits: &Limits) -> Vec<Finding> {
    let mut findings = Vec::new();
    members::check(seen, limits, &mut findings);
    space::check(seen, limits, &mut findings);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// A finding, in the order a person reads it.
fn finding(
    (id, severity): (&str, Severity),
    subject: impl Into<String>,
    [evidence, breaks, remedy]: [String; 3],
    command: Option<String>,
) -> Finding {
    Finding { id: id.to_owned(), severity, subject: subject.into(), evidence, breaks, remedy, command }
}

#[cfg(test)]
mod tests;
