//! A side of a comparison that is stored, so that it can be passed over more than once.

use std::sync::Arc;

use bytes::Bytes;
use daytwo_archive::Backup;
use daytwo_core::filter::{Choice, Filter};
use daytwo_core::resource::{ObjectKey, ResourceType};
use daytwo_etcd::kube::NotShown;

use super::cover::{self, Cover};
use crate::commands::backup::objects;
use crate::commands::etcd::snapshot::{Entry, Snapshot};
use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// Where the objects are stored.
pub enum Stored {
    /// In a backup.
    Backup(Box<Backup>),
    /// In a file of etcd's or K3s'.
    Snapshot(Box<Snapshot>),
}

/// One object of a pass.
pub struct Object {
    /// Its type.
    pub kind: Arc<ResourceType>,
    /// Which it is.
    pub key: ObjectKey,
    /// Its JSON.
    pub bytes: Bytes,
}

impl Stored {
    /// By what people know it.
    pub fn name(&self) -> &str {
        match self {
            Self::Backup(backup) => &backup.head().name,
            Self::Snapshot(snapshot) => snapshot.name(),
        }
    }

    /// What it shows every object of.
    pub fn cover(&self) -> Cover {
        match self {
            Self::Backup(backup) => Cover::of(backup.head()),
            Self::Snapshot(snapshot) => {
                let mut cover = Cover::default();
                snapshot.resources().iter().for_each(|(kind, _)| cover.whole(&kind.group_resource()));
                cover
            }
        }
    }

    /// Whether it covers what it holds objects of, because it says nothing better.
    pub fn covered_by_objects(&self) -> bool {
        match self {
            Self::Backup(backup) => cover::by_objects(backup.head()),
            Self::Snapshot(_) => false,
        }
    }

    /// What it was asked for when it was made.
    pub fn asked(&self) -> Filter {
        match self {
            Self::Backup(backup) => cover::asked(backup.head()),
            Self::Snapshot(_) => Filter::default(),
        }
    }

    /// Begins at its first object. Where resources can be passed over unread, those that `filter` leaves out are.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn pass<'a>(&'a self, filter: &'a Filter) -> Result<Pass<'a>> {
        Ok(match self {
            Self::Backup(backup) => Pass::Backup(Box::new(objects::Pass::begin(backup).await?)),
            Self::Snapshot(snapshot) => Pass::Snapshot { snapshot, filter, resource: 0, entry: 0 },
        })
    }
}

/// One pass over its objects.
pub enum Pass<'a> {
    /// Of a backup.
    Backup(Box<objects::Pass>),
    /// Of a file, before the entry of this number of the resource of this number.
    Snapshot {
        /// The file.
        snapshot: &'a Snapshot,
        /// Which resources to read.
        filter: &'a Filter,
        /// Of its resources.
        resource: usize,
        /// Of the resource's.
        entry: usize,
    },
}

impl Pass<'_> {
    /// The next object; `None` after the last.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn next(&mut self) -> Result<Option<Object>> {
        match self {
            Self::Backup(pass) => Ok(pass.next().await?.map(|(kind, entry)| {
                let key = kind.object(entry.namespace.as_deref(), &entry.name);
                Object { kind, key, bytes: entry.bytes }
            })),
            Self::Snapshot { snapshot, filter, resource, entry } => {
                while let Some((kind, entries)) = snapshot.resources().get(*resource) {
                    let wanted = entries.get(*entry).filter(|_| filter.resource(kind) == Choice::Take);
                    let Some(found) = wanted else {
                        (*resource, *entry) = (*resource + 1, 0);
                        continue;
                    };
                    *entry += 1;
                    let shown = snapshot.show(found)?;
                    return match shown {
                        Ok(shown) => Ok(Some(Object {
                            kind: Arc::clone(kind),
                            key: found.key.clone(),
                            bytes: serde_json::to_vec(&shown.object)?.into(),
                        })),
                        Err(why) => Err(closed(snapshot, found, &why)),
                    };
                }
                Ok(None)
            }
        }
    }
}

/// What cannot be shown cannot be compared, and a comparison without it would look whole.
fn closed(snapshot: &Snapshot, entry: &Entry, why: &NotShown) -> Failure {
    let failure = Failure::new(
        Exit::Unknown,
        format!("{} of {} cannot be compared: {why}", entry.key, snapshot.name()),
    );
    match why {
        NotShown::Closed(_) => failure
            .or_try("--encryption-config FILE, the API server's EncryptionConfiguration")
            .or_try(format!("--exclude-resources {}", entry.key.resource)),
        _ => failure.or_try(format!("--exclude-resources {}", entry.key.resource)),
    }
}
