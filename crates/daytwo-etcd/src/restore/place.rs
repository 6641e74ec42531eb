//! Where a data directory is made and how it comes to its place: built beside it, flushed, renamed.
//!
//! A rename puts it there whole or not at all, also where the process is killed. A directory that is there and empty may be
//! a mount point, which cannot be renamed over: the `member` directory is built inside of it then. A log that is to be
//! elsewhere is moved first, `member` last: etcd refuses a log without the raft snapshot beside it (see [`crate::wal`]).
//! What is left of a restore that was killed is removed by the next one to the same place.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::{Path, PathBuf};

use crate::datadir::Layout;
use crate::{Error, Result};

/// How the name ends of what is not in its place yet.
const STAGED: &str = ".restoring";
/// A file system of its own has it at its top; etcd does not mind.
const LOST_AND_FOUND: &str = "lost+found";

/// A user and a group, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: u32,
    /// The group.
    pub group: u32,
}

/// A data directory under construction. Dropped before it is in its place, it is removed.
pub(super) struct Staged {
    member: Part,
    /// Where `member` is, below `member.staged` or itself.
    member_dir: PathBuf,
    wal: Option<Part>,
    /// A log that is in its place already.
    moved: Vec<PathBuf>,
    done: bool,
}

/// A directory that is built under one name and gets another.
struct Part {
    staged: PathBuf,
    place: PathBuf,
    /// Whether `place` is there, and its contents are to be moved, not itself.
    within: bool,
    /// Held while it is built, so that a second restore to the same place does not take it for a leftover.
    _lock: File,
}

impl Staged {
    /// Begins a data directory that shall be `dir`, with its log in `wal_dir` if given.
    pub(super) fn begin(dir: &Path, wal_dir: Option<&Path>) -> Result<Staged> {
        let outside = wal_dir.filter(|wal| *wal != dir.join("member").join("wal"));
        if let Some(wal) = outside.filter(|wal| wal.starts_with(dir)) {
            return Err(Error::Invalid(format!(
                "--wal-dir {} lies in the data directory: leave it out, or give one that does not",
                wal.display()
            )));
        }
        let in_place = is_there(dir)?;
        let member = match in_place {
            true => Part::begin(dir.join(format!(".member{STAGED}")), dir.join("member"), false)?,
            false => Part::begin(beside(dir)?, dir.to_owned(), false)?,
        };
        let member_dir = if in_place { member.staged.clone() } else { member.staged.join("member") };
        let mut staged = Staged { member, member_dir, wal: None, moved: Vec::new(), done: false };
        if let Some(wal) = outside {
            staged.wal = Some(match is_there(wal)? {
                true => Part::begin(wal.join(format!(".wal{STAGED}")), wal.to_owned(), true)?,
                false => Part::begin(beside(wal)?, wal.to_owned(), false)?,
            });
        }
        let layout = staged.layout();
        for dir in [&staged.member_dir, &layout.snap, &layout.wal] {
            make_dir(dir)?;
        }
        Ok(staged)
    }

    /// Where its parts are while it is built.
    pub(super) fn layout(&self) -> Layout {
        Layout::new(&self.member_dir, self.wal.as_ref().map(|wal| wal.staged.as_path()))
    }

    /// Puts all of it in its place. Files in it must be flushed; directories are here.
    pub(super) fn finish(mut self, owner: Option<Owner>) -> Result<()> {
        let layout = self.layout();
        let mut dirs = vec![layout.snap, layout.wal, self.member_dir.clone()];
        if self.member.staged != self.member_dir {
            dirs.push(self.member.staged.clone());
        }
        for dir in &dirs {
            if let Some(owner) = owner {
                give(dir, owner)?;
            }
            flush(dir)?;
        }
        if let Some(wal) = &self.wal {
            self.moved = wal.moves()?;
            for to in &self.moved {
                let from = if wal.within {
                    wal.staged.join(to.file_name().unwrap_or_default())
                } else {
                    wal.staged.clone()
                };
                rename(&from, to)?;
            }
            if wal.within {
                let _ = fs::remove_dir(&wal.staged);
            }
            flush(if wal.within { &wal.place } else { parent(&wal.place) })?;
        }
        rename(&self.member.staged, &self.member.place)?;
        self.done = true;
        flush(parent(&self.member.place))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let parts = [Some(&self.member), self.wal.as_ref()];
        let staged = parts.into_iter().flatten().map(|part| &part.staged);
        for path in staged.chain(&self.moved) {
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }
}

impl Part {
    fn begin(staged: PathBuf, place: PathBuf, within: bool) -> Result<Part> {
        let failed = |source| Error::Io { doing: "lock", path: staged.clone(), source };
        if staged.exists() {
            // Left by one that was killed, or held by one that runs.
            let left = File::open(&staged).map_err(failed)?;
            match left.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let why = "another restore makes it just now".to_owned();
                    return Err(Error::Live { path: place, why });
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
            let removed = fs::remove_dir_all(&staged);
            removed.map_err(|source| Error::Io { doing: "remove", path: staged.clone(), source })?;
        }
        if let Some(above) = staged.parent() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(above);
            made.map_err(|source| Error::Io { doing: "create", path: above.to_owned(), source })?;
        }
        let made = DirBuilder::new().mode(0o700).create(&staged);
        made.map_err(|source| Error::Io { doing: "create", path: staged.clone(), source })?;
        let lock = File::open(&staged).map_err(failed)?;
        lock.try_lock().map_err(|error| failed(error.into()))?;
        Ok(Part { staged, place, within, _lock: lock })
    }

    /// The paths that renames will make.
    fn moves(&self) -> Result<Vec<PathBuf>> {
        if !self.within {
            return Ok(vec![self.place.clone()]);
        }
        let failed = |source| Error::Io { doing: "list", path: self.staged.clone(), source };
        let files = fs::read_dir(&self.staged).map_err(failed)?;
        files.map(|file| Ok(self.place.join(file.map_err(failed)?.file_name()))).collect()
    }
}

/// Whether `dir` is there; then it must be empty but for what a restore left that was killed.
fn is_there(dir: &Path) -> Result<bool> {
    let failed = |source| Error::Io { doing: "list", path: dir.to_owned(), source };
    let files = match fs::read_dir(dir) {
        Ok(files) => files,
        Err(none) if none.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(other) if other.kind() == io::ErrorKind::NotADirectory => {
            return Err(Error::Exists { path: dir.to_owned(), what: "is no directory".to_owned() });
        }
        Err(source) => return Err(failed(source)),
    };
    for file in files {
        let name = file.map_err(failed)?.file_name();
        if name != LOST_AND_FOUND && !name.as_encoded_bytes().ends_with(STAGED.as_bytes()) {
            let what = format!("is not empty: {} is in it; move it aside", name.display());
            return Err(Error::Exists { path: dir.to_owned(), what });
        }
    }
    Ok(true)
}

/// Where a directory is built that is to be `dir`.
fn beside(dir: &Path) -> Result<PathBuf> {
    match dir.file_name() {
        Some(name) => Ok(parent(dir).join(format!(".{}{STAGED}", name.display()))),
        None => Err(Error::Invalid(format!("{} names no directory", dir.display()))),
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn make_dir(dir: &Path) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(there) if there.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map_err(|source| Error::Io { doing: "create", path: dir.to_owned(), source }),
    }
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|source| Error::Io {
        doing: "put in its place",
        path: to.to_owned(),
        source,
    })
}

/// Flushes a directory: the names in it.
fn flush(dir: &Path) -> Result<()> {
    let flushed = File::open(dir).and_then(|dir| dir.sync_all());
    flushed.map_err(|source| Error::Io { doing: "flush", path: dir.to_owned(), source })
}

/// Gives `dir` and the files right in it to `owner`.
fn give(dir: &Path, owner: Owner) -> Result<()> {
    let failed = |source| Error::Io { doing: "change the owner of", path: dir.to_owned(), source };
    for file in fs::read_dir(dir).map_err(failed)? {
        let path = file.map_err(failed)?.path();
        chown(&path, Some(owner.user), Some(owner.group)).map_err(failed)?;
    }
    chown(dir, Some(owner.user), Some(owner.group)).map_err(failed)
}
