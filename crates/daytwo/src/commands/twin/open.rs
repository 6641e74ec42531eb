//! Opens what a twin is of, and says what could not be taken over.

use std::path::PathBuf;

use daytwo_engine::Site;
use daytwo_twin::fixture::Fixture;
use daytwo_twin::open::Source;
use daytwo_twin::{Settings, Twin};

use crate::cli::etcd::file::Reading;
use crate::cli::shared::{At, Identities, Store};
use crate::cli::twin::{Of, Opening};
use crate::commands::backup::open as backups;
use crate::commands::etcd::open::Opened;
use crate::commands::etcd::snapshot::Snapshot;
use crate::commands::etcd::versions;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::words;
use crate::settings::Session;
use crate::site;

/// Notes that are told one by one.
const TOLD: usize = 20;

/// How a source is read, and how its twin behaves.
#[derive(Debug, Clone)]
pub struct Means<'a> {
    /// Where backups lie whose location is not named with them.
    at: &'a At,
    /// How the store is reached of a location that is named with a backup.
    store: Store,
    identities: &'a Identities,
    reading: Reading,
    seed: u64,
    read_only: bool,
}

impl<'a> Means<'a> {
    /// Those of a verb that takes a cluster: what a backup needs is what its own backup needs.
    pub fn beside(at: &'a At, identities: &'a Identities) -> Self {
        Self { at, store: Store::default(), identities, reading: Reading::usual(), seed: 0, read_only: false }
    }

    /// Those of a verb about a twin.
    pub fn of(opening: &'a Opening, read_only: bool) -> Self {
        Self {
            at: &opening.at,
            store: opening.at.store.clone(),
            identities: &opening.identities,
            reading: opening.reading.clone(),
            seed: opening.seed,
            read_only,
        }
    }
}

/// Opens `of` as a cluster in memory. What it holds, and what could not be taken over, is said.
///
/// # Errors
/// Exit 2 for a source that there is not, exit 3 where it cannot be reached or no key opens it; Ctrl-C.
pub async fn open(session: &Session, of: &Of, means: Means<'_>) -> Result<Twin> {
    let mut settings =
        Settings { seed: means.seed, read_only: means.read_only, ..Settings::new(session.clock.clone()) };
    let reading = source(session, of, &means, &settings);
    let stopped = || Failure::new(Exit::Failed, "stopped; nothing was opened");
    let source = session.interrupt.or(reading).await.ok_or_else(stopped)??;
    if let Some(version) = &source.version {
        version.clone_into(&mut settings.version);
    }
    let (objects, notes, version) = (source.objects(), source.notes.clone(), settings.version.clone());
    let twin = Twin::of(source, settings)?;
    let revision = twin.api().revision();
    session.speak.note(&format!(
        "{}: {} at revision {revision} of {version}, in memory",
        twin.name(),
        words::count(objects, "object")
    ));
    notes.iter().take(TOLD).for_each(|note| session.speak.warn(note));
    if notes.len() > TOLD {
        session.speak.warn(&format!("and {} more", notes.len() - TOLD));
    }
    Ok(twin)
}

async fn source(session: &Session, of: &Of, means: &Means<'_>, settings: &Settings) -> Result<Source> {
    match of {
        Of::Backup { name, location } => backup(session, name, location.clone(), means).await,
        Of::Etcd { file, revision } => etcd(session, file.clone(), *revision, means).await,
        Of::Fixture(fixture) => fixed(*fixture, settings.clone()).await,
        Of::Cluster(context) => {
            let site = Site::connect(&site::options(session, context.clone())).await?;
            Ok(Source::cluster(&site).await?)
        }
    }
}

async fn backup(
    session: &Session,
    name: &str,
    location: Option<String>,
    means: &Means<'_>,
) -> Result<Source> {
    let at = match location {
        Some(location) => At { location: Some(location), store: means.store.clone() },
        None => means.at.clone(),
    };
    let opened = backups::open(session, &at, means.identities, name).await?;
    Ok(Source::backup(&opened.backup).await?)
}

/// On a thread of its own, so that Ctrl-C is heard meanwhile.
async fn etcd(session: &Session, file: PathBuf, revision: Option<i64>, means: &Means<'_>) -> Result<Source> {
    let (session, reading) = (session.clone(), means.reading.clone());
    tokio::task::spawn_blocking(move || {
        let snapshot = Snapshot::of(Opened::open(&session, &file, &reading)?, revision)?;
        let version = versions::of(&snapshot)?.newest().map(str::to_owned);
        let opened = snapshot.opened();
        let mut source = Source::etcd(opened.name(), opened.store(), &opened.objects, revision)?;
        source.version = version;
        Ok(source)
    })
    .await?
}

/// The same: a large one takes a while.
async fn fixed(fixture: Fixture, settings: Settings) -> Result<Source> {
    Ok(tokio::task::spawn_blocking(move || Source::fixture(fixture, &settings)).await?)
}
