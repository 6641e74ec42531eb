//! Any bytes as a patch of any kind: the answer is an object or a refusal, never a panic, and what is refused is refused
//! with a code that a server has for patches.

#![no_main]

use std::sync::LazyLock;

use daytwo_core::resource::ResourceType;
use daytwo_twin::ask::{Object, Unknown};
use daytwo_twin::patch::{About, apply};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

static POD: LazyLock<Object> = LazyLock::new(|| {
    let container = json!({"name": "a", "image": "b", "ports": [{"containerPort": 80}], "args": ["x", "y"]});
    let pod = json!({
        "kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "labels": {"a": "b"}, "finalizers": ["x/y"]},
        "spec": {"containers": [container], "tolerations": [{"key": "k"}], "priority": 1.5},
    });
    match pod {
        Value::Object(pod) => pod,
        _ => Object::new(),
    }
});

/// Drops a tree of any depth without as much stack.
fn discard(tree: Value) {
    let mut left = vec![tree];
    while let Some(value) = left.pop() {
        match value {
            Value::Array(all) => left.extend(all),
            Value::Object(all) => left.extend(all.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, patch)) = bytes.split_first() else { return };
    let types = ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"];
    let unknown = [Unknown::Ignore, Unknown::Warn, Unknown::Strict][usize::from(choice / 3) % 3];
    let kind = ResourceType {
        group: String::new(),
        version: "v1".into(),
        resource: "pods".into(),
        kind: "Pod".into(),
        namespaced: true,
    };
    let about = About { kind: &kind, custom: choice & 0x80 != 0, unknown };
    let mut decode = |body: Object, _: Unknown, _: &mut Vec<String>| Ok(body);
    let content_type = types[usize::from(*choice) % 3];
    match apply(content_type, about, &POD, patch, &mut decode, &mut Vec::new()) {
        Ok(object) => discard(Value::Object(object)),
        Err(status) => assert!(matches!(status.code, 400 | 413 | 415 | 422 | 500), "{status:?}"),
    }
});
