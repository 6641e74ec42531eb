//! Runs that are stopped, killed, or begun twice.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use daytwo_core::restore::State;
use daytwo_engine::journal::{Journal, JournalError};
use daytwo_engine::restore::{Detail, RestoreError, Runner};
use daytwo_engine::{Event, Observer};
use tokio_util::sync::CancellationToken;

use crate::harness::{Cluster, Taken, all_well, cluster, everything};

const OBJECTS: usize = 600;

async fn many(cluster: &Cluster, namespace: &str) -> Taken {
    let objects: Vec<String> = (0..OBJECTS)
        .map(|n| {
            format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"m{n:04}","namespace":"{namespace}"}},"data":{{"n":"{n}"}}}}"#)
        })
        .collect();
    cluster.backup_of(&objects.iter().map(String::as_str).collect::<Vec<_>>()).await
}

fn count(cluster: &Cluster, namespace: &str) -> usize {
    let names = cluster.kubectl(&["get", "configmaps", "-n", namespace, "--output=name"]);
    names.lines().filter(|name| name.starts_with("configmap/m")).count()
}

/// Cancels a token once so many objects are through.
struct After {
    objects: u64,
    stop: CancellationToken,
    seen: AtomicU64,
}

impl Observer for After {
    fn event(&self, event: Event) {
        if let Event::Progress { done, total, .. } = event
            && total != Some(1)
        {
            self.seen.store(done, Ordering::Relaxed);
            if done >= self.objects {
                self.stop.cancel();
            }
        }
    }
}

fn after(objects: u64) -> After {
    After { objects, stop: CancellationToken::new(), seen: AtomicU64::new(0) }
}

#[tokio::test]
async fn a_run_that_is_interrupted_says_what_stands_and_is_gone_on_with() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "going-interrupted";
    let taken = many(&cluster, namespace).await;
    let (backup, watcher) = (taken.open().await, after(200));
    let stop = watcher.stop.clone();
    let runner = Runner { events: &watcher, ..taken.runner(&cluster, &backup, &stop) };
    let planned = runner.plan(&everything(), "run-1", Detail::Needed).await.unwrap();
    let report = runner.start(planned, "one").await.unwrap();
    let State::Stopped { stands, .. } = &report.state else { panic!("{:?}", report.state) };
    assert_eq!(stands[0], "not or not wholly restored yet: configuration");
    let before = count(&cluster, namespace);
    assert!((200..OBJECTS).contains(&before), "{before}");

    let go_on = CancellationToken::new();
    let report = taken.runner(&cluster, &backup, &go_on).resume("run-1", "two").await.unwrap();
    all_well(&report);
    assert_eq!(report.state, State::Finished);
    assert_eq!(count(&cluster, namespace), OBJECTS);
    assert_eq!(report.counts.created, OBJECTS as u64 + 1, "each is counted once");
    let error = taken.runner(&cluster, &backup, &go_on).resume("run-1", "three").await.unwrap_err();
    assert!(matches!(error, RestoreError::Journal(JournalError::Ended { .. })), "{error}");
}

#[tokio::test]
async fn a_run_that_is_killed_is_gone_on_with_and_ends_equal_to_one_that_was_not() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "going-killed";
    let taken = many(&cluster, namespace).await;
    let (backup, stop) = (taken.open().await, CancellationToken::new());
    let watcher = after(200);
    let runner = Runner { events: &watcher, ..taken.runner(&cluster, &backup, &stop) };
    let planned = runner.plan(&everything(), "run-1", Detail::Needed).await.unwrap();
    // Dropped where it stands: no record tells of an end, as after a kill.
    tokio::select! {
        biased;
        () = watcher.stop.cancelled() => {}
        report = runner.start(planned, "one") => panic!("it ended before it was killed: {:?}", report.map(|report| report.counts)),
    }
    assert!(count(&cluster, namespace) < OBJECTS);
    let stopped = Journal::read(&taken.location, "run-1").await.unwrap().stopped;
    assert_eq!(stopped, None);

    let report = taken.runner(&cluster, &backup, &stop).resume("run-1", "two").await.unwrap();
    all_well(&report);
    assert_eq!(count(&cluster, namespace), OBJECTS);
    assert_eq!(report.counts.created + report.counts.same, OBJECTS as u64 + 1);
    let again = taken.restore_as(&cluster, &everything(), "run-2").await.unwrap();
    all_well(&again);
    assert_eq!((again.counts.created, again.counts.same), (0, OBJECTS as u64));
}

#[tokio::test]
async fn a_second_runner_is_refused_and_told_who_is_at_it() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "going-twice";
    let taken = many(&cluster, namespace).await;
    let (backup, stop) = (taken.open().await, CancellationToken::new());
    let runner = taken.runner(&cluster, &backup, &stop);
    let first = runner.plan(&everything(), "run-1", Detail::Needed).await.unwrap();
    let second = runner.plan(&everything(), "run-1", Detail::Needed).await.unwrap();
    let late = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        runner.start(second, "two").await
    };
    let (first, second) = tokio::join!(runner.start(first, "one"), late);
    all_well(&first.unwrap());
    let error = second.unwrap_err();
    assert!(error.to_string().contains("one"), "{error}");
    assert_eq!(count(&cluster, namespace), OBJECTS);
}

#[tokio::test]
async fn a_run_is_not_gone_on_with_from_another_backup() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "going-stale";
    let taken = many(&cluster, namespace).await;
    let (backup, watcher) = (taken.open().await, after(100));
    let stop = watcher.stop.clone();
    let runner = Runner { events: &watcher, ..taken.runner(&cluster, &backup, &stop) };
    let planned = runner.plan(&everything(), "run-1", Detail::Needed).await.unwrap();
    runner.start(planned, "one").await.unwrap();
    let other = cluster
        .backup_of(&[r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","namespace":"y"}}"#])
        .await;
    let (other, go_on) = (other.open().await, CancellationToken::new());
    let error = taken.runner(&cluster, &other, &go_on).resume("run-1", "two").await.unwrap_err();
    assert!(matches!(&error, RestoreError::Stale { .. }), "{error}");
    assert!(error.to_string().contains("the backup was given"), "{error}");
}
