//! What a restore with `--prune` deletes: objects that the backup would hold if they had been there.
//!
//! Absence proves something only where the backup says that a list was read to its end. It refuses to take what a
//! controller or the server makes, and what the request does not ask for.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::Request;
use super::order::{Traits, wave};
use super::rules::{Rules, Source, controller};
use crate::json::{JsonError, Meta};
use crate::resource::{ObjectKey, ResourceType};

/// Lists that were read to their end when the backup was made: by resource, the namespaces; `None` means all.
pub type Complete = BTreeMap<String, Option<Vec<String>>>;

/// Resources whose objects hold data, or other objects, that go with them.
const HOLDS_DATA: [&str; 4] = [
    "persistentvolumes",
    "persistentvolumeclaims",
    "namespaces",
    "customresourcedefinitions.apiextensions.k8s.io",
];

/// Whether data, or other objects, go with objects of `resource`.
pub fn holds_data(resource: &str) -> bool {
    HOLDS_DATA.contains(&resource)
}

/// The order of deleting: what rests on others first.
pub fn prune_order(one: &ObjectKey, other: &ObjectKey) -> Ordering {
    let wave = |object: &ObjectKey| wave(&object.resource, Traits::default());
    wave(other).cmp(&wave(one)).then_with(|| one.cmp(other))
}

impl Rules {
    /// Whether `live`, an object of `kind` in the cluster that the backup does not hold, is one that it would hold.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn prunes(&self, complete: &Complete, kind: &ResourceType, live: &[u8]) -> Result<bool, JsonError> {
        let meta = Meta::of_prefix(live)?;
        let resource = kind.group_resource();
        if meta.deletion_timestamp
            || controller(&meta)?.is_some()
            || resource == "serviceaccounts" && meta.name == "default"
        {
            return Ok(false);
        }
        let place = if resource == "namespaces" { Some(&*meta.name) } else { meta.namespace.as_deref() };
        let Some(from) = came_from(self.request(), place) else { return Ok(false) };
        let listed = match (complete.get(&resource), from) {
            (None, _) => false,
            (Some(None), _) => true,
            (Some(Some(namespaces)), from) => {
                from.is_some_and(|from| namespaces.iter().any(|namespace| namespace == from))
            }
        };
        if !listed {
            return Ok(false);
        }
        let (namespace, name) = match resource.as_str() {
            "namespaces" => (None, from.unwrap_or(&meta.name)),
            _ => (from, &*meta.name),
        };
        let source = Source { resource: kind, namespace, name, bytes: live };
        Ok(self.census().asked(self.request(), &resource, &source, &meta)
            && self.skip(&resource, &source, &meta)?.is_none())
    }
}

/// The namespace of the backup that goes to `namespace` of the cluster; `None` if none does. Of what lives in none that
/// is `Some(None)`, unless namespaces are mapped: then only what is mapped is looked at.
fn came_from<'a>(request: &'a Request, namespace: Option<&'a str>) -> Option<Option<&'a str>> {
    let mapping = &request.namespace_mapping;
    let mapped = mapping.iter().next().is_some();
    match namespace {
        None => (!mapped).then_some(None),
        Some(namespace) => match mapping.iter().find(|(_, to)| *to == namespace) {
            Some((from, _)) => Some(Some(from)),
            None => (!mapped).then_some(Some(namespace)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::NamespaceMapping;

    #[test]
    fn what_rests_on_others_goes_first() {
        let key = |resource: &str| ObjectKey {
            resource: resource.into(),
            namespace: Some("a".into()),
            name: "n".into(),
        };
        let mut objects = [key("configmaps"), key("deployments.apps"), key("persistentvolumeclaims")];
        objects.sort_by(prune_order);
        let order: Vec<&str> = objects.iter().map(|object| object.resource.as_str()).collect();
        assert_eq!(order, ["deployments.apps", "configmaps", "persistentvolumeclaims"]);
    }

    #[test]
    fn with_a_mapping_only_what_is_mapped_is_looked_at() {
        let plain = Request::default();
        assert_eq!(came_from(&plain, Some("a")), Some(Some("a")));
        assert_eq!(came_from(&plain, None), Some(None));
        let namespace_mapping = NamespaceMapping::parse(["a:b"]).unwrap();
        let mapped = Request { namespace_mapping, ..Request::default() };
        assert_eq!(came_from(&mapped, Some("b")), Some(Some("a")));
        assert_eq!(came_from(&mapped, Some("a")), None);
        assert_eq!(came_from(&mapped, None), None);
    }
}
