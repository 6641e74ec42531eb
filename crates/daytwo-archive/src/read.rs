//! Reads a backup: daytwo's, encrypted or not, and Velero's own.
//!
//! Takes nothing for granted: what is read may be damaged or hostile. Memory is bounded whatever the archive says.
//! Does not prove a backup good: that is [`crate::verify()`].

use crate::encrypt::Identity;
use crate::head::{Head, Resource};
use crate::layout::BackupName;
use crate::location::{Error, Location, Result};
use bytes::Bytes;
use std::sync::Arc;

/// What opens encrypted backups. The default opens none.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// Tried in turn.
    pub identities: Vec<Identity>,
}

/// A backup that can be read.
#[derive(Debug)]
pub struct Backup {
    head: Head,
}

/// One object of a backup.
#[derive(Clone)]
pub struct Entry {
    /// What it is.
    pub resource: Arc<Resource>,
    /// `None` for objects outside namespaces.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its JSON, as it was read from the server.
    pub bytes: Bytes,
}

/// The objects of a backup, in the order of its archive.
#[derive(Debug)]
pub struct Entries {}

impl Entries {
    /// The next object, or `None` after the last. [`Error::Corrupt`] where the archive is not what it should be: the
    /// objects before are as they were stored, unless [`crate::verify()`] says otherwise.
    pub async fn next(&mut self) -> Result<Option<Entry>> {
        Err(Error::Invalid("not yet".into()))
    }
}

impl Backup {
    /// Opens a backup. [`Error::NotFound`] if there is none, [`Error::Denied`] if it is encrypted and no identity fits,
    /// [`Error::Corrupt`] if what it says about itself cannot be read.
    pub async fn open(_location: &Location, _name: &BackupName, _keys: &Keys) -> Result<Backup> {
        Err(Error::Invalid("not yet".into()))
    }

    /// What it says about itself.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Every object once, streamed.
    pub async fn entries(&self) -> Result<Entries> {
        Err(Error::Invalid("not yet".into()))
    }

    /// Brings the archive near, as stored: up to 32 MiB in memory, larger ones in a file that only this process can
    /// open. [`Backup::entries`] and [`Backup::get`] read it from there. For archives that are passed over repeatedly.
    pub async fn spool(&mut self) -> Result<()> {
        Err(Error::Invalid("not yet".into()))
    }

    /// One object; `None` if the backup holds none such. `resource` is a [`Resource::group_resource`].
    pub async fn get(&self, _resource: &str, _namespace: Option<&str>, _name: &str) -> Result<Option<Bytes>> {
        Err(Error::Invalid("not yet".into()))
    }
}
