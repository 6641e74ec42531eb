//! Whether an etcd runs on a database: it holds a lock on it for as long.
//!
//! bbolt takes an exclusive `flock` (`bolt_unix.go`). `/proc/locks` shows it without touching the file. Where that cannot
//! be believed, a shared lock is tried for a moment: an etcd that starts just then tries again.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::{Error, Result};

/// Inode of `/proc/self/ns/pid` in the first namespace: PROC_PID_INIT_INO, `include/linux/proc_ns.h`. In any other
/// `/proc/locks` leaves out what processes outside of it hold.
const FIRST_NAMESPACE: u64 = 0xEFFF_FFFC;

/// What `/proc/locks` says of a file.
#[derive(Debug, PartialEq, Eq)]
enum Shown {
    /// A process holds a lock.
    Held(u32),
    /// A lock on a file of this inode, on a device of another number: some file systems show another there.
    Perhaps,
    Nothing,
}

/// Nothing, unless a process holds `file`, which is called `path` in the error.
///
/// # Errors
/// [`Error::Live`] if one does; [`Error::Io`] if that cannot be found out.
pub fn refuse_live(file: &File, path: &Path) -> Result<()> {
    let io = |doing| move |source| Error::Io { doing, path: path.to_owned(), source };
    let found = file.metadata().map_err(io("look at"))?;
    let shown = fs::read_to_string("/proc/locks").ok().map(|locks| shown(&locks, found.dev(), found.ino()));
    match shown {
        Some(Shown::Held(pid)) => Err(live(path, &named(pid))),
        Some(Shown::Nothing) if in_first_namespace() => Ok(()),
        _ => refuse_locked(file, path),
    }
}

/// As [`refuse_live`], by asking for a lock.
fn refuse_locked(file: &File, path: &Path) -> Result<()> {
    let io = |doing| move |source| Error::Io { doing, path: path.to_owned(), source };
    match file.try_lock_shared() {
        Ok(()) => file.unlock().map_err(io("unlock")),
        Err(TryLockError::WouldBlock) => Err(live(path, "a process that is not seen from here")),
        // A file system without locks: none is held there.
        Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(source)) => Err(io("lock")(source)),
    }
}

fn live(path: &Path, who: &str) -> Error {
    Error::Live {
        path: path.to_owned(),
        why: format!(
            "{who} holds its lock; take a snapshot of the running member (`daytwo etcd save`), or end the member first"
        ),
    }
}

fn in_first_namespace() -> bool {
    fs::metadata("/proc/self/ns/pid").is_ok_and(|found| found.ino() == FIRST_NAMESPACE)
}

/// The process `pid` with its name.
fn named(pid: u32) -> String {
    match fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => format!("the process {pid} ({})", name.trim()),
        Err(_) => format!("the process {pid}"),
    }
}

/// A line is `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`: kind, strictness, mode, process, device as major and minor
/// in hexadecimal, inode, range (proc_locks(5)). `->` stands before those that wait.
fn shown(locks: &str, device: u64, inode: u64) -> Shown {
    let mut shown = Shown::Nothing;
    for line in locks.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, _, pid, place, ..] = words.as_slice() else { continue };
        let mut numbers = place.split(':');
        let mut hex = || numbers.next().and_then(|number| u64::from_str_radix(number, 16).ok());
        let (Some(major), Some(minor)) = (hex(), hex()) else { continue };
        if numbers.next().and_then(|number| number.parse().ok()) != Some(inode) {
            continue;
        }
        match pid.parse() {
            Ok(pid) if (major, minor) == split(device) => return Shown::Held(pid),
            _ => shown = Shown::Perhaps,
        }
    }
    shown
}

/// Major and minor of a device number, as Linux packs them (`makedev(3)`).
fn split(device: u64) -> (u64, u64) {
    let major = (device >> 8 & 0xFFF) | (device >> 32 & !0xFFF);
    let minor = (device & 0xFF) | (device >> 12 & !0xFF);
    (major, minor & 0xFFFF_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_locks_is_understood() {
        let locks = "1: POSIX  ADVISORY  WRITE 7 08:01:42 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 8 08:02:42 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 9 103:1f:42 0 EOF\n\
                     3: -> FLOCK  ADVISORY  WRITE 10 103:1f:42 0 EOF\n";
        // makedev(0x103, 0x1f)
        let device = 0x1_031f;
        assert_eq!(split(device), (0x103, 0x1f));
        assert_eq!(shown(locks, device, 42), Shown::Held(9));
        assert_eq!(shown(locks, 0x801, 42), Shown::Perhaps);
        assert_eq!(shown(locks, 0x801, 43), Shown::Nothing);
    }

    #[test]
    fn a_file_that_somebody_holds_is_live() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let holder = File::create(&path).unwrap();
        let file = File::open(&path).unwrap();
        assert!(refuse_live(&file, &path).is_ok());
        holder.lock().unwrap();
        assert!(matches!(refuse_live(&file, &path), Err(Error::Live { .. })));
        assert!(matches!(refuse_locked(&file, &path), Err(Error::Live { .. })));
        holder.unlock().unwrap();
        assert!(refuse_live(&file, &path).is_ok());
        assert!(refuse_locked(&file, &path).is_ok());
        // Nothing of ours is left behind either.
        assert!(holder.try_lock().is_ok());
    }
}
