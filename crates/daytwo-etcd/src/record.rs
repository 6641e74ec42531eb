//! What a store holds: every change of every key, in the order of revisions, and what of it can still be read.
//!
//! The one thing the keyspace, the Kubernetes objects and whoever plays a site forward need of a file, be it etcd's or
//! SQLite's.

use std::ops::ControlFlow;

use crate::Result;

/// When a change was made: etcd's main revision, which a whole transaction shares, and the place in that transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    /// One for each transaction that writes. Kubernetes calls it resourceVersion.
    pub main: i64,
    /// From 0, for each change of the transaction.
    pub sub: i64,
}

/// One change of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Where.
    pub key: &'a [u8],
    /// What was put; empty where the key was deleted.
    pub value: &'a [u8],
    /// When: `mod_revision` in etcd's API.
    pub revision: Revision,
    /// The revision the key had last come into being at; 0 where the key was deleted.
    pub create_revision: i64,
    /// How often the key had been put since then, 1 for the first time; 0 where the key was deleted, and where the store
    /// does not count (SQLite).
    pub version: i64,
    /// The lease the key hung on, 0 for none. With SQLite a time to live in seconds.
    pub lease: i64,
    /// Whether the key was deleted.
    pub deleted: bool,
    /// The value before this change, where the store keeps it beside (SQLite).
    pub previous: Option<&'a [u8]>,
}

/// The main revisions at which the keyspace can be read whole, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readable {
    /// What compaction left.
    pub oldest: i64,
    /// The last one written.
    pub newest: i64,
}

/// What is called for each record; [`ControlFlow::Break`] ends the pass.
pub type Each<'a> = dyn FnMut(&Record<'_>) -> ControlFlow<()> + 'a;

/// A file that holds records.
///
/// Both passes give all records of the file, also those below [`Readable::oldest`] that a compaction has not removed yet:
/// which of them count is for the keyspace to say.
pub trait Store {
    /// At which revisions the keyspace is whole.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) where the file does not say so in a way that can be.
    fn readable(&self) -> Result<Readable>;

    /// Calls `each` for the records in falling order of revision.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) at the first record that cannot be read; those after it are not given.
    fn newest_first(&self, each: &mut Each<'_>) -> Result<()>;

    /// Calls `each` for the records in rising order of revision.
    ///
    /// # Errors
    /// As [`Store::newest_first`].
    fn oldest_first(&self, each: &mut Each<'_>) -> Result<()>;

    /// Calls `read` with the record of exactly `revision`, and answers whether there is one. A store with an index by
    /// revision overrides this.
    ///
    /// # Errors
    /// As [`Store::newest_first`].
    fn at(&self, revision: Revision, read: &mut dyn FnMut(&Record<'_>)) -> Result<bool> {
        let mut found = false;
        self.newest_first(&mut |record| {
            if record.revision == revision {
                found = true;
                read(record);
            }
            match record.revision > revision {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })?;
        Ok(found)
    }

    /// Calls `each` for the records of `key` in falling order of revision. A store with an index by name overrides this.
    ///
    /// # Errors
    /// As [`Store::newest_first`].
    fn of_key(&self, key: &[u8], each: &mut Each<'_>) -> Result<()> {
        self.newest_first(&mut |record| match record.key == key {
            true => each(record),
            false => ControlFlow::Continue(()),
        })
    }
}
