//! Opens whatever a site has of etcd's or K3s' data: a snapshot, a zip of one, a member's database or directory, kine's
//! database, the folder of a K3s server.
//!
//! What a file is, is told by its first bytes and before anything else opens it, never by its name. What it refuses to do:
//! open what a running etcd holds, apply what a member's log holds beyond its database (it tells how much that is), and
//! unpack more than was asked for.

mod folder;
mod kind;
mod live;
mod snapshot;
mod unpack;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub use kind::Kind;
pub use live::refuse_live;
pub use unpack::Packed;

use crate::bolt::Map;
use crate::datadir::{Beyond, DataDir, Layout};
use crate::kine::Kine;
use crate::mvcc::Backend;
use crate::{Error, Result, Store};

/// How to open.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where files are unpacked or copied to, where that must be: room for the largest, and fit for Secrets. It has no
    /// name there once the source is open, so that nothing is left of it.
    pub scratch: PathBuf,
    /// The most bytes that are unpacked out of a zip.
    pub most_unpacked: u64,
    /// Where a member keeps its log, if not in its data directory.
    pub wal_dir: Option<PathBuf>,
}

impl Default for Options {
    /// The system's folder for temporary files; 16 GiB, twice of what etcd advises a database to be at most.
    fn default() -> Options {
        Options { scratch: std::env::temp_dir(), most_unpacked: 16 << 30, wal_dir: None }
    }
}

/// What is read from.
#[derive(Debug)]
enum Content {
    Backend(Box<Backend>),
    Kine(Box<Kine>),
}

/// An opened source of records.
#[derive(Debug)]
pub struct Source {
    content: Content,
    found: Found,
}

/// What was found on the way.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Found {
    /// The file that was taken: the one that was named, or the database in the folder that was.
    pub file: PathBuf,
    /// Where it was a zip: what was in it.
    pub packed: Option<Packed>,
    /// Where it is a member's database in its directory: what that says.
    pub member: Option<DataDir>,
    /// What the member's log holds that is not in the database, and so is not shown.
    pub beyond: Option<Beyond>,
    /// What K3s or RKE2 keeps beside a snapshot: the data of the ConfigMap `k3s-etcd-snapshot-extra-metadata` or
    /// `rke2-…` of when it was taken.
    pub metadata: Option<BTreeMap<String, String>>,
    /// What a person should know of the choice that was made, each a sentence.
    pub notes: Vec<String>,
}

impl Source {
    /// The records.
    pub fn store(&self) -> &dyn Store {
        match &self.content {
            Content::Backend(backend) => backend.as_ref(),
            Content::Kine(kine) => kine.as_ref(),
        }
    }

    /// etcd's file, if it is one.
    pub fn backend(&self) -> Option<&Backend> {
        match &self.content {
            Content::Backend(backend) => Some(backend),
            Content::Kine(_) => None,
        }
    }

    /// kine's database, if it is one.
    pub fn kine(&self) -> Option<&Kine> {
        match &self.content {
            Content::Kine(kine) => Some(kine),
            Content::Backend(_) => None,
        }
    }

    /// What was found on the way.
    pub fn found(&self) -> &Found {
        &self.found
    }
}

/// Opens the file or folder at `path`.
///
/// # Errors
/// [`Error::Foreign`] for what cannot be read from, with what it is and what to do; [`Error::Live`] if an etcd runs on it;
/// [`Error::Io`], also where a zip finds no room; [`Error::Corrupt`].
pub fn open(path: &Path, options: &Options) -> Result<Source> {
    let looked =
        fs::metadata(path).map_err(|source| Error::Io { doing: "open", path: path.to_owned(), source })?;
    if looked.is_dir() {
        return folder::open(path, options);
    }
    match kind::of(path)? {
        Kind::Bolt => match member_of(path) {
            Some(dir) => member(&dir, options, Some(path)),
            None => backend(path, Found { metadata: snapshot::metadata(path), ..Found::default() }),
        },
        Kind::Zip => {
            let (file, packed) = unpack::unpack(path, options)?;
            let map = Map::of(&file, path)?;
            let metadata = snapshot::metadata(path);
            let found = Found { packed: Some(packed), metadata, file: path.to_owned(), ..Found::default() };
            Ok(Source { content: Content::Backend(Box::new(Backend::open(map)?)), found })
        }
        Kind::Sqlite => kine(path, options, Vec::new()),
        Kind::Other(what) => Err(Error::Foreign { path: path.to_owned(), what }),
    }
}

fn backend(path: &Path, found: Found) -> Result<Source> {
    let file =
        File::open(path).map_err(|source| Error::Io { doing: "open", path: path.to_owned(), source })?;
    refuse_live(&file, path)?;
    let backend = Backend::open(Map::of(&file, path)?)?;
    let found = Found { file: path.to_owned(), ..found };
    Ok(Source { content: Content::Backend(Box::new(backend)), found })
}

fn kine(path: &Path, options: &Options, notes: Vec<String>) -> Result<Source> {
    let kine = Kine::open(path, &options.scratch)?;
    let found = Found { file: path.to_owned(), notes, ..Found::default() };
    Ok(Source { content: Content::Kine(Box::new(kine)), found })
}

/// Opens a member's directory, or `named`, a database in it.
fn member(dir: &Path, options: &Options, named: Option<&Path>) -> Result<Source> {
    let wal_dir = options.wal_dir.as_deref();
    let own = Layout::of(dir, wal_dir)?.db();
    // Before any of it is mapped.
    let file = File::open(&own).map_err(|source| Error::Io { doing: "open", path: own.clone(), source })?;
    refuse_live(&file, &own)?;
    drop(file);
    let mut found = Found::default();
    let (member, beyond) = match (look(dir, wal_dir), named) {
        (Ok(looked), _) => looked,
        (Err(error), Some(named)) => {
            // Whoever names the file may have nothing else left.
            let note =
                format!("its log was not looked at, so what that holds beyond the file is unknown: {error}");
            return backend(named, Found { notes: vec![note], ..found });
        }
        (Err(error), None) => return Err(error),
    };
    let database = member.database.path().to_owned();
    if let Some(named) = named
        && !same(named, &database)
    {
        let note = format!(
            "etcd would not start from this file but from {}: what follows is about this file, without its log",
            database.display()
        );
        return backend(named, Found { notes: vec![note], ..found });
    }
    if !same(&own, &database) {
        found.notes.push(format!(
            "the leader had sent {}, which is newer than the member's own database: it was taken, as etcd would",
            database.display()
        ));
    }
    found.beyond = Some(beyond);
    found.member = Some(member);
    backend(&database, found)
}

fn look(dir: &Path, wal_dir: Option<&Path>) -> Result<(DataDir, Beyond)> {
    let member = DataDir::open(dir, wal_dir)?;
    let beyond = member.beyond()?;
    Ok((member, beyond))
}

/// The member directory that `path` is a database of, if its log is there too.
fn member_of(path: &Path) -> Option<PathBuf> {
    let path = fs::canonicalize(path).ok()?;
    let snap = path.parent().filter(|folder| folder.ends_with("snap"))?;
    let member = snap.parent()?;
    (member.join("wal").is_dir() && snap.join("db").is_file()).then(|| member.to_owned())
}

fn same(one: &Path, other: &Path) -> bool {
    fs::canonicalize(one).ok().is_some_and(|one| fs::canonicalize(other).ok() == Some(one))
}

#[cfg(test)]
mod tests;
