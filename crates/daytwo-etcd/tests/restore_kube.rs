//! kube-apiserver on an etcd that started from a data directory made here: all objects are there as they were, and a watcher
//! that knows more than the snapshot is told 410.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod restored;

use std::collections::BTreeMap;
use std::num::NonZeroI64;

use restored::{Plan, Running};
use serde_json::Value;
use testbed::{ControlPlane, Family};

/// What an API server writes by itself when it starts, out of what it is started with.
const OWN: [&str; 6] = [
    "ConfigMap/kube-system/extension-apiserver-authentication",
    "Endpoints/default/kubernetes",
    "EndpointSlice/default/kubernetes",
    "Lease/kube-system/apiserver-",
    "Event/",
    "APIService/",
];

const OBJECTS: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.sea.example}
spec:
  group: sea.example
  names: {plural: boats, singular: boat, kind: Boat}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: shop}
stringData: {a: b}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}], selector: {a: b}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec: {containers: [{name: a, image: a}]}
"#;

/// Every object that can be listed, by kind, namespace and name.
fn objects(site: &ControlPlane) -> BTreeMap<String, Value> {
    let resources = site.kubectl(&["api-resources", "--verbs=list", "--output=name"]).unwrap();
    let all: Vec<&str> = resources.split_whitespace().filter(|name| *name != "componentstatuses").collect();
    let listed =
        site.kubectl(&["get", &all.join(","), "--all-namespaces", "--output=json", "--show-managed-fields"]);
    let listed: Value = serde_json::from_str(&listed.unwrap()).unwrap();
    let name = |object: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let meta = &object["metadata"];
        format!("{}/{}/{}", text(&object["kind"]), text(&meta["namespace"]), text(&meta["name"]))
    };
    let items = listed["items"].as_array().unwrap();
    let named = items.iter().map(|object| (name(object), object.clone()));
    named.filter(|(name, _)| !OWN.iter().any(|own| name.starts_with(own))).collect()
}

#[test]
fn an_api_server_finds_all_objects_and_tells_an_old_watcher_410() {
    let Some(_) = testbed::parts_or_skip(&[Family::Etcd, Family::Kube]) else { return };
    let site = ControlPlane::builder().controller_manager(false).start().unwrap();
    site.kubectl_stdin(&["apply", "--server-side", "--filename=-"], OBJECTS).unwrap();
    site.kubectl(&["wait", "--for=condition=Established", "crd/boats.sea.example"]).unwrap();
    let boats: String = (0..30)
        .map(|number| {
            format!("{{apiVersion: sea.example/v1, kind: Boat, metadata: {{name: b{number}, namespace: shop}}, depth: {number}}}\n---\n")
        })
        .collect();
    site.kubectl_stdin(&["apply", "--server-side", "--filename=-"], &boats).unwrap();
    site.kubectl(&["delete", "boat", "b7", "--namespace=shop"]).unwrap();

    let dirs = tempfile::tempdir().unwrap();
    let file = dirs.path().join("snapshot.db");
    let before = objects(&site);
    site.etcdctl(&["snapshot", "save", file.to_str().unwrap()]).unwrap();
    // What a client saw that the snapshot has not.
    let lost = site.kubectl(&["create", "configmap", "lost", "--namespace=shop", "--output=json"]).unwrap();
    let lost: Value = serde_json::from_str(&lost).unwrap();
    let seen = lost["metadata"]["resourceVersion"].as_str().unwrap();

    let plan = Plan::new(1);
    let endpoint = plan.endpoints();
    let report =
        plan.ours(0, &file, &dirs.path().join("m1"), |request| request.bump = NonZeroI64::new(1_000_000_000));
    let parts = testbed::build(&[Family::Etcd]).unwrap();
    let _running = Running::start(plan, &parts, Family::Etcd, dirs.path());
    let again = ControlPlane::builder().controller_manager(false).datastore(endpoint).start().unwrap();
    let after = objects(&again);
    for (name, object) in &before {
        assert_eq!(after.get(name), Some(object), "{name}");
    }
    assert!(
        before.len() > 100
            && !after.contains_key("Boat/shop/b7")
            && !after.contains_key("ConfigMap/shop/lost")
    );

    let watch = |version: &str| {
        let path =
            format!("/api/v1/namespaces/shop/configmaps?watch=1&timeoutSeconds=2&resourceVersion={version}");
        match again.kubectl(&["get", "--raw", &path]) {
            Ok(said) => said,
            Err(error) => format!("{error:#}"),
        }
    };
    let told = watch(seen);
    assert!(told.contains("too old resource version") || told.contains("410"), "{told}");
    // Whoever lists anew goes on from there.
    let fresh =
        again.kubectl(&["create", "configmap", "fresh", "--namespace=shop", "--output=json"]).unwrap();
    let fresh: Value = serde_json::from_str(&fresh).unwrap();
    let version: i64 = fresh["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    assert!(version > report.revision);
    assert!(!watch(&version.to_string()).contains("too old"));
}
