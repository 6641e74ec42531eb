//! What controllers make: made again by them, or restored where that is asked for.

use daytwo_core::restore::{Request, Skip, Waits};
use jiff::SignedDuration;

use crate::harness::{Cluster, all_well, everything, with_node};

fn pods(cluster: &Cluster, namespace: &str) -> Vec<String> {
    let names = cluster.kubectl(&["get", "pods", "-n", namespace, "--output=name"]);
    names.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn pods_of_controllers_come_back_as_they_were_where_that_is_asked_for_and_are_adopted() {
    let Some(cluster) = with_node().await else { return };
    let at = "derived";
    cluster.kubectl(&["create", "namespace", at]);
    cluster
        .plane
        .kubectl_stdin(
            &["apply", "-n", at, "--filename=-"],
            r#"
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}}}
- {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db, replicas: 1, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: i}]}}}}
"#,
        )
        .unwrap();
    cluster.wait_for(&["deployment", "web", "-n", at], ".status.availableReplicas", "2");
    cluster.wait_for(&["statefulset", "db", "-n", at], ".status.availableReplicas", "1");
    let slices = ["endpointslices", "-n", at, "-l", "kubernetes.io/service-name=web"];
    cluster.wait_for(&slices, ".items[0].endpoints[*].conditions.ready", "true true");
    let core = |plural: &str| format!("/api/v1/namespaces/{at}/{plural}");
    let apps = |plural: &str| format!("/apis/apps/v1/namespaces/{at}/{plural}");
    let paths = [
        core("serviceaccounts"),
        core("services"),
        core("endpoints"),
        core("pods"),
        format!("/apis/discovery.k8s.io/v1/namespaces/{at}/endpointslices"),
        apps("deployments"),
        apps("replicasets"),
        apps("statefulsets"),
        apps("controllerrevisions"),
    ];
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let objects = cluster.listed(&paths).await;
    let taken = cluster.backup(&objects).await;
    let (before, node) = (pods(&cluster, at), cluster.field(&["pods", "-n", at], ".items[0].spec.nodeName"));
    cluster.lose_namespace(at);

    let planned = taken.plan(&cluster, &everything()).await;
    assert_eq!(
        planned.report.tally.skipped[&Skip::ControllerMakes].count,
        3,
        "the pods; the rest nobody asked for"
    );

    let waits = Waits { workloads: SignedDuration::from_secs(120), ..everything().waits };
    let request = Request { include_derived: true, wait: true, waits, ..everything() };
    let report = taken.restore_as(&cluster, &request, "run-1").await.unwrap();
    all_well(&report);
    assert!(report.tally.skipped.is_empty(), "{:?}", report.tally.skipped);
    assert_eq!(pods(&cluster, at), before, "none was made anew");
    let set = cluster.field(&["replicasets", "-n", at], ".items[0].metadata.uid");
    let owners =
        cluster.field(&["pods", "-n", at, "-l", "app=web"], ".items[*].metadata.ownerReferences[*].uid");
    assert_eq!(owners, format!("{set} {set}"));
    assert_eq!(cluster.field(&["pods", "-n", at], ".items[0].spec.nodeName"), node);
    assert!(!cluster.field(&["pods", "-n", at], ".items[*].metadata.annotations").contains("daytwo"));
    let again = taken.restore_as(&cluster, &request, "run-2").await.unwrap();
    all_well(&again);
    // The slice's controller may have made one of its own, and deleted this one.
    let mut kinds = again.tally.resources.iter().filter(|(_, counts)| counts.created > 0);
    assert!(
        kinds.all(|(resource, _)| resource.starts_with("endpointslices.")),
        "{:?}",
        again.tally.resources
    );
    assert_eq!(again.counts.created + again.counts.same, objects.len() as u64);
}
