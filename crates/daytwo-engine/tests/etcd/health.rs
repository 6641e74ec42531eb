//! What is found wrong with real clusters, and that what is down is not taken for healthy.

use daytwo_core::etcd::{AlarmKind, Limits, Sight, Verdict, check, verdict};
use daytwo_engine::etcd::{Client, EtcdError, observe};
use testbed::{EtcdCluster, Family, parts_or_skip};

use super::harness::{access, fill, free_pages, ids, look, until};

fn verdict_of(seen: &daytwo_core::etcd::Observation) -> Verdict {
    verdict(seen, &check(seen, &Limits::default()))
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_go_take_the_margin_then_the_quorum_then_everything() {
    if parts_or_skip(&[Family::Etcd]).is_none() {
        return;
    }
    let cluster = EtcdCluster::builder(3).start().unwrap();
    // One endpoint leads to all three.
    let seen = observe(&access(&cluster, vec![cluster.endpoints()[0].clone()])).await.unwrap();
    assert_eq!(seen.members.len(), 3);
    assert!(seen.members.iter().all(|member| matches!(member.sight, Sight::Seen(_))), "{seen:#?}");
    assert_eq!((seen.quorum().margin(), seen.alarms.as_deref()), (Some(1), Some(&[][..])));
    assert!(seen.leader().is_some() && seen.statuses().all(|(_, status)| status.version.starts_with("3.6.")));
    assert!(
        !ids(&seen).iter().any(|id| id.contains("unreachable") || id.contains("quorum")),
        "{:?}",
        ids(&seen)
    );

    cluster.kill(2).unwrap();
    let seen = until(&cluster, "a leader among two", |seen| seen.quorum().margin() == Some(0)).await;
    let found = ids(&seen);
    assert!(found.contains(&"etcd-no-margin".to_owned()), "{found:?}");
    assert!(found.contains(&"etcd-member-unreachable".to_owned()), "{found:?}");
    assert_eq!(verdict_of(&seen), Verdict::Findings);

    cluster.kill(1).unwrap();
    let seen = until(&cluster, "no leader", |seen| seen.statuses().all(|(_, s)| s.leader.is_none())).await;
    let found = ids(&seen);
    assert!(found.contains(&"etcd-quorum-lost".to_owned()), "{found:?}");
    assert!(seen.alarms.is_some(), "without a quorum, alarms are read from the status");
    assert_eq!(verdict_of(&seen), Verdict::Findings);

    cluster.kill(0).unwrap();
    let seen = look(&cluster).await;
    assert_eq!((seen.members.len(), seen.silent.len()), (0, 3));
    assert_eq!(verdict_of(&seen), Verdict::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_database_raises_an_alarm_that_is_named_and_the_quota_is_told() {
    if parts_or_skip(&[Family::Etcd]).is_none() {
        return;
    }
    let cluster = EtcdCluster::builder(1).arg("--quota-backend-bytes=4194304").start().unwrap();
    let value = vec![b'x'; 1_000_000];
    let full = (0..10).any(|n| cluster.etcdctl_stdin(&["put", &format!("k{n}")], &value).is_err());
    assert!(full, "the quota was never reached");
    let seen = until(&cluster, "the alarm", |seen| seen.alarms.iter().flatten().next().is_some()).await;
    assert_eq!(seen.alarms.as_ref().unwrap()[0].alarm, AlarmKind::NoSpace);
    assert_eq!(seen.statuses().next().unwrap().1.quota, Some(4_194_304));
    let found = ids(&seen);
    assert!(found.contains(&"etcd-alarm-nospace".to_owned()), "{found:?}");
    assert!(found.contains(&"etcd-near-quota".to_owned()), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_free_in_the_file_is_fragmentation_and_an_older_member_is_a_skew() {
    if parts_or_skip(&[Family::Etcd, Family::Etcd35]).is_none() {
        return;
    }
    let cluster = EtcdCluster::builder(3).family(1, Family::Etcd35).start().unwrap();
    fill(&cluster, "k", 12, 1_000_000);
    let limits = Limits { free_bytes: 4_000_000, free_percent: 20, ..Limits::default() };
    let seen = free_pages(&cluster, limits.free_bytes).await;
    let findings = check(&seen, &limits);
    let fragmented: Vec<&str> =
        findings.iter().filter(|f| f.id == "etcd-fragmented").map(|f| f.subject.as_str()).collect();
    assert_eq!(fragmented.len(), 3, "{findings:#?}");
    let skew = findings.iter().find(|finding| finding.id == "etcd-version-skew").unwrap();
    assert!(skew.evidence.contains("3.5.") && skew.evidence.contains("3.6."), "{skew:?}");
    let old = seen.members.iter().find(|member| member.name == "m1").unwrap().status().unwrap();
    assert_eq!(old.quota, None, "3.5 does not tell its quota, and none is made up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_the_right_certificate_or_password_is_told_so() {
    if parts_or_skip(&[Family::Etcd]).is_none() {
        return;
    }
    let cluster = EtcdCluster::builder(1).start().unwrap();
    let mut nobody = access(&cluster, cluster.endpoints());
    nobody.tls.as_mut().unwrap().pair = None;
    let seen = observe(&nobody).await.unwrap();
    assert!(seen.members.is_empty() && seen.silent[0].1.contains("certificates"), "{seen:?}");

    for args in [
        vec!["user", "add", "root:s3cret"],
        vec!["user", "grant-role", "root", "root"],
        vec!["auth", "enable"],
    ] {
        cluster.etcdctl(&args).unwrap();
    }
    let mut wrong = access(&cluster, cluster.endpoints());
    wrong.login = daytwo_engine::etcd::Login::parse("root:wrong");
    let error = Client::connect(&wrong, &cluster.endpoints()[0]).await.unwrap_err();
    assert!(!error.to_string().contains("wrong") || matches!(error, EtcdError::Refused { .. }), "{error}");
    let mut right = access(&cluster, cluster.endpoints());
    right.login = daytwo_engine::etcd::Login::parse("root:s3cret");
    let seen = observe(&right).await.unwrap();
    assert_eq!(seen.quorum().margin(), Some(0), "{seen:#?}");
}
