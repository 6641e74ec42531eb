//! A member's data directory: which database it means, and what its log holds beyond that.
//!
//! A database lags behind what its member acknowledged, since etcd writes it a hundred milliseconds or ten thousand entries
//! later than the log. Here that is found out and told. What it refuses to do: apply entries, lock, or change a byte; and
//! say whether the directory is in use, which whoever opens it asks first.
//!
//! Rules: etcd v3.6.16, `server/storage/backend.go` (RecoverSnapshotBackend) and `server/etcdserver/bootstrap.go`
//! (recoverSnapshot).

mod layout;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

pub use layout::Layout;

use crate::bolt::Map;
use crate::mvcc::Backend;
use crate::wal::{self, HardState, Identity, Mark, Pending, Snapshot, Torn};
use crate::{Error, Result};

/// Which file is a member's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// `member/snap/db`, as nearly always.
    Own(PathBuf),
    /// A database that the leader sent: the member was ended before it took the place of its own, which is older.
    Sent(PathBuf),
}

impl Which {
    /// The file.
    pub fn path(&self) -> &Path {
        match self {
            Which::Own(path) | Which::Sent(path) => path,
        }
    }
}

/// What a member's directory says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir {
    /// Where its parts are.
    pub layout: Layout,
    /// Whose it is.
    pub identity: Identity,
    /// Up to where its log is decided.
    pub state: HardState,
    /// The newest raft snapshot that its log knows, as etcd chooses it.
    pub snapshot: Option<Mark>,
    /// The last entry of its log.
    pub last: u64,
    /// Where its log is torn.
    pub torn: Option<Torn>,
    /// The database.
    pub database: Which,
    /// The last entry that is in the database.
    pub consistent_index: u64,
}

/// What is in the log only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beyond {
    /// Decided, and not in the database.
    pub committed: Vec<Pending>,
    /// Not known to be decided: other members may have dropped them, and a member alone may have acknowledged them.
    pub undecided: Vec<Pending>,
}

impl Beyond {
    /// Whether something would be lost with the log: a request that changes data, decided or not.
    pub fn holds_data(&self) -> bool {
        self.pending().any(|entry| entry.request.kind.holds_data())
    }

    /// How many entries would be lost that change data.
    pub fn data_entries(&self) -> usize {
        self.pending().filter(|entry| entry.request.kind.holds_data()).count()
    }

    fn pending(&self) -> impl Iterator<Item = &Pending> {
        self.committed.iter().chain(&self.undecided)
    }
}

impl DataDir {
    /// Looks at a data directory, or at the `member` directory in it. `wal_dir` is for logs that are kept elsewhere.
    ///
    /// # Errors
    /// [`Error::Foreign`] if it is none; [`Error::Corrupt`] where its log or its database is damaged, or the database that
    /// its newest raft snapshot stands for is missing; [`Error::Io`].
    pub fn open(dir: &Path, wal_dir: Option<&Path>) -> Result<DataDir> {
        let layout = Layout::of(dir, wal_dir)?;
        let survey = wal::survey(&layout.wal)?;
        let snapshot = newest(&layout.snap, &survey.marks)?.map(|snapshot| snapshot.mark);
        let own = consistent_index(&layout.db())?;
        let (database, consistent_index) = match snapshot {
            Some(mark) if mark.index > own => {
                let sent = layout.sent(mark.index);
                if !sent.exists() {
                    return Err(Error::Corrupt {
                        place: layout.db().display().to_string(),
                        what: format!(
                            "the database ends at entry {own}, the raft snapshot at {}, and {} is missing: etcd does not start from this",
                            mark.index,
                            sent.display()
                        ),
                    });
                }
                let index = consistent_index(&sent)?;
                (Which::Sent(sent), index)
            }
            _ => (Which::Own(layout.db()), own),
        };
        Ok(DataDir {
            layout,
            identity: survey.identity,
            state: survey.state,
            snapshot,
            last: survey.last,
            torn: survey.torn,
            database,
            consistent_index,
        })
    }

    /// The entries that are in the log and not in the database.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where the log is damaged, or does not reach back to the database; [`Error::Io`].
    pub fn beyond(&self) -> Result<Beyond> {
        if self.last <= self.consistent_index {
            return Ok(Beyond::default());
        }
        let mut committed = wal::entries(&self.layout.wal, self.consistent_index)?;
        let decided = committed.partition_point(|entry| entry.index <= self.state.commit);
        let undecided = committed.split_off(decided);
        Ok(Beyond { committed, undecided })
    }
}

/// The newest raft snapshot that the log knows too; one that cannot be read is passed over, as etcd does.
fn newest(snap: &Path, marks: &[Mark]) -> Result<Option<Snapshot>> {
    let failed = |source| Error::Io { doing: "list", path: snap.to_owned(), source };
    let mut names = Vec::new();
    for file in fs::read_dir(snap).map_err(failed)? {
        let path = file.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "snap") {
            names.push(path);
        }
    }
    names.sort();
    for path in names.into_iter().rev() {
        match wal::read_snap(&path) {
            Ok(snapshot) if marks.contains(&snapshot.mark) => return Ok(Some(snapshot)),
            Ok(_) | Err(Error::Corrupt { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(None)
}

/// The last entry in a database; 0 where none was written down yet.
fn consistent_index(db: &Path) -> Result<u64> {
    Ok(Backend::open(Map::open(db)?)?.consistent_index()?.unwrap_or(0))
}
