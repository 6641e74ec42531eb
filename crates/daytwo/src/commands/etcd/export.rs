//! `daytwo etcd export`: a file's objects as a backup in Velero's layout, so that a restore brings some of them back.

use std::path::Path;

use daytwo_archive::{BackupName, Problem, Server};
use daytwo_core::resource::{Named, ResourceType};
use daytwo_engine::StoredRequest;

use super::open::Opened;
use super::snapshot::{Entry, Snapshot};
use super::versions;
use crate::cli::etcd::file::{As, Export};
use crate::commands::backup::describe::{self, Style};
use crate::commands::backup::writing;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::filters;
use crate::output::words;
use crate::place;
use crate::progress::Progress;
use crate::settings::Session;

/// Writes the backup and prints what came of it; exit 1 where an object could not be shown.
///
/// # Errors
/// Exit 2 for what cannot be asked, exit 4 where the name is taken; those of the file and of the location.
pub async fn run(session: &Session, verb: Export) -> Result {
    let As::Backup = verb.form;
    let mut filter = filters::filter(&verb.filters)?;
    let named = verb.name.as_deref().map(BackupName::try_from).transpose()?;
    let (write, ttl) = writing::options(session, &verb.writing)?;
    let opened = Opened::open(session, &verb.source.file, &verb.source.reading)?;
    let snapshot = Snapshot::of(opened, verb.moment.revision)?;
    let known: Vec<Named> =
        snapshot.resources().iter().map(|(kind, _)| Named::from(ResourceType::clone(kind))).collect();
    let mut warnings: Vec<String> = Vec::new();
    for name in filter.resolve(&known) {
        warnings.push(format!("the file has no resource {name}"));
    }
    if !snapshot.undefined().is_empty() {
        let first = &snapshot.undefined()[0];
        let count = words::count(snapshot.undefined().len() as u64, "object");
        warnings
            .push(format!("{count} of resources that nothing in the file defines are left out, as {first}"));
    }
    warnings.iter().for_each(|warning| session.speak.warn(warning));
    let name = match named {
        Some(name) => name,
        None => default_name(&verb.source.file, snapshot.revision())?,
    };
    let location = place::open(session, &verb.at).await?;
    session.speak.note(&format!(
        "exporting {} as of revision {} as {name} to {}",
        snapshot.name(),
        snapshot.revision(),
        location.url()
    ));
    let request = StoredRequest {
        name,
        filter,
        ttl,
        storage_location: place::storage_location(&verb.at).to_owned(),
        revision: u64::try_from(snapshot.revision()).ok(),
        server: server(&snapshot)?,
        warnings,
        write,
    };
    let resources = snapshot
        .resources()
        .iter()
        .map(|(kind, entries)| {
            (ResourceType::clone(kind), entries.iter().map(|entry| object(&snapshot, entry)))
        })
        .collect();
    let progress = Progress::new(session);
    let token = session.interrupt.token();
    let head = daytwo_engine::store(&location, request, resources, &*session.clock, &progress, token).await;
    drop(progress);
    let head = head?;
    let exit = if head.problems.is_empty() { Exit::Done } else { Exit::Findings };
    for problem in &head.problems {
        session.speak.warn(&describe::problem(problem));
    }
    session.out.document(&describe::BackupDocument::new(location.url(), head, Style::Brief))?;
    Ok(exit)
}

/// The object's JSON, or why it is not in the backup.
fn object(snapshot: &Snapshot, entry: &Entry) -> Result<Vec<u8>, Problem> {
    let problem = |what: String| Problem {
        resource: entry.key.resource.clone(),
        namespace: entry.key.namespace.clone(),
        name: Some(entry.key.name.clone()),
        what,
    };
    let shown = snapshot.show(entry).map_err(|failure| problem(failure.message()))?;
    let shown = shown.map_err(|why| problem(why.to_string()))?;
    serde_json::to_vec(&shown.object).map_err(|error| problem(error.to_string()))
}

/// What is known of the cluster: its version as the file shows it, and the uid of kube-system.
fn server(snapshot: &Snapshot) -> Result<Server> {
    let found = versions::of(snapshot)?;
    let version = found.newest().map(str::to_owned).unwrap_or_default();
    let mut numbers = version.trim_start_matches('v').split('.').map(str::to_owned);
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    Ok(Server { version, major, minor, url: String::new(), uid: found.uid, context: String::new() })
}

/// `snapshot-81234` of `/backups/snapshot.db`.
fn default_name(file: &Path, revision: i64) -> Result<BackupName> {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let plain: String =
        stem.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let plain: String = plain.trim_matches('-').chars().take(40).collect();
    let name = format!("{}-{revision}", plain.trim_end_matches('-'));
    BackupName::try_from(name.trim_start_matches('-'))
        .map_err(|error| Failure::from(error).or_try("daytwo etcd export FILE NAME"))
}
