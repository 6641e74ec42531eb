//! Blocking work on one file of a folder location: open, walk, stage, publish, remove, each synced and private.

use super::ObjectInfo;
use super::folder::PART;
use jiff::Timestamp;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Opens a regular file. A pipe or device in its place would block or worse.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let meta = path.symlink_metadata()?;
    if meta.is_dir() {
        return Err(io::ErrorKind::NotFound.into());
    }
    if !meta.is_file() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is not a regular file"));
    }
    File::open(path)
}

pub(super) fn info(key: String, meta: &Metadata) -> ObjectInfo {
    let modified = meta.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
    ObjectInfo { key, size: meta.len(), modified: modified.unwrap_or(Timestamp::UNIX_EPOCH) }
}

/// Regular files below `dir` whose name is wanted, in the order of their keys. Links and names that are not UTF-8 are
/// no objects.
pub(super) fn walk(
    dir: &Path,
    key: &str,
    wanted: impl Fn(&str) -> bool + Copy,
) -> io::Result<Vec<ObjectInfo>> {
    let mut found = Vec::new();
    let mut open = vec![(dir.to_path_buf(), key.to_owned())];
    while let Some((dir, key)) = open.pop() {
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let below = if key.is_empty() { name.clone() } else { format!("{key}/{name}") };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                open.push((entry.path(), below));
            } else if kind.is_file() && wanted(&name) {
                match entry.metadata() {
                    Ok(meta) => found.push(info(below, &meta)),
                    Err(gone) if gone.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(found)
}

/// Names of the directories in `dir`, sorted.
pub(super) fn directories(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir()
            && let Some(name) = entry.file_name().to_str()
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Removes `path`, then the directories it leaves empty, up to but not including the top ones of the location.
pub(super) fn remove(root: &Path, path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    let mut dir = path.parent();
    while let Some(at) = dir {
        let below_top = at.strip_prefix(root).is_ok_and(|rest| rest.components().count() > 1);
        if !below_top || fs::remove_dir(at).is_err() {
            return sync_dir(at);
        }
        dir = at.parent();
    }
    Ok(())
}

/// A file written beside the name it shall have. Dropped unpublished, it is gone.
#[derive(Debug)]
pub(super) struct Staged {
    file: File,
    staged: PathBuf,
    target: PathBuf,
    published: bool,
}

impl Staged {
    pub(super) fn begin(target: &Path) -> io::Result<Staged> {
        let no_name = || io::Error::new(io::ErrorKind::InvalidInput, "it names no file");
        let dir = target.parent().ok_or_else(no_name)?;
        let name = target.file_name().and_then(|name| name.to_str()).ok_or_else(no_name)?;
        if target.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "there is a directory of that name"));
        }
        make_dirs(dir)?;
        for n in 0..10_000u32 {
            let staged = dir.join(format!(".{name}.{n}{PART}"));
            match private().open(&staged) {
                Ok(file) => return Ok(Staged { file, staged, target: target.to_owned(), published: false }),
                Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(
            "10,000 unfinished files lie beside it: remove them with daytwo backup prune --orphans",
        ))
    }

    pub(super) fn write(target: &Path, bytes: &[u8]) -> io::Result<Staged> {
        let mut staged = Staged::begin(target)?;
        staged.append(bytes)?;
        Ok(staged)
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Makes the file appear, in place of one that has its name.
    pub(super) fn publish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.staged, &self.target)?;
        self.published = true;
        self.sync_parent()
    }

    /// Makes the file appear unless its name is taken (`AlreadyExists`); of several only one succeeds.
    pub(super) fn publish_new(self) -> io::Result<()> {
        self.file.sync_all()?;
        match fs::hard_link(&self.staged, &self.target) {
            Ok(()) => self.sync_parent(),
            Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => Err(taken),
            Err(_no_links_here) => self.create_in_place(),
        }
    }

    /// For file systems without hard links: the name is taken at once, its content follows.
    fn create_in_place(&self) -> io::Result<()> {
        let mut file = private().open(&self.target)?;
        let copied = File::open(&self.staged).and_then(|mut staged| io::copy(&mut staged, &mut file));
        if let Err(error) = copied.and_then(|_| file.sync_all()) {
            let _ = fs::remove_file(&self.target);
            return Err(error);
        }
        self.sync_parent()
    }

    fn sync_parent(&self) -> io::Result<()> {
        self.target.parent().map_or(Ok(()), sync_dir)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            let _ = fs::remove_file(&self.staged);
        }
    }
}

#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    options
}

/// Makes `dir` and what is missing above it, private, and syncs the directories that gained an entry.
fn make_dirs(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent() {
        make_dirs(parent)?;
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(dir) {
        Ok(()) => dir.parent().map_or(Ok(()), sync_dir),
        Err(raced) if raced.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    match File::open(dir).and_then(|dir| dir.sync_all()) {
        // A directory removed by a racing delete has nothing to sync; some network file systems sync no directories.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        other => other,
    }
}
