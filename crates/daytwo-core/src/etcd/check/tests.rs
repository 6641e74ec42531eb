use super::*;
use crate::etcd::{Alarm, AlarmKind, Id, Member, Read, Sight, Status};

fn status(leader: u64) -> Status {
    Status {
        endpoint: "https://10.0.0.1:2379".into(),
        version: "3.6.16".into(),
        leader: Some(Id(leader)).filter(|id| id.0 != 0),
        term: 3,
        index: 5_000,
        applied: 5_000,
        db_size: 200_000_000,
        in_use: 190_000_000,
        quota: Some(2_147_483_648),
        read: Read::TookMs(2),
        ..Status::default()
    }
}

fn member(id: u64, sight: Sight) -> Member {
    Member {
        id: Id(id),
        name: format!("m{id}"),
        peer_urls: Vec::new(),
        client_urls: vec![format!("https://10.0.0.{id}:2379")],
        learner: false,
        sight,
    }
}

/// Members 1 to `count`, led by member 1.
fn cluster(count: u64) -> Observation {
    let members = (1..=count).map(|id| member(id, Sight::Seen(Box::new(status(1))))).collect();
    Observation {
        cluster: Some(Id(9)),
        members,
        alarms: Some(Vec::new()),
        ..Observation::nothing(Vec::new())
    }
}

fn lose(seen: &mut Observation, id: u64) {
    let member = seen.members.iter_mut().find(|member| member.id == Id(id)).unwrap();
    member.sight = Sight::Unseen { because: "connection refused".into() };
}

fn of(seen: &mut Observation, id: u64) -> &mut Status {
    let member = seen.members.iter_mut().find(|member| member.id == Id(id)).unwrap();
    let Sight::Seen(status) = &mut member.sight else { panic!("not seen") };
    status
}

fn ids(seen: &Observation) -> Vec<String> {
    check(seen, &Limits::default()).into_iter().map(|finding| finding.id).collect()
}

fn says(seen: &Observation) -> Verdict {
    verdict(seen, &check(seen, &Limits::default()))
}

#[test]
fn three_members_that_are_well_are_healthy() {
    assert_eq!(ids(&cluster(3)), Vec::<String>::new());
    assert_eq!(says(&cluster(3)), Verdict::Healthy);
    assert_eq!(cluster(3).quorum().margin(), Some(1));
}

#[test]
fn margins_are_those_of_raft() {
    for (voters, margin) in [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (7, 3)] {
        assert_eq!(cluster(voters).quorum().margin(), Some(margin), "{voters}");
    }
    assert_eq!(cluster(0).quorum().margin(), None);
}

#[test]
fn a_member_that_is_down_takes_the_margin() {
    let mut seen = cluster(3);
    lose(&mut seen, 2);
    assert_eq!(ids(&seen), ["etcd-member-unreachable", "etcd-no-margin"]);
    let findings = check(&seen, &Limits::default());
    assert_eq!(findings[1].breaks, "one more failure and the cluster is read-only");
    assert_eq!(says(&seen), Verdict::Findings);
}

#[test]
fn two_of_three_down_is_a_lost_quorum() {
    let mut seen = cluster(3);
    lose(&mut seen, 2);
    lose(&mut seen, 3);
    let status = of(&mut seen, 1);
    (status.leader, status.read) = (None, Read::Failed("no leader".into()));
    assert_eq!(seen.quorum().margin(), None);
    let ids = ids(&seen);
    assert!(
        ids.contains(&"etcd-quorum-lost".to_owned()) && ids.contains(&"etcd-no-leader".to_owned()),
        "{ids:?}"
    );
    assert_eq!(says(&seen), Verdict::Findings);
}

#[test]
fn members_that_are_only_cut_off_from_here_leave_the_verdict_open() {
    let mut seen = cluster(3);
    lose(&mut seen, 2);
    lose(&mut seen, 3);
    assert!(ids(&seen).contains(&"etcd-seen-in-part".to_owned()));
    assert_eq!(says(&seen), Verdict::Unknown);
}

#[test]
fn nothing_seen_is_unknown() {
    let seen = Observation::nothing(vec![("https://10.0.0.1:2379".into(), "connection refused".into())]);
    assert_eq!(ids(&seen), ["etcd-endpoint-silent"]);
    assert_eq!(says(&seen), Verdict::Unknown);
}

#[test]
fn alarms_that_nobody_lists_are_not_taken_for_none() {
    let mut seen = cluster(3);
    seen.alarms = None;
    assert_eq!(ids(&seen), ["etcd-alarms-unknown"]);
    assert_ne!(says(&seen), Verdict::Healthy);
}

#[test]
fn alarms_name_their_member() {
    let mut seen = cluster(3);
    seen.alarms = Some(vec![
        Alarm { member: Id(2), alarm: AlarmKind::NoSpace },
        Alarm { member: Id(3), alarm: AlarmKind::Corrupt },
    ]);
    let findings = check(&seen, &Limits::default());
    let brief: Vec<_> = findings.iter().map(|f| (f.id.as_str(), f.subject.as_str())).collect();
    assert_eq!(brief, [("etcd-alarm-nospace", "m2"), ("etcd-alarm-corrupt", "m3")]);
}

#[test]
fn a_single_member_is_no_failure() {
    assert_eq!(ids(&cluster(1)), ["etcd-single-member"]);
    assert_eq!(says(&cluster(1)), Verdict::Healthy);
}

#[test]
fn a_learner_has_no_vote_and_one_that_never_started_has() {
    let mut seen = cluster(4);
    seen.members[3].learner = true;
    assert_eq!(seen.quorum().voters, 3);
    assert_eq!(ids(&seen), ["etcd-learner"]);
    let mut seen = cluster(4);
    lose(&mut seen, 4);
    seen.members[3].name.clear();
    assert_eq!(ids(&seen), ["etcd-no-margin", "etcd-member-not-started"]);
}

#[test]
fn lag_counts_from_the_leader_s_last_entry() {
    let mut seen = cluster(3);
    of(&mut seen, 3).applied = 4_000;
    assert_eq!(ids(&seen), Vec::<String>::new(), "at the limit");
    of(&mut seen, 3).applied = 3_999;
    assert_eq!(ids(&seen), ["etcd-member-lags"]);
}

#[test]
fn a_full_database_is_told_from_a_fragmented_one() {
    let mut seen = cluster(3);
    let status = of(&mut seen, 1);
    (status.db_size, status.in_use) = (1_800_000_000, 1_790_000_000);
    assert_eq!(ids(&seen), ["etcd-near-quota"]);
    of(&mut seen, 1).in_use = 100_000_000;
    assert_eq!(ids(&seen), ["etcd-near-quota", "etcd-fragmented"]);
    let remedy = &check(&seen, &Limits::default())[0].remedy;
    assert!(remedy.starts_with("defragment"), "{remedy}");
    of(&mut seen, 1).quota = None;
    assert_eq!(ids(&seen), ["etcd-fragmented"], "a quota that is not told is not guessed");
}

#[test]
fn other_leaders_slow_reads_other_versions_and_complaints_are_told() {
    let mut seen = cluster(3);
    let status = of(&mut seen, 2);
    (status.leader, status.term, status.read) = (Some(Id(2)), 4, Read::TookMs(501));
    (status.version, status.errors) = ("3.5.35".into(), vec!["etcdserver: corrupt cluster".into()]);
    let ids = ids(&seen);
    for id in ["etcd-leaders-differ", "etcd-slow", "etcd-version-skew", "etcd-member-complains"] {
        assert!(ids.iter().any(|known| known == id), "{id}: {ids:?}");
    }
    assert_eq!(seen.leader().map(|member| member.id), Some(Id(2)));
}

#[test]
fn patches_apart_are_good_to_know_only() {
    let mut seen = cluster(3);
    of(&mut seen, 2).version = "3.6.15".into();
    assert_eq!(ids(&seen), ["etcd-version-skew"]);
    assert_eq!(says(&seen), Verdict::Healthy);
}

#[test]
fn endpoints_of_two_clusters_are_told() {
    let mut seen = cluster(3);
    seen.strangers.push(("https://10.9.9.9:2379".into(), Id(77)));
    assert_eq!(ids(&seen), ["etcd-cluster-differs"]);
}

#[test]
fn ids_are_written_as_etcd_does() {
    assert_eq!(serde_json::to_string(&Id(0x8e9e_05c5_2164_694d)).unwrap(), "\"8e9e05c52164694d\"");
    assert_eq!(serde_json::from_str::<Id>("\"8e9e05c52164694d\"").unwrap(), Id(0x8e9e_05c5_2164_694d));
}
