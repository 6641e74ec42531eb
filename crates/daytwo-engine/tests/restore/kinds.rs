//! CustomResourceDefinitions and their objects.

use daytwo_core::restore::UNFINISHED_MARK;
use serde_json::{Value, json};

use crate::harness::{all_well, cluster};

fn definition(plural: &str) -> String {
    format!(
        r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{{"name":"{plural}.example.com"}},
        "spec":{{"group":"example.com","scope":"Namespaced","names":{{"plural":"{plural}","singular":"{0}","kind":"{1}","listKind":"{1}List"}},
        "versions":[{{"name":"v1","served":true,"storage":true,"schema":{{"openAPIV3Schema":{{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}}]}}}}"#,
        plural.trim_end_matches('s'),
        capital(plural.trim_end_matches('s')),
    )
}

fn capital(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

fn resource(plural: &str, namespace: &str, name: &str) -> String {
    let kind = capital(plural.trim_end_matches('s'));
    format!(
        r#"{{"apiVersion":"example.com/v1","kind":"{kind}","metadata":{{"name":"{name}","namespace":"{namespace}"}},"spec":{{"digits":12345678901234567890,"fraction":1.50}},"status":{{"kept":true}}}}"#
    )
}

#[tokio::test]
async fn a_definition_is_established_before_its_objects_are_created() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "kinds-new";
    let objects: Vec<String> = (0..20).map(|n| resource("gizmos", namespace, &format!("g{n}"))).collect();
    let mut all: Vec<&str> = objects.iter().map(String::as_str).collect();
    let definition = definition("gizmos");
    all.push(&definition);
    let taken = cluster.backup_of(&all).await;
    let report = taken.restore(&cluster).await;
    all_well(&report);
    assert_eq!(report.counts.created, 22, "20 objects, their definition, their namespace");
    let live = cluster.raw(&format!("/apis/example.com/v1/namespaces/{namespace}/gizmos/g7")).await;
    let live = String::from_utf8(live.to_vec()).unwrap();
    assert!(live.contains(r#""kept":true"#), "a status without a subresource is content: {live}");
    let gizmo = |name: &str| format!("/apis/example.com/v1/namespaces/{namespace}/gizmos/{name}");
    let definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gizmos.example.com";
    assert_eq!(cluster.survives(namespace, &[definition, &gizmo("g1"), &gizmo("g2")]).await, 4);
}

#[tokio::test]
async fn a_kind_that_the_cluster_lacks_is_a_finding_and_the_rest_is_restored() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "kinds-missing";
    let map = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"a","namespace":"{namespace}"}}}}"#
    );
    let taken = cluster.backup_of(&[&resource("phantoms", namespace, "p"), &map]).await;
    let report = taken.restore(&cluster).await;
    assert_eq!((report.counts.created, report.counts.skipped, report.counts.failed), (2, 1, 0));
    assert_eq!(report.tally.findings[0].id, "restore-kind-not-served");
    assert!(!report.is_clean());
}

#[tokio::test]
async fn a_custom_resource_gets_the_status_back_that_a_create_drops() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "kinds-status";
    let definition = definition("dials").replace(r#""schema":"#, r#""subresources":{"status":{}},"schema":"#);
    cluster.apply(&definition);
    cluster.kubectl(&["wait", "--for=condition=Established", "crd/dials.example.com", "--timeout=60s"]);
    cluster.kubectl(&["create", "namespace", namespace]);
    cluster.apply(&resource("dials", namespace, "d").replace(r#","status":{"kept":true}"#, ""));
    // Generation 2, as far observed; of one condition less.
    let name = ["dial", "d", "-n", namespace, "--type=merge"];
    cluster.kubectl(&[&["patch"], &name[..], &["-p", r#"{"spec":{"fraction":2.5}}"#]].concat());
    let status = r#"{"status":{"observedGeneration":2,"phase":"Ready","conditions":[{"type":"A","observedGeneration":1}]}}"#;
    cluster.kubectl(&[&["patch"], &name[..], &["--subresource=status", "-p", status]].concat());
    let path = format!("/apis/example.com/v1/namespaces/{namespace}/dials/d");
    let before: Value = serde_json::from_slice(&cluster.raw(&path).await).unwrap();
    assert_eq!((&before["metadata"]["generation"], &before["status"]["phase"]), (&json!(2), &json!("Ready")));
    assert_eq!(cluster.survives(namespace, &[&path]).await, 2);
    let after: Value = serde_json::from_slice(&cluster.raw(&path).await).unwrap();
    assert_eq!(after["metadata"]["generation"], 1);
    let conditions = json!([{ "type": "A", "observedGeneration": 0 }]);
    let status = json!({ "observedGeneration": 1, "phase": "Ready", "conditions": conditions });
    assert_eq!(after["status"], status);
    assert_eq!(after["metadata"]["managedFields"], before["metadata"]["managedFields"]);
    assert!(after["metadata"]["annotations"].get(UNFINISHED_MARK).is_none());
}
