//! Cluster-scoped objects that come along with what a filter takes in namespaces: a claim without its volume, or a
//! custom resource without its definition, could not be restored.

use super::{Choice, Filter};
use crate::json::{find, string};
use crate::resource::ResourceType;

/// How a cluster-scoped object belongs to what is taken.
#[derive(Debug, Clone, Copy)]
pub(super) enum Relation {
    Claim,
    Snapshot,
    Definition,
}

impl Filter {
    /// What could bring objects of a cluster-scoped type along that is not taken as such.
    pub(super) fn relation(&self, resource: &ResourceType) -> Option<Relation> {
        if resource.namespaced || self.include_cluster_resources.is_some() {
            return None;
        }
        let of = |group: &str, plural: &str, kind: &str, relation| {
            let owner = ResourceType {
                group: group.into(),
                version: "v1".into(),
                resource: plural.into(),
                kind: kind.into(),
                namespaced: true,
            };
            (self.resource(&owner) == Choice::Take).then_some(relation)
        };
        match (&*resource.group, &*resource.resource) {
            ("", "persistentvolumes") => {
                of("", "persistentvolumeclaims", "PersistentVolumeClaim", Relation::Claim)
            }
            ("snapshot.storage.k8s.io", "volumesnapshotcontents") => {
                of("snapshot.storage.k8s.io", "volumesnapshots", "VolumeSnapshot", Relation::Snapshot)
            }
            ("apiextensions.k8s.io", "customresourcedefinitions") => Some(Relation::Definition),
            _ => None,
        }
    }

    pub(super) fn related(&self, relation: Relation, bytes: &[u8]) -> bool {
        let text = |path: &[&str]| {
            let span = find(bytes, path).ok().flatten()?;
            string(&bytes[span]).map(|text| text.into_owned())
        };
        let within = |path: &[&str]| text(path).is_some_and(|namespace| self.namespace(&namespace));
        match relation {
            Relation::Claim => within(&["spec", "claimRef", "namespace"]),
            Relation::Snapshot => within(&["spec", "volumeSnapshotRef", "namespace"]),
            Relation::Definition => {
                let (Some(group), Some(resource), Some(kind)) = (
                    text(&["spec", "group"]),
                    text(&["spec", "names", "plural"]),
                    text(&["spec", "names", "kind"]),
                ) else {
                    return true;
                };
                let namespaced = text(&["spec", "scope"]).as_deref() == Some("Namespaced");
                let defined = ResourceType { group, version: String::new(), resource, kind, namespaced };
                self.resource(&defined) == Choice::Take
            }
        }
    }
}
