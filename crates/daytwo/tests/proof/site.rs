//! What proofs put into a cluster.

use serde_json::{Value, json};
use testbed::{Api, ControlPlane};

use crate::chance::Chance;

/// A namespace of its own.
pub fn namespace(api: &mut Api, name: &str) {
    api.create("/api/v1/namespaces", &json!({ "metadata": { "name": name } })).unwrap();
}

pub fn config_map(api: &mut Api, namespace: &str, name: &str, data: &Value) {
    let object = json!({ "metadata": { "name": name }, "data": data });
    api.create(&format!("/api/v1/namespaces/{namespace}/configmaps"), &object).unwrap();
}

pub fn secret(api: &mut Api, namespace: &str, name: &str, data: &Value) {
    let object = json!({ "metadata": { "name": name }, "stringData": data });
    api.create(&format!("/api/v1/namespaces/{namespace}/secrets"), &object).unwrap();
}

/// A definition of `plural.example.com` with one version, whose objects take anything.
pub fn definition(plural: &str, kind: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.example.com") },
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": { "plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List") },
            "versions": [version("v1", true)],
        },
    })
}

/// A version of a definition.
pub fn version(name: &str, storage: bool) -> Value {
    json!({
        "name": name, "served": true, "storage": storage,
        "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
    })
}

/// Makes the definition, unless it is there, and waits until its objects are served.
pub fn define(site: &ControlPlane, api: &mut Api, definition: &Value) {
    const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let name = definition["metadata"]["name"].as_str().unwrap();
    if api.get(&format!("{DEFINITIONS}/{name}")).is_err() {
        api.create(DEFINITIONS, definition).unwrap();
    }
    site.kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "crd", name]).unwrap();
    let group = definition["spec"]["group"].as_str().unwrap();
    let plural = definition["spec"]["names"]["plural"].as_str().unwrap();
    for version in definition["spec"]["versions"].as_array().unwrap() {
        let path = format!("/apis/{group}/{}", version["name"].as_str().unwrap());
        // Established is said before discovery shows it, and before its paths answer.
        testbed::until(std::time::Duration::from_secs(60), "the resource to be served", || {
            let known = api.get(&path).is_ok_and(|list| list.to_string().contains(&format!("\"{plural}\"")));
            let listed = api.request("GET", &format!("{path}/{plural}?limit=1"), b"")?;
            Ok((known && listed.status != 404).then_some(()))
        })
        .unwrap();
    }
}

/// An object of `plural.example.com/v1`.
pub fn custom(api: &mut Api, namespace: &str, plural: &str, kind: &str, name: &str, spec: &Value) {
    let object = json!({
        "apiVersion": "example.com/v1", "kind": kind, "metadata": { "name": name }, "spec": spec,
    });
    api.create(&format!("/apis/example.com/v1/namespaces/{namespace}/{plural}"), &object).unwrap();
}

/// `count` ConfigMaps of about `bytes` each, which compress to three quarters.
pub fn fill(api: &mut Api, namespace: &str, count: usize, bytes: usize, seed: u64) {
    let mut chance = Chance::new(seed);
    for n in 0..count {
        config_map(api, namespace, &format!("fill-{n:05}"), &json!({ "noise": chance.letters(bytes) }));
    }
}
