//! The project's own commands, as `cargo xtask …`: one place for what a developer and CI both run, so
//! that they cannot drift apart.
//!
//! A command is a module with its arguments and a `run`, a variant of [`Command`] and an arm in
//! [`Cli::run`].

mod bench;
mod cargo;
mod demo;
#[cfg(feature = "etcd-api")]
mod etcd_api;
mod lint;
mod parity;
mod record;
mod tables;
mod test;
mod testbed;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure the tool against a bare client and against Velero
    #[command(subcommand)]
    Bench(bench::Command),
    /// Build the tool and show its main job: back up, lose a namespace, restore it, compare
    Demo,
    /// Generate the client of etcd's API from its .proto file
    #[cfg(feature = "etcd-api")]
    EtcdApi,
    /// Check the format, the lints and the dependencies of all that is Rust
    Lint,
    /// Record what a fresh Kubernetes server holds, and the custom resources of a Harvester site
    Record(record::Args),
    /// Hold the twin against a real kube-apiserver, and print the agreement by area
    Parity(parity::Args),
    /// Make the table of Kubernetes' types anew from the Go modules that define them
    Tables(tables::Args),
    /// Build the real parts, then run the tests of the workspace
    Test(test::Args),
    /// Real Kubernetes parts: build them, or run them to work with by hand
    #[command(subcommand)]
    Testbed(testbed::Command),
}

impl Cli {
    fn run(self) -> Result<()> {
        match self.command {
            Command::Bench(command) => bench::run(&command),
            Command::Demo => demo::run(),
            #[cfg(feature = "etcd-api")]
            Command::EtcdApi => etcd_api::run(),
            Command::Lint => lint::run(),
            Command::Record(args) => record::run(&args),
            Command::Parity(args) => parity::run(&args),
            Command::Tables(args) => tables::run(&args),
            Command::Test(args) => test::run(&args),
            Command::Testbed(command) => testbed::run(&command),
        }
    }
}

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cargo::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
