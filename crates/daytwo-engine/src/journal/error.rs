//! Why a journal cannot be kept, named for what the caller can do about it.

use daytwo_archive::location::Error as StoreError;
use jiff::Timestamp;

/// Why a journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another runner holds the run.
    #[error(
        "run {run} is held by {holder} since {since} (last heard of at {last}); it goes on there, or wait until that runner has ended"
    )]
    Held {
        /// The run.
        run: String,
        /// Who.
        holder: String,
        /// Since when, by that runner's clock.
        since: Timestamp,
        /// Its last record, by that runner's clock.
        last: Timestamp,
    },
    /// There is a run of this name, which ended.
    #[error("there is a run {run} already, begun at {since} by {holder}; choose another name")]
    Exists {
        /// The run.
        run: String,
        /// Who began it.
        holder: String,
        /// When.
        since: Timestamp,
    },
    /// There is no such run.
    #[error("{location} has no run {run}")]
    NotFound {
        /// The run.
        run: String,
        /// The location's URL.
        location: String,
    },
    /// The name cannot be a run's.
    #[error(
        "{0:?} cannot be the name of a run: at most 253 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit"
    )]
    Invalid(String),
    /// The run ended: there is nothing to go on with.
    #[error("run {run} ended at {at}: there is nothing left to do")]
    Ended {
        /// The run.
        run: String,
        /// When.
        at: Timestamp,
    },
    /// The run is being given up: it is not gone on with.
    #[error("run {run} is being given up since {since}: that can only be brought to its end")]
    Aborting {
        /// The run.
        run: String,
        /// Since when.
        since: Timestamp,
    },
    /// A record is not what this version of daytwo writes.
    #[error("record {key} cannot be read: {what}")]
    Corrupt {
        /// The record's key.
        key: String,
        /// What is wrong.
        what: String,
    },
    /// The first record cannot be written: nothing was done.
    #[error("the journal of run {run} cannot be written, and without it nothing is done")]
    Begin {
        /// The run.
        run: String,
        /// What the store said.
        #[source]
        source: StoreError,
    },
    /// The store failed.
    #[error("the journal of run {run} cannot be kept or read")]
    Store {
        /// The run.
        run: String,
        /// What the store said.
        #[source]
        source: StoreError,
    },
}
