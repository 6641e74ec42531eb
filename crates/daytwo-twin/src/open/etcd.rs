//! A snapshot, a data directory or a K3s database as a cluster, at any revision that is still in it.

use std::ops::ControlFlow;

use daytwo_core::resource::ResourceType;
use daytwo_etcd::kube::{Catalogue, NotShown, Objects, Place};
use daytwo_etcd::{Store, keyspace};

use super::{Loader, Source};

/// Why a store cannot be opened as a cluster.
#[derive(Debug, thiserror::Error)]
pub enum EtcdError {
    /// The file cannot be read, or has not the revision.
    #[error(transparent)]
    Store(#[from] daytwo_etcd::Error),
}

impl Source {
    /// What a store holds at a revision, or at its newest.
    ///
    /// # Errors
    /// [`EtcdError::Store`] where it cannot be read or has not the revision.
    pub fn etcd(
        name: &str,
        store: &dyn Store,
        objects: &Objects,
        revision: Option<i64>,
    ) -> Result<Source, EtcdError> {
        let at = keyspace::revision(store, revision)?;
        let catalogue = Catalogue::of(store, objects, Some(at))?;
        let prefix = objects.prefix();
        let mut loader = Loader::default();
        let mut lost: u64 = 0;
        keyspace::list(store, prefix.as_str().as_bytes(), Some(at), &mut |record| {
            let Place::Object(place) = catalogue.place(prefix, record.key) else {
                return ControlFlow::Continue(());
            };
            match objects.show(record) {
                Ok(shown) => {
                    let resource = place.known.map_or(place.resource, |known| &known.plural);
                    let kind = ResourceType {
                        group: shown.gvk.group.clone(),
                        version: shown.gvk.version.clone(),
                        resource: resource.to_owned(),
                        kind: shown.gvk.kind.clone(),
                        namespaced: place.namespace.is_some(),
                    };
                    let json = serde_json::to_vec(&shown.object).unwrap_or_default();
                    if let Err(error) = loader.json(&kind, &json) {
                        loader.note(format!("{resource} {} cannot be read: {error}", place.name));
                    }
                }
                Err(NotShown::Deleted) => {}
                Err(error) => {
                    lost += 1;
                    if lost <= 20 {
                        loader.note(format!("{} {} cannot be shown: {error}", place.resource, place.name));
                    }
                }
            }
            ControlFlow::Continue(())
        })?;
        if lost > 20 {
            loader.note(format!("{} more objects cannot be shown", lost - 20));
        }
        let name = match revision {
            Some(revision) => format!("etcd:{name}@{revision}"),
            None => format!("etcd:{name}"),
        };
        Ok(loader.finish(name, None, u64::try_from(at).unwrap_or(0)))
    }
}
