//! Velero's files of a backup (velero.io/v1; Velero 1.18, format unchanged since 1.4): written so that Velero lists and
//! restores what daytwo wrote, read so that daytwo does what Velero wrote.
//!
//! Reading takes unknown and missing fields as they come: releases differ. Snapshots and volume data are Velero's
//! business: their files are written empty.

mod backup;
mod foreign;
mod side;

pub(crate) use self::backup::{MANIFEST_DIGEST, SEAL, backup_json};
pub(crate) use self::foreign::{BackupObject, head};
pub(crate) use self::side::side_files;

/// Version of the layout in the archive and in `status.formatVersion`.
const FORMAT_VERSION: &str = "1.1.0";
