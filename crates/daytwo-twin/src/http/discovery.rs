//! Discovery: what is served, group by group or all at once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::accept::aggregated;
use super::paths::Plain;
use crate::api::Api;
use crate::kinds::{Group, GroupVersion, Kinds, Origin, Resource};

const V2: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The document at a path below `/api` or `/apis`.
pub(super) fn at(api: &Api, parts: &[&str], accept: &str) -> Option<Plain> {
    let kinds = api.kinds();
    match parts {
        ["api"] => Some(root(&kinds, accept, true)),
        ["apis"] => Some(root(&kinds, accept, false)),
        ["api", version] => list(kinds.group("")?, version),
        ["apis", group] if !group.is_empty() => {
            Some(Plain::Document(with_kind(group_of(kinds.group(group)?), "APIGroup")))
        }
        ["apis", group, version] if !group.is_empty() => list(kinds.group(group)?, version),
        _ => None,
    }
}

fn root(kinds: &Kinds, accept: &str, core: bool) -> Plain {
    if aggregated(accept) {
        let groups = kinds.groups().iter().filter(|group| group.name.is_empty() == core);
        let items: Vec<Value> = groups.map(discovery_of).collect();
        let document = json!({
            "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
            "metadata": {}, "items": items,
        });
        return Plain::Typed(document, V2);
    }
    if core {
        return Plain::Document(json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:443"}],
        }));
    }
    let groups: Vec<Value> =
        kinds.groups().iter().filter(|group| !group.name.is_empty()).map(group_of).collect();
    Plain::Document(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
}

fn with_kind(group: Value, kind: &str) -> Value {
    let mut out = Map::new();
    out.insert("kind".into(), kind.into());
    out.insert("apiVersion".into(), "v1".into());
    if let Value::Object(group) = group {
        out.extend(group);
    }
    Value::Object(out)
}

fn group_of(group: &Group) -> Value {
    let version = |one: &GroupVersion| json!({"groupVersion": format!("{}/{}", group.name, one.version), "version": one.version});
    let versions: Vec<Value> = group.versions.iter().map(version).collect();
    json!({"name": group.name, "versions": versions, "preferredVersion": versions.first()})
}

fn discovery_of(group: &Group) -> Value {
    let mut metadata = Map::new();
    if !group.name.is_empty() {
        metadata.insert("name".into(), group.name.clone().into());
    }
    let versions: Vec<Value> = group
        .versions
        .iter()
        .map(|version| {
            let resources: Vec<Value> = version.resources.iter().map(|one| resource_of(one)).collect();
            json!({"version": version.version, "resources": resources, "freshness": "Current"})
        })
        .collect();
    json!({"metadata": metadata, "versions": versions})
}

fn resource_of(resource: &Resource) -> Value {
    let kind = &resource.kind;
    let mut out = Map::new();
    out.insert("resource".into(), kind.resource.clone().into());
    out.insert("responseKind".into(), answer(kind, (&kind.group, &kind.version, &kind.kind), resource));
    out.insert("scope".into(), scope(resource).into());
    out.insert("singularResource".into(), resource.singular.clone().into());
    out.insert("verbs".into(), json!(resource.verbs));
    if !resource.short_names.is_empty() {
        out.insert("shortNames".into(), json!(resource.short_names));
    }
    if !resource.categories.is_empty() {
        out.insert("categories".into(), json!(resource.categories));
    }
    if !resource.subresources.is_empty() {
        let all = resource.subresources.iter().map(|sub| {
            let (group, version, name) = &sub.answer;
            json!({"subresource": sub.name, "responseKind": answer(kind, (group, version, name), resource), "verbs": sub.verbs})
        });
        out.insert("subresources".into(), all.collect());
    }
    Value::Object(out)
}

/// A kind of the group version itself is named without them, but for custom resources.
fn answer(
    kind: &daytwo_core::resource::ResourceType,
    (group, version, name): (&str, &str, &str),
    resource: &Resource,
) -> Value {
    let built_in = matches!(resource.origin, Origin::BuiltIn);
    match built_in && group == kind.group && version == kind.version {
        true => json!({"group": "", "version": "", "kind": name}),
        false => json!({"group": group, "version": version, "kind": name}),
    }
}

fn scope(resource: &Resource) -> &'static str {
    if resource.kind.namespaced { "Namespaced" } else { "Cluster" }
}

/// The resources of a group version, subresources among them.
fn list(group: &Group, version: &str) -> Option<Plain> {
    let found = group.versions.iter().find(|one| one.version == version)?;
    let group_version = match group.name.is_empty() {
        true => version.to_owned(),
        false => format!("{}/{version}", group.name),
    };
    let mut resources: Vec<(String, Value)> = Vec::new();
    for resource in &found.resources {
        let kind = &resource.kind;
        let mut one = Map::new();
        one.insert("name".into(), kind.resource.clone().into());
        one.insert("singularName".into(), resource.singular.clone().into());
        one.insert("namespaced".into(), kind.namespaced.into());
        one.insert("kind".into(), kind.kind.clone().into());
        one.insert("verbs".into(), json!(resource.verbs));
        if !resource.short_names.is_empty() {
            one.insert("shortNames".into(), json!(resource.short_names));
        }
        if !resource.categories.is_empty() {
            one.insert("categories".into(), json!(resource.categories));
        }
        // The states of components are listed, but not kept.
        if resource.does("list") && kind.resource != "componentstatuses" {
            one.insert("storageVersionHash".into(), hash(resource).into());
        }
        resources.push((kind.resource.clone(), Value::Object(one)));
        for sub in &resource.subresources {
            let name = format!("{}/{}", kind.resource, sub.name);
            let (group, version, answer) = &sub.answer;
            let mut one = Map::new();
            one.insert("name".into(), name.clone().into());
            one.insert("singularName".into(), "".into());
            one.insert("namespaced".into(), kind.namespaced.into());
            if (group, version) != (&kind.group, &kind.version) {
                one.insert("group".into(), group.clone().into());
                one.insert("version".into(), version.clone().into());
            }
            one.insert("kind".into(), answer.clone().into());
            one.insert("verbs".into(), json!(sub.verbs));
            resources.push((name, Value::Object(one)));
        }
    }
    if found.resources.iter().all(|one| matches!(one.origin, Origin::BuiltIn)) {
        resources.sort_by(|one, other| one.0.cmp(&other.0));
    }
    let resources: Vec<Value> = resources.into_iter().map(|(_, one)| one).collect();
    let mut list = json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources,
    });
    if group.name.is_empty()
        && let Some(list) = list.as_object_mut()
    {
        // The oldest list names no version of itself.
        list.shift_remove("apiVersion");
    }
    Some(Plain::Document(list))
}

/// What the version objects are kept at comes to (`StorageVersionHash` of `k8s.io/apiserver/pkg/endpoints/discovery`).
fn hash(resource: &Resource) -> String {
    let kind = &resource.kind;
    // Some are kept at a version that servers of the minor before know.
    let (group, storage) = match (&*kind.group, &*kind.resource) {
        ("events.k8s.io", _) => ("", "v1"),
        (group @ "apiextensions.k8s.io", _) => (group, "v1beta1"),
        (group, "mutatingadmissionpolicies" | "mutatingadmissionpolicybindings") => (group, "v1beta1"),
        (group, _) => (group, &*resource.storage),
    };
    let digest = Sha256::digest(format!("{group}/{storage}/{}", kind.kind));
    STANDARD.encode(&digest[..8])
}
