//! `daytwo etcd save`: a snapshot of a living cluster, to a location or a file.

use std::path::Path;

use daytwo_archive::{BackupName, Location, LocationOptions};
use daytwo_engine::etcd::{Revisions, STORE, SaveRequest, Saved, Source, Target, depends, save_sqlite};
use serde::Serialize;

use crate::cli::etcd::live::Save;
use crate::commands::backup::writing::recipients;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Document;
use crate::output::paint::Paint;
use crate::output::words;
use crate::place;
use crate::progress::Progress;
use crate::settings::Session;

use super::reach;

/// Saves and prints the record.
///
/// # Errors
/// Exit 2 for what cannot be asked, exit 3 where etcd or the store do not answer, exit 4 where the name is taken.
pub async fn run(session: &Session, verb: Save) -> Result {
    let recipients = recipients(&verb.encrypt_to)?;
    let target = target(session, &verb).await?;
    let root = &verb.reach.host_root;
    let request = SaveRequest { member: verb.member, recipients, depends: depends(root) };
    let (clock, stop) = (&*session.clock, session.interrupt.token());
    let progress = Progress::new(session);
    let saved = match &verb.sqlite {
        Some(path) => {
            let path = if path == Path::new("found") { root.join(STORE) } else { path.clone() };
            save_sqlite(&path, &request, &target, clock, &progress, stop).await
        }
        None => {
            let reached = reach::reach(session, &verb.reach)?;
            daytwo_engine::etcd::save(&reached.access, &request, &target, clock, &progress, stop).await
        }
    };
    drop(progress);
    let saved = saved?;
    if saved.stored.is_none() {
        session.speak.note("it is not encrypted, and holds every Secret of the cluster; see --encrypt-to");
    }
    for missing in &saved.depends.missing {
        session.speak.warn(&format!("{} not found: {}", missing.what, missing.why));
    }
    if saved.depends.token.as_ref().is_some_and(|token| token.opens == Some(false)) {
        session.speak.warn("the token on this host does not open what K3s or RKE2 keep in this snapshot");
    }
    session.out.document(&SavedDocument { saved })?;
    Ok(Exit::Done)
}

async fn target(session: &Session, verb: &Save) -> Result<Target> {
    if let Some(file) = &verb.to {
        let name = file.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| Failure::usage(format!("{} names no file", file.display())))?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = std::path::absolute(folder)?;
        let folder =
            folder.to_str().ok_or_else(|| Failure::usage(format!("{} is no text", folder.display())))?;
        return Ok(Target::file(&Location::open(folder, &LocationOptions::default())?, name));
    }
    let stamp = session.clock.now().strftime("%Y%m%d%H%M%S");
    let name = verb.name.clone().unwrap_or_else(|| format!("etcd-{stamp}"));
    let name = BackupName::try_from(name.as_str())?;
    let location = place::open(session, &verb.at).await?;
    let unique: String = session.run.chars().take(8).collect();
    Ok(Target::named(&location, name.as_str(), &unique))
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct SavedDocument {
    saved: Saved,
}

impl Document for SavedDocument {
    fn kind(&self) -> Option<&'static str> {
        None
    }

    fn text(&self, paint: Paint, _: bool) -> String {
        let saved = &self.saved;
        let revision = |revision: &Revisions| match (revision.from, revision.to) {
            (from, to) if from == to => paint.strong(&format!("revision {from}")),
            (from, to) => paint.strong(&format!("a revision from {from} to {to}")),
        };
        let took = words::took(saved.finished.duration_since(saved.started));
        let mut text = match &saved.source {
            Source::Etcd { cluster, name, leader, version, revision: at, .. } => {
                let role = if *leader { "the leader" } else { "a follower" };
                let at = revision(at);
                format!("{at} of cluster {cluster} (etcd {version}) from {name}, {role}, in {took}\n")
            }
            Source::Kine { path, revision: at, .. } => {
                format!("{} of {}, in {took}\n", revision(at), path.display())
            }
        };
        text.push_str(&format!("  {} at {}\n", saved.file, saved.location));
        text.push_str(&format!("  {}, sha256 {}\n", words::bytes(saved.size), saved.sha256));
        if let Some(stored) = &saved.stored {
            text.push_str(&format!(
                "  stored encrypted: {}, sha256 {}\n",
                words::bytes(stored.size),
                stored.sha256
            ));
        }
        let needs = &saved.depends;
        if let Some(by) = &needs.installed_by {
            text.push_str(&format!("  made on a host of {by}; to be of use it needs\n"));
        }
        if let Some(token) = &needs.token {
            let opens = match token.opens {
                Some(true) => ", which opens it",
                Some(false) => ", which does not open it",
                None => "",
            };
            text.push_str(&format!("    the token of {}{opens}\n", token.path.display()));
        }
        if let Some(encryption) = &needs.encryption {
            let keys = encryption.keys.join(", ");
            text.push_str(&format!("    the keys {keys} of {}\n", encryption.path.display()));
        }
        for authority in &needs.authorities {
            text.push_str(&format!("    {}, sha256 {}\n", authority.path.display(), authority.sha256));
        }
        for key in &needs.service_account_keys {
            text.push_str(&format!("    {}, kid {}\n", key.path.display(), key.kid));
        }
        text
    }

    fn names(&self) -> Vec<String> {
        vec![self.saved.file.clone()]
    }
}
