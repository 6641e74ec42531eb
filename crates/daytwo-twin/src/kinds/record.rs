//! What a server serves by default, from the aggregated discovery of a real one.

use daytwo_core::resource::ResourceType;
use serde::Deserialize;

use super::{Kinds, Origin, Resource, Subresource};

impl Kinds {
    /// What a server serves by default, from its aggregated discovery.
    pub fn built_in() -> Kinds {
        let mut kinds = Kinds::default();
        let recorded: Recorded = serde_json::from_str(include_str!("../record/1.36/discovery.json"))
            .expect("invariant: the record in the tree is read by a test");
        for group in recorded.api.items.into_iter().chain(recorded.apis.items) {
            let name = group.metadata.name;
            for version in group.versions {
                for resource in version.resources {
                    let resource = kinds.read(&name, &version.version, resource);
                    kinds.add(resource);
                }
            }
        }
        kinds
    }

    fn read(&mut self, group: &str, version: &str, seen: Seen) -> Resource {
        let table = self.table(group, &seen.resource);
        Resource {
            kind: ResourceType {
                group: group.to_owned(),
                version: version.to_owned(),
                resource: seen.resource.clone(),
                kind: seen.response_kind.kind.clone(),
                namespaced: seen.scope == "Namespaced",
            },
            singular: seen.singular_resource,
            short_names: seen.short_names,
            categories: seen.categories,
            verbs: seen.verbs,
            subresources: seen
                .subresources
                .into_iter()
                .map(|sub| Subresource {
                    name: sub.subresource,
                    answer: match sub.response_kind {
                        Some(kind) => (
                            if kind.group.is_empty() && kind.version.is_empty() {
                                group.to_owned()
                            } else {
                                kind.group
                            },
                            if kind.version.is_empty() { version.to_owned() } else { kind.version },
                            kind.kind,
                        ),
                        None => (String::new(), String::new(), String::new()),
                    },
                    verbs: sub.verbs,
                })
                .collect(),
            storage: storage(group, &seen.resource, version).to_owned(),
            table,
            origin: Origin::BuiltIn,
        }
    }
}

/// The version that objects of a built-in resource are kept at: the one it is served at, but for those that are served at
/// several (`pkg/kubeapiserver/default_storage_factory_builder.go` and the order of versions in each `install`).
fn storage<'a>(group: &str, resource: &str, version: &'a str) -> &'a str {
    match (group, resource) {
        ("autoscaling", "horizontalpodautoscalers") => "v2",
        ("events.k8s.io", "events") => "v1",
        _ => version,
    }
}

#[derive(Deserialize)]
struct Recorded {
    #[serde(rename = "/api")]
    api: Listed,
    #[serde(rename = "/apis")]
    apis: Listed,
}

#[derive(Deserialize)]
struct Listed {
    items: Vec<SeenGroup>,
}

#[derive(Deserialize)]
struct SeenGroup {
    #[serde(default)]
    metadata: SeenMeta,
    versions: Vec<SeenVersion>,
}

#[derive(Deserialize, Default)]
struct SeenMeta {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct SeenVersion {
    version: String,
    #[serde(default)]
    resources: Vec<Seen>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    resource: String,
    #[serde(default)]
    response_kind: SeenKind,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    subresources: Vec<SeenSubresource>,
}

#[derive(Deserialize, Default)]
struct SeenKind {
    #[serde(default)]
    group: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SeenSubresource {
    subresource: String,
    #[serde(default)]
    response_kind: Option<SeenKind>,
    #[serde(default)]
    verbs: Vec<String>,
}
