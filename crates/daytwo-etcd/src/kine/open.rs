//! How a database is opened so that neither it nor anything beside it changes.
//!
//! SQLite itself changes `-shm` and makes files when it opens one of write-ahead mode for reading, and passes over the
//! write-ahead log when told that the file is immutable. So the way depends on what lies beside the file, and on what its
//! header says (<https://www.sqlite.org/fileformat.html>, section 1.3; <https://www.sqlite.org/wal.html>, "Read-Only
//! Databases").

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use super::{COMPACTED, Kine, failed};
use crate::{Error, Readable, Result};

/// What an SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// As long as it takes a writer to be done with a transaction.
const BUSY: Duration = Duration::from_secs(5);

/// The columns of kine's table that are read.
const COLUMNS: [&str; 9] =
    ["id", "name", "created", "deleted", "create_revision", "prev_revision", "lease", "value", "old_value"];

/// How a database is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In place, with the write-ahead log and its index as they are: somebody may be using it.
    Beside,
    /// A copy in a private folder, gone as soon as it is open, because the write-ahead log has no index, or a journal waits to be rolled back.
    Copy,
    /// In place, with nothing beside it.
    Alone,
}

/// Which file it is, to see whether another took its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(found: &Metadata) -> Identity {
        Identity { device: found.dev(), inode: found.ino() }
    }

    /// Never opens the file: closing it would drop the locks that SQLite holds in this process.
    pub(super) fn now(path: &Path) -> io::Result<Identity> {
        fs::metadata(path).map(|found| Identity::of(&found))
    }
}

/// The databases that are open in this process, and whether their headers say write-ahead log. POSIX drops all locks of a
/// process on a file as soon as it closes any descriptor of it: such a file must not be opened just to look at it.
static OPEN: Mutex<BTreeMap<Identity, (usize, bool)>> = Mutex::new(BTreeMap::new());

/// One entry of [`OPEN`], until it is dropped.
#[derive(Debug)]
pub(super) struct Opened(Identity);

impl Opened {
    fn new(identity: Identity, log_mode: bool) -> Opened {
        opened().entry(identity).or_insert((0, log_mode)).0 += 1;
        Opened(identity)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let mut opened = opened();
        if let Some((count, _)) = opened.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                opened.remove(&self.0);
            }
        }
    }
}

/// A panic elsewhere leaves a list that is still true.
fn opened() -> MutexGuard<'static, BTreeMap<Identity, (usize, bool)>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a [`Kine`] of the file at `path` is open in this process.
pub(crate) fn is_open(path: &Path) -> bool {
    Identity::now(path).is_ok_and(|identity| opened().contains_key(&identity))
}

pub(super) fn open(path: &Path, scratch: &Path) -> Result<Kine> {
    let io = |doing| move |source| Error::Io { doing, path: path.to_owned(), source };
    // Other names of the same file have no log beside them.
    let path = &fs::canonicalize(path).map_err(io("open"))?;
    let (identity, log_mode) = header(path)?;
    let there = |ending: &str| beside(path, ending).exists();

    let mut private = None;
    let (way, uri) = if pending(path, "-journal") || (pending(path, "-wal") && !there("-shm")) {
        let folder = copy(path, scratch)?;
        let uri = uri(&folder.path().join("state.db"), "mode=rw");
        private = Some(folder);
        (Way::Copy, uri)
    } else if there("-wal") && there("-shm") {
        (Way::Beside, uri(path, "mode=ro&readonly_shm=1"))
    } else if log_mode {
        (Way::Alone, uri(path, "mode=ro&immutable=1"))
    } else {
        // In rollback mode a reader makes no files, and its lock keeps writers from changing what it reads.
        (Way::Alone, uri(path, "mode=ro"))
    };
    let opened = Opened::new(identity, log_mode);
    let db = connect(&uri, way).map_err(|error| failed(path, &error))?;
    is_kine(&db, path)?;
    let readable = readable(&db).map_err(|error| failed(path, &error))?;
    if readable.newest < readable.oldest {
        return Err(Error::Corrupt {
            place: path.display().to_string(),
            what: format!("compacted up to {}, but the last row is {}", readable.oldest, readable.newest),
        });
    }
    // SQLite has all files of a copy open by now: without names, nothing is left of them whatever happens.
    drop(private);
    Ok(Kine { db, path: path.to_owned(), way, identity, readable, _opened: opened })
}

/// Which file it is, and whether its header says write-ahead log. The file is closed before SQLite sees it.
fn header(path: &Path) -> Result<(Identity, bool)> {
    let io = |doing| move |source| Error::Io { doing, path: path.to_owned(), source };
    let identity = Identity::now(path).map_err(io("look at"))?;
    if let Some((_, log_mode)) = opened().get(&identity) {
        return Ok((identity, *log_mode));
    }
    let mut file = File::open(path).map_err(io("open"))?;
    let found = file.metadata().map_err(io("look at"))?;
    let mut bytes = [0; 20];
    if !found.is_file() || file.read_exact(&mut bytes).is_err() || !bytes.starts_with(MAGIC) {
        return Err(Error::Foreign { path: path.to_owned(), what: "no SQLite database".to_owned() });
    }
    // The write and read versions of the format: 2 for write-ahead log.
    Ok((Identity::of(&found), bytes[18] == 2 || bytes[19] == 2))
}

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Whether the file beside the database holds something: an empty log is no log.
pub(super) fn pending(path: &Path, ending: &str) -> bool {
    fs::metadata(beside(path, ending)).is_ok_and(|found| found.len() > 0)
}

/// Copies the database and what has to be put into it, so that SQLite may do that in the copy.
fn copy(path: &Path, scratch: &Path) -> Result<TempDir> {
    // Of mode 0700, as tempfile makes folders.
    let folder = tempfile::Builder::new()
        .prefix("daytwo-kine-")
        .tempdir_in(scratch)
        .map_err(|source| Error::Io { doing: "make a folder in", path: scratch.to_owned(), source })?;
    let before = stamp(path);
    for ending in ["", "-wal", "-journal"] {
        let from = beside(path, ending);
        if from.exists() {
            fs::copy(&from, beside(&folder.path().join("state.db"), ending)).map_err(|source| Error::Io {
                doing: "copy",
                path: from,
                source,
            })?;
        }
    }
    if stamp(path) != before {
        return Err(Error::Stale {
            path: path.to_owned(),
            why: "it was written to while it was copied".to_owned(),
        });
    }
    Ok(folder)
}

/// When and to what length the files of a database were last written.
fn stamp(path: &Path) -> Vec<Option<(u64, i64, i64)>> {
    ["", "-wal", "-shm", "-journal"]
        .map(|ending| {
            let found = fs::metadata(beside(path, ending)).ok()?;
            Some((found.len(), found.mtime(), found.mtime_nsec()))
        })
        .to_vec()
}

/// `path` as SQLite reads it in a URI: <https://www.sqlite.org/uri.html>.
fn uri(path: &Path, query: &str) -> String {
    let mut uri = "file://".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push('?');
    uri.push_str(query);
    uri
}

fn connect(uri: &str, way: Way) -> rusqlite::Result<Connection> {
    let access = match way {
        Way::Copy => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Way::Beside | Way::Alone => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let flags = access | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(uri, flags)?;
    db.busy_timeout(BUSY)?;
    // Nothing that the file itself defines is run, and no page is believed before it was looked at.
    db.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")?;
    Ok(db)
}

/// Whether there is kine's table, and not something that only looks so.
fn is_kine(db: &Connection, path: &Path) -> Result<()> {
    let foreign = |what: String| Error::Foreign { path: path.to_owned(), what };
    let found = |sql: &str| -> rusqlite::Result<Vec<String>> {
        let mut query = db.prepare(sql)?;
        let rows = query.query_map([], |row| row.get::<_, String>(0))?;
        rows.collect()
    };
    let kinds =
        found("SELECT type FROM sqlite_schema WHERE name = 'kine'").map_err(|error| failed(path, &error))?;
    if kinds != ["table"] {
        return Err(foreign("an SQLite database without kine's table, so none of K3s'".to_owned()));
    }
    let columns =
        found("SELECT name FROM pragma_table_info('kine')").map_err(|error| failed(path, &error))?;
    match COLUMNS.iter().find(|column| !columns.iter().any(|there| there == *column)) {
        None => Ok(()),
        Some(column) => Err(foreign(format!("an SQLite database whose table kine has no column {column}"))),
    }
}

/// The last row's id, and the revision that was compacted up to: with two rows that say so the higher one counts, as kine
/// has it (`compactStart` in `pkg/logstructured/sqllog/sql.go`).
pub(super) fn readable(db: &Connection) -> rusqlite::Result<Readable> {
    // One view of both; it ends with this function, by rollback.
    let view = db.unchecked_transaction()?;
    let newest: Option<i64> = view.query_row("SELECT max(id) FROM kine", [], |row| row.get(0))?;
    let newest = newest.unwrap_or(0);
    Ok(Readable { oldest: compacted(&view)?.max(newest.min(1)), newest })
}

/// The revision that was compacted up to, 0 for none.
pub(super) fn compacted(db: &Connection) -> rusqlite::Result<i64> {
    let mut query = db.prepare_cached("SELECT max(prev_revision) FROM kine WHERE name = ?1")?;
    let compacted: Option<i64> = query.query_row([COMPACTED], |row| row.get(0))?;
    Ok(compacted.unwrap_or(0))
}
