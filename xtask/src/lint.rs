//! Everything that can be said of the code without running it.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::cargo::{self, cargo, say};

/// Runs all checks, also after one failed, and fails if any did.
fn run_all(checks: &[&[&str]]) -> Result<()> {
    let results: Vec<Result<()>> = checks.iter().map(|args| cargo::run(&mut cargo(args))).collect();
    results.into_iter().collect()
}

/// Format, lints with warnings as errors, and licences and advisories of dependencies where cargo-deny is.
pub fn run() -> Result<()> {
    let mut checks: Vec<&[&str]> = vec![
        &["fmt", "--all", "--check"],
        &["clippy", "--workspace", "--all-targets", "--", "--deny=warnings"],
    ];
    if !quiet("cargo-deny", &["--version"]) {
        say("skipped: `cargo deny check`, as cargo-deny is not installed (cargo install cargo-deny)");
        return run_all(&checks);
    }
    checks.push(&["deny", "--offline", "check", "bans", "licenses", "sources"]);
    if quiet("cargo", &["deny", "fetch", "db"]) {
        checks.push(&["deny", "check", "advisories"]);
    } else {
        say("skipped: `cargo deny check advisories`, as the advisory database cannot be fetched from here");
    }
    run_all(&checks)
}

/// Whether `program` is there and succeeds, its output not shown.
fn quiet(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
