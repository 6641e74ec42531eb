//! Runs cargo, and says what is run and what is not.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// Variables by which `cargo run` tells a program about its own package.
const OURS: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];

/// The cargo that runs us, at the root of the workspace.
pub fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    command.current_dir(crate_folder.parent().unwrap_or(crate_folder)).args(args);
    // What cargo says of this package would have build scripts that look at it, and all that rests on them, run anew.
    for (name, _) in env::vars_os() {
        if OURS.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
}

/// Shows the command, runs it, and fails if it does.
pub fn run(command: &mut Command) -> Result<()> {
    let words: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
    let shown = format!("cargo {}", words.join(" "));
    say(&format!("$ {shown}"));
    let status = command.status().with_context(|| format!("cannot run `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

/// To people, on stderr.
pub fn say(line: &str) {
    // Nobody to tell if stderr is closed.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Data, on stdout.
///
/// # Errors
/// If it cannot be written.
pub fn print(line: &str) -> Result<()> {
    writeln!(io::stdout(), "{line}").context("cannot write to stdout")
}

/// Builds programs by `cargo build` with `args`, all in one go so that what they share is built once, and
/// returns their paths.
///
/// # Errors
/// If one cannot be built.
pub fn programs<const N: usize>(names: [&str; N], args: &[&str]) -> Result<[PathBuf; N]> {
    let mut command = cargo(&["build"]);
    command.args(args).args(names.iter().flat_map(|name| ["--bin", name]));
    run(&mut command)?;
    // What is built already only says where it is.
    let output = command.args(["--quiet", "--message-format=json"]).output().context("cannot run cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let messages: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut paths = names.map(|_| PathBuf::new());
    for (path, name) in paths.iter_mut().zip(names) {
        let mut of_it = messages.iter().filter(|message| message["target"]["name"] == name);
        let executable = of_it.find_map(|message| message["executable"].as_str());
        *path = executable.with_context(|| format!("cargo does not say where it put {name}"))?.into();
    }
    Ok(paths)
}
