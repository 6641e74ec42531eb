//! kine's rows as records.

use super::Kine;
use super::batch::Pass;
use crate::{Each, Readable, Record, Result, Revision, Store};

impl Store for Kine {
    fn readable(&self) -> Result<Readable> {
        Ok(self.readable)
    }

    /// As [`Store::newest_first`]; [`Error::Stale`](crate::Error::Stale) as soon as kine compacts.
    fn newest_first(&self, each: &mut Each<'_>) -> Result<()> {
        let pass = Pass { after: "id < ?1", name: None, order: "DESC" };
        self.pass(&pass, i64::MAX, &|compacted, _| compacted > self.readable.oldest, each)
    }

    /// As [`Store::oldest_first`]; [`Error::Stale`](crate::Error::Stale) as soon as kine compacts revisions that were not
    /// given yet. A compaction takes rows up to its revision only.
    fn oldest_first(&self, each: &mut Each<'_>) -> Result<()> {
        let pass = Pass { after: "id > ?1", name: None, order: "ASC" };
        let moved = |compacted: i64, last: i64| compacted > self.readable.oldest && compacted > last;
        self.pass(&pass, i64::MIN, &moved, each)
    }

    fn at(&self, revision: Revision, read: &mut dyn FnMut(&Record<'_>)) -> Result<bool> {
        let pass = Pass { after: "id = ?1", name: None, order: "ASC" };
        let batch = self.batch(&pass, revision.main)?;
        let line = batch.lines.first().filter(|line| revision.sub == 0 && !line.gap());
        if let Some(line) = line {
            read(&line.record());
        }
        Ok(line.is_some())
    }

    /// As [`Store::of_key`], by the index of names; [`Error::Stale`](crate::Error::Stale) as soon as kine compacts.
    fn of_key(&self, key: &[u8], each: &mut Each<'_>) -> Result<()> {
        let pass = Pass { after: "id < ?1", name: Some(key), order: "DESC" };
        self.pass(&pass, i64::MAX, &|compacted, _| compacted > self.readable.oldest, each)
    }
}

impl Kine {
    /// `moved` is told how far kine has compacted and which row was given last.
    fn pass(
        &self,
        pass: &Pass<'_>,
        mut last: i64,
        moved: &dyn Fn(i64, i64) -> bool,
        each: &mut Each<'_>,
    ) -> Result<()> {
        loop {
            let batch = self.batch(pass, last)?;
            if moved(batch.compacted, last) {
                return Err(self.compacted_meanwhile(batch.compacted));
            }
            for line in batch.lines.iter().filter(|line| !line.gap()) {
                if each(&line.record()).is_break() {
                    return Ok(());
                }
            }
            match batch.lines.last() {
                Some(line) if batch.more => last = line.id,
                _ => return Ok(()),
            }
        }
    }
}
