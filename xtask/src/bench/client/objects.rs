//! The objects that clusters are filled with: of 20, 14 ConfigMaps with 1 KiB of settings, 4 Secrets,
//! a Deployment and a custom resource, over ten namespaces.
//!
//! Object number n is the same on every machine. The settings are words and numbers, which compress as
//! settings do; the Secrets' values are random.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

/// The collection of the custom resource, over all namespaces.
pub const WIDGETS: &str = "/apis/bench.daytwo.dev/v1/widgets";

const NAMESPACES: u32 = 10;
/// The bytes of settings in a ConfigMap.
const SETTINGS: usize = 1024;
const WORDS: [&str; 32] = [
    "cache",
    "timeout",
    "server",
    "client",
    "retry",
    "limit",
    "queue",
    "worker",
    "batch",
    "region",
    "bucket",
    "metrics",
    "trace",
    "level",
    "pool",
    "size",
    "interval",
    "backoff",
    "endpoint",
    "listen",
    "address",
    "storage",
    "replica",
    "leader",
    "session",
    "token",
    "feature",
    "enabled",
    "threshold",
    "window",
    "buffer",
    "shard",
];

/// An object and where it is created.
pub struct Object {
    /// The path of its collection.
    pub path: String,
    /// Its JSON.
    pub body: Bytes,
}

impl Object {
    fn new(path: String, body: &Value) -> Object {
        Object { path, body: Bytes::from(body.to_string()) }
    }
}

/// Namespaces and the definition of the custom resource.
pub fn needed() -> Vec<Object> {
    let namespace = |number| {
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name(number) } });
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

/// Object number `number`.
pub fn object(number: u32) -> Object {
    // Scrambled, so that each namespace gets of every kind.
    let namespace = name((number / 20) % NAMESPACES);
    let mut chance = Chance(u64::from(number));
    let (path, body) = match number % 20 {
        0..14 => (
            format!("/api/v1/namespaces/{namespace}/configmaps"),
            json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": meta(&namespace, "settings", number),
                "data": { "application.properties": settings(&mut chance) },
            }),
        ),
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
                    "notes": settings(&mut chance),
                },
            }),
        ),
    };
    Object::new(path, &body)
}

fn name(namespace: u32) -> String {
    format!("bench-{namespace:02}")
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

/// Exactly [`SETTINGS`] bytes of `word.word=number` lines.
fn settings(chance: &mut Chance) -> String {
    let mut text = String::with_capacity(SETTINGS + 64);
    while text.len() < SETTINGS {
        let _ = writeln!(text, "{}.{}={}", chance.word(), chance.word(), chance.next() % 100_000);
    }
    text.truncate(SETTINGS);
    text
}

/// SplitMix64 (Steele, Lea, Flood, 2014): the same numbers for the same seed, everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn word(&mut self) -> &'static str {
        let [low, ..] = self.next().to_le_bytes();
        WORDS[usize::from(low) % WORDS.len()]
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_twenty_fourteen_are_configmaps() {
        let paths: Vec<String> = (40..60).map(|number| object(number).path).collect();
        let count = |kind: &str| paths.iter().filter(|path| path.ends_with(kind)).count();
        let counts = ["/configmaps", "/secrets", "/deployments", "/widgets"].map(count);
        assert_eq!(counts, [14, 4, 1, 1]);
    }

    #[test]
    fn an_object_is_the_same_each_time() {
        assert_eq!(object(0).body, object(0).body);
        let value: Value = serde_json::from_slice(&object(0).body).unwrap();
        assert_eq!(value["data"]["application.properties"].as_str().unwrap().len(), SETTINGS);
    }
}
