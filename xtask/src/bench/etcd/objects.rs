//! Objects shaped like a cluster's, encoded as an API server stores them.
//!
//! Sizes and proportions are those of a busy cluster: many pods and config maps of some KiB, secrets, custom resources as
//! JSON. Field numbers are those of Kubernetes' `generated.proto`, the same in all supported minors.

use std::fmt::Write as _;

/// How many there are: one for each name in [`object`].
pub const COUNT: u32 = 258_000;

/// The key and the value of object `number`, as written the `version`th time.
pub fn object(number: u32, version: u32) -> (String, Vec<u8>) {
    let namespace = format!("team-{:02}", number % 40);
    match number % 20 {
        0..=7 => pod(&format!("app-{}-{:05}", number / 20, number % 99_991), &namespace, number, version),
        8..=14 => config_map(&format!("settings-{number}"), &namespace, number, version),
        15..=17 => secret(&format!("credentials-{number}"), &namespace, number, version),
        _ => custom(&format!("widget-{number}"), &namespace, number, version),
    }
}

fn pod(name: &str, namespace: &str, number: u32, version: u32) -> (String, Vec<u8>) {
    let container = |index: u32| {
        let env: Vec<u8> = (0..24)
            .flat_map(|at| {
                let value = noise(number * 7 + at, 24);
                bytes(7, &[text(1, &format!("SETTING_{at}")), text(2, &value)].concat())
            })
            .collect();
        let image = format!("registry.example.com/team/app:{}", noise(number, 12));
        bytes(2, &[text(1, &format!("container-{index}")), text(2, &image), env].concat())
    };
    let spec = [container(0), container(1), text(3, "Always"), text(10, &format!("node-{}", number % 300))];
    let status = text(1, if version == 0 { "Pending" } else { "Running" });
    let raw = [meta(name, namespace, number, version), bytes(2, &spec.concat()), bytes(3, &status)];
    (format!("/registry/pods/{namespace}/{name}"), stored("v1", "Pod", &raw.concat()))
}

fn config_map(name: &str, namespace: &str, number: u32, version: u32) -> (String, Vec<u8>) {
    let data: Vec<u8> = (0..1 + number % 6)
        .flat_map(|at| pair(2, &format!("file-{at}.conf"), &noise(number + at, 800)))
        .collect();
    let raw = [meta(name, namespace, number, version), data].concat();
    (format!("/registry/configmaps/{namespace}/{name}"), stored("v1", "ConfigMap", &raw))
}

fn secret(name: &str, namespace: &str, number: u32, version: u32) -> (String, Vec<u8>) {
    let data = pair(2, "tls.crt", &noise(number, 2_600));
    let raw = [meta(name, namespace, number, version), data, text(3, "Opaque")].concat();
    (format!("/registry/secrets/{namespace}/{name}"), stored("v1", "Secret", &raw))
}

fn custom(name: &str, namespace: &str, number: u32, version: u32) -> (String, Vec<u8>) {
    let value = serde_json::json!({
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {
            "name": name, "namespace": namespace, "uid": uid(number), "generation": 1 + version,
            "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"app": "widgets"},
        },
        "spec": {"text": noise(number, 2_000)},
    });
    (format!("/registry/example.com/widgets/{namespace}/{name}"), value.to_string().into_bytes())
}

/// `ObjectMeta`, with the managed fields that make up much of every object.
fn meta(name: &str, namespace: &str, number: u32, version: u32) -> Vec<u8> {
    let time = bytes(8, &varint(1, 1_767_225_600 + u64::from(number)));
    let fields: String = (0..12).fold(String::new(), |mut all, at| {
        let _ = write!(all, "\"f:{}\":{{}},", noise(number + at, 10));
        all
    });
    let fields = format!("{{\"f:metadata\":{{\"f:labels\":{{{}\"f:app\":{{}}}}}}}}", fields);
    let managed = [
        text(1, "kubectl-client-side-apply"),
        text(2, "Update"),
        text(3, "v1"),
        text(6, "FieldsV1"),
        bytes(7, &text(1, &fields)),
    ];
    let labels = [pair(11, "app", "shop"), pair(11, "tier", &format!("t{}", number % 5))].concat();
    let all = [
        text(1, name),
        text(3, namespace),
        text(5, &uid(number)),
        varint(7, u64::from(1 + version)),
        time,
        labels,
        bytes(17, &managed.concat()),
    ];
    bytes(1, &all.concat())
}

/// The envelope of protobuf: `k8s`, a zero, then `runtime.Unknown`.
fn stored(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let kind = [text(1, api_version), text(2, kind)].concat();
    [b"k8s\0".to_vec(), bytes(1, &kind), bytes(2, raw), text(3, ""), text(4, "")].concat()
}

fn uid(number: u32) -> String {
    format!("{number:08x}-7f3a-4c1e-9d2b-5e8f0a6b{:04x}", number % 65_536)
}

/// Letters that do not repeat much.
fn noise(seed: u32, length: usize) -> String {
    let mut state = u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((state >> 33) % 26).expect("invariant: below 26"))
    };
    (0..length).map(letter).collect()
}

fn pair(field: u8, key: &str, value: &str) -> Vec<u8> {
    bytes(field, &[text(1, key), text(2, value)].concat())
}

fn text(field: u8, text: &str) -> Vec<u8> {
    bytes(field, text.as_bytes())
}

fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
    let mut all = number(u64::from(field) << 3 | 2);
    all.extend(number(content.len() as u64));
    all.extend(content);
    all
}

fn varint(field: u8, value: u64) -> Vec<u8> {
    [number(u64::from(field) << 3), number(value)].concat()
}

fn number(mut value: u64) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let part = u8::try_from(value & 0x7F).expect("invariant: seven bits");
        value >>= 7;
        all.push(if value == 0 { part } else { part | 0x80 });
        if value == 0 {
            return all;
        }
    }
}
