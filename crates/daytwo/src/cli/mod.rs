//! The words of the command line: every verb, flag, default and example.
//!
//! Only parses. What a flag means is decided once in [`crate::settings`] and by the verbs in [`crate::commands`];
//! nothing here reads a file, the clock or a cluster.

pub mod backup;
pub mod changes;
pub mod demo;
pub mod etcd;
pub mod habits;
pub mod key;
pub mod location;
pub mod restore;
pub mod runs;
pub mod shared;
#[cfg(test)]
mod tests;
pub mod twin;

use std::path::PathBuf;

use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Back up, verify and restore a Kubernetes cluster.
#[derive(Debug, Parser)]
#[command(
    name = "daytwo",
    version,
    propagate_version = false,
    disable_help_subcommand = true,
    max_term_width = 110,
    after_help = concat!(
        "Examples:\n",
        "  daytwo demo\n",
        "  daytwo location add lab s3://backups/lab --endpoint https://minio.lab:9000 --default\n",
        "  daytwo backup create\n",
        "  daytwo backup list\n",
        "  daytwo restore create --from lab-20261121060000 --dry-run\n",
        "  daytwo restore create --from lab-20261121060000 --into twin:fixture:empty\n",
        "  daytwo twin kubectl --from backup:lab-20261121060000 -- get pods -A\n",
        "\n",
        "Exit codes: 0 done, 1 findings or differences, 2 usage, 3 could not tell, 4 refused as unsafe, 5 failed."
    )
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

/// Flags that every verb takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, then the pod's ServiceAccount]
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub kubeconfig: Option<PathBuf>,
    /// Kubeconfig context, or twin:SOURCE for a cluster in memory (see daytwo twin serve --help) [default: the file's
    /// current context]
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// What stdout carries
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
    /// Log to stderr; repeat for more (-v, -vv, -vvv)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// No colour, as with NO_COLOR=1
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// What stdout carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people
    Table,
    /// The table with more columns
    Wide,
    /// JSON, apiVersion daytwo.dev/v1alpha1
    Json,
    /// The same as JSON, in YAML
    Yaml,
    /// Names, one a line
    Name,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make, read, verify, compare and delete backups
    #[command(subcommand)]
    Backup(backup::Backup),
    /// Restore a backup into a cluster
    #[command(subcommand)]
    Restore(Box<restore::Restore>),
    /// Go on with a run that was stopped or killed
    #[command(after_help = "Examples:
  daytwo resume nightly-20261121060504-1f3c
  daytwo resume nightly-20261121060504-1f3c --journal ./journals")]
    Resume(restore::Resume),
    /// List, show and give up runs
    #[command(subcommand)]
    Runs(runs::Runs),
    /// Read, verify, compare, save and restore etcd's and K3s' data
    #[command(subcommand)]
    Etcd(etcd::Etcd),
    /// Open a backup, a snapshot or a fixture as a living cluster in memory
    #[command(subcommand)]
    Twin(twin::Twin),
    /// Back up, lose and restore a namespace of a cluster in memory
    Demo(demo::Demo),
    /// Keep named backup locations, and check them
    #[command(subcommand)]
    Location(location::Location),
    /// Generate keys for signing and encryption
    #[command(subcommand)]
    Key(key::Key),
    /// Print a shell completion script
    Completion(Completion),
    /// Print the manual page, or write all of them to a folder
    Man(Man),
    /// Print the version
    Version(Version),
}

/// `daytwo completion`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo completion bash > /etc/bash_completion.d/daytwo
  daytwo completion zsh > ~/.zfunc/_daytwo
  daytwo completion fish > ~/.config/fish/completions/daytwo.fish")]
pub struct Completion {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// `daytwo man`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo man | man -l -
  daytwo man --dir /usr/local/share/man/man1")]
pub struct Man {
    /// Write one page per verb into this folder instead
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}

/// `daytwo version`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo version
  daytwo version -o json")]
pub struct Version {}

/// The whole command, for completions, manual pages and tests.
pub fn command() -> clap::Command {
    Cli::command()
}
