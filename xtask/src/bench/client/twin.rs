//! What a twin and a real API server are asked while a clock runs: the same requests, by a client that does as little as it
//! can, since it shares the machine with the server.

mod create;
mod lean;
mod list;
mod ready;
mod stub;
mod watch;
mod watcher;

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

use super::print;

/// What is asked.
#[derive(Debug, Subcommand)]
pub enum Ask {
    /// Wait until a kubeconfig is there and its server answers /readyz over TLS
    Ready {
        #[arg(long)]
        kubeconfig: PathBuf,
    },
    /// Answer every request with the same 201 over TLS, until it is killed
    Stub {
        /// The kubeconfig it writes
        #[arg(long)]
        kubeconfig: PathBuf,
    },
    /// Create ConfigMaps of 1 KiB, and print the seconds it took
    Create(Creates),
    /// List a collection, and print the seconds and the bytes it took
    List {
        #[arg(long)]
        kubeconfig: PathBuf,
        #[arg(long)]
        path: String,
    },
    /// Watch ConfigMaps over many connections while they are created, and print what the watchers saw
    Watch {
        #[arg(long, default_value_t = 1_000)]
        watchers: usize,
        #[command(flatten)]
        creates: Creates,
    },
}

/// What is created.
#[derive(Debug, Clone, clap::Args)]
pub struct Creates {
    #[arg(long)]
    pub kubeconfig: PathBuf,
    #[arg(long)]
    pub namespace: String,
    #[arg(long)]
    pub count: u32,
    #[arg(long, default_value_t = 32)]
    pub connections: usize,
}

pub fn run(ask: Ask) -> Result<()> {
    match ask {
        Ask::Ready { kubeconfig } => ready::ready(&kubeconfig),
        Ask::Stub { kubeconfig } => stub::serve(&kubeconfig),
        Ask::Create(creates) => print(&create::create(&creates)?),
        Ask::List { kubeconfig, path } => print(&list::list(&kubeconfig, &path)?),
        Ask::Watch { watchers, creates } => print(&watch::watch(watchers, &creates)?),
    }
}
