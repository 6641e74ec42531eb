//! The file that leads to a twin: for its owner only, and gone with the twin.
//!
//! It never takes the place of a file that somebody else wrote: `--kubeconfig` names what is read everywhere else.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::config::private_file;
use crate::failure::{Failure, Result};

/// The first line, by which such a file is known again.
const MARK: &str = "# Written by daytwo twin; gone when it ends, and of no use then.\n";

/// A kubeconfig that is there as long as this is.
#[derive(Debug)]
pub struct Written {
    path: PathBuf,
    text: String,
    /// The folder made for it, which goes with it.
    folder: Option<TempDir>,
}

impl Written {
    /// Writes `text` into `file`, or into a folder of its own where none is named.
    ///
    /// # Errors
    /// Exit 4 where `file` is there and is another's; those of the file system.
    pub fn write(file: Option<&Path>, text: &str) -> Result<Self> {
        let text = format!("{MARK}{text}");
        match file {
            None => {
                let folder = private_folder()?;
                let path = folder.path().join("kubeconfig");
                private_file(&path).and_then(|mut file| file.write_all(text.as_bytes()))?;
                Ok(Self { path, text, folder: Some(folder) })
            }
            Some(file) => {
                let doing = || format!("cannot write {}", file.display());
                replaceable(file)?;
                put(file, &text).map_err(|error| Failure::from(error).while_doing(doing()))?;
                let path = std::path::absolute(file)?;
                Ok(Self { path, text, folder: None })
            }
        }
    }

    /// Where it is, from anywhere.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // Unless somebody put another in its place.
        if self.folder.is_none() && fs::read_to_string(&self.path).is_ok_and(|text| text == self.text) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A folder that only its owner may look into, gone with what is returned.
///
/// # Errors
/// Those of the file system.
pub fn private_folder() -> Result<TempDir> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_dir());
    let parent = runtime.unwrap_or_else(std::env::temp_dir);
    let only_me = fs::Permissions::from_mode(0o700);
    let made = tempfile::Builder::new().prefix("daytwo-twin-").permissions(only_me).tempdir_in(&parent);
    made.map_err(|error| {
        Failure::from(error).while_doing(format!("cannot make a private folder in {}", parent.display()))
    })
}

/// Whether the file is not there, or one that a twin left.
fn replaceable(file: &Path) -> Result<()> {
    let ours = match fs::symlink_metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Ok(found) if found.is_file() => fs::read(file)?.starts_with(MARK.as_bytes()),
        _ => false,
    };
    if ours {
        return Ok(());
    }
    let what =
        format!("{} is there and is no twin's: --kubeconfig names the file that is written", file.display());
    Err(Failure::refused(what)
        .or_try("another file")
        .or_try("KUBECONFIG=FILE, for the cluster of --from cluster"))
}

/// Readers see the whole file or none.
fn put(file: &Path, text: &str) -> io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = private_file(&beside)
        .and_then(|mut open| open.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&beside, file));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn what_somebody_else_wrote_is_left_alone_and_what_a_twin_left_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        fs::write(&file, "apiVersion: v1\n").unwrap();
        assert_eq!(Written::write(Some(&file), "a").unwrap_err().exit, Exit::Refused);
        assert_eq!(Written::write(Some(folder.path()), "a").unwrap_err().exit, Exit::Refused);
        assert_eq!(fs::read_to_string(&file).unwrap(), "apiVersion: v1\n");
        fs::write(&file, format!("{MARK}old")).unwrap();
        let written = Written::write(Some(&file), "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("{MARK}new"));
        drop(written);
        assert!(!file.exists());
    }

    #[test]
    fn a_file_that_took_its_place_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let written = Written::write(Some(&file), "a").unwrap();
        fs::write(&file, "another's").unwrap();
        drop(written);
        assert_eq!(fs::read_to_string(&file).unwrap(), "another's");
    }
}
