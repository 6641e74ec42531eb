//! The release-built half of `cargo xtask bench`: whatever runs while a clock runs.
//!
//! A benchmark compares with what a bare client can do, so the bare client must not lose time in an
//! unoptimised build; nor must the loader that fills a cluster, or the wrapper that measures a process. What
//! it refuses to do: decide, compare, print for people. That is the other half's.

mod chance;
mod connect;
mod fill;
mod objects;
mod pages;
mod read;
mod run;
mod settings;
mod twin;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use serde::Serialize;

/// Runs what `cargo xtask bench` measures.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create mixed objects numbered FROM to TO, in namespaces that begin with PREFIX
    Fill(Load),
    /// Delete what `fill` created
    Clear(Load),
    /// Read a recorded sequence of list pages at a fresh revision, and print their addresses
    Plan {
        #[arg(long)]
        kubeconfig: PathBuf,
        /// The recorded requests: a JSON array of paths
        #[arg(long)]
        recorded: PathBuf,
    },
    /// Read planned pages and drop them: the floor
    Read {
        #[arg(long)]
        kubeconfig: PathBuf,
        #[arg(long)]
        job: PathBuf,
        /// Requests at a time, each on a connection of its own
        #[arg(long, default_value_t = 1)]
        in_flight: usize,
    },
    /// Ask a twin, or the server it is held against
    #[command(subcommand)]
    Twin(twin::Ask),
    /// Run a command, and print its wall clock and CPU seconds, its peak of memory and its exit code
    Run {
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

/// Which objects, and how many at a time.
#[derive(Debug, clap::Args)]
struct Load {
    #[arg(long)]
    kubeconfig: PathBuf,
    #[arg(long, default_value = "bench")]
    prefix: String,
    /// More than 32 bring nothing on two cores: the API server's CPU is what limits
    #[arg(long, default_value_t = 32)]
    connections: usize,
    #[arg(long)]
    from: u32,
    #[arg(long)]
    to: u32,
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Fill(load) => {
            fill::fill(&load.kubeconfig, &load.prefix, load.from..load.to, load.connections)
        }
        Command::Clear(load) => {
            fill::clear(&load.kubeconfig, &load.prefix, load.from..load.to, load.connections)
        }
        Command::Plan { kubeconfig, recorded } => print(&pages::plan(&kubeconfig, &recorded)?),
        Command::Read { kubeconfig, job, in_flight } => print(&read::read(&kubeconfig, &job, in_flight)?),
        Command::Twin(ask) => twin::run(ask),
        Command::Run { command } => print(&run::run(&command)?),
    }
}

/// One line of JSON on stdout.
fn print(value: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(value).context("cannot write JSON")?;
    line.push(b'\n');
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&line).and_then(|()| stdout.flush()).context("cannot write to stdout")
}
