//! The objects of a file as of one revision, for the verbs that need all of them: which there are, and each when it is
//! its turn.

use std::collections::BTreeMap;
use std::sync::Arc;

use daytwo_core::resource::{ObjectKey, ResourceType};
use daytwo_etcd::Revision;
use daytwo_etcd::kube::{NotShown, Place, Shown};

use super::open::{Opened, core_type};
use crate::failure::Result;

/// The objects of a file as of one revision.
pub struct Snapshot {
    opened: Opened,
    name: String,
    revision: i64,
    /// What the file may hold, and what it does.
    resources: Vec<(Arc<ResourceType>, Vec<Entry>)>,
    /// Objects of resources that nothing in the file defines.
    undefined: Vec<ObjectKey>,
}

/// One object.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Which.
    pub key: ObjectKey,
    /// Where its value stands.
    revision: Revision,
}

impl Snapshot {
    /// Looks over the keys as of the revision `at`, `None` being the newest.
    ///
    /// # Errors
    /// Exit 2 for a revision that the file has not; those of reading.
    pub fn of(opened: Opened, at: Option<i64>) -> Result<Self> {
        let revision = daytwo_etcd::keyspace::revision(opened.store(), at)?;
        let catalogue = opened.catalogue(Some(revision))?;
        let mut resources: BTreeMap<String, (Arc<ResourceType>, Vec<Entry>)> = BTreeMap::new();
        for resource in catalogue.all() {
            let kind = core_type(resource);
            resources.insert(kind.group_resource(), (Arc::new(kind), Vec::new()));
        }
        let prefix = opened.objects.prefix();
        let mut undefined = Vec::new();
        for key in opened.keys(prefix.as_str().as_bytes(), Some(revision))? {
            let Place::Object(at) = catalogue.place(prefix, &key.key) else { continue };
            let Some(known) = at.known else {
                undefined.push(undefined_key(&at));
                continue;
            };
            let entries = resources.get_mut(&core_type(known).group_resource());
            let (kind, entries) = entries.expect("invariant: every resource of the catalogue is in it");
            entries.push(Entry { key: kind.object(at.namespace, at.name), revision: key.revision });
        }
        let name = match at {
            Some(at) => format!("{}@{at}", opened.name()),
            None => opened.name().to_owned(),
        };
        Ok(Self { opened, name, revision, resources: resources.into_values().collect(), undefined })
    }

    /// The file, and the revision where one was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As of when.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// The file.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Every resource it may hold objects of, and those it does hold, in the order of keys.
    pub fn resources(&self) -> &[(Arc<ResourceType>, Vec<Entry>)] {
        &self.resources
    }

    /// Objects of resources that nothing in the file defines.
    pub fn undefined(&self) -> &[ObjectKey] {
        &self.undefined
    }

    /// The object, or why it cannot be shown.
    ///
    /// # Errors
    /// Those of reading.
    pub fn show(&self, entry: &Entry) -> Result<Result<Shown, NotShown>> {
        self.opened.show(entry.revision)
    }
}

fn undefined_key(at: &daytwo_etcd::kube::At<'_>) -> ObjectKey {
    let resource = match at.group {
        Some(group) if !group.is_empty() => format!("{}.{group}", at.resource),
        _ => at.resource.to_owned(),
    };
    ObjectKey { resource, namespace: at.namespace.map(str::to_owned), name: at.name.to_owned() }
}

/// The catalogue of Kubernetes' own resources holds each folder once, so that a key means one.
#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use daytwo_etcd::kube::Catalogue;

    use super::*;

    #[test]
    fn every_built_in_resource_has_a_name_of_its_own() {
        let catalogue = Catalogue::built_in();
        let names: BTreeSet<String> =
            catalogue.all().iter().map(|one| core_type(one).group_resource()).collect();
        assert_eq!(names.len(), catalogue.all().len());
    }
}
