//! The server is asked about what a restore would create, and nothing is written.

use daytwo_core::restore::{Action, Asked, Changes, Modifiers, Report, Request, Scope, Unasked};
use daytwo_engine::restore::{Detail, Planned};
use testbed::{Fault, FaultProxy, Rule};
use tokio_util::sync::CancellationToken;

use crate::barriers::{policy, webhook};
use crate::harness::{Cluster, Taken, cluster, everything, namespace};

async fn asked(cluster: &Cluster, taken: &Taken, scope: Scope) -> (Asked, Report, Planned) {
    asked_for(&everything(), cluster, taken, scope).await
}

async fn asked_for(
    request: &Request,
    cluster: &Cluster,
    taken: &Taken,
    scope: Scope,
) -> (Asked, Report, Planned) {
    let (backup, stop) = (taken.open().await, CancellationToken::new());
    let runner = taken.runner(cluster, &backup, &stop);
    let mut planned = runner.plan(request, "run-1", Detail::Objects).await.unwrap();
    let asked = runner.ask(&mut planned, scope).await.unwrap();
    (asked, planned.report.clone(), planned)
}

fn not_asked(asked: &Asked, why: &Unasked) -> u64 {
    asked.not_asked.iter().find(|group| group.why == *why).map_or(0, |group| group.count)
}

fn map(namespace: &str, name: &str, labels: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"{namespace}","labels":{labels}}}}}"#
    )
}

/// Names of everything in a namespace.
fn all(cluster: &Cluster, namespace: &str) -> String {
    cluster.kubectl(&[
        "get",
        "configmaps,secrets,serviceaccounts,services,pods,deployments,roles",
        "-n",
        namespace,
        "-o",
        "custom-columns=K:.kind,N:.metadata.name,V:.metadata.resourceVersion",
    ])
}

/// A namespace that is there with a policy, and a backup of what it refuses, of what it takes, and of what cannot be
/// asked about yet.
async fn odd(cluster: &Cluster, there: &str) -> Taken {
    cluster.kubectl(&["create", "namespace", there]);
    cluster.wait_for(&["serviceaccount", "default", "-n", there], ".metadata.name", "default");
    cluster.wait_for(&["configmap", "kube-root-ca.crt", "-n", there], ".metadata.name", "kube-root-ca.crt");
    cluster.kubectl(&["create", "service", "clusterip", "holder", "--tcp=80", "-n", there]);
    let address = cluster.field(&["service", "holder", "-n", there], ".spec.clusterIP");
    cluster.apply(&policy("ask-odd", there, "!object.metadata.name.startsWith('bad')"));
    testbed::until(std::time::Duration::from_secs(60), "the policy to be in force", || {
        let probe = ["create", "configmap", "bad", "-n", there, "--dry-run=server"];
        Ok(cluster.plane.kubectl(&probe).is_err().then_some(()))
    })
    .unwrap();
    let metadata = |name: &str| format!(r#""metadata":{{"name":"{name}","namespace":"{there}"}}"#);
    let objects = [
        map(there, "a", "{}"),
        map(there, "bad", "{}"),
        format!(
            r#"{{"apiVersion":"v1","kind":"Secret",{},"data":{{"not a key":"aHVudGVyMi1odW50ZXIy"}},"type":"Opaque"}}"#,
            metadata("s")
        ),
        format!(r#"{{"apiVersion":"v1","kind":"ServiceAccount",{}}}"#, metadata("later")),
        format!(
            r#"{{"apiVersion":"v1","kind":"Pod",{},"spec":{{"serviceAccountName":"later","containers":[{{"name":"c","image":"i"}}]}}}}"#,
            metadata("p")
        ),
        format!(
            r#"{{"apiVersion":"v1","kind":"Service",{},"spec":{{"clusterIP":"{address}","clusterIPs":["{address}"],"ports":[{{"port":80}}]}}}}"#,
            metadata("fixed")
        ),
        namespace("ask-absent"),
        map("ask-absent", "a", "{}"),
        map("ask-absent", "b", "{}"),
        r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"widgets.ask.example.com"},
            "spec":{"group":"ask.example.com","scope":"Namespaced","names":{"kind":"Widget","plural":"widgets"},
            "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}"#
            .to_owned(),
        format!(r#"{{"apiVersion":"ask.example.com/v1","kind":"Widget",{}}}"#, metadata("w")),
    ];
    cluster.backup_of(&objects.iter().map(String::as_str).collect::<Vec<_>>()).await
}

#[tokio::test]
async fn what_the_server_refuses_is_foreseen_what_cannot_be_asked_is_said_and_nothing_is_written() {
    let Some(cluster) = cluster().await else { return };
    let there = "ask-odd";
    let taken = odd(&cluster, there).await;
    let before = all(&cluster, there);
    let (whole, report, planned) = asked(&cluster, &taken, Scope::All).await;
    let failed: Vec<(&str, &str)> = report
        .tally
        .failures
        .iter()
        .map(|failed| (failed.object.resource.as_str(), failed.object.name.as_str()))
        .collect();
    assert_eq!(failed, [("configmaps", "bad"), ("secrets", "s")], "{:?}", report.tally.failures);
    assert!(!format!("{:?}", report.tally).contains("hunter2"), "{:?}", report.tally.failures);
    // ConfigMap, ServiceAccount, Service with an address that is taken, Namespace, definition.
    assert_eq!((whole.objects, whole.taken, whole.refused), (11, 5, 2), "{whole:?}");
    assert_eq!(not_asked(&whole, &Unasked::NamespaceMissing), 2, "{whole:?}");
    assert_eq!(not_asked(&whole, &Unasked::KindMissing), 1, "{whole:?}");
    assert_eq!(not_asked(&whole, &Unasked::NeedsEarlier), 1, "{whole:?}");
    assert_eq!((report.counts.created, report.counts.failed), (9, 2));
    let ids: Vec<&str> = report.tally.findings.iter().map(|finding| finding.id.as_str()).collect();
    assert_eq!(ids.iter().filter(|id| **id == "restore-not-asked").count(), 3, "{ids:?}");
    assert!(ids.contains(&"restore-policy-refuses"), "{ids:?}");
    let decided = planned.objects.iter().filter(|decided| decided.action == Action::Failed).count();
    assert_eq!(decided, 2);

    // The first ConfigMap tells for the other.
    let (sample, report, _) = asked(&cluster, &taken, Scope::Sample).await;
    assert_eq!((sample.objects, sample.taken, sample.refused), (11, 5, 1), "{sample:?}");
    assert_eq!(sample.unasked(), 4);
    assert_eq!(report.tally.failures[0].object.resource, "secrets");

    assert_eq!(all(&cluster, there), before, "asking wrote");
    assert!(!cluster.exists(&["namespace", "ask-absent"]));
    assert!(!cluster.exists(&["crd", "widgets.ask.example.com"]));
    cluster.kubectl(&["delete", "validatingadmissionpolicybinding", "ask-odd"]);
}

#[tokio::test]
async fn a_sample_has_what_a_webhook_chooses_by_labels() {
    let Some(cluster) = cluster().await else { return };
    let there = "ask-hook";
    cluster.kubectl(&["create", "namespace", there]);
    cluster.apply(&webhook("ask-hook", there, "None", r#"{"matchLabels":{"mesh":"on"}}"#));
    let mesh = r#"{"mesh":"on"}"#;
    testbed::until(std::time::Duration::from_secs(60), "the webhook to be in force", || {
        let made =
            cluster.plane.kubectl_stdin(&["create", "--dry-run=server", "-f", "-"], &map(there, "x", mesh));
        Ok(made.is_err().then_some(()))
    })
    .unwrap();
    let objects =
        [map(there, "a", "{}"), map(there, "b", "{}"), map(there, "c", mesh), map(there, "d", mesh)];
    let taken = cluster.backup_of(&objects.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (sample, report, _) = asked(&cluster, &taken, Scope::Sample).await;
    assert_eq!((sample.taken, sample.refused), (1, 1), "{sample:?}");
    assert_eq!(report.tally.failures[0].object.name, "c");
    assert!(report.tally.findings.iter().any(|finding| finding.id == "restore-webhook-refuses"));
    cluster.kubectl(&["delete", "validatingwebhookconfiguration", "ask-hook"]);
}

#[tokio::test]
async fn a_webhook_that_acts_and_cannot_be_asked_is_named_and_its_objects_are_not_taken_for_fine() {
    let Some(cluster) = cluster().await else { return };
    let there = "ask-acts";
    cluster.kubectl(&["create", "namespace", there]);
    let taken = cluster.backup_of(&[&map(there, "a", "{}"), &map(there, "b", "{}")]).await;
    let proxy = FaultProxy::before_apiserver(cluster.plane).unwrap();
    // Servers from 1.22 on take no such webhook; one that was made before stays.
    let said = r#"admission webhook "acts.example.com" does not support dry run"#;
    proxy.add(Rule::new(Fault::status(400, "BadRequest", said)).method("POST").with("/configmaps"));
    let through = cluster.through(&proxy.kubeconfig()).await;
    let (whole, report, _) = asked(&through, &taken, Scope::All).await;
    assert_eq!((whole.taken, whole.refused), (0, 0), "{whole:?}");
    assert_eq!(not_asked(&whole, &Unasked::WebhookActs("acts.example.com".to_owned())), 2);
    assert!(!report.is_clean());
    let posts: Vec<_> = proxy
        .take_seen()
        .into_iter()
        .filter(|seen| seen.method == "POST" && seen.path.contains("/configmaps"))
        .collect();
    assert!(posts.iter().all(|seen| seen.path.contains("dryRun=All")), "something was to be written");
}

#[tokio::test]
async fn an_object_that_a_rule_cannot_change_is_counted_as_failed_once() {
    let Some(cluster) = cluster().await else { return };
    let there = "ask-unfit";
    cluster.kubectl(&["create", "namespace", there]);
    let taken = cluster.backup_of(&[&map(there, "a", r#"{"x":"y"}"#), &map(there, "b", "{}")]).await;
    let rules = serde_json::json!({ "version": "v1", "resourceModifierRules": [{
        "conditions": { "groupResource": "configmaps" },
        "patches": [{ "operation": "replace", "path": "/metadata/labels/x", "value": "\"z\"" }],
    }] });
    let parse = |text: &str| serde_json::from_str(text).map_err(|error| error.to_string());
    let modifiers = Modifiers::parse(rules, &parse).unwrap();
    let request = Request { changes: Changes { modifiers, ..Changes::default() }, ..everything() };
    let (whole, report, _) = asked_for(&request, &cluster, &taken, Scope::All).await;
    assert_eq!((whole.objects, whole.taken, whole.refused), (1, 1, 0), "{whole:?}");
    assert_eq!((report.counts.created, report.counts.failed), (1, 1), "{:?}", report.tally.failures);
    assert_eq!(report.tally.failures[0].reason, "RuleNotApplied");
}

#[tokio::test]
async fn a_server_that_goes_away_while_it_is_asked_ends_the_asking() {
    let Some(cluster) = cluster().await else { return };
    let there = "ask-gone";
    cluster.kubectl(&["create", "namespace", there]);
    let maps: Vec<String> = (0..200).map(|n| map(there, &format!("m{n}"), "{}")).collect();
    let taken = cluster.backup_of(&maps.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let proxy = FaultProxy::before_apiserver(cluster.plane).unwrap();
    let through = cluster.through(&proxy.kubeconfig()).await;
    let (backup, stop) = (taken.open().await, CancellationToken::new());
    let runner = taken.runner(&through, &backup, &stop);
    let mut request = everything();
    request.waits.request = jiff::SignedDuration::from_secs(1);
    request.concurrency = 1;
    let mut planned = runner.plan(&request, "run-1", Detail::Objects).await.unwrap();
    proxy.add(Rule::new(Fault::Reset).method("POST").with("/configmaps"));
    proxy.take_seen();
    assert!(runner.ask(&mut planned, Scope::All).await.is_err());
    let posts = proxy.met();
    assert!(posts > 0);
    // One object is tried for its second; each of the 200 would be tried at least once.
    assert!(posts < 200, "it went on asking: {posts} requests");
}
