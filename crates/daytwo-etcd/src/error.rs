//! Why a file could not be opened or read, by what its reader can do about it.

use std::io;
use std::path::PathBuf;

/// The result of opening or reading a file.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a file could not be opened or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system did not give it: no such file, no right to read it, a disk that fails.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried, such as `open`.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is none of the files this crate opens.
    #[error("{} is {what}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it seems to be, and what would be read.
        what: String,
    },
    /// Somebody works with it now, so that what is read could change underneath.
    #[error("{} is in use: {why}", path.display())]
    Live {
        /// The file or directory.
        path: PathBuf,
        /// Who holds it, as far as can be told, and what to read in its place.
        why: String,
    },
    /// Its bytes cannot be what was written.
    #[error("damaged at {place}: {what}")]
    Corrupt {
        /// Page and offset in a bbolt file, row or offset elsewhere.
        place: String,
        /// What stands there, and what should.
        what: String,
    },
    /// The revision asked for was compacted away.
    #[error("revision {asked} was compacted away: the oldest that can be read is {oldest}")]
    Compacted {
        /// Asked for.
        asked: i64,
        /// The oldest that is whole.
        oldest: i64,
    },
    /// The revision asked for had not been written.
    #[error("revision {asked} is not in there: the newest is {newest}")]
    Future {
        /// Asked for.
        asked: i64,
        /// The newest.
        newest: i64,
    },
    /// It changed while it was read; reading it again may do.
    #[error("{} changed while it was read: {why}", path.display())]
    Stale {
        /// The file.
        path: PathBuf,
        /// How that was seen.
        why: String,
    },
    /// What was asked for cannot be done as asked. Asking again changes nothing.
    #[error("{0}")]
    Invalid(String),
    /// Something is in the way, and nothing is written over.
    #[error("{} {what}", path.display())]
    Exists {
        /// What was to be made.
        path: PathBuf,
        /// What is there in its place.
        what: String,
    },
    /// It could be done and would do harm, so it was not.
    #[error("{what}")]
    Unsafe {
        /// What would be lost or would not work, and how to go on.
        what: String,
    },
}
