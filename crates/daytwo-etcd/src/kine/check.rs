//! Whether a database is whole: its pages as SQLite sees them, and kine's rows among each other.
//!
//! Whether a value is a Kubernetes object is for others to say.

use super::open::compacted;
use super::{COMPACTED, GAP, Kine};
use crate::Result;

/// Rows to a transaction.
const ROWS: usize = 4_096;

/// So many flaws tell what is wrong; a damaged file could have millions.
const MOST: usize = 100;

/// What is wrong in a database, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The row, unless it is about the file.
    pub row: Option<i64>,
    /// What stands there, and what should. Never a value.
    pub what: String,
}

/// A row without its values.
struct Link {
    name: Vec<u8>,
    id: i64,
    created: bool,
    deleted: bool,
    create_revision: i64,
    prev_revision: i64,
    has_value: bool,
}

impl Kine {
    /// Looks for damage; what it found, a hundred flaws at most. `whole` also holds every index against the table, which
    /// takes several times as long.
    ///
    /// SQLite's own check is one read transaction, so it holds back the checkpoints of a database that is in use.
    ///
    /// # Errors
    /// [`Error::Stale`](crate::Error::Stale) if kine compacted meanwhile, and whatever keeps SQLite from looking. Damage
    /// is no error here.
    pub fn check(&self, whole: bool) -> Result<Vec<Flaw>> {
        self.is_the_same()?;
        let mut flaws = self.pages(whole)?;
        if flaws.is_empty() {
            // Rows of a broken table would only repeat that.
            self.sequence(&mut flaws)?;
            self.links(&mut flaws)?;
            self.old_values(&mut flaws)?;
        }
        flaws.truncate(MOST);
        Ok(flaws)
    }

    /// `PRAGMA integrity_check` or `quick_check`, which answers `ok` or one line for each flaw.
    fn pages(&self, whole: bool) -> Result<Vec<Flaw>> {
        let pragma = if whole { "integrity_check" } else { "quick_check" };
        let said = || -> rusqlite::Result<Vec<String>> {
            let mut query = self.db.prepare(&format!("PRAGMA {pragma}({MOST})"))?;
            query.query_map([], |row| row.get(0))?.collect()
        };
        match said() {
            Ok(said) if said == ["ok"] => Ok(Vec::new()),
            Ok(said) => Ok(said.into_iter().map(|what| Flaw { row: None, what }).collect()),
            Err(error) => match self.failed(&error) {
                crate::Error::Corrupt { what, .. } => Ok(vec![Flaw { row: None, what }]),
                other => Err(other),
            },
        }
    }

    /// Ids are given out once: AUTOINCREMENT never takes one a second time, as it remembers the highest.
    fn sequence(&self, flaws: &mut Vec<Flaw>) -> Result<()> {
        let ask = || -> rusqlite::Result<(Option<i64>, Option<i64>)> {
            let least = self.db.query_row("SELECT min(id) FROM kine", [], |row| row.get(0))?;
            let mut query = self.db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'kine'")?;
            let mut rows = query.query([])?;
            Ok((least, rows.next()?.map(|row| row.get(0)).transpose()?))
        };
        let mut flaw = |what| flaws.push(Flaw { row: None, what });
        match ask() {
            Ok((least, given)) => {
                if least.is_some_and(|least| least < 1) {
                    flaw("there is a revision below 1".to_owned());
                }
                if given.is_some_and(|given| given < self.readable.newest) {
                    flaw(format!(
                        "the last row is {}, but ids were given out up to {} only: a revision could come a second time",
                        self.readable.newest,
                        given.unwrap_or(0)
                    ));
                }
            }
            Err(_) => {
                flaw("the table kine does not remember which ids it gave out (no AUTOINCREMENT)".to_owned());
            }
        }
        Ok(())
    }

    /// Each row names the one of its key before it, unless that was compacted away.
    fn links(&self, flaws: &mut Vec<Flaw>) -> Result<()> {
        let mut before: Option<Link> = None;
        while flaws.len() < MOST {
            let read = self.next_links(before.as_ref()).map_err(|error| self.failed(&error))?;
            let (links, upto) = read;
            if upto > self.readable.oldest {
                return Err(self.compacted_meanwhile(upto));
            }
            let more = links.len() == ROWS;
            for link in links {
                let earlier = before.as_ref().filter(|earlier| earlier.name == link.name);
                if let Some(what) = self.wrong(&link, earlier) {
                    flaws.push(Flaw { row: Some(link.id), what });
                }
                before = Some(link);
            }
            if !more {
                break;
            }
        }
        Ok(())
    }

    /// By the index of names, so that no name has to be kept in memory.
    fn next_links(&self, before: Option<&Link>) -> rusqlite::Result<(Vec<Link>, i64)> {
        let view = self.db.unchecked_transaction()?;
        let upto = compacted(&view)?;
        let from =
            if before.is_some() { "(name, id) > (CAST(?1 AS TEXT), ?2)" } else { "?1 IS NULL AND ?2 = 0" };
        let mut query = view.prepare_cached(&format!(
            "SELECT CAST(name AS BLOB), id, ifnull(created, 0) != 0, ifnull(deleted, 0) != 0, \
             ifnull(create_revision, 0), ifnull(prev_revision, 0), value IS NOT NULL FROM kine \
             WHERE {from} AND id <= ?3 AND name IS NOT NULL ORDER BY name, id LIMIT {ROWS}"
        ))?;
        let (name, id) = before.map_or((None, 0), |before| (Some(before.name.as_slice()), before.id));
        let links = query
            .query_map((name, id, self.readable.newest), |row| {
                Ok(Link {
                    name: row.get(0)?,
                    id: row.get(1)?,
                    created: row.get(2)?,
                    deleted: row.get(3)?,
                    create_revision: row.get(4)?,
                    prev_revision: row.get(5)?,
                    has_value: row.get(6)?,
                })
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok((links, upto))
    }

    fn wrong(&self, link: &Link, earlier: Option<&Link>) -> Option<String> {
        if link.name == COMPACTED.as_bytes() || link.name.starts_with(GAP) {
            return None;
        }
        let before = link.prev_revision;
        if link.deleted && (link.created || link.has_value) {
            return Some("it deletes its key and gives it a value".to_owned());
        }
        if !link.created && !link.deleted && !(1..link.id).contains(&link.create_revision) {
            return Some(format!("its key is said to have come into being at {}", link.create_revision));
        }
        match earlier {
            Some(earlier) if earlier.id != before => {
                Some(format!("it follows on {}, but {} is the row of its key before it", before, earlier.id))
            }
            Some(earlier) if earlier.deleted != link.created => Some(match link.created {
                true => "it makes its key anew, which was not deleted".to_owned(),
                false => "it changes its key, which was deleted".to_owned(),
            }),
            Some(_) => None,
            None if before == 0 && link.created => None,
            // A compaction takes rows below its revision, and none above.
            None if (1..=self.readable.oldest).contains(&before) && before < link.id => None,
            None => Some(format!("it follows on {before}, which is not there and was not compacted away")),
        }
    }

    /// A row keeps the value of the row before it, which is what history is told from.
    fn old_values(&self, flaws: &mut Vec<Flaw>) -> Result<()> {
        let step = i64::try_from(ROWS).expect("invariant: a few thousand");
        let mut from = 0;
        while from < self.readable.newest && flaws.len() < MOST {
            let differing = || -> rusqlite::Result<Vec<i64>> {
                let mut query = self.db.prepare_cached(
                    "SELECT now.id FROM kine AS now JOIN kine AS was ON was.id = now.prev_revision \
                     AND was.name = now.name WHERE now.id > ?1 AND now.id <= ?2 AND now.id <= ?3 \
                     AND now.created = 0 AND now.old_value IS NOT was.value",
                )?;
                let upto = from.saturating_add(step);
                query.query_map((from, upto, self.readable.newest), |row| row.get(0))?.collect()
            };
            let rows = differing().map_err(|error| self.failed(&error))?;
            flaws.extend(rows.into_iter().map(|row| Flaw {
                row: Some(row),
                what: "the old value beside it is not the one of the row before".to_owned(),
            }));
            from = from.saturating_add(step);
        }
        Ok(())
    }
}
