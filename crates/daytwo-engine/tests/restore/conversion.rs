//! Definitions with several versions, who converts between them, and API services nobody serves.

use daytwo_core::restore::{Request, Skip, Waits};
use daytwo_engine::{ClusterOptions, Site};
use jiff::SignedDuration;
use testbed::{ControlPlane, Family, Hook};

use crate::harness::{Cluster, all_well, cluster, everything, namespace};

/// A definition with two versions, of which v2 is stored.
fn definition(kind: &str, conversion: &str) -> String {
    let lower = kind.to_lowercase();
    let version = |name: &str, storage: bool| {
        format!(
            r#"{{"name":"{name}","served":true,"storage":{storage},"schema":{{"openAPIV3Schema":{{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}}"#
        )
    };
    format!(
        r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{{"name":"{lower}s.convert.example.com"}},
        "spec":{{"group":"convert.example.com","scope":"Namespaced","names":{{"plural":"{lower}s","singular":"{lower}","kind":"{kind}","listKind":"{kind}List"}},
        "versions":[{},{}],"conversion":{conversion}}}}}"#,
        version("v1", false),
        version("v2", true)
    )
}

fn webhook(at: &str, hook: &Hook) -> String {
    format!(
        r#"{{"strategy":"Webhook","webhook":{{"conversionReviewVersions":["v1"],"clientConfig":{{"caBundle":"{}","service":{{"namespace":"{at}","name":"converter","port":{},"path":"/"}}}}}}}}"#,
        hook.ca_bundle(),
        hook.port()
    )
}

fn object(kind: &str, version: &str, at: &str, name: &str) -> String {
    format!(
        r#"{{"apiVersion":"convert.example.com/{version}","kind":"{kind}","metadata":{{"name":"{name}","namespace":"{at}"}},"spec":{{"size":1}}}}"#
    )
}

fn deployment(at: &str) -> String {
    format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"converter","namespace":"{at}"}},
        "spec":{{"replicas":0,"selector":{{"matchLabels":{{"app":"c"}}}},"template":{{"metadata":{{"labels":{{"app":"c"}}}},"spec":{{"containers":[{{"name":"c","image":"i"}}]}}}}}}}}"#
    )
}

#[tokio::test]
async fn what_a_webhook_has_to_convert_waits_for_it_and_what_is_stored_as_it_is_does_not() {
    let Some(cluster) = cluster().await else { return };
    let at = "convert-webhook";
    let hook = Hook::start(&format!("converter.{at}.svc")).unwrap();
    let service = format!(
        r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"converter","namespace":"{at}"}},"spec":{{"ports":[{{"port":{}}}]}}}}"#,
        hook.port()
    );
    let (old, stored) = (object("Gadget", "v1", at, "old"), object("Gizmo", "v2", at, "stored"));
    let converts = webhook(at, &hook);
    let (gadgets, gizmos) = (definition("Gadget", &converts), definition("Gizmo", &converts));
    let (space, workload) = (namespace(at), deployment(at));
    let objects = [&*space, &gadgets, &gizmos, &service, &workload, &old, &stored];
    let taken = cluster.backup_of(&objects).await;
    let report = taken.restore(&cluster).await;
    assert_eq!((report.counts.failed, report.counts.created), (0, 6), "{:?}", report.tally);
    assert_eq!(report.tally.skipped[&Skip::ConverterNotReady].objects[0].name, "old");
    assert!(!report.is_clean());
    let waves: Vec<&str> = report.waves.iter().map(|wave| wave.wave.name()).collect();
    let place = |name: &str| waves.iter().position(|wave| *wave == name).unwrap();
    assert!(place("custom resources") < place("workloads"), "{waves:?}");
    assert!(place("workloads") < place("converted custom resources"), "{waves:?}");

    let outside =
        r#"{"spec":{"type":"ExternalName","externalName":"localhost","clusterIP":null,"clusterIPs":null}}"#;
    cluster.kubectl(&["patch", "service", "converter", "-n", at, "--type=merge", "-p", outside]);
    let request = Request { filter: only("gadgets.convert.example.com"), ..everything() };
    let report = taken.restore_as(&cluster, &request, "run-2").await.unwrap();
    all_well(&report);
    assert_eq!(cluster.field(&["gadgets.v2.convert.example.com", "old", "-n", at], ".spec.size"), "1");
    assert!(hook.asked() > 0);
    cluster.kubectl(&["delete", "crd", "gadgets.convert.example.com", "gizmos.convert.example.com"]);
}

fn only(resource: &str) -> daytwo_core::filter::Filter {
    daytwo_core::filter::Filter {
        include_resources: vec![resource.to_owned()],
        ..daytwo_core::filter::Filter::default()
    }
}

#[tokio::test]
async fn versions_that_differ_in_their_name_only_need_nobody_to_convert_them() {
    let Some(cluster) = cluster().await else { return };
    let at = "convert-none";
    let taken = cluster
        .backup_of(&[
            &namespace(at),
            &definition("Gear", r#"{"strategy":"None"}"#),
            &object("Gear", "v1", at, "old"),
        ])
        .await;
    let report = taken.restore(&cluster).await;
    all_well(&report);
    assert!(report.waves.iter().all(|wave| wave.wave.name() != "converted custom resources"));
    assert_eq!(cluster.field(&["gears.v2.convert.example.com", "old", "-n", at], ".spec.size"), "1");
}

#[tokio::test]
async fn an_api_service_nobody_serves_comes_last_stops_no_other_restore_and_is_named() {
    if testbed::parts_or_skip(&[Family::Etcd, Family::Kube]).is_none() {
        return;
    }
    // Its own: while it dangles, no namespace of the cluster can be ended.
    let plane: &'static ControlPlane =
        Box::leak(Box::new(ControlPlane::builder().controller_manager(false).start().unwrap()));
    let options =
        ClusterOptions { kubeconfig: Some(plane.kubeconfig().to_owned()), ..ClusterOptions::default() };
    let cluster = Cluster { plane, site: Site::connect(&options).await.unwrap() };
    let service = |group: &str, available: &str| {
        format!(
            r#"{{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{{"name":"v1.{group}"}},"spec":{{"group":"{group}","version":"v1","groupPriorityMinimum":100,"versionPriority":10,"insecureSkipTLSVerify":true,"service":{{"namespace":"gone","name":"gone","port":443}}}},
            "status":{{"conditions":[{{"type":"Available","status":"{available}"}}]}}}}"#
        )
    };
    let (was, never) = (service("was.example.com", "True"), service("never.example.com", "False"));
    let map = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"dangling"}}"#;
    let taken = cluster.backup_of(&[&was, &never, map]).await;
    let waits = Waits { workloads: SignedDuration::from_secs(5), ..everything().waits };
    let request = Request { wait: true, waits, ..everything() };
    let report = taken.restore_as(&cluster, &request, "run-1").await.unwrap();
    assert_eq!((report.counts.created, report.counts.failed), (4, 0), "{:?}", report.tally);
    assert_eq!(report.waves.last().unwrap().wave.name(), "webhooks");
    let found: Vec<_> =
        report.tally.findings.iter().map(|finding| (&*finding.subject, &*finding.evidence)).collect();
    let [(subject, evidence)] = found[..] else { panic!("{found:?}") };
    assert_eq!(subject, "apiservices.apiregistration.k8s.io/v1.was.example.com");
    assert!(evidence.contains("ServiceNotFound"), "{evidence}");
    // What dangles is no reason not to see the rest.
    let again = taken.restore_as(&cluster, &everything(), "run-2").await.unwrap();
    all_well(&again);
    assert_eq!((again.counts.created, again.counts.same), (0, 3));
}
