//! `cargo xtask bench …`: what the tool costs, next to what a bare client and Velero cost on the same machine.
//!
//! Only ratios of one run mean anything: machines differ, and so does the API server's mood. So both sides
//! alternate, and no figure here is asserted by a test.

mod backup;
mod floor;
mod ground;
mod load;
mod machine;
mod measure;
mod rows;
mod velero;
mod verify;

use anyhow::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Time, memory, load and size of backups, against a bare client and against Velero
    Backup(backup::Args),
}

pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Backup(args) => backup::run(args),
    }
}
