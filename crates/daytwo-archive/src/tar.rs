//! tar (POSIX.1-1988 ustar with POSIX.1-2001 extended headers) as backups need it: regular files, one after another.
//!
//! Written by hand, so that an entry costs no allocation; read with suspicion, so that no archive can name a file
//! outside itself, be a link, or take more memory than [`LARGEST_ENTRY`].

mod extended;
mod groups;
mod header;
mod path;
mod read;
mod write;

pub(crate) use self::groups::Groups;
pub use self::path::{Copy, Place, UnsafePath};
pub(crate) use self::path::{can_be_part, is_second_copy};
pub use self::read::{EntryHeader, TarReader};
pub(crate) use self::write::{END, TarWriter, padding};

/// Largest content of one entry, in bytes: far above what an API server takes (etcd's default is 1.5 MiB).
pub const LARGEST_ENTRY: u64 = 64 * 1024 * 1024;

/// Bytes of a header, and the unit contents are padded to.
pub(crate) const BLOCK: usize = 512;

/// What archives hold first: the version of Velero's layout.
pub const VERSION_PATH: &str = "metadata/version";

/// Content of the first entry (`pkg/backup/backup.go` of Velero 1.18, `BackupFormatVersion`).
pub const VERSION: &str = "1.1.0\n";
