//! The project's own commands, as `cargo xtask …`: one place for what a developer and CI both run, so
//! that they cannot drift apart.
//!
//! A command is a module with its arguments and a `run`, a variant of [`Command`] and an arm in
//! [`Cli::run`].

mod cargo;
mod lint;
mod test;
mod testbed;

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
    /// Check the format, the lints and the dependencies of all that is Rust
    Lint,
    /// Build the real parts, then run the tests of the workspace
    Test(test::Args),
    /// Real Kubernetes parts: build them, or run them to work with by hand
    #[command(subcommand)]
    Testbed(testbed::Command),
}

impl Cli {
    fn run(self) -> Result<()> {
        match self.command {
            Command::Lint => lint::run(),
            Command::Test(args) => test::run(&args),
            Command::Testbed(command) => testbed::run(&command),
        }
    }
}

fn main() -> Result<()> {
    Cli::parse().run()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
