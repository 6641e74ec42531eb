//! Where the parts of a data directory are: etcd v3.6.16, `server/storage/datadir/datadir.go`.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Where the parts of a data directory are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// `member/snap`: the database and raft snapshots.
    pub snap: PathBuf,
    /// `member/wal`, or where the log is kept in its place.
    pub wal: PathBuf,
}

impl Layout {
    /// The parts of `dir`, which is a data directory or the `member` directory in one.
    ///
    /// # Errors
    /// [`Error::Foreign`] if there is no database in it.
    pub fn of(dir: &Path, wal_dir: Option<&Path>) -> Result<Layout> {
        let member = [dir.join("member"), dir.to_owned()].into_iter().find(|member| is_member(member));
        let Some(member) = member else {
            return Err(Error::Foreign {
                path: dir.to_owned(),
                what: "no data directory of etcd: member/snap/db is not in it".to_owned(),
            });
        };
        Ok(Layout::new(&member, wal_dir))
    }

    /// The parts of the member directory `member`, which need not be there.
    pub fn new(member: &Path, wal_dir: Option<&Path>) -> Layout {
        let wal = wal_dir.map_or_else(|| member.join("wal"), Path::to_owned);
        Layout { snap: member.join("snap"), wal }
    }

    /// The database.
    pub fn db(&self) -> PathBuf {
        self.snap.join("db")
    }

    /// A database that the leader sent, up to entry `index`.
    pub fn sent(&self, index: u64) -> PathBuf {
        self.snap.join(format!("{index:016x}.snap.db"))
    }
}

/// Whether etcd's database is in `dir`, as its `member` directory.
fn is_member(dir: &Path) -> bool {
    dir.join("snap").join("db").is_file()
}
