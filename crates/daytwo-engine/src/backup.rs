//! Backs a cluster up: reads it at one revision and writes what it reads, as it arrives.
//!
//! Lists are read a few at a time and written one after another in the order a restore needs them; between
//! the two stand a few batches of objects, so memory does not follow the cluster's size. A revision that is
//! compacted on the way starts everything over; what could not be read is a problem in the result, never a
//! smaller backup that looks whole.

mod ahead;
mod definitions;
mod gather;
mod sink;
mod spec;
mod stored;
mod survey;

use std::pin::pin;
use std::time::Duration;

use daytwo_archive::{
    ArchiveError, BackupName, BackupWriter, Consistency, Head, Location, Outcome, Server, WriteOptions,
};
use daytwo_core::filter::Filter;
use futures::future::{Either, select};
use tokio_util::sync::CancellationToken;

use crate::api::{ApiError, Patience};
use crate::event::{Clock, Event, Observer};
use crate::site::{Identity, Site};
use gather::{Gathered, Round};
pub use stored::{StoredRequest, store};
use survey::{Survey, survey};

/// How often a backup starts over with a new revision before it gives the single moment up.
pub const ATTEMPTS: u32 = 4;

/// What to back up, and how.
pub struct BackupRequest {
    /// The backup's name.
    pub name: BackupName,
    /// Which resources and objects.
    pub filter: Filter,
    /// When Velero's garbage collection may delete the backup; `None` means never.
    pub ttl: Option<Duration>,
    /// The Velero storage location that the backup names; `default` where nobody says otherwise.
    pub storage_location: String,
    /// Resources read at the same time.
    pub concurrency: usize,
    /// How long one request to the API server is tried.
    pub patience: Patience,
    /// How the archive is written: encryption, signature, threads.
    pub write: WriteOptions,
}

/// Why there is no backup. Nothing of it is left in the location, unless the message says so.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The API server cannot be reached, or refuses what every backup needs.
    #[error("cannot read the cluster")]
    Cluster(#[source] ApiError),
    /// The location cannot be written, or has a backup of this name.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The caller gave the run up.
    #[error("given up; nothing of the backup is left in the location")]
    Cancelled,
    /// The run failed, and so did cleaning up after it.
    #[error(
        "{reason}; what it wrote could not be removed ({left}): `daytwo backup prune --orphans` removes it"
    )]
    LeftBehind {
        /// Why the run failed.
        reason: String,
        /// Why it could not be cleaned up.
        left: String,
    },
}

/// Backs `site` up into `location` and returns the head of the backup.
///
/// A backup of which something wanted could not be read is written, and names it in [`Head::problems`].
///
/// # Errors
/// [`BackupError::Cluster`] where nothing could be read, [`BackupError::Archive`] where the location failed or
/// the name is taken, [`BackupError::Cancelled`] after `cancel`.
pub async fn backup(
    site: &Site,
    location: &Location,
    request: BackupRequest,
    clock: &dyn Clock,
    events: &dyn Observer,
    cancel: &CancellationToken,
) -> Result<Head, BackupError> {
    let BackupRequest { name, write, .. } = &request;
    // The first look at the cluster does not wait for the claim; what it finds is nothing without one.
    let claiming = pin!(BackupWriter::claim(location, name, write.clone()));
    let looking = pin!(async {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(BackupError::Cancelled),
            found = survey(site, &request, true, events) => found,
        }
    });
    let (mut writer, found) = match select(claiming, looking).await {
        Either::Left((writer, looking)) => (writer?, looking.await),
        Either::Right((found, claiming)) => (claiming.await?, found),
    };
    let gathered = match found {
        Err(error) => Err(error),
        Ok(found) => tokio::select! {
            biased;
            () = cancel.cancelled() => Err(BackupError::Cancelled),
            gathered = read(site, &request, found, &mut writer, events) => gathered,
        },
    };
    let gathered = match gathered {
        Ok(gathered) => gathered,
        Err(error) => {
            return Err(match writer.abandon().await {
                Ok(()) => error,
                Err(left) => BackupError::LeftBehind { reason: error.to_string(), left: left.to_string() },
            });
        }
    };
    events.event(Event::Started { what: "completing the archive".to_owned() });
    let head = writer.finish(outcome(site.identity(), &request, gathered, clock)).await?;
    events.event(Event::Finished { what: "completing the archive".to_owned() });
    Ok(head)
}

/// Reads rounds until one is whole; the first as `found` says.
async fn read(
    site: &Site,
    request: &BackupRequest,
    found: Survey,
    writer: &mut BackupWriter,
    events: &dyn Observer,
) -> Result<Gathered, BackupError> {
    let mut why = String::new();
    let mut found = Some(found);
    for attempt in 1..=ATTEMPTS {
        let found = match found.take() {
            Some(found) => found,
            None => survey(site, request, true, events).await?,
        };
        match gather::round(site, request, true, found, writer, events).await? {
            Round::Whole(gathered) => return Ok(*gathered),
            Round::StartOver(reason) => {
                events.event(Event::Note(format!(
                    "starting over with a new revision (attempt {attempt} of {ATTEMPTS}): {reason}"
                )));
                why = reason;
                writer.restart().await?;
            }
        }
    }
    let why = format!("the revision was lost {ATTEMPTS} times while it was read, last because {why}");
    events.event(Event::Note(format!("{why}; reading each resource as it is now")));
    let found = survey(site, request, false, events).await?;
    match gather::round(site, request, false, found, writer, events).await? {
        Round::Whole(mut gathered) => {
            gathered.consistency = Consistency::PerResource { why };
            Ok(*gathered)
        }
        Round::StartOver(_) => unreachable!("a round without a revision has none to lose"),
    }
}

fn outcome(identity: &Identity, request: &BackupRequest, gathered: Gathered, clock: &dyn Clock) -> Outcome {
    Outcome {
        finished: clock.now(),
        server: Server {
            version: identity.version.clone(),
            major: identity.major.clone(),
            minor: identity.minor.clone(),
            url: identity.server.clone(),
            uid: identity.uid.clone().unwrap_or_default(),
            context: identity.context.clone(),
        },
        revision: gathered.revision,
        consistency: gathered.consistency,
        problems: gathered.problems,
        left_out: gathered.left_out,
        outside: gathered.outside,
        fallbacks: gathered.fallbacks,
        complete: gathered.complete,
        spec: spec::velero(&request.filter, &request.storage_location, request.ttl),
        ttl: request.ttl,
        warnings: gathered.warnings,
    }
}
