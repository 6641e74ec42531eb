//! A network and a server that go wrong, and a caller who may do little.

use testbed::{Fault, FaultProxy, Rule};

use crate::harness::{all_well, cluster, everything, namespace};

const OBJECTS: u64 = 80;

fn maps(namespace: &str) -> Vec<String> {
    (0..OBJECTS)
        .map(|n| format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"m{n:02}","namespace":"{namespace}"}},"data":{{"n":"{n}"}}}}"#))
        .collect()
}

#[tokio::test]
async fn answers_that_are_lost_and_servers_that_push_back_lose_and_double_nothing() {
    let Some(cluster) = cluster().await else { return };
    let name = "faults-many";
    let mut objects = maps(name);
    objects.push(namespace(name));
    let taken = cluster.backup_of(&objects.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let proxy = FaultProxy::before_apiserver(cluster.plane).unwrap();
    let faulty = cluster.through(&proxy.kubeconfig()).await;
    for (fault, seed) in [
        (Fault::LoseAnswer, 1),
        (Fault::Reset, 2),
        (Fault::too_many(1), 3),
        (Fault::status(500, "InternalError", "etcdserver: leader changed"), 4),
        (Fault::html(503), 5),
        (Fault::ResetInRequest(40), 6),
    ] {
        proxy.add(Rule::new(fault).method("POST").with("/configmaps").chance(60, seed));
    }
    proxy.add(Rule::new(Fault::Cut(200)).method("GET").with("limit=").nth(3));
    let report = taken.restore(&faulty).await;
    all_well(&report);
    assert!(proxy.met() > 5, "{} requests went wrong", proxy.met());
    // The answers that were lost included: what they had made is known for the restore's own.
    assert_eq!(report.counts.created, OBJECTS + 1);
    let again = taken.restore_as(&cluster, &everything(), "run-2").await.unwrap();
    assert_eq!(again.counts.same, OBJECTS + 1);
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_is_named_at_once_for_each_object() {
    let Some(cluster) = cluster().await else { return };
    let name = "faults-webhook";
    let mut objects = maps(name);
    objects.push(namespace(name));
    let taken = cluster.backup_of(&objects.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let proxy = FaultProxy::before_apiserver(cluster.plane).unwrap();
    let faulty = cluster.through(&proxy.kubeconfig()).await;
    let said = "Internal error occurred: failed calling webhook \"w.example.com\": no endpoints available for service \"w\"";
    proxy.add(Rule::new(Fault::status(500, "InternalError", said)).method("POST").with("/configmaps"));
    let report = taken.restore(&faulty).await;
    assert_eq!((report.counts.created, report.counts.failed), (1, OBJECTS));
    assert!(report.tally.failures[0].message.contains("failed calling webhook"));
    let seen = proxy.take_seen();
    let posts =
        seen.iter().filter(|seen| seen.method == "POST" && seen.path.contains("/configmaps")).count() as u64;
    let in_flight = everything().in_flight() as u64;
    assert!(posts <= OBJECTS + in_flight, "{posts} requests for {OBJECTS} objects");
}

#[tokio::test]
async fn a_caller_who_may_only_create_in_one_namespace_restores_what_it_may() {
    let Some(cluster) = cluster().await else { return };
    let name = "faults-denied";
    cluster.kubectl(&["create", "namespace", name]);
    cluster.kubectl(&["create", "configmap", "m00", "-n", name, "--from-literal=n=other"]);
    let role = ["create", "role", "r", "-n", name, "--verb=create,get", "--resource=configmaps"];
    cluster.kubectl(&role);
    cluster.kubectl(&["create", "rolebinding", "r", "-n", name, "--role=r", "--user=limited"]);
    let limited = cluster.plane.kubeconfig_for_user("limited", &[]).unwrap();
    let limited = cluster.through(&limited).await;
    let mut objects = maps(name);
    objects.push(format!(
        r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"s","namespace":"{name}"}},"type":"Opaque"}}"#
    ));
    let taken = cluster.backup_of(&objects.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let report = taken.restore(&limited).await;
    assert_eq!((report.counts.created, report.counts.differs, report.counts.failed), (OBJECTS - 1, 1, 1));
    let failed = &report.tally.failures[0];
    assert_eq!((failed.object.resource.as_str(), failed.reason.as_str()), ("secrets", "Forbidden"));
}
