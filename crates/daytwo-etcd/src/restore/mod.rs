//! Makes a data directory, out of a snapshot or a member's database, that etcd starts from as a member of a new cluster.
//!
//! The pages are copied while they are hashed, and the few small buckets that must differ are written behind them, as bbolt
//! would. It comes to its place whole or not at all. What it refuses to do: write over anything, take a file whose sha256 is
//! not that of its bytes or whose pages do not hold together, or leave behind what is only in a member's log unless told.
//!
//! Kept as they are: keys and their revisions, users and roles, leases (each with its full time again), the cluster's and
//! the storage's version, and alarms unless they are to go. Rules: etcd v3.6.16, `etcdutl/snapshot/v3_snapshot.go`.

mod cluster;
mod copy;
mod edits;
mod place;

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::num::NonZeroI64;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

pub use cluster::Cluster;
pub use place::Owner;

use crate::bolt::{Entry, Flaw, Stop, Visit, check};
use crate::datadir::Beyond;
use crate::mvcc::{Alarm, Backend};
use crate::wal::{self, NewLog, Snapshot};
use crate::{Error, Result, Store as _};
use edits::Edits;
use place::Staged;

/// A minor version of etcd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minor {
    /// Before the first dot.
    pub major: u32,
    /// Between the first and the second.
    pub minor: u32,
}

impl Minor {
    /// Reads `3.6`, `v3.6` or `3.6.16`.
    pub fn parse(text: &str) -> Option<Minor> {
        let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
        let mut number = || parts.next()?.parse().ok();
        Some(Minor { major: number()?, minor: number()? })
    }
}

/// What is to be restored, and where to.
#[derive(Debug)]
pub struct Request<'a> {
    /// The snapshot, or a member's database. It must not be live.
    pub database: &'a Backend,
    /// What is in the log of the member's directory that the database is of, if it is of one.
    pub beyond: Option<&'a Beyond>,
    /// Whether what is in that log only may stay behind.
    pub accept_loss: bool,
    /// The member that shall start from it.
    pub cluster: &'a Cluster,
    /// The data directory: absent, or empty.
    pub data_dir: &'a Path,
    /// Where its log shall be, if not in it: absent, or empty.
    pub wal_dir: Option<&'a Path>,
    /// By how much the newest revision is raised, and everything up to there marked as compacted: watchers that know a
    /// higher revision than the snapshot's get an error in place of a past that did not happen.
    pub bump: Option<NonZeroI64>,
    /// The etcd that shall start from it.
    pub for_etcd: Option<Minor>,
    /// Whether alarms that were on are left out.
    pub drop_alarms: bool,
    /// Whose it shall be.
    pub owner: Option<Owner>,
    /// Whether the database is written anew, without the free pages in it.
    pub defragment: bool,
    /// Whether the file is taken as it is: neither its sha256 nor, where it has none, its structure is looked at.
    pub skip_hash_check: bool,
}

/// How a file was found to be whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// The sha256 at its end is that of its bytes.
    Hash,
    /// It has no sha256; its pages hold together.
    Structure,
    /// It was not looked at, as was asked.
    Not,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How the file was checked.
    pub checked: Checked,
    /// Bytes of the database that was made.
    pub size: u64,
    /// The newest revision in it.
    pub revision: i64,
    /// The revision below which nothing can be read, if it was compacted.
    pub compacted: Option<i64>,
    /// Alarms that are still on: with NOSPACE every put fails until it is disarmed.
    pub alarms: Vec<Alarm>,
    /// Alarms that were left out.
    pub alarms_dropped: Vec<Alarm>,
    /// Leases, each with its full time again.
    pub leases: usize,
    /// Whether clients have to log in, as before.
    pub auth_enabled: bool,
    /// The version that all members of the old cluster agreed on.
    pub cluster_version: Option<String>,
    /// The schema's version; etcd before 3.6 wrote none.
    pub storage_version: Option<String>,
    /// Entries of the log with data in them that stayed behind.
    pub lost: usize,
}

/// Makes the data directory.
///
/// # Errors
/// [`Error::Exists`] if something is in the way, [`Error::Live`] if another restore makes it just now, [`Error::Unsafe`] if
/// data would stay behind or that etcd would not start, [`Error::Corrupt`] if the file is damaged, [`Error::Invalid`] if the
/// revision cannot be bumped that far, and [`Error::Io`]. Nothing is left behind then.
pub fn restore(request: &Request<'_>) -> Result<Report> {
    accept(request)?;
    let staged = Staged::begin(request.data_dir, request.wal_dir)?;
    let layout = staged.layout();
    let log = NewLog { identity: request.cluster.identity(), members: request.cluster.members() };

    let report = write_database(request, &log, &layout.db())?;
    wal::write(&layout.wal, &log)?;
    let snapshot = Snapshot { mark: log.mark(), state: log.conf_state(), data: wal::to_v2(log.members) };
    write_file(&layout.snap.join(snapshot.file_name()), &wal::write_snap(&snapshot))?;
    staged.finish(request.owner)?;
    Ok(report)
}

/// Refuses what would do harm.
fn accept(request: &Request<'_>) -> Result<()> {
    if let Some(beyond) = request.beyond.filter(|beyond| beyond.holds_data() && !request.accept_loss) {
        return Err(Error::Unsafe {
            what: format!(
                "{} entries with data are in this member's log only and would be lost; {} of them are not known to be \
                 decided. To lose nothing, start that member once, as it is if it was alone in its cluster, else with \
                 --force-new-cluster (which drops what is not known to be decided), and save a snapshot of it; to leave \
                 them behind, give --accept-loss",
                beyond.data_entries(),
                beyond.undecided.iter().filter(|entry| entry.request.kind.holds_data()).count()
            ),
        });
    }
    let wanted = request.for_etcd;
    let Some(version) = request.database.storage_version()? else { return Ok(()) };
    match (Minor::parse(&version), wanted) {
        (Some(found), Some(wanted)) if found > wanted => Err(Error::Unsafe {
            what: format!(
                "its storage version is {version}, which etcd {}.{} does not start from: restore it for {}.{} or newer",
                wanted.major, wanted.minor, found.major, found.minor
            ),
        }),
        _ => Ok(()),
    }
}

fn write_database(request: &Request<'_>, log: &NewLog<'_>, path: &Path) -> Result<Report> {
    let database = request.database;
    let failed = |source| Error::Io { doing: "write", path: path.to_owned(), source };
    let file: File =
        OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let tail = database.tail().filter(|_| !request.skip_hash_check);
    let mut checked = if tail.is_some() { Checked::Hash } else { Checked::Not };
    if tail.is_none() && !request.skip_hash_check {
        whole(database)?;
        checked = Checked::Structure;
    }
    database.read_ahead();
    // Nothing of the file is believed before its hash was seen: the edits come after the copy.
    let digest = match request.defragment {
        false => {
            copy::copy(database.db().bytes(), tail.map(|_| database.before_tail()), &file).map_err(failed)?
        }
        true => tail.map(|_| copy::digest(database.before_tail())),
    };
    if tail.is_some() && digest.as_ref() != tail {
        let what = "its bytes have another sha256 than the one at its end".to_owned();
        return Err(Error::Corrupt { place: "the end of the file".to_owned(), what });
    }
    let newest = database.readable()?.newest;
    let last = newest_record(database)?;
    let bumped = match request.bump.map(|by| by.get()) {
        None => None,
        Some(by) if by > 0 => Some(last.checked_add(by).ok_or_else(|| too_far(last, by))?),
        Some(by) => return Err(too_far(last, by)),
    };
    let edits = Edits::of(database, log, bumped, request.drop_alarms)?;
    let size = match request.defragment {
        true => edits.rewrite(database, &file, path)?,
        false => edits.apply(database, &file, path)?,
    };
    file.set_len(size).and_then(|()| file.sync_all()).map_err(failed)?;
    let alarms = database.alarms()?;
    let (alarms, alarms_dropped) =
        if request.drop_alarms { (Vec::new(), alarms) } else { (alarms, Vec::new()) };
    Ok(Report {
        checked,
        size,
        revision: bumped.unwrap_or(newest),
        compacted: bumped.or(database.compaction()?.newest()),
        alarms,
        alarms_dropped,
        leases: database.leases()?.len(),
        auth_enabled: database.auth_enabled()?,
        cluster_version: database.cluster_version()?,
        storage_version: database.storage_version()?,
        lost: request.beyond.map_or(0, Beyond::data_entries),
    })
}

/// The revision of the last record; 0 if there is none, as etcdutl counts.
fn newest_record(database: &Backend) -> Result<i64> {
    let mut newest = 0;
    database.newest_first(&mut |record| {
        newest = record.revision.main;
        std::ops::ControlFlow::Break(())
    })?;
    Ok(newest)
}

fn too_far(last: i64, by: i64) -> Error {
    Error::Invalid(format!("the newest revision is {last}: it cannot be bumped by {by}"))
}

/// Whether the pages hold together.
fn whole(database: &Backend) -> Result<()> {
    struct First(Option<Flaw>);
    impl<'a> Visit<'a> for First {
        fn bucket(&mut self, _: &[&'a [u8]], _: &Entry<'a>) -> std::result::Result<(), Stop> {
            Ok(())
        }
        fn entry(&mut self, _: &[&'a [u8]], _: &Entry<'a>) -> std::result::Result<(), Stop> {
            Ok(())
        }
        fn flaw(&mut self, flaw: Flaw) -> std::result::Result<(), Stop> {
            self.0 = Some(flaw);
            Err(Stop)
        }
    }
    let mut first = First(None);
    let _ = check(database.db(), &mut first);
    first.0.map_or(Ok(()), |flaw| Err(flaw.into()))
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = || {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all_at(bytes, 0)?;
        file.sync_all()
    };
    written().map_err(|source| Error::Io { doing: "write", path: path.to_owned(), source })
}
