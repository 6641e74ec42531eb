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
    if has_deny() {
        checks.push(&["deny", "check"]);
    } else {
        say("skipped: `cargo deny check`, as cargo-deny is not installed (cargo install cargo-deny)");
    }
    run_all(&checks)
}

fn has_deny() -> bool {
    let mut command = Command::new("cargo-deny");
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
