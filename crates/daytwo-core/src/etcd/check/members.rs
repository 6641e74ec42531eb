//! Members, leader and quorum.

use std::collections::BTreeSet;

use crate::finding::{Finding, Severity};

use super::super::observation::{Member, Observation, Read, Sight, Status};
use super::{Limits, finding};

pub(super) fn check(seen: &Observation, limits: &Limits, findings: &mut Vec<Finding>) {
    strangers(seen, findings);
    unreachable(seen, findings);
    quorum(seen, findings);
    leaders(seen, findings);
    for (member, status) in seen.statuses() {
        one(member, status, limits, findings);
    }
    lag(seen, limits, findings);
    versions(seen, findings);
}

/// Endpoints that are no member's.
fn strangers(seen: &Observation, findings: &mut Vec<Finding>) {
    for (endpoint, why) in &seen.silent {
        findings.push(finding(
            ("etcd-endpoint-silent", Severity::Warning),
            endpoint,
            [
                why.clone(),
                "what is there was not looked at".to_owned(),
                "look whether etcd runs there, and whether these certificates are its cluster's".to_owned(),
            ],
            Some(format!("etcdctl --endpoints={endpoint} endpoint status")),
        ));
    }
    for (endpoint, cluster) in &seen.strangers {
        findings.push(finding(
            ("etcd-cluster-differs", Severity::Critical),
            endpoint,
            [
                format!("it is a member of cluster {cluster}"),
                "clients that were given both write to two clusters".to_owned(),
                "give clients the endpoints of one cluster only".to_owned(),
            ],
            Some(format!("etcdctl --endpoints={endpoint} member list")),
        ));
    }
}

fn unreachable(seen: &Observation, findings: &mut Vec<Finding>) {
    for member in &seen.members {
        let Sight::Unseen { because } = &member.sight else { continue };
        if member.name.is_empty() {
            findings.push(finding(
                ("etcd-member-not-started", Severity::Warning),
                member.title(),
                [
                    "it was added and has never started".to_owned(),
                    "a voter that never started counts against the quorum as one that is lost".to_owned(),
                    "start it with --initial-cluster-state=existing, or remove it".to_owned(),
                ],
                Some(format!("etcdctl member remove {}", member.id)),
            ));
            continue;
        }
        findings.push(finding(
            ("etcd-member-unreachable", Severity::Critical),
            member.title(),
            [
                because.clone(),
                "it is counted as lost: whether it is healthy is not known".to_owned(),
                "look at the process and its log on that host; if it is gone for good, replace it".to_owned(),
            ],
            Some(format!(
                "etcdctl --endpoints={} endpoint status",
                member.client_urls.first().map_or("ENDPOINT", String::as_str)
            )),
        ));
    }
}

fn quorum(seen: &Observation, findings: &mut Vec<Finding>) {
    let quorum = seen.quorum();
    let subject = seen.cluster.map_or_else(|| "etcd".to_owned(), |id| format!("cluster {id}"));
    let votes =
        format!("{} of {} voters are healthy, {} are needed", quorum.healthy, quorum.voters, quorum.needed);
    match quorum.margin() {
        _ if quorum.voters == 0 => {}
        None if seen.has_quorum() => findings.push(finding(
            ("etcd-seen-in-part", Severity::Critical),
            subject,
            [
                format!("from here {votes}, and yet a read with a quorum was answered"),
                "members are cut off from here, not from each other: their state is not known".to_owned(),
                "look from a host that reaches every member".to_owned(),
            ],
            Some("etcdctl endpoint status --cluster -w table".to_owned()),
        )),
        None => findings.push(finding(
            ("etcd-quorum-lost", Severity::Critical),
            subject,
            [
                votes,
                "no write is taken and no read with a quorum answered: the Kubernetes API is down".to_owned(),
                "start the members that are down; if they are gone for good, see daytwo etcd plan quorum"
                    .to_owned(),
            ],
            Some("daytwo etcd plan quorum".to_owned()),
        )),
        Some(0) if quorum.voters == 1 => findings.push(finding(
            ("etcd-single-member", Severity::Info),
            subject,
            [
                "it has one member".to_owned(),
                "there is no other copy: if its disk is lost, so is all since the last snapshot".to_owned(),
                "save snapshots often, or add two members".to_owned(),
            ],
            Some("daytwo etcd save".to_owned()),
        )),
        Some(0) => findings.push(finding(
            ("etcd-no-margin", Severity::Critical),
            subject,
            [
                votes,
                "one more failure and the cluster is read-only".to_owned(),
                "bring the lost members back before anything else is done to one of these".to_owned(),
            ],
            Some("etcdctl member list -w table".to_owned()),
        )),
        Some(_) if quorum.voters.is_multiple_of(2) => findings.push(finding(
            ("etcd-even-members", Severity::Info),
            subject,
            [
                format!("it has {} voters", quorum.voters),
                "it bears no more failures than with one voter less".to_owned(),
                "add or remove one".to_owned(),
            ],
            None,
        )),
        Some(_) => {}
    }
}

/// Members that know no leader, or another one in the same term.
fn leaders(seen: &Observation, findings: &mut Vec<Finding>) {
    let known: BTreeSet<_> =
        seen.statuses().filter_map(|(_, s)| s.leader.map(|leader| (s.term, leader))).collect();
    for (member, _) in seen.statuses().filter(|(_, status)| status.leader.is_none()) {
        findings.push(finding(
            ("etcd-no-leader", Severity::Critical),
            member.title(),
            [
                "it knows no leader".to_owned(),
                "it takes no writes and answers no reads with a quorum".to_owned(),
                "look at its log and at the network between members; an election takes seconds".to_owned(),
            ],
            Some("etcdctl endpoint status --cluster -w table".to_owned()),
        ));
    }
    if known.len() > 1 {
        let each: Vec<String> =
            known.iter().map(|(term, leader)| format!("{leader} in term {term}")).collect();
        findings.push(finding(
            ("etcd-leaders-differ", Severity::Warning),
            seen.cluster.map_or_else(|| "etcd".to_owned(), |id| format!("cluster {id}")),
            [
                format!("members name different leaders: {}", each.join(", ")),
                "leaders change: writes stall at each change".to_owned(),
                "look again; if it stays, look at disks and at the network between members".to_owned(),
            ],
            Some("etcdctl endpoint status --cluster -w table".to_owned()),
        ));
    }
}

/// What a member says of itself.
fn one(member: &Member, status: &Status, limits: &Limits, findings: &mut Vec<Finding>) {
    if member.learner {
        findings.push(finding(
            ("etcd-learner", Severity::Info),
            member.title(),
            [
                "it is a learner".to_owned(),
                "it has no vote, and is no copy to count on".to_owned(),
                "promote it once it has caught up".to_owned(),
            ],
            Some(format!("etcdctl member promote {}", member.id)),
        ));
    }
    match &status.read {
        Read::TookMs(took) if *took > limits.read_ms => findings.push(finding(
            ("etcd-slow", Severity::Warning),
            member.title(),
            [
                format!("a read with a quorum took {took} ms"),
                "the Kubernetes API is as slow, and elections come close".to_owned(),
                "look at the latency of its disk (wal_fsync) and of the network between members".to_owned(),
            ],
            Some(format!("etcdctl --endpoints={} check perf", status.endpoint)),
        )),
        // Without a leader there is none, which is said already.
        Read::Failed(why) if status.leader.is_some() => findings.push(finding(
            ("etcd-read-failed", Severity::Critical),
            member.title(),
            [
                format!("a read with a quorum failed: {why}"),
                "API servers that are connected to it fail".to_owned(),
                "look at its log".to_owned(),
            ],
            Some(format!("etcdctl --endpoints={} endpoint health", status.endpoint)),
        )),
        Read::TookMs(_) | Read::Failed(_) => {}
    }
    // Alarms and a missing leader are told with more words elsewhere.
    let told = |error: &&String| !error.contains("alarm:") && !error.contains("no leader");
    for error in status.errors.iter().filter(told) {
        findings.push(finding(
            ("etcd-member-complains", Severity::Warning),
            member.title(),
            [error.clone(), "see its log".to_owned(), "look at its log".to_owned()],
            Some(format!("etcdctl --endpoints={} endpoint status -w json", status.endpoint)),
        ));
    }
}

/// Members that are behind the leader.
fn lag(seen: &Observation, limits: &Limits, findings: &mut Vec<Finding>) {
    let Some(leads) = seen.leader().and_then(Member::status) else { return };
    for (member, status) in seen.statuses() {
        let behind = leads.index.saturating_sub(status.applied);
        if behind > limits.lag {
            findings.push(finding(
                ("etcd-member-lags", Severity::Warning),
                member.title(),
                [
                    format!("it is {behind} raft entries behind the leader"),
                    "what it answers is old; if the leader fails, it has to catch up first".to_owned(),
                    "look at its disk and its network".to_owned(),
                ],
                Some("etcdctl endpoint status --cluster -w table".to_owned()),
            ));
        }
    }
}

/// `3.6` of `3.6.16`.
fn minor(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

fn versions(seen: &Observation, findings: &mut Vec<Finding>) {
    let versions: BTreeSet<&str> = seen.statuses().map(|(_, status)| status.version.as_str()).collect();
    if versions.len() < 2 {
        return;
    }
    let minors: BTreeSet<String> = versions.iter().map(|version| minor(version)).collect();
    let severity = if minors.len() > 1 { Severity::Warning } else { Severity::Info };
    findings.push(finding(
        ("etcd-version-skew", severity),
        seen.cluster.map_or_else(|| "etcd".to_owned(), |id| format!("cluster {id}")),
        [
            format!("members run {}", versions.into_iter().collect::<Vec<_>>().join(", ")),
            "the cluster works as its oldest member does; two minor versions apart, members do not start"
                .to_owned(),
            "bring all to one version".to_owned(),
        ],
        Some("etcdctl endpoint status --cluster -w table".to_owned()),
    ));
}
