//! Writes, reads and verifies backups at a location: Velero's layout, object stores, compression, encryption,
//! signatures. Knows no Kubernetes client and makes no decision about a cluster.

pub mod claim;
pub mod layout;
pub mod location;
pub mod upload;

pub use crate::layout::BackupName;
pub use crate::location::{Location, LocationOptions};
