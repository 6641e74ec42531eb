//! `daytwo etcd plan restore` and `plan quorum`: a page to print, for hands.
//!
//! What is in the files is gathered here; `daytwo_core::recovery` decides. Nothing is contacted and nothing is changed.

mod facts;
mod look;

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use daytwo_core::recovery::{self, Facts, Kept, Member, Recovery, Refused, Request, Snapshot};
use daytwo_etcd::kube::{Keyring, Objects, Prefix};
use daytwo_etcd::source::{self, Options, Source};
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use self::facts::{begin_with, members, with_dirs};
use self::look::Looked;
use crate::cli::etcd::plan::{Plan, Quorum, Restore, Site};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Document;
use crate::output::paint::Paint;
use crate::settings::Session;

#[derive(Serialize)]
#[serde(transparent)]
struct Page(Recovery);

impl Document for Page {
    fn kind(&self) -> Option<&'static str> {
        Some("RecoveryPlan")
    }

    fn text(&self, _: Paint, _: bool) -> String {
        self.0.to_string()
    }

    /// The hosts to go to.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for phase in &self.0.phases {
            if !names.contains(&phase.host.name) {
                names.push(phase.host.name.clone());
            }
        }
        names
    }
}

/// Runs one verb, on a thread of its own.
///
/// # Errors
/// Exit 2 where the site cannot be told from the data, exit 4 for a plan that would not end well.
pub async fn run(session: &Session, verb: Plan) -> Result {
    let now = session.clock.now();
    let planned = tokio::task::spawn_blocking(move || match verb {
        Plan::Restore(verb) => restore(&verb, now),
        Plan::Quorum(verb) => quorum(&verb, now),
    });
    let plan = match session.interrupt.or(planned).await {
        None => return Err(Failure::new(Exit::Failed, "stopped")),
        Some(ended) => ended??,
    };
    session.out.document(&Page(plan))?;
    Ok(Exit::Done)
}

fn restore(verb: &Restore, now: Timestamp) -> Result<Recovery> {
    if fs::metadata(&verb.file).is_ok_and(|found| found.is_dir()) {
        let what = format!("{} is a directory: a snapshot is one file", verb.file.display());
        return Err(Failure::usage(what)
            .or_try("daytwo etcd plan quorum --dir NAME=DIR, for a member's data directory"));
    }
    let source = source::open(&verb.file, &Options::default())?;
    let objects = objects(&verb.site)?;
    let looked = Looked::at(source.store(), &objects)?;
    let mut snapshot = snapshot(verb, &source)?;
    snapshot.sealed = looked.sealed;
    if let Some(file) = verb.token_file.as_deref().filter(|file| looked.sealed && Path::new(file).is_file()) {
        snapshot.opens = look::opens(source.store(), Path::new(file))?;
    }
    let known = match source.backend() {
        Some(backend) => backend.members()?,
        None => Vec::new(),
    };
    let members = members(&verb.site, &known, &looked)?;
    let members = begin_with(verb.first.as_deref(), members)?;
    let facts = facts::of(&verb.site, members, looked, Some(snapshot))?;
    let request = Request {
        bump: verb.bump_revision,
        owner: verb.owner.clone(),
        token_file: verb.token_file.clone(),
        ..request(&verb.site, now)
    };
    recovery::restore(&facts, &request).map_err(|why| refused(&why))
}

fn quorum(verb: &Quorum, now: Timestamp) -> Result<Recovery> {
    let objects = objects(&verb.site)?;
    let dirs = look::dirs(&verb.dirs)?;
    // The objects of the one furthest on: nodes that joined last are in it.
    let best = dirs.iter().max_by_key(|dir| (dir.standing.committed(), dir.standing.last));
    let (looked, known) = match best {
        Some(dir) => {
            let known = match dir.source.backend() {
                Some(backend) => backend.members()?,
                None => Vec::new(),
            };
            (Looked::at(dir.source.store(), &objects)?, known)
        }
        None => (Looked::default(), Vec::new()),
    };
    let members: Vec<Member> = with_dirs(members(&verb.site, &known, &looked)?, &dirs)?;
    let furthest = recovery::furthest(&members).and_then(|best| Some(best.first()?.host.name.clone()));
    let members = begin_with(verb.alive.as_deref().or(furthest.as_deref()), members)?;
    let facts: Facts = facts::of(&verb.site, members, looked, None)?;
    recovery::quorum(&facts, &request(&verb.site, now)).map_err(|why| refused(&why))
}

fn objects(site: &Site) -> Result<Objects> {
    let keyring = match &site.encryption_config {
        Some(path) => Keyring::read(path)?,
        None => Keyring::default(),
    };
    Ok(Objects::new(Prefix::new(&site.etcd_prefix), keyring))
}

fn request(site: &Site, now: Timestamp) -> Request {
    Request {
        stamp: now.strftime("%Y%m%dT%H%M%SZ").to_string(),
        data_dir: site.data_dir.clone(),
        bump: 0,
        owner: None,
        token_file: None,
    }
}

/// What is put back, but for what its objects say.
fn snapshot(verb: &Restore, source: &Source) -> Result<Snapshot> {
    let path = match &verb.path {
        Some(path) => path.clone(),
        None => absolute(&verb.file)?,
    };
    let readable = source.store().readable()?;
    let sha256 = Some(digest(&verb.file)?);
    let kept = match source.backend() {
        Some(backend) => Kept::Etcd { digest: backend.tail().is_some() },
        None => Kept::Sqlite { wal: beside(&verb.file, "-wal") },
    };
    let mut snapshot = Snapshot {
        path,
        kept,
        size: fs::metadata(&verb.file)?.len(),
        sha256,
        revision: readable.newest,
        storage_version: None,
        alarms: Vec::new(),
        leases: 0,
        sealed: false,
        opens: None,
    };
    if let Some(backend) = source.backend() {
        snapshot.size = u64::try_from(backend.bytes().len())?;
        snapshot.storage_version = backend.storage_version()?;
        snapshot.alarms = look::alarms(backend)?;
        snapshot.leases = u64::try_from(backend.leases()?.len())?;
    }
    Ok(snapshot)
}

/// Whether a file with something in it stands beside `path` under its name and `tail`.
fn beside(path: &Path, tail: &str) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push(tail);
    fs::metadata(name).is_ok_and(|found| found.len() > 0)
}

fn absolute(path: &Path) -> Result<String> {
    let whole = std::path::absolute(path)?;
    whole.into_os_string().into_string().map_err(|name| {
        Failure::usage(format!("{} is no text, and cannot stand in a plan", name.to_string_lossy()))
    })
}

fn digest(path: &Path) -> Result<String> {
    let mut digest = Sha256::new();
    let mut file = File::open(path)?;
    let mut bytes = vec![0; 1 << 20];
    loop {
        match file.read(&mut bytes)? {
            0 => break,
            read => digest.update(&bytes[..read]),
        }
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn refused(why: &Refused) -> Failure {
    let text = why.to_string();
    match why {
        Refused::TooOld { .. } => Failure::refused(text).or_try("--for-etcd VERSION, if that will run"),
        Refused::Token
        | Refused::NotHere(_)
        | Refused::Half(_)
        | Refused::Corrupt
        | Refused::TwoClusters(..) => Failure::refused(text),
        Refused::NoSnapshot | Refused::NoMember | Refused::Twice(_) | Refused::Unprintable(_) => {
            Failure::usage(text)
        }
    }
}
