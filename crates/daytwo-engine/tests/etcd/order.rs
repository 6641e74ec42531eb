//! Defragmentation and alarms of real clusters, by plans that are carried out in a journal.

use std::sync::Mutex;
use std::time::Duration;

use daytwo_archive::Location;
use daytwo_core::etcd::{DefragRequest, DisarmRequest, Observation, Refused};
use daytwo_engine::Event;
use daytwo_engine::etcd::{Access, EtcdRunError, EtcdRunner};
use daytwo_engine::journal::{Journal, Timing};
use testbed::{EtcdCluster, Family, parts_or_skip};
use tokio_util::sync::CancellationToken;

use super::harness::{Heard, Still, access, fill, free_pages, leader, look, until};

/// A journal that is taken over after a second.
fn quick() -> Timing {
    let ms = Duration::from_millis;
    Timing { checkpoint: ms(100), beat: ms(200), lease: ms(20_000), dead_after: ms(1_000) }
}

fn runner<'a>(
    access: &'a Access,
    journals: &'a Location,
    heard: &'a Heard<'_>,
    stop: &'a CancellationToken,
) -> EtcdRunner<'a> {
    EtcdRunner { access, journals, clock: &Still, events: heard, stop, timing: quick() }
}

/// Leaves free pages in every member.
async fn fragment(cluster: &EtcdCluster) -> Observation {
    fill(cluster, "k", 8, 1_000_000);
    free_pages(cluster, 4_000_000).await
}

/// The members in the order in which they were defragmented.
fn turns(heard: &Heard<'_>) -> Vec<usize> {
    let events = heard.events.lock().expect("the events");
    let turn = |event: &Event| match event {
        Event::Started { what } => what.strip_prefix("defragmenting m")?.parse().ok(),
        _ => None,
    };
    events.iter().filter_map(turn).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_is_defragmented_one_at_a_time_the_leader_last() {
    if parts_or_skip(&[Family::Etcd]).is_none() {
        return;
    }
    let cluster = EtcdCluster::builder(3).start().unwrap();
    let before = fragment(&cluster).await;
    let (access, journals) = (access(&cluster, cluster.endpoints()), Location::memory());
    let (heard, stop) = (Heard::default(), CancellationToken::new());
    let runner = runner(&access, &journals, &heard, &stop);
    let plan = runner.plan_defrag(&DefragRequest::default(), "defrag-1").await.unwrap();
    let led = leader(&before);
    let ran = runner.start(plan, "one").await.unwrap();
    assert!(ran.recorded.ended.is_some());
    let order = turns(&heard);
    assert_eq!((order.len(), order[2]), (3, led), "{order:?}");
    assert!(ran.seen.statuses().all(|(_, status)| status.db_size < 1_000_000), "{:#?}", ran.seen);
    // Nothing is left to do, and the plan says so.
    assert!(runner.plan_defrag(&DefragRequest::default(), "defrag-2").await.unwrap().phases.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_dies_in_the_middle_is_followed_by_one_that_does_the_rest() {
    if parts_or_skip(&[Family::Etcd]).is_none() {
        return;
    }
    let cluster = EtcdCluster::builder(3).start().unwrap();
    fragment(&cluster).await;
    let (access, journals) = (access(&cluster, cluster.endpoints()), Location::memory());
    let stop = CancellationToken::new();
    let dead = CancellationToken::new();
    let seen_turns = Mutex::new(0);
    // The first runner dies without a word when the second member's turn comes.
    let on = |event: &Event| {
        if matches!(event, Event::Started { what } if what.starts_with("defragmenting")) {
            let mut turns = seen_turns.lock().expect("a count");
            *turns += 1;
            if *turns == 2 {
                dead.cancel();
            }
        }
    };
    let first = Heard { on: Some(Box::new(on)), ..Heard::default() };
    let begin = runner(&access, &journals, &first, &stop);
    let plan = begin.plan_defrag(&DefragRequest::default(), "defrag-1").await.unwrap();
    assert!(dead.run_until_cancelled(begin.start(plan, "one")).await.is_none(), "it was over before it died");
    let stood = Journal::read(&journals, "defrag-1").await.unwrap();
    assert!(stood.ended.is_none() && stood.stopped.is_none() && stood.done.is_some(), "{stood:?}");

    let second = Heard::default();
    let ran = runner(&access, &journals, &second, &stop).resume("defrag-1", "two").await.unwrap();
    assert!(ran.recorded.ended.is_some());
    let done = turns(&first)[0];
    assert!(!turns(&second).contains(&done), "what was done was done again");
    assert!(ran.seen.statuses().all(|(_, status)| status.db_size < 1_000_000), "{:#?}", ran.seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_margin_nothing_is_begun_and_what_was_begun_does_not_go_on() {
    if parts_or_skip(&[Family::Etcd]).is_none() {
        return;
    }
    let cluster = EtcdCluster::builder(3).start().unwrap();
    fragment(&cluster).await;
    let (access, journals) = (access(&cluster, cluster.endpoints()), Location::memory());
    let (heard, stop) = (Heard::default(), CancellationToken::new());
    let runner = runner(&access, &journals, &heard, &stop);
    let mut plan = runner.plan_defrag(&DefragRequest::default(), "defrag-1").await.unwrap();
    // The margin goes after the plan was made, and after the look before the first member.
    for phase in &mut plan.phases {
        phase.steps.retain(|step| matches!(step, daytwo_core::plan::Step::DefragMember { .. }));
    }
    let follower = (leader(&look(&cluster).await) + 1) % 3;
    cluster.kill(follower).unwrap();
    until(&cluster, "a leader among two", |seen| seen.quorum().margin() == Some(0)).await;
    let refused = runner.plan_defrag(&DefragRequest::default(), "defrag-2").await.unwrap_err();
    assert!(
        matches!(refused, EtcdRunError::Refused(Refused::NoMargin { healthy: 2, voters: 3 })),
        "{refused}"
    );
    let stopped = runner.start(plan, "one").await.unwrap_err();
    assert!(matches!(stopped, EtcdRunError::Stopped { .. }), "{stopped}");
    let seen = look(&cluster).await;
    assert!(
        seen.statuses().all(|(_, status)| status.free() > 4_000_000),
        "something was defragmented: {seen:#?}"
    );

    let accepted = DefragRequest { accept_outage: true, ..DefragRequest::default() };
    let plan = runner.plan_defrag(&accepted, "defrag-3").await.unwrap();
    let ran = runner.start(plan, "one").await.unwrap();
    assert!(ran.seen.statuses().all(|(_, status)| status.db_size < 1_000_000), "{:#?}", ran.seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_is_taken_back_after_its_cause_and_writes_go_on() {
    if parts_or_skip(&[Family::Etcd]).is_none() {
        return;
    }
    let cluster = EtcdCluster::builder(1).arg("--quota-backend-bytes=4194304").start().unwrap();
    let value = vec![b'x'; 1_000_000];
    let full = (0..10).any(|n| cluster.etcdctl_stdin(&["put", &format!("k{n}")], &value).is_err());
    assert!(full, "the quota was never reached");
    until(&cluster, "the alarm", |seen| seen.alarms.iter().flatten().next().is_some()).await;
    let (access, journals) = (access(&cluster, cluster.endpoints()), Location::memory());
    let (heard, stop) = (Heard::default(), CancellationToken::new());
    let runner = runner(&access, &journals, &heard, &stop);

    let deleted = cluster.etcdctl(&["del", "k", "--prefix", "-w", "json"]).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&deleted).unwrap();
    cluster.etcdctl(&["compact", &answer["header"]["revision"].to_string(), "--physical"]).unwrap();
    let refused = runner.plan_disarm(&DisarmRequest::default(), "disarm-1").await;
    // The file is as large as it was until it is defragmented; where it stays below the quota, the alarm may go.
    if let Err(error) = &refused {
        assert!(matches!(error, EtcdRunError::Refused(Refused::StillFull { .. })), "{error}");
    }
    until(&cluster, "free pages", |seen| seen.statuses().all(|(_, s)| s.free_percent() > 10)).await;
    let request = DefragRequest { accept_outage: true, ..DefragRequest::default() };
    let plan = runner.plan_defrag(&request, "defrag-1").await.unwrap();
    runner.start(plan, "one").await.unwrap();
    assert!(cluster.etcdctl(&["put", "a", "b"]).is_err(), "the alarm was not in the way");

    let plan = runner.plan_disarm(&DisarmRequest::default(), "disarm-1").await.unwrap();
    let ran = runner.start(plan, "one").await.unwrap();
    assert_eq!(ran.seen.alarms.as_deref(), Some(&[][..]));
    cluster.etcdctl(&["put", "a", "b"]).unwrap();
    assert!(runner.plan_disarm(&DisarmRequest::default(), "disarm-2").await.unwrap().phases.is_empty());
}
