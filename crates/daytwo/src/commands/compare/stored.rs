//! A side of a comparison that is stored, so that it can be passed over more than once.

use std::sync::Arc;

use bytes::Bytes;
use daytwo_archive::Backup;
use daytwo_core::filter::Filter;
use daytwo_core::resource::{ObjectKey, ResourceType};

use super::cover::{self, Cover};
use crate::commands::backup::objects;
use crate::failure::Result;

/// Where the objects are stored.
pub enum Stored {
    /// In a backup.
    Backup(Box<Backup>),
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
        }
    }

    /// What it shows every object of.
    pub fn cover(&self) -> Cover {
        match self {
            Self::Backup(backup) => Cover::of(backup.head()),
        }
    }

    /// Whether it covers what it holds objects of, because it says nothing better.
    pub fn covered_by_objects(&self) -> bool {
        match self {
            Self::Backup(backup) => cover::by_objects(backup.head()),
        }
    }

    /// What it was asked for when it was made.
    pub fn asked(&self) -> Filter {
        match self {
            Self::Backup(backup) => cover::asked(backup.head()),
        }
    }

    /// Begins at its first object.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn pass(&self) -> Result<Pass> {
        match self {
            Self::Backup(backup) => Ok(Pass::Backup(Box::new(objects::Pass::begin(backup).await?))),
        }
    }
}

/// One pass over its objects.
pub enum Pass {
    /// Of a backup.
    Backup(Box<objects::Pass>),
}

impl Pass {
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
        }
    }
}
