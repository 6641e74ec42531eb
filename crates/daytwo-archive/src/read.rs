//! Reads a backup: daytwo's, encrypted or not, and Velero's own.
//!
//! Takes nothing for granted: what is read may be damaged or hostile. Memory is bounded whatever the archive says.
//! Does not prove a backup good: that is [`crate::verify()`].

mod archive;
mod entries;
mod get;
mod open;
pub(crate) mod source;
mod spool;

pub use self::archive::{ArchiveReader, Found};
pub use self::entries::{Entries, Entry};
pub(crate) use self::open::{encrypted_tail, tail};

use self::entries::Kinds;
use self::open::Kind;
use self::source::Source;
use self::spool::Spool;
use crate::encrypt::Identity;
use crate::head::Head;
use crate::layout::{BackupName, File};
use crate::location::{Location, Result};
use crate::manifest::Member;
use crate::verify::{Report, VerifyOptions};

/// What opens encrypted backups. The default opens none.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// Tried in turn.
    pub identities: Vec<Identity>,
}

/// A backup that can be read.
#[derive(Debug)]
pub struct Backup {
    location: Location,
    name: BackupName,
    keys: Keys,
    head: Head,
    /// Of the archive; none in Velero's backups.
    members: Vec<Member>,
    spool: Option<Spool>,
}

impl Backup {
    /// Opens a backup. [`crate::ArchiveError::NotFound`] if there is none, [`crate::ArchiveError::Denied`] if it is
    /// encrypted and no identity fits, [`crate::ArchiveError::Corrupt`] if what it says about itself cannot be read.
    pub async fn open(location: &Location, name: &BackupName, keys: &Keys) -> Result<Backup> {
        let (head, members) = match open::open(location, name, keys).await? {
            Kind::Daytwo(tail) => (tail.head, tail.members),
            Kind::Velero(head) => (*head, Vec::new()),
        };
        Ok(Backup {
            location: location.clone(),
            name: name.clone(),
            keys: keys.clone(),
            head,
            members,
            spool: None,
        })
    }

    /// What it says about itself.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Where it lies.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Every object once, in the order of the archive, streamed.
    pub async fn entries(&self) -> Result<Entries> {
        let (source, key) = (self.source().await?, self.name.key(File::Archive));
        let kinds = Kinds::named(&self.head.counts);
        Ok(Entries::of(source, self.identities(), kinds, self.location.clone(), key))
    }

    /// Brings the archive near, as stored: up to 32 MiB in memory, larger ones in a file in the system's directory for
    /// such, which has no name and only this process can read. [`Backup::entries`] reads it from there from now on.
    /// For archives that are passed over repeatedly.
    pub async fn spool(&mut self) -> Result<()> {
        if self.spool.is_none() {
            self.spool = Some(Spool::fetch(&self.location, &self.name.key(File::Archive)).await?);
        }
        Ok(())
    }

    /// Proves it: see [`crate::verify()`].
    pub async fn verify(&self, options: &VerifyOptions) -> Result<Report> {
        crate::verify::verify(&self.location, &self.name, &self.keys, options).await
    }

    /// The archive as stored.
    async fn source(&self) -> Result<Source> {
        match &self.spool {
            Some(spool) => Ok(spool.source()),
            None => Source::fetch(&self.location, &self.name.key(File::Archive)).await,
        }
    }

    /// Identities to decrypt with; `None` where nothing is encrypted.
    fn identities(&self) -> Option<Vec<Identity>> {
        self.head.encrypted.then(|| self.keys.identities.clone())
    }
}
