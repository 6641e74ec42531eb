//! Databases against their quota, what is free in them, and alarms.

use crate::finding::{Finding, Severity};

use super::super::observation::{AlarmKind, Member, Observation, Status, percent};
use super::{Limits, finding};

pub(super) fn check(seen: &Observation, limits: &Limits, findings: &mut Vec<Finding>) {
    alarms(seen, findings);
    for (member, status) in seen.statuses() {
        let fragmented = status.free() > limits.free_bytes && status.free_percent() > limits.free_percent;
        quota(member, status, limits, findings);
        if fragmented {
            findings.push(finding(
                ("etcd-fragmented", Severity::Warning),
                member.title(),
                [
                    format!(
                        "{} of {} bytes of its database are free ({} %)",
                        status.free(),
                        status.db_size,
                        status.free_percent()
                    ),
                    "the file counts against the quota as a whole, and a snapshot is as large".to_owned(),
                    "defragment it, one member at a time, the leader last".to_owned(),
                ],
                Some("daytwo etcd defrag --dry-run".to_owned()),
            ));
        }
    }
}

fn quota(member: &Member, status: &Status, limits: &Limits, findings: &mut Vec<Finding>) {
    let Some(quota) = status.quota else { return };
    let used = percent(status.db_size, quota);
    if used < limits.quota_percent {
        return;
    }
    let severity = if used >= 95 { Severity::Critical } else { Severity::Warning };
    let remedy = if percent(status.in_use, quota) < limits.quota_percent {
        "defragment it: what is free in it would do"
    } else {
        "see which keys are the largest (daytwo etcd status of a snapshot), delete or compact, or raise the quota"
    };
    findings.push(finding(
        ("etcd-near-quota", severity),
        member.title(),
        [
            format!("its database has {} of {quota} bytes ({used} %)", status.db_size),
            "at the quota the cluster takes no writes but deletes".to_owned(),
            remedy.to_owned(),
        ],
        Some("daytwo etcd defrag --dry-run".to_owned()),
    ));
}

fn alarms(seen: &Observation, findings: &mut Vec<Finding>) {
    let Some(alarms) = &seen.alarms else {
        if seen.statuses().any(|_| true) {
            findings.push(finding(
                ("etcd-alarms-unknown", Severity::Warning),
                seen.cluster.map_or_else(|| "etcd".to_owned(), |id| format!("cluster {id}")),
                [
                    "no member would list the alarms".to_owned(),
                    "whether writes are refused is not known".to_owned(),
                    "look whether this user may list alarms (it takes the role root)".to_owned(),
                ],
                Some("etcdctl alarm list".to_owned()),
            ));
        }
        return;
    };
    for alarm in alarms {
        let title = seen.member(alarm.member).map_or_else(|| alarm.member.to_string(), Member::title);
        findings.push(match alarm.alarm {
            AlarmKind::NoSpace => finding(
                ("etcd-alarm-nospace", Severity::Critical),
                title,
                [
                    "the alarm NOSPACE is raised".to_owned(),
                    "the cluster takes no writes but deletes: Kubernetes stands still".to_owned(),
                    "delete or compact what fills it, defragment, then take the alarm back".to_owned(),
                ],
                Some("daytwo etcd disarm --dry-run".to_owned()),
            ),
            AlarmKind::Corrupt => finding(
                ("etcd-alarm-corrupt", Severity::Critical),
                title,
                [
                    "the alarm CORRUPT is raised".to_owned(),
                    "its keys differ from those of others: what it answers may be wrong".to_owned(),
                    "remove this member, empty its data directory, and add it anew".to_owned(),
                ],
                Some(format!("etcdctl member remove {}", alarm.member)),
            ),
        });
    }
}
