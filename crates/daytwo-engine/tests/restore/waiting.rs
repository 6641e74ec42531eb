//! Waiting until what came back is as available as it was.

use daytwo_core::finding::Finding;
use daytwo_core::restore::{NamespaceMapping, Report, Request, State, Waits};
use daytwo_engine::restore::{Detail, Runner};
use daytwo_engine::{Event, Observer};
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use crate::harness::{all_well, everything, namespace, with_node};

/// Everything, with a wait for workloads.
fn waiting(seconds: i64) -> Request {
    let request = everything();
    let waits = Waits { workloads: SignedDuration::from_secs(seconds), ..request.waits };
    Request { wait: true, waits, ..request }
}

fn deployment(namespace: &str, name: &str, pod: &str, status: &str) -> String {
    format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"{name}","namespace":"{namespace}"}},
        "spec":{{"replicas":1,"selector":{{"matchLabels":{{"app":"{name}"}}}},"template":{{"metadata":{{"labels":{{"app":"{name}"}}}},"spec":{pod}}}}},"status":{status}}}"#
    )
}

const FITS: &str = r#"{"containers":[{"name":"c","image":"i"}]}"#;
const TOO_BIG: &str = r#"{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"100"}}}]}"#;
const WAS: &str = r#"{"availableReplicas":1,"observedGeneration":1}"#;

/// The findings about what did not become available, as opposed to those of the plan.
fn not_available(report: &Report) -> impl Iterator<Item = &Finding> {
    report.tally.findings.iter().filter(|finding| finding.id == "restore-workload-not-available")
}

fn about<'r>(report: &'r Report, subject: &str) -> &'r Finding {
    let found = not_available(report).find(|finding| finding.subject == subject);
    found.unwrap_or_else(|| panic!("{subject}: {:?}", report.tally.findings))
}

#[tokio::test]
async fn a_restore_ends_once_workloads_are_as_available_as_they_were() {
    let Some(cluster) = with_node().await else { return };
    let (from, to) = ("wait-from", "wait-to");
    cluster.kubectl(&["create", "namespace", from]);
    cluster
        .plane
        .kubectl_stdin(
            &["apply", "-n", from, "--filename=-"],
            r#"
apiVersion: v1
kind: List
items:
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}}}
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: never}, spec: {selector: {matchLabels: {app: never}}, template: {metadata: {labels: {app: never}}, spec: {containers: [{name: c, image: i, resources: {requests: {cpu: "100"}}}]}}}}
- {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db, replicas: 1, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: i}]}}}}
- {apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent}, spec: {selector: {matchLabels: {app: agent}}, template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: c, image: i}]}}}}
- {apiVersion: v1, kind: Pod, metadata: {name: bare}, spec: {containers: [{name: c, image: i}]}}
"#,
        )
        .unwrap();
    cluster.wait_for(&["deployment", "web", "-n", from], ".status.availableReplicas", "2");
    cluster.wait_for(&["statefulset", "db", "-n", from], ".status.availableReplicas", "1");
    cluster.wait_for(&["daemonset", "agent", "-n", from], ".status.numberAvailable", "1");
    let ready = ".status.conditions[?(@.type==\"Ready\")].status";
    cluster.wait_for(&["pod", "bare", "-n", from], ready, "True");
    let apps = |plural: &str| format!("/apis/apps/v1/namespaces/{from}/{plural}");
    let paths = [apps("deployments"), apps("statefulsets"), apps("daemonsets"), apps("replicasets")];
    let mut paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let core = |plural: &str| format!("/api/v1/namespaces/{from}/{plural}");
    let (accounts, pods) = (core("serviceaccounts"), core("pods"));
    paths.extend([accounts.as_str(), pods.as_str()]);
    let taken = cluster.backup(&cluster.listed(&paths).await).await;
    let mapping = NamespaceMapping::parse([format!("{from}:{to}").as_str()]).unwrap();
    let request = Request { namespace_mapping: mapping, ..waiting(120) };
    let planned = taken.plan(&cluster, &request).await.plan;
    let last = serde_json::to_value(planned.phases.last().unwrap()).unwrap();
    assert_eq!((&last["name"], &last["steps"][0]["workloads"]), (&"availability".into(), &4.into()));
    let report = taken.restore_as(&cluster, &request, "run-1").await.unwrap();
    all_well(&report);
    // At once, without another wait.
    assert_eq!(cluster.field(&["deployment", "web", "-n", to], ".status.availableReplicas"), "2");
    assert_eq!(cluster.field(&["statefulset", "db", "-n", to], ".status.availableReplicas"), "1");
    assert_eq!(cluster.field(&["daemonset", "agent", "-n", to], ".status.numberAvailable"), "1");
    assert_eq!(cluster.field(&["pod", "bare", "-n", to], ready), "True");
    assert_eq!(cluster.field(&["deployment", "never", "-n", to], ".status.availableReplicas"), "");
}

#[tokio::test]
async fn what_does_not_become_available_is_named_with_its_pod_and_the_reason() {
    let Some(cluster) = with_node().await else { return };
    let at = "wait-in-vain";
    cluster.kubectl(&["create", "namespace", at]);
    let full = "wait-full";
    cluster.kubectl(&["create", "namespace", full]);
    cluster.kubectl(&["create", "quota", "none", "--hard=pods=0", "-n", full]);
    let lacks = r#"{"containers":[{"name":"c","image":"i"}],"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"gone"}}]}"#;
    let claim = format!(
        r#"{{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{{"name":"data","namespace":"{at}"}},"spec":{{"accessModes":["ReadWriteOnce"],"resources":{{"requests":{{"storage":"1Gi"}}}}}},"status":{{"phase":"Bound"}}}}"#
    );
    let taken = cluster
        .backup_of(&[
            &deployment(at, "big", TOO_BIG, WAS),
            &deployment(at, "lacks", lacks, WAS),
            &deployment(at, "fits", FITS, WAS),
            &deployment(full, "kept-out", FITS, WAS),
            &claim,
        ])
        .await;
    let report = taken.restore_as(&cluster, &waiting(12), "run-1").await.unwrap();
    assert_eq!(report.state, State::Finished);
    assert_eq!((report.counts.failed, report.counts.created), (0, 5), "{:?}", report.tally);
    assert!(!report.is_clean());
    let big = about(&report, "deployments.apps/wait-in-vain/big");
    assert_eq!(big.id, "restore-workload-not-available");
    assert!(big.evidence.starts_with("0 of 1 available, 1 in the backup: pod big-"), "{}", big.evidence);
    assert!(
        big.evidence.contains("Unschedulable") && big.evidence.contains("Insufficient cpu"),
        "{}",
        big.evidence
    );
    let command = big.command.as_deref().unwrap();
    let args: Vec<&str> = command.split(' ').skip(1).collect();
    assert!(cluster.kubectl(&args).contains("Insufficient cpu"), "{command}");
    let lacks = &about(&report, "deployments.apps/wait-in-vain/lacks").evidence;
    assert!(lacks.contains("persistentvolumeclaim \"gone\" not found"), "{lacks}");
    let kept_out = about(&report, "deployments.apps/wait-full/kept-out");
    assert!(kept_out.evidence.contains("exceeded quota: none"), "{}", kept_out.evidence);
    assert!(kept_out.command.as_deref().unwrap().contains("deployments.apps kept-out"), "there is no pod");
    let claim = &about(&report, "persistentvolumeclaims/wait-in-vain/data").evidence;
    assert!(claim.contains("no storage class is set"), "{claim}");
    assert_eq!(not_available(&report).count(), 4, "{:?}", report.tally.findings);
}

/// Stops a run once it waits for workloads, and keeps what it said.
struct UntilItWaits {
    stop: CancellationToken,
}

impl Observer for UntilItWaits {
    fn event(&self, event: Event) {
        if let Event::Waiting { what, because } = event
            && what == "availability of workloads"
        {
            assert!(because.contains("0 of 1 available"), "{because}");
            self.stop.cancel();
        }
    }
}

#[tokio::test]
async fn a_wait_that_was_interrupted_is_gone_on_with() {
    let Some(cluster) = with_node().await else { return };
    let at = "wait-again";
    let taken = cluster.backup_of(&[&namespace(at), &deployment(at, "web", TOO_BIG, WAS)]).await;
    let (backup, watcher) = (taken.open().await, UntilItWaits { stop: CancellationToken::new() });
    let stop = watcher.stop.clone();
    let runner = Runner { events: &watcher, ..taken.runner(&cluster, &backup, &stop) };
    let planned = runner.plan(&waiting(120), "run-1", Detail::Needed).await.unwrap();
    let report = runner.start(planned, "one").await.unwrap();
    assert!(matches!(report.state, State::Stopped { .. }), "{:?}", report.state);
    cluster.kubectl(&["set", "resources", "deployment", "web", "--requests=cpu=1", "-n", at]);
    let go_on = CancellationToken::new();
    let report = taken.runner(&cluster, &backup, &go_on).resume("run-1", "two").await.unwrap();
    all_well(&report);
    assert_eq!(cluster.field(&["deployment", "web", "-n", at], ".status.availableReplicas"), "1");
}
