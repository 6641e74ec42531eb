//! Reads kine's table in an SQLite file: what K3s keeps its objects in where it has no etcd.
//!
//! A change of a key is a row, and the row's id is the revision. SQLite reads the file; what this module adds is how to
//! open one that may be in use without changing it or holding up who uses it, and what the rows mean. What it refuses to
//! do: write, hold a read transaction for longer than a batch of rows, and give rows of a file that was compacted or
//! replaced meanwhile.
//!
//! Schema and meaning: kine v0.16.4, `pkg/drivers/sqlite/sqlite.go`, `pkg/drivers/generic/generic.go` and
//! `pkg/logstructured`.

mod batch;
mod check;
mod copy;
mod open;
mod row;
mod status;
mod store;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use check::Flaw;
pub use copy::Copied;
pub use open::Way;
pub(crate) use open::is_open;
pub use status::Status;

use crate::{Error, Readable};

/// The row whose `prev_revision` is the revision up to which kine has compacted.
const COMPACTED: &str = "compact_rev_key";

/// How names of rows begin that stand for revisions nobody wrote.
const GAP: &[u8] = b"gap-";

/// A kine database, opened for reading.
///
/// It shows what was there when it was opened: rows that are written later are not given. As long as it lives, nothing else
/// in the process may open and close the file: POSIX would drop the locks that keep a writer from reusing the log.
#[derive(Debug)]
pub struct Kine {
    db: Connection,
    path: PathBuf,
    way: Way,
    identity: open::Identity,
    readable: Readable,
    _opened: open::Opened,
}

impl Kine {
    /// Opens the database at `path`. Where it cannot be read in place, a folder of mode 0700 is made in `scratch`
    /// for a copy, and is gone again when this returns.
    ///
    /// # Errors
    /// [`Error::Foreign`] if it is no SQLite file or has no table of kine's, [`Error::Live`] if somebody uses it in a way
    /// that shuts readers out, [`Error::Io`], [`Error::Corrupt`].
    pub fn open(path: &Path, scratch: &Path) -> crate::Result<Kine> {
        open::open(path, scratch)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it is read.
    pub fn way(&self) -> Way {
        self.way
    }

    /// What SQLite said, as what a reader can do about it.
    fn failed(&self, error: &rusqlite::Error) -> Error {
        failed(&self.path, error)
    }
}

/// What SQLite said of the file at `path`. Its messages name tables and columns, never values.
fn failed(path: &Path, error: &rusqlite::Error) -> Error {
    use rusqlite::ErrorCode;

    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::ReadOnly) => {
            // Its index has to be made anew, which a reader that changes nothing cannot: SQLITE_READONLY_RECOVERY.
            let why = "who wrote to it ended in the middle; open it again".to_owned();
            Error::Stale { path, why }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            let why = "another process keeps it locked; try again, or end what uses it".to_owned();
            Error::Live { path, why }
        }
        Some(ErrorCode::NotADatabase) => {
            Error::Foreign { path, what: "no SQLite database, or an encrypted one".to_owned() }
        }
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::DiskFull,
        ) => Error::Io { doing: "read", path, source: std::io::Error::other(error.to_string()) },
        _ => Error::Corrupt { place: path.display().to_string(), what: error.to_string() },
    }
}

#[cfg(test)]
pub(crate) mod tests;
