//! Whole writes against what a real server (1.36.3) said of them: `cases.txt`.
//!
//! What starts no real part cannot see whether the server still says so, nor what it says of anything else: the parity
//! suite compares both.

use std::sync::Arc;

use daytwo_core::resource::ResourceType;
use serde_json::{Value, json};

use super::edit::{inner, text};
use crate::ask::{Around, Ask, Object, Unknown};
use crate::chance::Chance;
use crate::form;
use crate::status::Status;

/// A few objects, each with its group and plural.
struct Few(Vec<(String, String, Arc<Object>)>);

impl Few {
    fn cluster() -> Self {
        let mut few = Self(Vec::new());
        for (resource, object) in [
            ("namespaces", json!({"metadata": {"name": "default"}})),
            ("serviceaccounts", json!({"metadata": {"name": "default", "namespace": "default"}})),
            ("services", json!({"metadata": {"name": "kubernetes"}, "spec": {"clusterIP": "10.96.0.1"}})),
        ] {
            few.add("", resource, object.as_object().expect("an object").clone());
        }
        few
    }

    /// One more, or another of its name.
    fn add(&mut self, group: &str, resource: &str, object: Object) {
        let name = text(inner(&object, "metadata"), "name").to_owned();
        self.0.retain(|(_, kind, old)| kind != resource || text(inner(old, "metadata"), "name") != name);
        self.0.push((group.to_owned(), resource.to_owned(), Arc::new(object)));
    }
}

impl Around for Few {
    fn get(&self, group: &str, resource: &str, namespace: Option<&str>, name: &str) -> Option<Arc<Object>> {
        let found = self.list(group, resource, namespace).into_iter();
        found.into_iter().find(|object| text(inner(object, "metadata"), "name") == name)
    }

    fn list(&self, group: &str, resource: &str, _: Option<&str>) -> Vec<Arc<Object>> {
        let all = self.0.iter().filter(|(g, r, _)| (g.as_str(), r.as_str()) == (group, resource));
        all.map(|(.., object)| Arc::clone(object)).collect()
    }
}

fn kind(api_version: &str, name: &str) -> ResourceType {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let lower = name.to_lowercase();
    let resource = match lower.as_str() {
        "endpoints" => lower.clone(),
        ends if ends.ends_with('s') => format!("{ends}es"),
        ends if ends.ends_with('y') => format!("{}ies", &ends[..ends.len() - 1]),
        other => format!("{other}s"),
    };
    let clustered = [
        "Namespace",
        "Node",
        "PersistentVolume",
        "ClusterRole",
        "ClusterRoleBinding",
        "ServiceCIDR",
        "IPAddress",
        "IngressClass",
        "PriorityClass",
        "StorageClass",
        "CSIDriver",
        "CSINode",
        "VolumeAttachment",
        "VolumeAttributesClass",
        "RuntimeClass",
        "FlowSchema",
        "PriorityLevelConfiguration",
        "CertificateSigningRequest",
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        "APIService",
    ];
    ResourceType {
        group: group.to_owned(),
        version: version.to_owned(),
        resource,
        kind: name.to_owned(),
        namespaced: !clustered.contains(&name),
    }
}

/// Writes an object as the server does, and says what comes of it.
fn write(
    kind: &ResourceType,
    body: Object,
    old: Option<&Object>,
    around: &Few,
) -> (Option<Object>, Vec<String>) {
    let now = "2026-01-02T03:04:05Z".parse().expect("a time");
    let (mut chance, mut warnings) = (Chance::new(1), Vec::new());
    let mut object = form::decode(kind, body, Unknown::Strict, &mut Vec::new()).expect("decodes");
    form::default(kind, &mut object, now);
    let meta = super::edit::part(&mut object, "metadata");
    if kind.namespaced {
        super::edit::set(meta, "namespace", "default");
    }
    if old.is_none() {
        let begin = text(meta, "generateName").to_owned();
        if !begin.is_empty() {
            super::edit::set(meta, "name", format!("{begin}bcdfg"));
        }
        super::edit::set(meta, "uid", "00000000-0000-4000-8000-000000000000");
        super::edit::set(meta, "creationTimestamp", "2026-01-02T03:04:05Z");
    }
    let mut ask = Ask {
        kind,
        subresource: None,
        namespace: kind.namespaced.then_some("default"),
        user: "admin",
        now,
        dry_run: false,
        around,
        chance: &mut chance,
        warnings: &mut warnings,
    };
    let answer = match old {
        None => super::create(&mut object, &mut ask),
        Some(old) => super::update(&mut object, old, &mut ask),
    };
    let mut said = answer.as_ref().err().map(refusal).unwrap_or_default();
    said.extend(warnings.into_iter().map(|warning| format!("warning {warning}")));
    super::edit::set(super::edit::part(&mut object, "metadata"), "resourceVersion", "1");
    (answer.is_ok().then_some(object), said)
}

fn refusal(status: &Status) -> Vec<String> {
    let causes = status.details.get("causes").and_then(Value::as_array).filter(|_| status.code == 422);
    let Some(causes) = causes else { return vec![format!("{} {}", status.code, status.message)] };
    let said = |cause: &Value, name: &str| cause[name].as_str().unwrap_or("").to_owned();
    causes.iter().map(|cause| format!("422 {}: {}", said(cause, "field"), said(cause, "message"))).collect()
}

fn yaml(text: &str) -> Object {
    let value: Value = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    value.as_object().expect("an object").clone()
}

/// `v1 Pod {..}`.
fn named(line: &str) -> (ResourceType, Object) {
    let mut words = line.splitn(3, ' ');
    let (version, name) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    (kind(version, name), yaml(words.next().unwrap_or("")))
}

#[test]
fn writes_are_answered_in_the_servers_words() {
    let mut around = Few::cluster();
    let mut current: Option<(ResourceType, Object)> = None;
    let mut wrong = Vec::new();
    let text = include_str!("cases.txt");
    let mut lines = text.lines().filter(|line| !line.starts_with('#')).peekable();
    while let Some(line) = lines.next() {
        let mut expected = Vec::new();
        while let Some(said) = lines.peek().and_then(|next| next.strip_prefix("  ")) {
            expected.push(said.to_owned());
            lines.next();
        }
        if line == "-" {
            around = Few::cluster();
            continue;
        }
        if let Some((kind, object)) = line.strip_prefix("+ ").map(named) {
            let object = form::decode(&kind, object, Unknown::Strict, &mut Vec::new()).expect("decodes");
            around.add(&kind.group, &kind.resource, object);
            continue;
        }
        let said = if let Some(change) = line.strip_prefix('>') {
            let (kind, old) = current.as_mut().expect("something was created before");
            let mut new = Value::Object(old.clone());
            json_patch::merge(&mut new, &Value::Object(yaml(change)));
            let (made, said) = write(kind, new.as_object().expect("an object").clone(), Some(old), &around);
            *old = made.unwrap_or_else(|| old.clone());
            said
        } else {
            let (kind, object) = named(line);
            let (made, said) = write(&kind, object, None, &around);
            if let Some(object) = made {
                current = Some((kind, object));
            }
            said
        };
        let said: Vec<String> = said.iter().map(|line| line.replace('\n', "\\n")).collect();
        if said != expected {
            wrong.push(format!(
                "{line}\n  said:\n    {}\n  not:\n    {}",
                said.join("\n    "),
                expected.join("\n    ")
            ));
        }
    }
    assert!(wrong.is_empty(), "{} are answered otherwise:\n{}", wrong.len(), wrong.join("\n"));
}
