//! What a row means.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::GAP;
use crate::{Record, Revision};

/// The columns that [`Line::read`] takes, in its order.
pub(super) const COLUMNS: &str =
    "id, name, created, deleted, create_revision, prev_revision, lease, value, old_value";

/// A row, in memory of its own.
#[derive(Debug)]
pub(super) struct Line {
    pub id: i64,
    name: Vec<u8>,
    created: bool,
    deleted: bool,
    create_revision: i64,
    lease: i64,
    value: Vec<u8>,
    old_value: Option<Vec<u8>>,
}

/// A column that holds what kine never wrote there: which, and what.
#[derive(Debug)]
pub(super) struct Odd {
    pub id: i64,
    pub what: String,
}

impl Line {
    /// # Errors
    /// The outer one is SQLite's, the inner one the row's.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Result<Line, Odd>> {
        let id: i64 = row.get(0)?;
        let odd = |what: &str| Odd { id, what: what.to_owned() };
        let number = |column: usize, name: &str| match row.get_ref(column) {
            Ok(ValueRef::Integer(number)) => Ok(number),
            Ok(ValueRef::Null) => Ok(0),
            _ => Err(odd(&format!("{name} is no number"))),
        };
        let bytes = |column: usize, name: &str| match row.get_ref(column) {
            Ok(ValueRef::Blob(bytes) | ValueRef::Text(bytes)) => Ok(Some(bytes.to_vec())),
            Ok(ValueRef::Null) => Ok(None),
            _ => Err(odd(&format!("{name} is a number, where bytes should be"))),
        };
        let line = || {
            Ok(Line {
                id,
                name: bytes(1, "name")?.ok_or_else(|| odd("it has no name"))?,
                created: number(2, "created")? != 0,
                deleted: number(3, "deleted")? != 0,
                create_revision: number(4, "create_revision")?,
                lease: number(6, "lease")?,
                value: bytes(7, "value")?.unwrap_or_default(),
                old_value: bytes(8, "old_value")?,
            })
        };
        Ok(line())
    }

    /// How much memory it takes, near enough.
    pub(super) fn size(&self) -> usize {
        self.name.len() + self.value.len() + self.old_value.as_ref().map_or(0, Vec::len)
    }

    /// Whether it stands for a revision that nobody wrote.
    pub(super) fn gap(&self) -> bool {
        self.name.starts_with(GAP)
    }

    /// A row that made its key knows no create_revision: its own id is it. One that deleted a key has no value, and the
    /// last one beside it.
    pub(super) fn record(&self) -> Record<'_> {
        Record {
            key: &self.name,
            value: if self.deleted { &[] } else { &self.value },
            revision: Revision { main: self.id, sub: 0 },
            create_revision: match (self.deleted, self.created) {
                (true, _) => 0,
                (false, true) => self.id,
                (false, false) => self.create_revision,
            },
            version: 0,
            lease: self.lease,
            deleted: self.deleted,
            previous: self.old_value.as_deref().filter(|_| !self.created),
        }
    }
}
