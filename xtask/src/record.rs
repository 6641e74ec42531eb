//! Records what a fresh Kubernetes server is and holds, and the definitions of custom resources that a Harvester site
//! has, for the twin to begin with.
//!
//! The first comes from the testbed's real API server, the second from the Go modules that define the resources. It
//! refuses to record what differs between two fresh servers: times, uids, revisions and ports become marks that the twin
//! fills in, and what is a secret or random by nature is left out.

mod ask;
mod definitions;
mod fresh;
mod schema;
mod shells;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args as ClapArgs;

use crate::cargo::say;

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Only say whether the files in the tree are the ones that would be written
    #[arg(long)]
    check: bool,
    /// Only the definitions of custom resources, for which no server is started
    #[arg(long)]
    definitions: bool,
}

/// A file of the twin, below the folder of its source.
struct File {
    path: &'static str,
    folder: String,
    content: Vec<u8>,
}

pub fn run(args: &Args) -> Result<()> {
    let mut files = definitions::files()?;
    if !args.definitions {
        files.extend(fresh::files()?);
    }
    let mut stale = Vec::new();
    for file in files {
        let path = source().join(&file.folder).join(file.path);
        if args.check {
            if fs::read(&path).ok().as_deref() != Some(&file.content) {
                stale.push(path.display().to_string());
            }
            continue;
        }
        let folder = path.parent().context("invariant: a file is in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        fs::write(&path, &file.content).with_context(|| format!("cannot write {}", path.display()))?;
        say(&format!("wrote {} ({} bytes)", path.display(), file.content.len()));
    }
    if !stale.is_empty() {
        bail!("not what would be recorded: {}; run `cargo xtask record`", stale.join(", "));
    }
    Ok(())
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/daytwo-twin/src")
}
