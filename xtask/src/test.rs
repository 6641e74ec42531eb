//! Runs the tests of the workspace, with the real parts they use built first.

use std::thread;

use ::testbed::{Family, Missing, available, build, ci};
use anyhow::{Result, bail};

use crate::cargo::{cargo, run as run_cargo, say};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also what takes long: many seeds, many objects, many rounds
    #[arg(long)]
    long: bool,

    /// Run only tests whose name holds one of these
    filters: Vec<String>,
}

/// Compiles the tests while Go builds the parts, then runs all tests, also after one failed. Ends with
/// the tests' own summary.
pub fn run(args: &Args) -> Result<()> {
    let families = wanted()?;
    let (parts, compiled) = thread::scope(|scope| {
        let parts = scope.spawn(|| build(&families));
        let compiled = run_cargo(&mut cargo(&["test", "--workspace", "--no-run"]));
        (parts.join(), compiled)
    });
    compiled?;
    match parts {
        Ok(built) => built?,
        Err(_) => bail!("building the testbed panicked"),
    };
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
    if args.long {
        tests.env("DAYTWO_LONG", "1");
    }
    if !args.filters.is_empty() {
        tests.arg("--").args(&args.filters);
    }
    run_cargo(&mut tests)
}

/// The families to build; what cannot be had is skipped, except in CI.
fn wanted() -> Result<Vec<Family>> {
    let mut families = Vec::new();
    for family in Family::ALL {
        match available(&[family]) {
            Ok(()) => families.push(family),
            Err(missing) if ci() => bail!("nothing may be skipped with CI=true: {missing}"),
            Err(missing @ Missing::Go(_)) => {
                say(&format!("skipped: every test that needs {family}: {missing}"));
            }
            Err(missing @ (Missing::Off | Missing::Linux)) => {
                say(&format!("skipped: every test that needs a real part: {missing}"));
                return Ok(Vec::new());
            }
        }
    }
    Ok(families)
}
