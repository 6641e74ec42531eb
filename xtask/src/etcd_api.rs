//! Generates the client of etcd's gRPC API from `crates/daytwo-engine/proto/etcd.proto`, in Rust alone: no protoc.
//!
//! What it writes is checked in, so that a build needs neither this nor the compiler of .proto files. It refuses to
//! make a server.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

const PROTO: &str = "crates/daytwo-engine/proto";
const GENERATED: &str = "crates/daytwo-engine/src/etcd/generated.rs";

/// Writes the file anew.
pub fn run() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut compiler =
        protox::Compiler::new([root.join(PROTO)]).context("cannot read the folder of the API")?;
    compiler.include_source_info(true).open_file("etcd.proto").context("cannot compile the API")?;
    let mut config = tonic_prost_build::Config::new();
    // Byte strings are parts of what was received, not copies: a snapshot is nothing but such.
    config.bytes(["."]);
    let out = tempfolder(&root)?;
    tonic_prost_build::configure()
        .build_server(false)
        .out_dir(&out)
        .compile_fds_with_config(compiler.file_descriptor_set(), config)
        .context("cannot generate the client")?;
    let text = fs::read_to_string(out.join("etcdserverpb.rs")).context("nothing was generated")?;
    fs::remove_dir_all(&out).context("cannot remove the folder of what was generated")?;
    let target = root.join(GENERATED);
    fs::write(&target, text).with_context(|| format!("cannot write {}", target.display()))?;
    let status = Command::new("rustfmt").args(["--edition", "2024"]).arg(&target).status();
    if !status.context("cannot run rustfmt")?.success() {
        bail!("rustfmt does not take {}", target.display());
    }
    Ok(())
}

fn tempfolder(root: &Path) -> Result<std::path::PathBuf> {
    let folder = root.join("target/etcd-api");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}
