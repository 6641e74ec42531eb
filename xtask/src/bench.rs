//! `cargo xtask bench …`: what the tool costs, next to what a bare client and Velero cost on the same machine.
//!
//! Only ratios of one run mean anything: machines differ, and so does the API server's mood. So both sides
//! alternate, and no figure here is asserted by a test.

mod backup;
mod etcd;
mod floor;
mod ground;
mod load;
mod machine;
mod measure;
mod restore;
mod rows;
mod show;
mod twin;
mod velero;
mod verify;

use anyhow::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Time, memory, load and size of backups, against a bare client and against Velero
    Backup(backup::Args),
    /// Time and memory of reading an etcd snapshot, against etcd's own tools
    Etcd(etcd::Args),
    /// Time, writes and memory of restores, against a bare loader
    Restore(restore::Args),
    /// A twin against etcd and kube-apiserver
    Twin(twin::Args),
}

pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Backup(args) => backup::run(args),
        Command::Etcd(args) => etcd::run(args),
        Command::Restore(args) => restore::run(args),
        Command::Twin(args) => twin::run(args),
    }
}
