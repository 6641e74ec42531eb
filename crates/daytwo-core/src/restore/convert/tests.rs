use serde_json::{Value, json};

use super::*;
use crate::restore::ServedKind;

/// What Kubernetes' own code makes of objects as an old server stored them; `tests/kubernetes.go` wrote it.
const MOVES: &str = include_str!("tests/moves.json");

fn kind(api_version: &str, resource: &str, kind: &str) -> ResourceType {
    let (group, version) = split(api_version);
    let (group, version) = (group.to_owned(), version.to_owned());
    ResourceType { group, version, resource: resource.to_owned(), kind: kind.to_owned(), namespaced: true }
}

/// A cluster that serves one resource, at these versions.
fn serves(group: &str, resource: &str, kind: &str, versions: &[&str]) -> Target {
    let mut target = Target::default();
    let name = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
    let versions = versions.iter().map(|version| (*version).to_owned()).collect();
    let served = ServedKind { kind: kind.to_owned(), versions, namespaced: true, status: true };
    target.served.insert(name, served);
    target
}

fn plural(kind: &str) -> String {
    match kind {
        "Ingress"
        | "IngressClass"
        | "StorageClass"
        | "PriorityClass"
        | "RuntimeClass"
        | "DeviceClass"
        | "VolumeAttributesClass" => format!("{}es", kind.to_lowercase()),
        "NetworkPolicy" | "ValidatingAdmissionPolicy" => {
            format!("{}ies", kind.to_lowercase().trim_end_matches('y'))
        }
        other => format!("{}s", other.to_lowercase()),
    }
}

/// The conversion of `object` to the API version `to`.
fn conversion(object: &Value, to: &str) -> Conversion {
    let text = |key: &str| object[key].as_str().unwrap();
    let from = kind(text("apiVersion"), &plural(text("kind")), text("kind"));
    let (group, version) = split(to);
    serves(group, &from.resource, &from.kind, &[version])
        .conversion(&from)
        .unwrap_or_else(|| panic!("{} {} has no way to {to}", from.api_version(), from.resource))
}

fn convert(object: &Value, to: &str) -> Result<(Value, Vec<String>), Unconvertible> {
    let Converted { bytes, notes } = conversion(object, to).convert(object.to_string().as_bytes())?;
    Ok((serde_json::from_slice(&bytes).unwrap(), notes))
}

fn converted(object: &Value, to: &str) -> Value {
    convert(object, to).unwrap().0
}

#[test]
fn every_move_comes_to_what_kubernetes_own_code_makes_of_it() {
    let moves: Vec<Value> = MOVES.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(moves.len() > 60, "{}", moves.len());
    let mut wrong = Vec::new();
    for known in moves {
        let now = converted(&known["stored"], known["to"].as_str().unwrap());
        if now != known["kubernetes"] {
            wrong.push(format!("{}\n  is {now}\n  not {}", known["stored"], known["kubernetes"]));
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_an_old_version_implied_is_written_out() {
    let template = json!({ "metadata": { "labels": { "app": "web" } }, "spec": {} });
    let workload = |version: &str, kind: &str| json!({ "apiVersion": version, "kind": kind, "metadata": { "name": "a" }, "spec": { "template": template } });
    let labels = json!({ "matchLabels": { "app": "web" } });
    let old = converted(&workload("extensions/v1beta1", "Deployment"), "apps/v1");
    assert_eq!((&old["spec"]["selector"], &old["metadata"]["labels"]), (&labels, &json!({ "app": "web" })));
    assert_eq!(old["spec"]["progressDeadlineSeconds"], 2_147_483_647);
    assert_eq!(old["spec"]["strategy"]["rollingUpdate"], json!({ "maxUnavailable": 1, "maxSurge": 1 }));
    let newer = converted(&workload("apps/v1beta1", "Deployment"), "apps/v1");
    assert_eq!((&newer["spec"]["revisionHistoryLimit"], &newer["spec"]["selector"]), (&json!(2), &labels));
    let set = converted(&workload("apps/v1beta1", "StatefulSet"), "apps/v1");
    assert_eq!(set["spec"]["updateStrategy"]["type"], "OnDelete");
    let agent = converted(&workload("extensions/v1beta1", "DaemonSet"), "apps/v1");
    assert_eq!(
        (&agent["spec"]["updateStrategy"]["type"], &agent["spec"]["selector"]),
        (&json!("OnDelete"), &labels)
    );
    let last = converted(&workload("apps/v1beta2", "DaemonSet"), "apps/v1");
    assert!(last["spec"].get("updateStrategy").is_none() && last["spec"].get("selector").is_none(), "{last}");
}

#[test]
fn a_deployment_that_was_to_roll_back_does_not_so_again() {
    let old = json!({ "apiVersion": "extensions/v1beta1", "kind": "Deployment", "metadata": { "name": "a" },
        "spec": { "rollbackTo": { "revision": 3 }, "template": {} } });
    let (now, notes) = convert(&old, "apps/v1").unwrap();
    assert!(now["spec"].get("rollbackTo").is_none());
    assert!(notes[0].contains("roll back"), "{notes:?}");
}

#[test]
fn an_empty_selector_of_an_old_budget_still_selects_no_pod() {
    let budget = |selector: Value| {
        json!({ "apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": { "name": "a" },
            "spec": { "selector": selector } })
    };
    let (none, notes) = convert(&budget(json!({})), "policy/v1").unwrap();
    assert_eq!(none["spec"]["selector"]["matchExpressions"][0]["operator"], "Exists");
    assert_eq!(notes.len(), 1);
    let none = converted(&budget(json!({ "matchLabels": {}, "matchExpressions": [] })), "policy/v1");
    assert_eq!(none["spec"]["selector"]["matchExpressions"][0]["operator"], "Exists");
    let key = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match";
    let all = json!({ "matchExpressions": [{ "key": key, "operator": "DoesNotExist" }] });
    assert_eq!(converted(&budget(all.clone()), "policy/v1")["spec"]["selector"], json!({}));
    let mixed = json!({ "matchLabels": { "a": "b" }, "matchExpressions": all["matchExpressions"] });
    let mixed = converted(&budget(mixed), "policy/v1");
    assert_eq!(mixed["spec"]["selector"], json!({ "matchLabels": { "a": "b" }, "matchExpressions": [] }));
}

#[test]
fn a_webhook_with_side_effects_stays_behind_and_says_which() {
    let hooks = |effects: Value| {
        json!({ "apiVersion": "admissionregistration.k8s.io/v1beta1", "kind": "ValidatingWebhookConfiguration",
            "metadata": { "name": "a" },
            "webhooks": [{ "name": "good.x", "sideEffects": "None" }, { "name": "bad.x", "sideEffects": effects }] })
    };
    for effects in [json!("Some"), json!("Unknown"), Value::Null] {
        let why = convert(&hooks(effects), "admissionregistration.k8s.io/v1").unwrap_err().to_string();
        assert!(why.contains("bad.x") && why.contains("sideEffects"), "{why}");
    }
    let now = converted(&hooks(json!("NoneOnDryRun")), "admissionregistration.k8s.io/v1");
    let hook = &now["webhooks"][1];
    assert_eq!((&hook["failurePolicy"], &hook["matchPolicy"]), (&json!("Ignore"), &json!("Exact")));
    assert_eq!(
        (&hook["timeoutSeconds"], &hook["admissionReviewVersions"]),
        (&json!(30), &json!(["v1beta1"]))
    );
}

#[test]
fn an_autoscaler_s_old_targets_and_behavior_have_their_new_places() {
    let to = json!({ "apiVersion": "v1", "kind": "Service", "name": "s" });
    let metrics = json!([
        { "type": "Resource", "resource": { "name": "cpu", "targetAverageUtilization": 70 } },
        { "type": "Resource", "resource": { "name": "memory", "targetAverageValue": "1Gi" } },
        { "type": "Pods", "pods": { "metricName": "rps", "targetAverageValue": "1k", "selector": { "a": 1 } } },
        { "type": "Object", "object": { "metricName": "hits", "target": to, "targetValue": "5" } },
        { "type": "Object", "object": { "metricName": "hits", "target": to, "targetValue": "0", "averageValue": "2" } },
        { "type": "External", "external": { "metricName": "q", "metricSelector": { "b": 1 }, "targetAverageValue": "3" } },
    ]);
    let behavior = r#"{"ScaleUp":null,"ScaleDown":{"StabilizationWindowSeconds":60,"Policies":[{"Type":"Pods","Value":4,"PeriodSeconds":60}]}}"#;
    let annotations = json!({ "autoscaling.alpha.kubernetes.io/behavior": behavior, "kept": "1" });
    let old = json!({ "apiVersion": "autoscaling/v2beta1", "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": "a", "annotations": annotations }, "spec": { "maxReplicas": 3, "metrics": metrics } });
    let now = converted(&old, "autoscaling/v2");
    let average = |value: &str| json!({ "type": "AverageValue", "averageValue": value });
    let metric = |name: &str| json!({ "name": name });
    let expected = json!([
        { "type": "Resource", "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 70 } } },
        { "type": "Resource", "resource": { "name": "memory", "target": average("1Gi") } },
        { "type": "Pods", "pods": { "metric": { "name": "rps", "selector": { "a": 1 } }, "target": average("1k") } },
        { "type": "Object", "object": { "metric": metric("hits"), "describedObject": to, "target": { "type": "Value", "value": "5" } } },
        { "type": "Object", "object": { "metric": metric("hits"), "describedObject": to, "target": average("2") } },
        { "type": "External", "external": { "metric": { "name": "q", "selector": { "b": 1 } }, "target": average("3") } },
    ]);
    assert_eq!(now["spec"]["metrics"], expected);
    let policies = json!([{ "type": "Pods", "value": 4, "periodSeconds": 60 }]);
    let down = json!({ "stabilizationWindowSeconds": 60, "policies": policies });
    assert_eq!(now["spec"]["behavior"], json!({ "scaleDown": down }));
    assert_eq!(now["metadata"]["annotations"], json!({ "kept": "1" }));
}

#[test]
fn an_old_definition_that_pruned_nothing_prunes_nothing() {
    let inner = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let list = json!({ "type": "array", "items": inner });
    let schema = json!({ "properties": { "metadata": { "type": "object", "properties": {} }, "spec": inner, "list": list } });
    let definition = |spec: Value| {
        json!({ "apiVersion": "apiextensions.k8s.io/v1beta1", "kind": "CustomResourceDefinition",
            "metadata": { "name": "olds.x.io" }, "spec": spec })
    };
    let to = "apiextensions.k8s.io/v1";
    let bare = converted(&definition(json!({ "version": "v1" })), to);
    let open = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let version =
        json!({ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": open } });
    assert_eq!(bare["spec"], json!({ "versions": [version], "scope": "Namespaced" }));
    let old = json!({ "validation": { "openAPIV3Schema": schema }, "preserveUnknownFields": true,
        "versions": [{ "name": "v1", "served": true, "storage": true }] });
    let (now, notes) = convert(&definition(old), to).unwrap();
    let root = &now["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let keep = "x-kubernetes-preserve-unknown-fields";
    let at = |path: &str| root.pointer(path).and_then(|node| node.get(keep)).is_some();
    assert!(at("") && at("/properties/spec") && at("/properties/list/items"), "{root}");
    assert!(!at("/properties/metadata") && !at("/properties/spec/properties/a"), "{root}");
    assert_eq!(root["type"], "object");
    assert!(now["spec"].get("preserveUnknownFields").is_none() && now["spec"].get("validation").is_none());
    assert_eq!(notes.len(), 1);
}

#[test]
fn topology_that_the_server_would_drop_is_told() {
    let topology = json!({ "kubernetes.io/hostname": "n", "topology.kubernetes.io/zone": "z", "rack": "r" });
    let old = json!({ "apiVersion": "discovery.k8s.io/v1beta1", "kind": "EndpointSlice", "metadata": { "name": "a" },
        "endpoints": [{ "addresses": ["10.0.0.1"], "topology": topology }] });
    let (now, notes) = convert(&old, "discovery.k8s.io/v1").unwrap();
    assert_eq!(now["endpoints"], json!([{ "addresses": ["10.0.0.1"], "nodeName": "n", "zone": "z" }]));
    assert!(notes[0].contains("rack"), "{notes:?}");
}

#[test]
fn managers_of_fields_go_along_where_fields_have_the_same_names() {
    let entry = |manager: &str, version: &str| json!({ "manager": manager, "operation": "Update", "apiVersion": version });
    let object = |version: &str, kind: &str, fields: Value| json!({ "apiVersion": version, "kind": kind, "metadata": { "name": "a", "managedFields": fields } });
    let managed = json!([entry("m", "policy/v1beta1"), entry("n", "policy/v1")]);
    let (now, notes) =
        convert(&object("policy/v1beta1", "PodDisruptionBudget", managed), "policy/v1").unwrap();
    let expected = json!([entry("m", "policy/v1"), entry("n", "policy/v1")]);
    assert_eq!((&now["metadata"]["managedFields"], notes.len()), (&expected, 0));
    let old = "networking.k8s.io/v1beta1";
    let managed = json!([entry("m", old), entry("n", "networking.k8s.io/v1")]);
    let (now, notes) = convert(&object(old, "Ingress", managed), "networking.k8s.io/v1").unwrap();
    assert_eq!(now["metadata"]["managedFields"], json!([entry("n", "networking.k8s.io/v1")]));
    assert!(notes[0].contains(" m "), "{notes:?}");
}

#[test]
fn a_custom_resource_moves_only_where_its_versions_are_said_to_be_alike() {
    let from = kind("x.io/v1alpha1", "widgets", "Widget");
    let mut target = serves("x.io", "widgets", "Widget", &["v1", "v1beta1"]);
    assert_eq!(target.conversion(&from), None, "nobody knows how its versions differ");
    let named = ["v1alpha1", "v1beta1", "v1"].map(str::to_owned);
    target.alike.insert("widgets.x.io".to_owned(), named.into());
    let older = kind("x.io/v1alpha0", "widgets", "Widget");
    assert_eq!(target.conversion(&older), None, "its definition does not name that version");
    let conversion = target.conversion(&from).unwrap();
    assert_eq!(conversion.to().version, "v1");
    let object =
        br#"{"apiVersion":"x.io/v1alpha1","kind":"Widget","metadata":{"name":"a"},"spec":{"n":1.50}}"#;
    let now = String::from_utf8(conversion.convert(object).unwrap().bytes).unwrap();
    assert_eq!(now, r#"{"apiVersion":"x.io/v1","kind":"Widget","metadata":{"name":"a"},"spec":{"n":1.50}}"#);
    assert_eq!(target.conversion(&kind("x.io/v1beta1", "widgets", "Widget")), None, "it is served");
    let mut webhook = serves("x.io", "widgets", "Widget", &["v1"]);
    webhook.by_webhook.insert("widgets.x.io".to_owned());
    assert_eq!(webhook.conversion(&from), None);
    assert!(webhook.instead(&from).contains("webhook") && webhook.instead(&from).contains("one of v1"));
}

#[test]
fn what_kubernetes_removed_for_good_says_what_took_its_place() {
    let policy = kind("policy/v1beta1", "podsecuritypolicies", "PodSecurityPolicy");
    let target = Target::default();
    assert_eq!(target.conversion(&policy), None);
    assert!(target.instead(&policy).contains("Pod Security"), "{}", target.instead(&policy));
}

#[test]
fn nothing_goes_back_to_an_older_version() {
    let budgets = serves("policy", "poddisruptionbudgets", "PodDisruptionBudget", &["v1beta1"]);
    assert_eq!(budgets.conversion(&kind("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget")), None);
    // But to the newest that is there.
    let rules = serves("admissionregistration.k8s.io", "validatingadmissionpolicies", "X", &["v1beta1"]);
    let from = kind("admissionregistration.k8s.io/v1alpha1", "validatingadmissionpolicies", "X");
    assert_eq!(rules.conversion(&from).unwrap().to().version, "v1beta1");
}

#[test]
fn an_owner_is_known_by_the_group_that_it_moved_to() {
    let target = serves("apps", "deployments", "Deployment", &["v1"]);
    let moved = target.moved_owner("extensions/v1beta1", "Deployment");
    assert_eq!(moved, Some(("apps".to_owned(), "apps/v1".to_owned())));
    assert_eq!(target.moved_owner("apps/v1beta2", "Deployment"), moved);
    assert_eq!(target.moved_owner("apps/v1", "Deployment"), None);
    assert_eq!(target.moved_owner("x.io/v1", "Deployment"), None);
    assert_eq!(target.moved_resource("extensions", "deployments"), "deployments.apps");
    assert_eq!(target.moved_resource("x.io", "deployments"), "deployments.x.io");
}
