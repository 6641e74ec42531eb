//! `daytwo restore …`

use clap::{Args, Subcommand};

use super::shared::{At, Filters, Identities};

/// Verbs about restores.
#[derive(Debug, Subcommand)]
pub enum Restore {
    /// Create in the cluster what a backup holds and the cluster lacks
    Create(Create),
    /// Show what `restore create` would do, writing nothing
    Plan(Plan),
}

/// `daytwo restore create`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo restore create --from nightly --dry-run
  daytwo restore create --from nightly --include-namespaces shop
  daytwo restore create --from nightly --include-namespaces shop --namespace-mapping shop:shop-copy
  daytwo restore create --from nightly --empty-volumes -o json")]
pub struct Create {
    #[command(flatten)]
    pub request: Request,
    /// Show what would be created, kept, and what the cluster lacks, writing nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Accepted for Velero's sake: daytwo waits always
    #[arg(short = 'w', long, hide = true)]
    pub wait: bool,
}

/// `daytwo restore plan`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo restore plan --from nightly
  daytwo restore plan --from nightly --include-namespaces shop -o json")]
pub struct Plan {
    #[command(flatten)]
    pub request: Request,
}

/// What to restore.
#[derive(Debug, Args)]
pub struct Request {
    /// The backup
    #[arg(long, visible_alias = "from-backup", value_name = "NAME")]
    pub from: String,
    #[command(flatten)]
    pub filters: Filters,
    /// Restore namespace A as B
    #[arg(long, visible_alias = "namespace-mappings", value_name = "A:B", value_delimiter = ',')]
    pub namespace_mapping: Vec<String>,
    /// Create claims empty whose data lies in a snapshot or a volume repository
    #[arg(long)]
    pub empty_volumes: bool,
    /// Requests in flight
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub concurrency: u8,
    #[command(flatten)]
    pub identities: Identities,
    #[command(flatten)]
    pub at: At,
}
