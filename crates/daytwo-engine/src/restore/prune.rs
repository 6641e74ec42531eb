//! Looks for what the cluster has and the backup does not hold, where the backup says that its lists were whole.

use daytwo_archive::Head;
use daytwo_core::json::{Meta, elements, find};
use daytwo_core::resource::{ObjectKey, ResourceType};
use daytwo_core::restore::{Complete, Rules, prune_order};
use kube::Client;

use super::lists::{self, METADATA_ONLY};
use crate::api::{self, ApiError};
use crate::discovery;

/// An object that is to be deleted, as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// The object.
    pub object: ObjectKey,
    /// Its type.
    pub kind: ResourceType,
    /// Its UID.
    pub uid: String,
    /// Its version.
    pub version: String,
}

/// What the backup's head says of its lists, by the resources that this cluster knows their objects as.
pub fn complete(head: &Head, rules: &Rules) -> Complete {
    let here = |resource: &str| {
        let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
        rules.target().moved_resource(group, plural)
    };
    let lists = head.complete.iter();
    lists.map(|list| (here(&list.resource), list.namespaces.clone())).collect()
}

/// The objects that are there and not among `known`, in the order of deleting.
///
/// # Errors
/// An [`ApiError`] where a list cannot be read: what cannot be seen is not known to be extra.
pub async fn extra(
    client: &Client,
    rules: &Rules,
    complete: &Complete,
    known: impl Fn(&ObjectKey) -> bool,
) -> Result<Vec<Extra>, ApiError> {
    let mut found = Vec::new();
    for resource in complete.keys() {
        let Some(kind) = rules.target().kind(resource) else { continue };
        let paths = paths(rules, &kind);
        // Most resources have no objects at all: one look saves one in each namespace.
        if paths.len() > 1 && is_empty(client, &kind).await? {
            continue;
        }
        for path in paths {
            lists::each(client, &path, METADATA_ONLY, |live| {
                let meta = Meta::of(live)?;
                let object = ObjectKey {
                    resource: resource.clone(),
                    namespace: meta.namespace.as_deref().map(str::to_owned),
                    name: meta.name.to_string(),
                };
                if !known(&object) && rules.prunes(complete, &kind, live)? {
                    let (uid, version) =
                        (meta.uid.unwrap_or_default(), meta.resource_version.unwrap_or_default());
                    let (uid, version) = (uid.into_owned(), version.into_owned());
                    found.push(Extra { object, kind: kind.clone(), uid, version });
                }
                Ok(())
            })
            .await?;
        }
    }
    found.sort_by(|one, other| prune_order(&one.object, &other.object));
    found.dedup_by(|one, other| one.object == other.object);
    Ok(found)
}

/// Whether the cluster is known to have no object of `kind`; who may not look everywhere does not know.
async fn is_empty(client: &Client, kind: &ResourceType) -> Result<bool, ApiError> {
    let path = format!("{}?limit=1", discovery::path(kind, &kind.version, None));
    match api::get(client, &path, METADATA_ONLY).await {
        Ok(list) => {
            let items = find(&list, &["items"]).ok().flatten();
            Ok(items.is_some_and(|span| elements(&list[span]).next().is_none()))
        }
        Err(error) if error.is_denied() || error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// One list of all, or one of each namespace that was named.
fn paths(rules: &Rules, kind: &ResourceType) -> Vec<String> {
    let mapping = &rules.request().namespace_mapping;
    match rules.request().filter.exact_namespaces().filter(|_| kind.namespaced) {
        None => vec![discovery::path(kind, &kind.version, None)],
        Some(names) => {
            let there = |name: &&String| rules.target().namespaces.contains_key(mapping.map(name));
            let path = |name: &String| discovery::path(kind, &kind.version, Some(mapping.map(name)));
            names.iter().filter(there).map(path).collect()
        }
    }
}
