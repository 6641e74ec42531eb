//! What can go wrong at a location, named for what the caller can do about it.

use jiff::Timestamp;
use std::fmt;

/// Result of work on a location.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why work on a location did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for cannot be done as asked: a URL, an option, a file of settings. Asking again changes nothing.
    #[error("{0}")]
    Invalid(String),

    /// There is no such object.
    #[error("{location} has no {key}")]
    NotFound {
        /// What was looked for, relative to the location.
        key: String,
        /// The location's URL.
        location: String,
    },

    /// The object was to be created and is there already.
    #[error("{key} exists already in {location}")]
    Exists {
        /// What was to be created.
        key: String,
        /// The location's URL.
        location: String,
    },

    /// The name of a backup is taken.
    #[error("{0}")]
    Conflict(Box<Conflict>),

    /// The claim on a backup is no longer ours: another run may be writing it. Stop.
    #[error("{0}")]
    Stale(String),

    /// The store, or the file system, refuses these credentials this act.
    #[error("{0}")]
    Denied(Box<Failure>),

    /// The store did not answer, or not sensibly, within the retries allowed. Trying later may help.
    #[error("{0}")]
    Unavailable(Box<Failure>),

    /// What was read is not what it should be.
    #[error("{key} in {location} {what}")]
    Corrupt {
        /// What was read.
        key: String,
        /// The location's URL.
        location: String,
        /// What is wrong with it.
        what: String,
    },

    /// Doing it would lose something. Says what, and the command that does it safely.
    #[error("{0}")]
    Refused(String),
}

/// An act on a store that failed.
#[derive(Debug)]
pub struct Failure {
    /// The act and its object: `write backups/b/b.tar.gz`.
    pub tried: String,
    /// The location's URL, never with credentials.
    pub location: String,
    /// What the store or the connection answered.
    pub why: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} in {}: {}", self.tried, self.location, self.why)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

/// Who holds the name of a backup.
#[derive(Debug)]
pub struct Conflict {
    /// The backup.
    pub name: String,
    /// The location's URL.
    pub location: String,
    /// `true`: the backup is complete. `false`: it is being written, or was left unfinished.
    pub complete: bool,
    /// The run that holds the claim, where one is known.
    pub holder: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Conflict { name, location, .. } = self;
        if self.complete {
            return write!(
                f,
                "backup {name} exists already in {location}; choose another name, or delete it first"
            );
        }
        match &self.holder {
            Some(holder) => write!(f, "backup {name} in {location} is claimed by run {holder}")?,
            None => write!(f, "{location} holds files of an unfinished backup {name} that no claim names")?,
        }
        if let Some(since) = self.since {
            write!(f, " since {since}")?;
        }
        write!(
            f,
            "; choose another name, or, if nothing writes it any more, remove what is left: daytwo backup prune --orphans --location {location}"
        )
    }
}
