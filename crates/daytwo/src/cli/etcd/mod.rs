//! `daytwo etcd …`

use clap::Subcommand;

/// Verbs about etcd's and K3s' data.
#[derive(Debug, Subcommand)]
pub enum Etcd {}
