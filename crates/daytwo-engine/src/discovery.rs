//! Which resources a server serves, at which versions, and which of them an aggregated API answers for.
//!
//! Reads the aggregated discovery document (`apidiscovery.k8s.io/v2`, Kubernetes 1.30 and later) and falls
//! back to one request per group version. A group that cannot be discovered is named, never forgotten.

mod legacy;

use std::collections::BTreeSet;

use daytwo_core::resource::ResourceType;
use kube::Client;
use serde::Deserialize;

use crate::api::{self, ApiError};

/// The media types asked for: the aggregated document, or what older servers give.
const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                      application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// One resource that the server serves, at its preferred version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Group, preferred version, plural name, kind and scope.
    pub kind: ResourceType,
    /// The other versions it is served at, in the server's order of preference.
    pub other_versions: Vec<String>,
    /// The verbs it takes.
    pub verbs: Vec<String>,
    /// Short names, such as `cm`.
    pub short_names: Vec<String>,
    /// The singular name.
    pub singular: String,
    /// Whether its status is written by itself (`/status`).
    pub status: bool,
    /// Whether another API server answers for it (an `APIService` with a service behind it).
    pub aggregated: bool,
}

impl Served {
    /// Whether its objects can be listed.
    pub fn listable(&self) -> bool {
        self.verbs.iter().any(|verb| verb == "list")
    }

    /// The path its objects are listed at, at `version`, in one namespace or in all.
    pub fn path(&self, version: &str, namespace: Option<&str>) -> String {
        path(&self.kind, version, namespace)
    }
}

/// The path the objects of `kind` are listed at, at `version`, in one namespace or in all.
pub fn path(kind: &ResourceType, version: &str, namespace: Option<&str>) -> String {
    let root = if kind.group.is_empty() {
        format!("/api/{version}")
    } else {
        format!("/apis/{}/{version}", kind.group)
    };
    match namespace {
        Some(namespace) if kind.namespaced => format!("{root}/namespaces/{namespace}/{}", kind.resource),
        _ => format!("{root}/{}", kind.resource),
    }
}

/// What a server serves.
#[derive(Debug, Clone, Default)]
pub struct Discovery {
    /// Every resource, once, in the server's order.
    pub resources: Vec<Served>,
    /// Group versions that an unreachable aggregated API answers for, and what the server says of them.
    pub unknown: Vec<Unknown>,
}

/// A group version of which nobody could say what it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The API group.
    pub group: String,
    /// The version.
    pub version: String,
    /// Why it is not known.
    pub why: String,
}

/// Asks the server what it serves.
///
/// # Errors
/// An [`ApiError`] where the server's own groups cannot be discovered; groups of aggregated APIs that do not
/// answer come back in [`Discovery::unknown`].
pub async fn discover(client: &Client) -> Result<Discovery, ApiError> {
    let (aggregated, core, named) =
        futures::join!(aggregated(client), groups(client, "/api"), groups(client, "/apis"));
    let mut groups = core?;
    groups.extend(named?);
    Ok(assemble(groups, &aggregated?))
}

/// The groups below one of the two roots.
async fn groups(client: &Client, root: &str) -> Result<Vec<Group>, ApiError> {
    let body = api::get(client, root, ACCEPT).await?;
    let document: Document = api::parse(root, &body)?;
    if document.kind == "APIGroupDiscoveryList" {
        return Ok(document.items.into_iter().map(Group::from).collect());
    }
    legacy::groups(client, root, &body).await
}

/// A group as either kind of discovery gives it; versions in order of preference.
struct Group {
    name: String,
    versions: Vec<GroupVersion>,
}

struct GroupVersion {
    version: String,
    stale: Option<String>,
    resources: Vec<Resource>,
}

struct Resource {
    name: String,
    kind: String,
    namespaced: bool,
    verbs: Vec<String>,
    short_names: Vec<String>,
    singular: String,
    status: bool,
}

/// Takes each resource once, at the first version that serves it.
fn assemble(groups: Vec<Group>, aggregated: &BTreeSet<(String, String)>) -> Discovery {
    let mut found = Discovery::default();
    for group in groups {
        let first = found.resources.len();
        for version in group.versions {
            let by_other = aggregated.contains(&(group.name.clone(), version.version.clone()));
            if let Some(why) = version.stale {
                let (group, version) = (group.name.clone(), version.version.clone());
                found.unknown.push(Unknown { group, version, why });
            }
            for resource in version.resources {
                let known =
                    found.resources[first..].iter_mut().find(|known| known.kind.resource == resource.name);
                if let Some(known) = known {
                    known.other_versions.push(version.version.clone());
                    continue;
                }
                found.resources.push(Served {
                    kind: ResourceType {
                        group: group.name.clone(),
                        version: version.version.clone(),
                        resource: resource.name,
                        kind: resource.kind,
                        namespaced: resource.namespaced,
                    },
                    other_versions: Vec::new(),
                    verbs: resource.verbs,
                    short_names: resource.short_names,
                    singular: resource.singular,
                    status: resource.status,
                    aggregated: by_other,
                });
            }
        }
    }
    found
}

/// The group versions that an `APIService` hands to another server. A caller who may not list them sees none:
/// such resources then show themselves by their revisions.
async fn aggregated(client: &Client) -> Result<BTreeSet<(String, String)>, ApiError> {
    #[derive(Deserialize)]
    struct List {
        #[serde(default)]
        items: Vec<ApiService>,
    }
    #[derive(Deserialize)]
    struct ApiService {
        #[serde(default)]
        spec: Spec,
    }
    #[derive(Default, Deserialize)]
    struct Spec {
        #[serde(default)]
        group: String,
        #[serde(default)]
        version: String,
        service: Option<serde_json::Value>,
    }
    match api::get_json::<List>(client, "/apis/apiregistration.k8s.io/v1/apiservices").await {
        Ok(list) => {
            let specs = list.items.into_iter().map(|item| item.spec);
            Ok(specs.filter(|spec| spec.service.is_some()).map(|spec| (spec.group, spec.version)).collect())
        }
        Err(error) if error.is_denied() || error.is_not_found() => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    items: Vec<GroupDiscovery>,
}

#[derive(Deserialize)]
struct GroupDiscovery {
    #[serde(default)]
    metadata: GroupName,
    #[serde(default)]
    versions: Vec<VersionDiscovery>,
}

#[derive(Default, Deserialize)]
struct GroupName {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct VersionDiscovery {
    version: String,
    #[serde(default)]
    freshness: String,
    #[serde(default)]
    resources: Vec<ResourceDiscovery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceDiscovery {
    resource: String,
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    subresources: Vec<Subresource>,
}

#[derive(Deserialize)]
struct Subresource {
    #[serde(default)]
    subresource: String,
}

#[derive(Deserialize)]
struct ResponseKind {
    #[serde(default)]
    kind: String,
}

impl From<GroupDiscovery> for Group {
    fn from(group: GroupDiscovery) -> Self {
        let versions = group.versions.into_iter().map(|version| GroupVersion {
            stale: (version.freshness == "Stale").then(|| "its API server does not answer".to_owned()),
            resources: version.resources.into_iter().filter_map(resource).collect(),
            version: version.version,
        });
        Self { name: group.metadata.name, versions: versions.collect() }
    }
}

/// A resource that has a kind; those without hold subresources only.
fn resource(found: ResourceDiscovery) -> Option<Resource> {
    Some(Resource {
        kind: found.response_kind?.kind,
        namespaced: found.scope == "Namespaced",
        name: found.resource,
        verbs: found.verbs,
        short_names: found.short_names,
        singular: found.singular_resource,
        status: found.subresources.iter().any(|part| part.subresource == "status"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(json: &str) -> Group {
        serde_json::from_str::<GroupDiscovery>(json).unwrap().into()
    }

    #[test]
    fn a_resource_of_two_versions_is_taken_once_at_the_preferred_one() {
        let hpa = r#"{"resource":"horizontalpodautoscalers","responseKind":{"kind":"HorizontalPodAutoscaler"},
                      "scope":"Namespaced","verbs":["list"]}"#;
        let json = format!(
            r#"{{"metadata":{{"name":"autoscaling"}},"versions":[
                {{"version":"v2","resources":[{hpa}]}},{{"version":"v1","resources":[{hpa}]}}]}}"#
        );
        let found = assemble(vec![group(&json)], &BTreeSet::new());
        assert_eq!(found.resources.len(), 1);
        assert_eq!(found.resources[0].kind.version, "v2");
        assert_eq!(found.resources[0].other_versions, ["v1"]);
    }

    #[test]
    fn a_stale_group_is_named() {
        let json = r#"{"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1beta1","freshness":"Stale"}]}"#;
        let found = assemble(vec![group(json)], &BTreeSet::new());
        assert_eq!(found.unknown[0].group, "metrics.k8s.io");
    }

    #[test]
    fn paths_of_core_and_groups() {
        let pods = ResourceType {
            group: String::new(),
            version: "v1".into(),
            resource: "pods".into(),
            kind: "Pod".into(),
            namespaced: true,
        };
        assert_eq!(path(&pods, "v1", Some("a")), "/api/v1/namespaces/a/pods");
        assert_eq!(path(&pods, "v1", None), "/api/v1/pods");
        let nodes = ResourceType { group: "x.io".into(), namespaced: false, ..pods };
        assert_eq!(path(&nodes, "v2", Some("a")), "/apis/x.io/v2/pods");
    }
}
