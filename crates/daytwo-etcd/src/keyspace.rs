//! The keys as they were at a revision, out of the records of a store.
//!
//! Records are ordered by revision, not by key: the newest one of a key that is not above the revision says what it was.
//! What it refuses to do: read at a revision that compaction has taken records from.

use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::{Each, Error, Record, Result, Store};

/// The main revision that `at` stands for, `None` being the newest.
///
/// # Errors
/// [`Error::Compacted`] or [`Error::Future`] if the keyspace cannot be read there.
pub fn revision(store: &dyn Store, at: Option<i64>) -> Result<i64> {
    let readable = store.readable()?;
    match at.unwrap_or(readable.newest) {
        asked if asked < readable.oldest => Err(Error::Compacted { asked, oldest: readable.oldest }),
        asked if asked > readable.newest => Err(Error::Future { asked, newest: readable.newest }),
        asked => Ok(asked),
    }
}

/// Calls `each` with the record of `key` at the revision `at`, and answers whether the key was there.
///
/// # Errors
/// As [`revision`], and those of the store.
pub fn get(
    store: &dyn Store,
    key: &[u8],
    at: Option<i64>,
    each: &mut dyn FnMut(&Record<'_>),
) -> Result<bool> {
    let at = revision(store, at)?;
    let mut found = false;
    store.of_key(key, &mut |record| {
        if record.revision.main > at {
            return ControlFlow::Continue(());
        }
        if !record.deleted {
            found = true;
            each(record);
        }
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// Calls `each` for every key that begins with `prefix` and was there at the revision `at`: each once, the last changed one
/// first.
///
/// Takes memory for the names of these keys, and of those deleted since. A record without a key is none of them: a restore
/// that raises the revision writes one (`etcdutl snapshot restore --bump-revision`).
///
/// # Errors
/// As [`revision`], and those of the store.
pub fn list(store: &dyn Store, prefix: &[u8], at: Option<i64>, each: &mut Each<'_>) -> Result<()> {
    let at = revision(store, at)?;
    let mut seen: HashSet<Box<[u8]>> = HashSet::new();
    store.newest_first(&mut |record| {
        let counts = record.revision.main <= at && !record.key.is_empty() && record.key.starts_with(prefix);
        if !counts || seen.contains(record.key) {
            return ControlFlow::Continue(());
        }
        seen.insert(record.key.into());
        match record.deleted {
            true => ControlFlow::Continue(()),
            false => each(record),
        }
    })
}

/// Calls `each` for every record of `key` that the store still has, the newest first, also those below what can be read
/// whole: they are true, only others may be gone.
///
/// # Errors
/// Those of the store.
pub fn history(store: &dyn Store, key: &[u8], each: &mut Each<'_>) -> Result<()> {
    store.of_key(key, each)
}
