//! The numbers of a database.

use std::fs;

use super::open::{beside, compacted};
use super::{Kine, Way};
use crate::{Error, Readable, Result};

/// Names to a batch.
const NAMES: usize = 4_096;

/// What a database holds, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Which revisions can be read whole.
    pub readable: Readable,
    /// Up to where kine has compacted, 0 for never.
    pub compacted: i64,
    /// All rows: puts, deletions, gaps.
    pub rows: u64,
    /// Rows that delete a key.
    pub deletions: u64,
    /// Rows that stand for a revision nobody wrote.
    pub gaps: u64,
    /// Keys that are there at the newest revision, kine's own too.
    pub keys: u64,
    /// The file's length in bytes.
    pub bytes: u64,
    /// The length of the write-ahead log beside it.
    pub log_bytes: u64,
    /// Bytes to a page.
    pub page_bytes: u64,
    /// Pages, and how many of them are free: what a VACUUM, which kine runs when it starts, would give back.
    pub pages: u64,
    /// Pages that hold nothing.
    pub free_pages: u64,
}

impl Kine {
    /// The numbers of this database, counted in short transactions: rows that came after it was opened do not count.
    ///
    /// # Errors
    /// [`Error::Stale`] if kine compacted meanwhile or another file took its place.
    pub fn status(&self) -> Result<Status> {
        let mut status = self.sizes()?;
        let mut last: Option<Vec<u8>> = None;
        loop {
            self.is_the_same()?;
            let names = self.count(last.as_deref(), &mut status).map_err(|error| self.failed(&error))?;
            if status.compacted != self.compacted()? {
                return Err(self.compacted_meanwhile(self.compacted()?));
            }
            match names {
                Some(name) => last = Some(name),
                None => return Ok(status),
            }
        }
    }

    fn compacted(&self) -> Result<i64> {
        compacted(&self.db).map_err(|error| self.failed(&error))
    }

    fn sizes(&self) -> Result<Status> {
        let pragma = |name: &str| -> Result<u64> {
            self.db
                .pragma_query_value(None, name, |row| row.get::<_, u64>(0))
                .map_err(|error| self.failed(&error))
        };
        let length = |ending: &str| fs::metadata(beside(&self.path, ending)).map(|found| found.len());
        Ok(Status {
            readable: self.readable,
            compacted: self.compacted()?,
            rows: 0,
            deletions: 0,
            gaps: 0,
            keys: 0,
            bytes: length("").map_err(|source| Error::Io {
                doing: "look at",
                path: self.path.clone(),
                source,
            })?,
            log_bytes: if self.way == Way::Alone { 0 } else { length("-wal").unwrap_or(0) },
            page_bytes: pragma("page_size")?,
            pages: pragma("page_count")?,
            free_pages: pragma("freelist_count")?,
        })
    }

    /// Counts the rows of the names that follow on `last`, and returns the last of these.
    fn count(&self, last: Option<&[u8]>, status: &mut Status) -> rusqlite::Result<Option<Vec<u8>>> {
        // SQLite takes `deleted` from the row that max(id) found: <https://www.sqlite.org/lang_select.html>, "bare columns".
        let from = if last.is_some() { "name > CAST(?1 AS TEXT)" } else { "?1 IS NULL" };
        let mut query = self.db.prepare_cached(&format!(
            "SELECT CAST(name AS BLOB), count(*), sum(deleted != 0), deleted != 0, max(id) FROM kine \
             WHERE {from} AND name IS NOT NULL AND id <= ?2 GROUP BY name ORDER BY name LIMIT {NAMES}"
        ))?;
        let mut rows = query.query((last, self.readable.newest))?;
        let (mut names, mut name) = (0, None);
        while let Some(row) = rows.next()? {
            let this: Vec<u8> = row.get(0)?;
            let count: u64 = row.get(1)?;
            status.rows += count;
            if this.starts_with(super::GAP) {
                status.gaps += count;
            } else {
                status.deletions += row.get::<_, u64>(2)?;
                status.keys += u64::from(!row.get::<_, bool>(3)?);
            }
            names += 1;
            name = Some(this);
        }
        Ok(name.filter(|_| names == NAMES))
    }
}
