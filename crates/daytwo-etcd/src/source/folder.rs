//! Which database a folder means: a member's data directory, or the folder of a K3s or RKE2 server.

use std::path::{Path, PathBuf};

use super::{Options, Source, kine, member};
use crate::datadir::Layout;
use crate::{Error, Result};

/// Where a K3s or RKE2 server keeps its data, from `server/db`, `server`, and what lies around that (k3s
/// `pkg/daemons/config`, `pkg/etcd`).
const BELOW: [&str; 4] = ["", "db", "server/db", "data/server/db"];

pub(super) fn open(path: &Path, options: &Options) -> Result<Source> {
    let there = |name: &str| BELOW.iter().map(|below| path.join(below).join(name)).collect::<Vec<PathBuf>>();
    let is_member = |dir: &PathBuf| Layout::of(dir, options.wal_dir.as_deref()).is_ok();
    let etcd = [path.to_owned()].into_iter().chain(there("etcd")).find(is_member);
    let sqlite = there("state.db").into_iter().find(|file| file.is_file());
    match (etcd, sqlite) {
        (Some(dir), other) => {
            let mut source = member(&dir, options, None)?;
            if let Some(other) = other {
                // K3s that went over from SQLite to etcd leaves its old database.
                source.found.notes.push(format!(
                    "{} is there too and was not read: a server with etcd does not use it",
                    other.display()
                ));
            }
            Ok(source)
        }
        (None, Some(file)) => kine(&file, options, Vec::new()),
        (None, None) => Err(Error::Foreign {
            path: path.to_owned(),
            what: "a folder with neither etcd's member/snap/db nor K3s' state.db in it".to_owned(),
        }),
    }
}
