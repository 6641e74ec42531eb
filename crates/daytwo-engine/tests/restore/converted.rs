//! Objects of API versions that the cluster no longer serves.

use std::collections::BTreeMap;

use bytes::Bytes;
use daytwo_core::finding::{Finding, Severity};
use daytwo_core::restore::{Report, Skip};
use serde_json::{Value, json};

use crate::harness::{Cluster, all_well, cluster, everything};

/// Objects as old servers stored them, each with what Kubernetes' own code makes of it.
const MOVES: &str = include_str!("../../../daytwo-core/src/restore/convert/tests/moves.json");

/// What would change how the cluster answers the other tests.
const NOT_HERE: [&str; 2] = ["APIService", "ServiceCIDR"];

fn path(object: &Value) -> String {
    let text = |at: &str| object.pointer(at).and_then(Value::as_str);
    let (version, kind) = (text("/apiVersion").unwrap(), text("/kind").unwrap().to_lowercase());
    let plural = match kind {
        kind if kind.ends_with('s') => format!("{kind}es"),
        kind if kind.ends_with('y') => format!("{}ies", kind.trim_end_matches('y')),
        kind => format!("{kind}s"),
    };
    let namespace = text("/metadata/namespace").map(|name| format!("namespaces/{name}/")).unwrap_or_default();
    format!("/apis/{version}/{namespace}{plural}/{}", text("/metadata/name").unwrap())
}

/// Whether everything that `wanted` says is in `live`.
fn says(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            wanted.iter().all(|(key, value)| live.get(key).is_some_and(|live| says(live, value)))
        }
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| says(live, wanted))
        }
        _ => live == wanted,
    }
}

/// Restores `objects`, and restores them again, which must find nothing to do.
async fn restored_twice(cluster: &Cluster, objects: &[Bytes]) -> Report {
    let taken = cluster.backup(objects).await;
    let report = taken.restore(cluster).await;
    let again = taken.restore_as(cluster, &everything(), "run-2").await.unwrap();
    let differing = &again.tally.differing;
    assert!(differing.is_empty() && again.counts.created == 0, "{differing:?}\n{:?}", again.tally.resources);
    report
}

#[tokio::test]
async fn what_old_servers_stored_is_at_the_served_version_what_kubernetes_makes_of_it() {
    let Some(cluster) = cluster().await else { return };
    let moves = MOVES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    // One backup holds a resource at one version.
    let mut rounds: Vec<Vec<Value>> = Vec::new();
    let mut versions: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for known in moves.filter(|known| !NOT_HERE.contains(&known["stored"]["kind"].as_str().unwrap())) {
        let version = known["stored"]["apiVersion"].as_str().unwrap().to_owned();
        let group = version.split('/').next().unwrap().to_owned();
        let seen = versions.entry((group, known["stored"]["kind"].to_string())).or_default();
        if !seen.contains(&version) {
            seen.push(version.clone());
        }
        let round = seen.iter().position(|seen| *seen == version).unwrap();
        rounds.resize(rounds.len().max(round + 1), Vec::new());
        rounds[round].push(known);
    }
    let mut converted = 0;
    for round in &rounds {
        let objects: Vec<Bytes> = round.iter().map(|known| known["stored"].to_string().into()).collect();
        let report = restored_twice(&cluster, &objects).await;
        assert!(report.tally.failures.is_empty(), "{:#?}", report.tally.failures);
        let told = report.tally.findings.iter().filter(|finding| finding.id == "restore-converted");
        assert!(told.clone().all(|finding| finding.severity == Severity::Info) && told.count() > 0);
        let held_back = report.tally.skipped.get(&Skip::BackendNotReady);
        for known in round {
            let name = known["stored"]["metadata"]["name"].as_str().unwrap();
            if held_back.is_some_and(|group| group.objects.iter().any(|object| object.name == name)) {
                continue;
            }
            let live: Value =
                serde_json::from_slice(&cluster.raw(&path(&known["kubernetes"])).await).unwrap();
            let mut wanted = known["kubernetes"].clone();
            // The server's own count.
            let annotations = wanted.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
            annotations.map(|annotations| annotations.remove("deprecated.daemonset.template.generation"));
            assert!(says(&live, &wanted), "{live}\n  does not say\n{wanted}");
            converted += 1;
        }
    }
    assert!(converted > 55, "{converted}");
}

#[tokio::test]
async fn old_autoscalers_owners_and_managers_are_those_of_the_new_version() {
    let Some(cluster) = cluster().await else { return };
    let namespace = "converted";
    let metadata = |name: &str| json!({ "name": name, "namespace": namespace });
    let metric = json!({ "type": "Resource", "resource": { "name": "cpu", "targetAverageUtilization": 70 } });
    let target = json!({ "kind": "Deployment", "name": "web", "apiVersion": "apps/v1" });
    let autoscaler = json!({ "apiVersion": "autoscaling/v2beta1", "kind": "HorizontalPodAutoscaler", "metadata": metadata("web"),
        "spec": { "scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 3, "metrics": [metric] } });
    let backend = json!({ "serviceName": "web", "servicePort": "http" });
    let ingress = json!({ "apiVersion": "extensions/v1beta1", "kind": "Ingress", "metadata": metadata("edge"),
        "spec": { "backend": backend } });
    let mut owned = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("owned") });
    owned["metadata"]["ownerReferences"] =
        json!([{ "apiVersion": "extensions/v1beta1", "kind": "Ingress", "name": "edge", "uid": "old" }]);
    let entry = |manager: &str, field: &str| {
        json!({ "manager": manager, "operation": "Apply", "apiVersion": "policy/v1beta1", "time": "2020-01-02T03:04:05Z",
            "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { (field): {} } } })
    };
    let mut budget = json!({ "apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": metadata("web"),
        "spec": { "minAvailable": 1, "selector": { "matchLabels": { "app": "web" } } } });
    budget["metadata"]["managedFields"] = json!([entry("a", "f:minAvailable"), entry("b", "f:selector")]);
    let objects = [&autoscaler, &ingress, &owned, &budget].map(|object| Bytes::from(object.to_string()));
    let report = restored_twice(&cluster, &objects).await;
    all_well(&report);
    let get = async |path: String| serde_json::from_slice::<Value>(&cluster.raw(&path).await).unwrap();
    let live = get(format!("/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/web")).await;
    let aims = json!({ "type": "Utilization", "averageUtilization": 70 });
    assert_eq!(live["spec"]["metrics"][0]["resource"]["target"], aims);
    let live = get(format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/edge")).await;
    let owned = get(format!("/api/v1/namespaces/{namespace}/configmaps/owned")).await;
    let owner = &owned["metadata"]["ownerReferences"][0];
    assert_eq!(
        (&owner["uid"], &owner["apiVersion"]),
        (&live["metadata"]["uid"], &json!("networking.k8s.io/v1"))
    );
    let live = get(format!("/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/web")).await;
    let managers = live["metadata"]["managedFields"].as_array().unwrap();
    let managers = managers.iter().filter(|entry| entry["subresource"].is_null());
    let managers: Vec<_> = managers.map(|entry| (&entry["manager"], &entry["apiVersion"])).collect();
    assert_eq!(managers, [(&json!("a"), &json!("policy/v1")), (&json!("b"), &json!("policy/v1"))]);
}

#[tokio::test]
async fn what_no_served_version_can_say_stays_behind_with_its_reason() {
    let Some(cluster) = cluster().await else { return };
    let hook = json!({ "name": "a.example.com", "sideEffects": "Unknown", "clientConfig": { "url": "https://a.example.com" } });
    let hooks = json!({ "apiVersion": "admissionregistration.k8s.io/v1beta1", "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": "converted-unknown" }, "webhooks": [hook] });
    let policy = json!({ "apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicy",
        "metadata": { "name": "converted-psp", "namespace": "converted-left" }, "spec": {} });
    let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a", "namespace": "converted-left" } });
    let objects = [&hooks, &policy, &map].map(|object| Bytes::from(object.to_string()));
    let report = cluster.backup(&objects).await.restore(&cluster).await;
    assert_eq!(
        (report.counts.created, report.counts.skipped, report.counts.failed),
        (2, 2, 0),
        "{report:#?}"
    );
    let finding = |id: &str| report.tally.findings.iter().find(|finding| finding.id == id).unwrap();
    assert!(finding("restore-not-expressible").evidence.contains("sideEffects"));
    assert!(finding("restore-kind-not-served").remedy.contains("Pod Security"));
    assert!(!report.is_clean());
}

#[tokio::test]
async fn a_custom_resource_of_a_version_that_is_gone_comes_at_the_one_that_is_there() {
    let Some(cluster) = cluster().await else { return };
    // One still knows the version that it does not serve any more.
    let definition = |plural: &str, kind: &str, conversion: Value| {
        let knows = plural == "plains";
        let schema =
            json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
        json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{plural}.example.com") },
            "spec": { "group": "example.com", "scope": "Namespaced", "conversion": conversion,
                "names": { "plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List") },
                "versions": [{ "name": "v2", "served": true, "storage": true, "schema": schema },
                    { "name": if knows { "v1" } else { "v3" }, "served": false, "storage": false, "schema": schema }] } })
    };
    let client = json!({ "url": "https://127.0.0.1:1/convert" });
    let webhook = json!({ "strategy": "Webhook", "webhook": { "clientConfig": client, "conversionReviewVersions": ["v1"] } });
    cluster.apply(&definition("plains", "Plain", json!({ "strategy": "None" })).to_string());
    cluster.apply(&definition("foreigns", "Foreign", json!({ "strategy": "None" })).to_string());
    cluster.apply(&definition("hookeds", "Hooked", webhook).to_string());
    for name in ["crd/plains.example.com", "crd/foreigns.example.com", "crd/hookeds.example.com"] {
        cluster.kubectl(&["wait", "--for=condition=Established", name, "--timeout=60s"]);
    }
    let namespace = "converted-custom";
    let object = |kind: &str| {
        Bytes::from(json!({ "apiVersion": "example.com/v1", "kind": kind, "metadata": { "name": "a", "namespace": namespace },
            "spec": { "n": 1 } }).to_string())
    };
    let report = restored_twice(&cluster, &[object("Plain"), object("Foreign"), object("Hooked")]).await;
    let path = format!("/apis/example.com/v2/namespaces/{namespace}/plains/a");
    let live: Value = serde_json::from_slice(&cluster.raw(&path).await).unwrap();
    assert_eq!(live["spec"]["n"], 1);
    let passed_over = &report.tally.skipped[&Skip::NotServed].objects;
    let resources: Vec<&str> = passed_over.iter().map(|object| object.resource.as_str()).collect();
    // Nobody knows what the fields of a version were that the definition does not name.
    assert_eq!(resources, ["foreigns.example.com", "hookeds.example.com"]);
    let of_hooked = |finding: &&Finding| finding.subject == "hookeds.example.com";
    let left = report.tally.findings.iter().find(of_hooked).unwrap();
    assert_eq!(left.id, "restore-kind-not-served");
    assert!(left.remedy.contains("webhook") && left.remedy.contains("v2"), "{left:?}");
    // What a broken webhook keeps from being listed would keep its namespace from going.
    cluster.kubectl(&["delete", "crd/hookeds.example.com", "--timeout=60s"]);
}
