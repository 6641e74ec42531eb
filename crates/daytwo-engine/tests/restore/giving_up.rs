//! Runs that are given up: what they left half done is put in order, or the journal says that it is not.

use daytwo_core::restore::State;
use daytwo_engine::journal::{Journal, JournalError};
use daytwo_engine::restore::{Detail, RestoreError, Runner, abandon};
use daytwo_engine::{Event, Observer, Silent};
use tokio_util::sync::CancellationToken;

use crate::harness::{Cluster, QUICK, Standing, Taken, all_well, cluster, everything};
use crate::volumes::bound;

/// Cancels a token as the workloads are begun.
struct AtWorkloads(CancellationToken);

impl Observer for AtWorkloads {
    fn event(&self, event: Event) {
        if event == (Event::Started { what: "restoring workloads".to_owned() }) {
            self.0.cancel();
        }
    }
}

/// A bound volume with the policy Delete, and a ConfigMap whose owner, a Deployment, comes after it.
async fn backup_of(cluster: &Cluster, name: &str) -> Taken {
    let (namespace, volume, claim) = bound(name, "Delete");
    let owned = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"owned","namespace":"{name}","ownerReferences":[{{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":"22222222-2222-2222-2222-222222222222"}}]}},"data":{{"a":"b"}}}}"#
    );
    let owner = format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"web","namespace":"{name}","uid":"22222222-2222-2222-2222-222222222222"}},
        "spec":{{"replicas":0,"selector":{{"matchLabels":{{"a":"b"}}}},"template":{{"metadata":{{"labels":{{"a":"b"}}}},"spec":{{"containers":[{{"name":"c","image":"i"}}]}}}}}}}}"#
    );
    cluster.backup_of(&[&namespace, &volume, &claim, &owned, &owner]).await
}

/// Restores until the workloads are begun, and is dropped there: no record tells of an end, as after a kill.
async fn killed(cluster: &Cluster, taken: &Taken, stop: &CancellationToken) {
    let backup = taken.open().await;
    let watcher = AtWorkloads(CancellationToken::new());
    let runner = Runner { events: &watcher, ..taken.runner(cluster, &backup, stop) };
    let planned = runner.plan(&everything(), "run-1", Detail::Needed).await.unwrap();
    tokio::select! {
        biased;
        () = watcher.0.cancelled() => {}
        report = runner.start(planned, "one") => panic!("it ended before it was killed: {:?}", report.map(|report| report.counts)),
    }
}

const MARK: &str = ".metadata.annotations.daytwo\\.dev/restore-unfinished";
const POLICY: &str = ".spec.persistentVolumeReclaimPolicy";

#[tokio::test]
async fn a_killed_run_that_is_given_up_gives_volumes_their_policy_back_and_leaves_no_object_half_done() {
    let Some(cluster) = cluster().await else { return };
    let name = "given-up-volume";
    let taken = backup_of(&cluster, name).await;
    let (backup, stop) = (taken.open().await, CancellationToken::new());
    killed(&cluster, &taken, &stop).await;
    assert_eq!(cluster.field(&["pv", name], POLICY), "Retain", "it was killed too late for this test");
    assert_ne!(cluster.field(&["cm", "owned", "-n", name], MARK), "");

    let runner = taken.runner(&cluster, &backup, &stop);
    let report = runner.abort("run-1", "wrong backup", "two").await.unwrap();
    let State::Aborted { because, stands } = &report.state else { panic!("{:?}", report.state) };
    assert_eq!(because, "wrong backup");
    assert_eq!(*stands, ["not or not wholly restored: workloads"], "all else is released");
    assert_eq!(cluster.field(&["pv", name], ".status.phase"), "Bound");
    assert_eq!(cluster.field(&["pv", name], POLICY), "Delete");
    assert_eq!(cluster.field(&["cm", "owned", "-n", name], MARK), "");
    assert!(!cluster.exists(&["deployment", "web", "-n", name]), "giving up restored");

    let recorded = Journal::read(&taken.location, "run-1").await.unwrap();
    assert_eq!(recorded.state(), report.state);
    let kept = taken.location.get("metadata/daytwo/runs/run-1/report.json").await.unwrap();
    assert_eq!(serde_json::from_slice::<daytwo_core::restore::Report>(&kept).unwrap(), report);
    for error in [
        runner.resume("run-1", "three").await.unwrap_err(),
        runner.abort("run-1", "again", "three").await.unwrap_err(),
    ] {
        assert!(matches!(error, RestoreError::Journal(JournalError::Ended { .. })), "{error}");
    }
}

#[tokio::test]
async fn a_run_that_is_abandoned_touches_nothing_and_its_journal_says_what_stands() {
    let Some(cluster) = cluster().await else { return };
    let name = "given-up-abandoned";
    let taken = backup_of(&cluster, name).await;
    let stop = CancellationToken::new();
    killed(&cluster, &taken, &stop).await;
    let report = abandon(&taken.location, "run-1", "gone", "two", QUICK, &Standing, &Silent).await.unwrap();
    let State::Aborted { stands, .. } = &report.state else { panic!("{:?}", report.state) };
    for what in ["workloads", "owners have none", "policy Retain"] {
        assert!(stands.iter().any(|stands| stands.contains(what)), "{what}: {stands:?}");
    }
    assert_eq!(cluster.field(&["pv", name], POLICY), "Retain");
    // A new restore of the backup puts in order what stands.
    all_well(&taken.restore_as(&cluster, &everything(), "run-2").await.unwrap());
    assert_eq!(cluster.field(&["pv", name], POLICY), "Delete");
    assert_eq!(cluster.field(&["cm", "owned", "-n", name], MARK), "");
}

#[tokio::test]
async fn a_run_that_is_being_given_up_is_not_resumed_and_given_up_to_its_end() {
    let Some(cluster) = cluster().await else { return };
    let name = "given-up-twice";
    let taken = backup_of(&cluster, name).await;
    let (backup, stop) = (taken.open().await, CancellationToken::new());
    killed(&cluster, &taken, &stop).await;
    // Stopped as soon as it is given up.
    let halted = CancellationToken::new();
    let watcher = Halts(halted.clone());
    let runner = Runner { events: &watcher, ..taken.runner(&cluster, &backup, &halted) };
    let report = runner.abort("run-1", "wrong", "two").await.unwrap();
    assert!(matches!(report.state, State::Stopped { .. }), "{:?}", report.state);
    let runner = taken.runner(&cluster, &backup, &stop);
    let error = runner.resume("run-1", "three").await.unwrap_err();
    assert!(matches!(error, RestoreError::Journal(JournalError::Aborting { .. })), "{error}");
    let report = runner.abort("run-1", "another reason", "three").await.unwrap();
    assert!(
        matches!(&report.state, State::Aborted { because, .. } if because == "wrong"),
        "{:?}",
        report.state
    );
    assert_eq!(cluster.field(&["pv", name], POLICY), "Delete");
}

/// Cancels a token as the first release step is begun.
struct Halts(CancellationToken);

impl Observer for Halts {
    fn event(&self, event: Event) {
        if matches!(&event, Event::Started { what } if what.starts_with("giving ")) {
            self.0.cancel();
        }
    }
}
