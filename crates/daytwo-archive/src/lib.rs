//! Writes, reads and verifies backups at a location: Velero's layout, object stores, compression, encryption,
//! signatures. Knows no Kubernetes client and makes no decision about a cluster.

pub mod catalog;
pub mod claim;
mod deflate;
pub mod digest;
pub mod encrypt;
mod gzip;
pub mod head;
pub mod layout;
pub mod location;
mod manifest;
pub mod read;
pub mod restores;
mod seal;
pub mod sign;
mod stored;
pub mod tar;
pub mod upload;
mod velero;
pub mod verify;
pub mod write;

pub use crate::head::{
    Complete, Consistency, Count, Fallback, Head, LeftOut, MadeBy, OutsideCut, Phase, Problem, Resource,
    Server,
};
pub use crate::layout::BackupName;
pub use crate::location::{Error as ArchiveError, Location, LocationOptions};
pub use crate::read::{Backup, Entries, Entry, Keys};
pub use crate::verify::{Finding, Report, Severity, VerifyOptions, verify};
pub use crate::write::{BackupWriter, Object, Outcome, WriteOptions};
