//! A copy of a database, made while kine goes on.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::{Kine, failed, open};
use crate::{Error, Result};

/// What a copy holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// The last revision in it: that of the moment the copying began.
    pub revision: i64,
    /// Up to where kine had compacted then, 0 for never.
    pub compacted: i64,
    /// How long the file is.
    pub bytes: u64,
}

impl Kine {
    /// Copies the database, write-ahead log included, into a new file of mode 0600 at `to`, which needs nothing beside it;
    /// flushed when this returns. What kine writes meanwhile is not in it. One read transaction: where the database is in
    /// use, checkpoints wait until it is done, and with them the end of a compaction.
    ///
    /// It holds what the database holds, Secrets too: a place to keep it is chosen accordingly.
    ///
    /// # Errors
    /// [`Error::Io`] if `to` exists or cannot be written, [`Error::Stale`] if another file took the database's place, and
    /// as [`Kine::open`].
    pub fn copy(&self, to: &Path) -> Result<Copied> {
        self.is_the_same()?;
        let io = |doing| move |source| Error::Io { doing, path: to.to_owned(), source };
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(io("create"))?;
        let copied = self.fill(to);
        if copied.is_err() {
            // The failure of the copy is what matters.
            let _ = fs::remove_file(to);
        }
        copied
    }

    fn fill(&self, to: &Path) -> Result<Copied> {
        let io = |doing| move |source| Error::Io { doing, path: to.to_owned(), source };
        let (revision, compacted) = self.fill_by_sqlite(to)?;
        let file = File::open(to).map_err(io("open"))?;
        file.sync_all().map_err(io("flush"))?;
        let bytes = file.metadata().map_err(io("look at"))?.len();
        if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("flush the folder of"))?;
        }
        Ok(Copied { revision, compacted, bytes })
    }

    fn fill_by_sqlite(&self, to: &Path) -> Result<(i64, i64)> {
        let wrong = |error: rusqlite::Error| failed(to, &error);
        let mut db = Connection::open(to).map_err(wrong)?;
        // A copy that is not whole is removed, so that a journal of it would serve nobody.
        db.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;").map_err(wrong)?;
        {
            let backup = Backup::new(&self.db, &mut db).map_err(wrong)?;
            match backup.step(-1).map_err(|error| self.failed(&error))? {
                StepResult::Done => {}
                _ => {
                    let why = "another process keeps it locked; try again".to_owned();
                    return Err(Error::Live { path: self.path.clone(), why });
                }
            }
        }
        // Pages were copied, and with them the word that there is a write-ahead log.
        db.execute_batch("PRAGMA journal_mode = DELETE;").map_err(wrong)?;
        let readable = open::readable(&db).map_err(wrong)?;
        let compacted = open::compacted(&db).map_err(wrong)?;
        db.close().map_err(|(_, error)| failed(to, &error))?;
        Ok((readable.newest, compacted))
    }
}
