//! As much of OpenAPI v3 as kubectl asks for before it writes: whether PATCH of a kind takes `fieldValidation`
//! (`pkg/resource/query_param_verifier_v3.go` of cli-runtime v0.36). Without it, kubectl would validate by itself.
//!
//! It refuses schemas: `kubectl explain` finds none, and apply takes the types it has built in.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use daytwo_core::resource::ResourceType;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha512};

/// A resource that can be patched, or a subresource of one.
#[derive(Debug, Clone, Copy)]
pub struct Patched<'a> {
    /// The resource.
    pub resource: &'a ResourceType,
    /// The subresource that the path ends with.
    pub subresource: Option<&'a str>,
    /// Group, version and kind of what is patched there.
    pub kind: [&'a str; 3],
}

/// What `/openapi/v3` answers: where the document of each group version is, with a hash that changes when it does.
pub fn index<'a>(all: &[Patched<'a>]) -> Value {
    let versions: BTreeSet<(&str, &str)> =
        all.iter().map(|one| (one.resource.group.as_str(), one.resource.version.as_str())).collect();
    let paths = versions.into_iter().filter_map(|(group, version)| {
        let at = root(group, version);
        let url = format!("/openapi/v3/{at}?hash={}", hash(&document(group, version, all)?));
        Some((at, json!({"serverRelativeURL": url})))
    });
    json!({"paths": paths.collect::<Map<_, _>>()})
}

/// The document of a group version; `None` if nothing in it can be patched.
pub fn document(group: &str, version: &str, all: &[Patched<'_>]) -> Option<Value> {
    let own = all.iter().filter(|one| one.resource.group == group && one.resource.version == version);
    let mut paths: Vec<(String, Value)> =
        own.map(|one| (path(one), json!({"patch": patch(one.kind)}))).collect();
    if paths.is_empty() {
        return None;
    }
    paths.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Some(json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": version},
        "paths": paths.into_iter().collect::<Map<_, _>>(),
    }))
}

/// The hash of a document, as it stands in its URL and its `Etag`.
pub fn hash(document: &Value) -> String {
    let mut text = String::with_capacity(128);
    for byte in Sha512::digest(document.to_string()) {
        write!(text, "{byte:02X}").expect("invariant: a string takes all that is written");
    }
    text
}

fn root(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

fn path(one: &Patched<'_>) -> String {
    let kind = one.resource;
    let mut path = format!("/{}", root(&kind.group, &kind.version));
    if kind.namespaced {
        path.push_str("/namespaces/{namespace}");
    }
    for part in [Some(kind.resource.as_str()), Some("{name}"), one.subresource].into_iter().flatten() {
        path.push('/');
        path.push_str(part);
    }
    path
}

fn patch([group, version, kind]: [&str; 3]) -> Value {
    json!({
        "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string", "uniqueItems": true}}],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(group: &str, version: &str, resource: &str, kind: &str, namespaced: bool) -> ResourceType {
        let [group, version, resource, kind] = [group, version, resource, kind].map(str::to_owned);
        ResourceType { group, version, resource, kind, namespaced }
    }

    #[test]
    fn each_group_version_has_a_document_that_lists_its_patches() {
        let (apps, nodes) =
            (kind("apps", "v1", "deployments", "Deployment", true), kind("", "v1", "nodes", "Node", false));
        let all = [
            Patched { resource: &apps, subresource: Some("scale"), kind: ["autoscaling", "v1", "Scale"] },
            Patched { resource: &apps, subresource: None, kind: ["apps", "v1", "Deployment"] },
            Patched { resource: &nodes, subresource: None, kind: ["", "v1", "Node"] },
        ];
        let found = document("apps", "v1", &all).unwrap();
        let paths: Vec<&String> = found["paths"].as_object().unwrap().keys().collect();
        let deployment = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}";
        assert_eq!(paths, [deployment, &format!("{deployment}/scale")]);
        let patch = &found["paths"][deployment]["patch"];
        assert_eq!(
            patch["x-kubernetes-group-version-kind"],
            json!({"group": "apps", "version": "v1", "kind": "Deployment"})
        );
        assert_eq!(patch["parameters"][0]["name"], "fieldValidation");
        assert_eq!(
            document("", "v1", &all).unwrap()["paths"].as_object().unwrap().keys().next().unwrap(),
            "/api/v1/nodes/{name}"
        );
        assert_eq!(document("batch", "v1", &all), None);

        let url = |all: &[Patched<'_>]| index(all)["paths"]["apis/apps/v1"]["serverRelativeURL"].clone();
        assert_eq!(url(&all), format!("/openapi/v3/apis/apps/v1?hash={}", hash(&found)));
        assert_eq!(url(&all), url(&[all[1], all[0]]), "the order does not count");
        assert_ne!(url(&all), url(&all[1..]));
    }
}
