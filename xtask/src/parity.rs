//! Holds the twin against a real kube-apiserver: the same calls, and the same commands of kubectl, on both.

use anyhow::Result;

use crate::cargo::{cargo, run as run_cargo};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run kubectl's commands in place of the API's calls
    #[arg(long)]
    kubectl: bool,

    /// Print what the real side answers, also where both agree
    #[arg(long)]
    show: bool,

    /// Put a second real server in the twin's place: all must agree, or the comparison itself is at fault
    #[arg(long)]
    against_real: bool,

    /// Tell of these only: an area, a section of it, a call: `objects`, `objects/create`, `objects/create.3`
    areas: Vec<String>,
}

/// Ends with the agreement by area, as a table; fails where something disagrees that `known.txt` does not list.
pub fn run(args: &Args) -> Result<()> {
    let (file, test) = match args.kubectl {
        true => ("kubectl", "kubectl_prints_the_same"),
        false => ("parity", "the_twin_answers_as_kube_apiserver_does"),
    };
    let mut tests = cargo(&["test", "--quiet", "--package", "daytwo-twin", "--test", file]);
    tests.args(["--", "--nocapture", test]);
    tests.env("DAYTWO_PARITY", args.areas.join(" "));
    if args.show {
        tests.env("DAYTWO_PARITY_SHOW", "1");
    }
    if args.against_real {
        tests.env("DAYTWO_PARITY_AGAINST", "real");
    }
    run_cargo(&mut tests)
}
