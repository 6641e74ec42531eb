//! Discovery on servers without the aggregated document: one request per group version.

use std::collections::BTreeSet;

use kube::Client;
use serde::Deserialize;

use super::{Group, GroupVersion, Resource};
use crate::api::{self, ApiError};

#[derive(Deserialize)]
struct CoreVersions {
    #[serde(default)]
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct GroupList {
    #[serde(default)]
    groups: Vec<ApiGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiGroup {
    name: String,
    #[serde(default)]
    versions: Vec<ApiVersion>,
    preferred_version: Option<ApiVersion>,
}

#[derive(Deserialize)]
struct ApiVersion {
    version: String,
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<ApiResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiResource {
    name: String,
    #[serde(default)]
    singular_name: String,
    namespaced: bool,
    kind: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
}

/// The groups that the plain document `body`, read at `root`, names.
pub(super) async fn groups(client: &Client, root: &str, body: &[u8]) -> Result<Vec<Group>, ApiError> {
    if root == "/api" {
        let core: CoreVersions = api::parse(root, body)?;
        return Ok(vec![group(client, String::new(), core.versions).await?]);
    }
    let list: GroupList = api::parse(root, body)?;
    let mut groups = Vec::with_capacity(list.groups.len());
    for found in list.groups {
        let preferred = found.preferred_version.map(|version| version.version);
        let mut versions: Vec<String> = found.versions.into_iter().map(|version| version.version).collect();
        versions.sort_by_key(|version| Some(version) != preferred.as_ref());
        groups.push(group(client, found.name, versions).await?);
    }
    Ok(groups)
}

async fn group(client: &Client, name: String, versions: Vec<String>) -> Result<Group, ApiError> {
    let mut read = Vec::with_capacity(versions.len());
    for version in versions {
        let path =
            if name.is_empty() { format!("/api/{version}") } else { format!("/apis/{name}/{version}") };
        read.push(match api::get_json::<ResourceList>(client, &path).await {
            Ok(list) => GroupVersion { version, stale: None, resources: resources(list) },
            Err(error) if name.is_empty() || error.is_unavailable() => return Err(error),
            Err(error) => GroupVersion { version, stale: Some(error.to_string()), resources: Vec::new() },
        });
    }
    Ok(Group { name, versions: read })
}

/// The resources of a list without their subresources.
fn resources(list: ResourceList) -> Vec<Resource> {
    let parts: BTreeSet<String> = list.resources.iter().map(|resource| resource.name.clone()).collect();
    let whole = list.resources.into_iter().filter(|resource| !resource.name.contains('/'));
    whole
        .map(|resource| Resource {
            status: parts.contains(&format!("{}/status", resource.name)),
            name: resource.name,
            kind: resource.kind,
            namespaced: resource.namespaced,
            verbs: resource.verbs,
            short_names: resource.short_names,
            singular: resource.singular_name,
        })
        .collect()
}
