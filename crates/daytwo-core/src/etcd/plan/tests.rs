use super::*;
use crate::etcd::{Alarm, Id, Read, Sight};

/// Members 1 to `count`, led by member 1, half of each database free.
fn cluster(count: u64) -> Observation {
    let member = |id| Member {
        id: Id(id),
        name: format!("m{id}"),
        peer_urls: Vec::new(),
        client_urls: Vec::new(),
        learner: false,
        sight: Sight::Seen(Box::new(Status {
            endpoint: format!("https://10.0.0.{id}:2379"),
            leader: Some(Id(1)),
            db_size: 10_000_000,
            in_use: 5_000_000,
            quota: Some(20_000_000),
            read: Read::TookMs(1),
            ..Status::default()
        })),
    };
    let members = (1..=count).map(member).collect();
    Observation {
        cluster: Some(Id(0xab)),
        members,
        alarms: Some(Vec::new()),
        ..Observation::nothing(Vec::new())
    }
}

fn of(seen: &mut Observation, at: usize) -> &mut Status {
    match &mut seen.members[at].sight {
        Sight::Seen(status) => status,
        Sight::Unseen { .. } => panic!("not seen"),
    }
}

fn defrag(seen: &Observation, request: &DefragRequest) -> Result<Plan, Refused> {
    plan_defrag(seen, request, "defrag-1", Timestamp::UNIX_EPOCH)
}

fn disarm(seen: &Observation, request: &DisarmRequest) -> Result<Plan, Refused> {
    plan_disarm(seen, request, "disarm-1", Timestamp::UNIX_EPOCH)
}

/// Members in the order of their turns, and whether each may lead.
fn turns(plan: &Plan) -> Vec<(String, bool)> {
    let each = plan.steps().filter_map(|(_, step)| match step {
        Step::DefragMember { name, may_lead, .. } => Some((name.clone(), *may_lead)),
        _ => None,
    });
    each.collect()
}

#[test]
fn the_leader_comes_last_and_health_is_waited_for_around_each() {
    let plan = defrag(&cluster(3), &DefragRequest::default()).unwrap();
    assert_eq!(turns(&plan), [("m2".into(), false), ("m3".into(), false), ("m1".into(), true)]);
    for phase in &plan.phases {
        let [Step::AwaitMembers { members, .. }, Step::DefragMember { .. }, Step::AwaitMembers { .. }] =
            phase.steps.as_slice()
        else {
            panic!("{phase:?}")
        };
        assert_eq!(members, &[Id(1), Id(2), Id(3)]);
    }
    let json = serde_json::to_string(&plan).unwrap();
    assert!(
        json.starts_with(r#"{"apiVersion":"daytwo.dev/v1alpha1","kind":"EtcdDefragPlan","request":{"#),
        "{json}"
    );
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
}

#[test]
fn what_is_not_worth_while_is_left_alone_and_learners_come_first() {
    let mut seen = cluster(4);
    seen.members[3].learner = true;
    of(&mut seen, 1).in_use = 9_500_000;
    let plan = defrag(&seen, &DefragRequest::default()).unwrap();
    assert_eq!(turns(&plan), [("m4".into(), false), ("m3".into(), false), ("m1".into(), true)]);
    // Half of a small file is free, which is nothing.
    let small = of(&mut seen, 2);
    (small.db_size, small.in_use) = (40_000, 20_000);
    assert_eq!(turns(&defrag(&seen, &DefragRequest::default()).unwrap()).len(), 2);
    let all = DefragRequest { at_least: 0, ..DefragRequest::default() };
    assert_eq!(turns(&defrag(&seen, &all).unwrap()).len(), 4);
    let none = DefragRequest { at_least: 51, ..DefragRequest::default() };
    assert!(defrag(&seen, &none).unwrap().phases.is_empty());
}

#[test]
fn without_a_margin_it_is_refused_until_that_is_accepted() {
    let mut seen = cluster(3);
    seen.members[2].sight = Sight::Unseen { because: "gone".into() };
    let refused = defrag(&seen, &DefragRequest::default()).unwrap_err();
    assert_eq!(refused, Refused::NoMargin { healthy: 2, voters: 3 });
    let accepted = DefragRequest { accept_outage: true, ..DefragRequest::default() };
    assert_eq!(turns(&defrag(&seen, &accepted).unwrap()).len(), 2);
    assert!(matches!(defrag(&cluster(1), &DefragRequest::default()), Err(Refused::NoMargin { .. })));
    seen.members[1].sight = Sight::Unseen { because: "gone".into() };
    assert_eq!(defrag(&seen, &accepted).unwrap_err(), Refused::NoQuorum { healthy: 1, voters: 3 });
    assert!(matches!(defrag(&Observation::nothing(Vec::new()), &accepted), Err(Refused::Unseen(_))));
}

#[test]
fn members_are_chosen_by_name_or_id_and_the_unknown_are_named() {
    let by = |name: &str| DefragRequest { members: vec![name.into()], ..DefragRequest::default() };
    assert_eq!(turns(&defrag(&cluster(3), &by("m3")).unwrap()), [("m3".into(), true)]);
    assert_eq!(turns(&defrag(&cluster(3), &by("2")).unwrap()), [("m2".into(), true)]);
    let refused = defrag(&cluster(3), &by("m9")).unwrap_err();
    assert!(refused.to_string().contains("m1, m2, m3"), "{refused}");
    let mut seen = cluster(5);
    seen.members[2].sight = Sight::Unseen { because: "gone".into() };
    assert!(
        matches!(defrag(&seen, &by("m3")), Err(Refused::Unseen(_))),
        "one that is asked for is not passed over"
    );
}

#[test]
fn an_alarm_is_taken_back_once_its_cause_is_gone() {
    let mut seen = cluster(3);
    seen.alarms = Some(vec![Alarm { member: Id(2), alarm: AlarmKind::NoSpace }]);
    let plan = disarm(&seen, &DisarmRequest::default()).unwrap();
    assert_eq!(plan.steps().count(), 1);
    of(&mut seen, 1).db_size = 20_000_000;
    let refused = disarm(&seen, &DisarmRequest::default()).unwrap_err();
    assert_eq!(refused, Refused::StillFull { member: "m2".into(), size: 20_000_000, quota: 20_000_000 });
    let others = DisarmRequest { members: vec!["m3".into()], ..DisarmRequest::default() };
    assert!(disarm(&seen, &others).unwrap().phases.is_empty());
}

#[test]
fn corruption_is_not_waved_away() {
    let mut seen = cluster(3);
    seen.alarms = Some(vec![Alarm { member: Id(2), alarm: AlarmKind::Corrupt }]);
    assert_eq!(
        disarm(&seen, &DisarmRequest::default()).unwrap_err(),
        Refused::Corrupt { member: "m2".into() }
    );
    let looked = DisarmRequest { corrupt: true, ..DisarmRequest::default() };
    assert_eq!(disarm(&seen, &looked).unwrap().steps().count(), 1);
    seen.alarms = None;
    assert!(matches!(disarm(&seen, &looked), Err(Refused::Unseen(_))));
}

#[test]
fn another_cluster_or_other_members_make_a_plan_stale() {
    let plan = defrag(&cluster(3), &DefragRequest::default()).unwrap();
    assert!(plan.stale(&cluster(3).facts()).is_empty());
    assert_eq!(plan.stale(&cluster(4).facts())[0].what, "its members");
}
