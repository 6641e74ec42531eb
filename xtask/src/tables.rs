//! Makes the table by which `daytwo-etcd` reads Kubernetes' protobuf: from the `generated.proto` files and the Go struct
//! tags of the modules that define the API, one set for each minor.
//!
//! The proto files know the numbers and types; only the Go tags know the names in JSON, what is left out when empty, and
//! which structs are inlined. What differs between minors is written once for each. What it refuses to do: guess. A field
//! that one side knows and the other does not ends the run.

pub mod fetch;
mod gather;
mod golang;
mod proto;
mod write;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args as ClapArgs;

use crate::cargo::say;

/// The minors the table covers, and the modules' versions it is made of: the newest of each minor.
const VERSIONS: [(u8, &str); 5] =
    [(33, "v0.33.13"), (34, "v0.34.13"), (35, "v0.35.10"), (36, "v0.36.6"), (37, "v0.37.2")];

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Only say whether the table in the tree is the one that would be written
    #[arg(long)]
    check: bool,
}

pub fn run(args: &Args) -> Result<()> {
    let mut all = gather::Union::default();
    for (minor, version) in VERSIONS {
        say(&format!("reading {version}"));
        let folders = fetch::modules(version)?;
        all.add(minor, &folders).with_context(|| format!("cannot read the API of {version}"))?;
    }
    let text = write::table(&all, &VERSIONS)?;
    let path = table();
    if args.check {
        let kept =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        if kept != text {
            bail!("{} is not what the modules say: run `cargo xtask tables`", path.display());
        }
        return Ok(());
    }
    std::fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    say(&format!("wrote {} ({} bytes)", path.display(), text.len()));
    Ok(())
}

fn table() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/daytwo-etcd/src/kube/table.txt")
}
