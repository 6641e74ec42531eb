//! Rows in batches, each in a read transaction of its own.
//!
//! A transaction that stays open keeps the write-ahead log from being written back, and kine waits for that at the end of
//! each compaction (`PRAGMA wal_checkpoint(FULL)`): so none is open while the caller works on what was read.

use rusqlite::types::ToSql;

use super::open::{Identity, compacted, pending};
use super::row::{COLUMNS, Line, Odd};
use super::{Kine, Way};
use crate::{Error, Result};

/// Rows to a batch.
const ROWS: usize = 4_096;

/// Bytes after which a batch ends early.
const BYTES: usize = 4 << 20;

/// What is read of the rows, and in which order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'a> {
    /// Further conditions, such as `id > ?1`; `?1` is the last id before the batch.
    pub after: &'static str,
    /// Only rows of this name.
    pub name: Option<&'a [u8]>,
    /// `ASC` or `DESC`.
    pub order: &'static str,
}

/// A batch, and up to where kine had compacted when it was read.
pub(super) struct Batch {
    pub lines: Vec<Line>,
    /// Whether there may be more.
    pub more: bool,
    pub compacted: i64,
}

impl Kine {
    /// The rows that follow on the one with the id `last`.
    pub(super) fn batch(&self, pass: &Pass<'_>, last: i64) -> Result<Batch> {
        self.is_the_same()?;
        let batch = self.read(pass, last).map_err(|error| self.failed(&error))?;
        batch.map_err(|odd| Error::Corrupt { place: format!("row {}", odd.id), what: odd.what })
    }

    fn read(&self, pass: &Pass<'_>, last: i64) -> rusqlite::Result<Result<Batch, Odd>> {
        // Ends with this function, by rollback: nothing was written.
        let view = self.db.unchecked_transaction()?;
        let compacted = compacted(&view)?;
        // A name is text in the table, whatever its bytes.
        let of_name = if pass.name.is_some() { "AND name = CAST(?3 AS TEXT)" } else { "" };
        let mut query = view.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM kine WHERE {} AND id <= ?2 {of_name} ORDER BY id {} LIMIT {ROWS}",
            pass.after, pass.order
        ))?;
        let mut given: Vec<&dyn ToSql> = vec![&last, &self.readable.newest];
        if let Some(name) = &pass.name {
            given.push(name);
        }
        let mut rows = query.query(given.as_slice())?;
        let (mut lines, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let line = match Line::read(row)? {
                Ok(line) => line,
                Err(odd) => return Ok(Err(odd)),
            };
            bytes += line.size();
            lines.push(line);
            if bytes >= BYTES {
                return Ok(Ok(Batch { lines, more: true, compacted }));
            }
        }
        let more = lines.len() == ROWS;
        Ok(Ok(Batch { lines, more, compacted }))
    }

    /// Whether the file that is open is still the one at its path, and nobody began to write beside it.
    pub(super) fn is_the_same(&self) -> Result<()> {
        let stale = |why: &str| Error::Stale { path: self.path.clone(), why: why.to_owned() };
        if self.way == Way::Copy {
            return Ok(());
        }
        match Identity::now(&self.path) {
            Ok(now) if now == self.identity => {}
            _ => return Err(stale("another file took its place")),
        }
        if self.way == Way::Alone && pending(&self.path, "-wal") {
            return Err(stale("somebody began to use it"));
        }
        Ok(())
    }

    /// The reader must begin again: rows that it still wanted may be gone.
    pub(super) fn compacted_meanwhile(&self, to: i64) -> Error {
        Error::Stale { path: self.path.clone(), why: format!("kine compacted up to revision {to} meanwhile") }
    }
}
