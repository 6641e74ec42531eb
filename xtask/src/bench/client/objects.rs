//! The objects that clusters are filled with: of 20, 14 ConfigMaps with 1 KiB of settings, 4 Secrets,
//! a Deployment and a custom resource, over ten namespaces.
//!
//! Object number n is the same on every machine. The Secrets' values are random.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::chance::Chance;
use super::settings;

/// The collection of the custom resource, over all namespaces.
pub const WIDGETS: &str = "/apis/bench.daytwo.dev/v1/widgets";

const NAMESPACES: u32 = 10;

/// An object and where it is created.
pub struct Object {
    /// The path of its collection.
    pub path: String,
    /// Its name in it.
    pub name: String,
    /// Its JSON.
    pub body: Bytes,
}

impl Object {
    fn new(path: String, body: &Value) -> Object {
        let name = body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        Object { path, name, body: Bytes::from(body.to_string()) }
    }
}

/// Namespaces and the definition of the custom resource.
pub fn needed(prefix: &str) -> Vec<Object> {
    let namespace = |number| {
        let name = name(prefix, number);
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        Object::new("/api/v1/namespaces".to_owned(), &body)
    };
    let mut all: Vec<Object> = (0..NAMESPACES).map(namespace).collect();
    let schema = json!({
        "type": "object",
        "properties": {
            "spec": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
            "status": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
        },
    });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "widgets.bench.daytwo.dev" },
        "spec": {
            "group": "bench.daytwo.dev",
            "names": { "kind": "Widget", "listKind": "WidgetList", "plural": "widgets", "singular": "widget" },
            "scope": "Namespaced",
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": schema },
            }],
        },
    });
    all.push(Object::new("/apis/apiextensions.k8s.io/v1/customresourcedefinitions".to_owned(), &definition));
    all
}

/// Object number `number`, in namespaces that begin with `prefix`.
pub fn object(prefix: &str, number: u32) -> Object {
    // Scrambled, so that each namespace gets of every kind.
    let namespace = name(prefix, (number / 20) % NAMESPACES);
    let mut chance = Chance::new(u64::from(number));
    let (path, body) = match number % 20 {
        0..14 => {
            let (file, text) = settings::file(&mut chance);
            let body = json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": meta(&namespace, "settings", number),
                "data": { file: text },
            });
            (format!("/api/v1/namespaces/{namespace}/configmaps"), body)
        }
        14..18 => (
            format!("/api/v1/namespaces/{namespace}/secrets"),
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": meta(&namespace, "credentials", number),
                "data": {
                    "username": STANDARD.encode(format!("user-{number}")),
                    "password": STANDARD.encode(chance.bytes(24)),
                    "token": STANDARD.encode(chance.bytes(192)),
                },
            }),
        ),
        18 => (format!("/apis/apps/v1/namespaces/{namespace}/deployments"), deployment(&namespace, number)),
        _ => (
            format!("/apis/bench.daytwo.dev/v1/namespaces/{namespace}/widgets"),
            json!({
                "apiVersion": "bench.daytwo.dev/v1", "kind": "Widget",
                "metadata": meta(&namespace, "widget", number),
                "spec": {
                    "size": number % 7,
                    "ratio": 0.25,
                    "parts": [{ "name": "left", "weight": number }, { "name": "right", "weight": 3 }],
                    "rules": settings::file(&mut chance).1,
                },
            }),
        ),
    };
    Object::new(path, &body)
}

fn name(prefix: &str, namespace: u32) -> String {
    format!("{prefix}-{namespace:02}")
}

fn meta(namespace: &str, kind: &str, number: u32) -> Value {
    json!({
        "name": format!("{kind}-{number:06}"),
        "namespace": namespace,
        "labels": { "app.kubernetes.io/name": kind, "app.kubernetes.io/instance": format!("i-{}", number % 50) },
    })
}

fn deployment(namespace: &str, number: u32) -> Value {
    let labels = json!({ "app": format!("web-{number:06}") });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": meta(namespace, "web", number),
        "spec": {
            "replicas": 3,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "containers": [{
                        "name": "web",
                        "image": format!("registry.example/web:1.{}.{}", number % 40, number % 9),
                        "args": ["--listen=:8080", "--log-level=info"],
                        "ports": [{ "name": "http", "containerPort": 8080 }],
                        "env": [
                            { "name": "REGION", "value": format!("region-{}", number % 5) },
                            { "name": "POD", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
                        ],
                        "readinessProbe": { "httpGet": { "path": "/ready", "port": "http" } },
                        "resources": {
                            "requests": { "cpu": "100m", "memory": "64Mi" },
                            "limits": { "memory": "256Mi" },
                        },
                        "volumeMounts": [{ "name": "settings", "mountPath": "/etc/web" }],
                    }],
                    "volumes": [{ "name": "settings", "configMap": { "name": "settings" } }],
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_twenty_fourteen_are_configmaps() {
        let paths: Vec<String> = (40..60).map(|number| object("bench", number).path).collect();
        let count = |kind: &str| paths.iter().filter(|path| path.ends_with(kind)).count();
        let counts = ["/configmaps", "/secrets", "/deployments", "/widgets"].map(count);
        assert_eq!(counts, [14, 4, 1, 1]);
    }

    #[test]
    fn an_object_is_the_same_each_time() {
        assert_eq!(object("bench", 0).body, object("bench", 0).body);
        let value: Value = serde_json::from_slice(&object("bench", 0).body).unwrap();
        let data = value["data"].as_object().unwrap();
        assert_eq!(data.values().map(|text| text.as_str().unwrap().len()).sum::<usize>(), settings::LENGTH);
    }
}
