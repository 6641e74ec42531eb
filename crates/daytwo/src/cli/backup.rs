//! `daytwo backup …`

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::shared::{At, Filters, Identities, Scope, Writing};
use super::twin::Cluster;

/// Verbs about backups.
#[derive(Debug, Subcommand)]
pub enum Backup {
    /// Back up the cluster at one revision
    Create(Create),
    /// List the backups of a location
    #[command(visible_alias = "ls")]
    List(List),
    /// Show what a backup holds, and how it was made
    Describe(Describe),
    /// Show objects of a backup
    Get(Get),
    /// Read every byte of a backup again and prove it
    Verify(Verify),
    /// Compare two backups, or a backup and the cluster
    Diff(Diff),
    /// Write a backup's objects as YAML files that kubectl applies
    Export(Export),
    /// Delete backups
    Delete(Delete),
    /// Delete the backups that a policy does not keep, and what killed runs left
    Prune(Prune),
}

/// `daytwo backup create`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo backup create
  daytwo backup create nightly --location s3://backups/lab --ttl 720h
  daytwo backup create shop --include-namespaces shop,shop-db --include-cluster-resources=false
  daytwo backup create web -l app=web --exclude-resources secrets
  daytwo backup create copy --from twin:backup:nightly --location ./backups
  daytwo backup create sealed --encrypt-to age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq --sign-key sign.pem")]
pub struct Create {
    /// Name: an RFC 1123 subdomain of at most 63 characters [default: CONTEXT-YYYYMMDDhhmmss, in UTC]
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// The cluster: a kubeconfig context, or twin:SOURCE, a cluster in memory [default: the current context]
    #[arg(long, value_name = "CLUSTER")]
    pub from: Option<Cluster>,
    #[command(flatten)]
    pub identities: Identities,
    #[command(flatten)]
    pub filters: Filters,
    #[command(flatten)]
    pub writing: Writing,
    /// Ask the API server for gzip: for slow links, at a third more CPU of the server
    #[arg(long)]
    pub compress: bool,
    /// Requests in flight
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub concurrency: u8,
    /// Accepted for Velero's sake: daytwo waits always
    #[arg(short = 'w', long, hide = true)]
    pub wait: bool,
    #[command(flatten)]
    pub at: At,
}

/// `daytwo backup list`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo backup list
  daytwo backup list --location s3://backups/lab -o wide
  daytwo backup list -o name")]
pub struct List {
    /// Add up the sizes too, which lists every file of the location; -o wide does so
    #[arg(long)]
    pub sizes: bool,
    #[command(flatten)]
    pub at: At,
}

/// `daytwo backup describe`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo backup describe nightly
  daytwo backup describe nightly -o json")]
pub struct Describe {
    /// The backup
    #[arg(value_name = "NAME")]
    pub name: String,
    #[command(flatten)]
    pub identities: Identities,
    #[command(flatten)]
    pub at: At,
}

/// `daytwo backup get`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo backup get nightly deployments -A
  daytwo backup get nightly deploy/web -n shop -o yaml
  daytwo backup get nightly configmap web-settings -n shop -o json
  daytwo backup get nightly secret/db -n shop -o yaml --show-secrets")]
pub struct Get {
    /// The backup
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Resources by plural, singular, short name or kind, with the group where it is ambiguous (deployments.apps), and
    /// names: KIND, KIND/NAME or KIND NAME
    #[arg(value_name = "KIND[/NAME]", required = true)]
    pub words: Vec<String>,
    #[command(flatten)]
    pub scope: Scope,
    /// Only objects with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,
    /// Show the values of Secrets
    #[arg(long)]
    pub show_secrets: bool,
    #[command(flatten)]
    pub identities: Identities,
    #[command(flatten)]
    pub at: At,
}

/// `daytwo backup verify`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo backup verify nightly
  daytwo backup verify nightly --key sign.pub.pem
  daytwo backup verify sealed --identity identity.txt -o json")]
pub struct Verify {
    /// The backup
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The ed25519 public key (PEM) that must have signed the backup
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub key: Option<PathBuf>,
    #[command(flatten)]
    pub identities: Identities,
    #[command(flatten)]
    pub at: At,
}

/// `daytwo backup diff`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo backup diff monday tuesday
  daytwo backup diff nightly --live
  daytwo backup diff nightly --live -n shop -o json
  daytwo backup diff nightly --live --context twin:fixture:enclave
  daytwo backup diff monday tuesday --include-resources deployments.apps --noise")]
pub struct Diff {
    /// The backup to compare from
    #[arg(value_name = "A")]
    pub before: String,
    /// The backup to compare to
    #[arg(value_name = "B", required_unless_present = "live", conflicts_with = "live")]
    pub after: Option<String>,
    /// Compare to the cluster instead
    #[arg(long)]
    pub live: bool,
    /// Also compare what servers write by themselves: managedFields, resourceVersion, heartbeats
    #[arg(long)]
    pub noise: bool,
    /// Show the values of Secrets
    #[arg(long)]
    pub show_secrets: bool,
    #[command(flatten)]
    pub scope: Scope,
    #[command(flatten)]
    pub filters: Filters,
    #[command(flatten)]
    pub identities: Identities,
    #[command(flatten)]
    pub at: At,
}

/// `daytwo backup export`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo backup export nightly --to ./nightly
  daytwo backup export nightly --to ./shop --include-namespaces shop --include-cluster-resources=false")]
pub struct Export {
    /// The backup
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The folder to write to; it must be empty or absent
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub to: PathBuf,
    #[command(flatten)]
    pub filters: Filters,
    #[command(flatten)]
    pub identities: Identities,
    #[command(flatten)]
    pub at: At,
}

/// `daytwo backup delete`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo backup delete nightly
  daytwo backup delete monday tuesday --yes")]
pub struct Delete {
    /// The backups
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
    /// Do not ask
    #[arg(short, long, visible_alias = "confirm")]
    pub yes: bool,
    #[command(flatten)]
    pub at: At,
}

/// `daytwo backup prune`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo backup prune --keep-daily 7 --keep-weekly 4
  daytwo backup prune --keep-last 10 --yes
  daytwo backup prune --orphans")]
#[command(group = clap::ArgGroup::new("policy").multiple(true).required(true)
    .args(["keep_last", "keep_daily", "keep_weekly", "keep_monthly", "orphans"]))]
pub struct Prune {
    /// Keep the newest N
    #[arg(long, value_name = "N")]
    pub keep_last: Option<NonZeroU32>,
    /// Keep the newest of each of the last N days that have one (UTC)
    #[arg(long, value_name = "N")]
    pub keep_daily: Option<NonZeroU32>,
    /// Keep the newest of each of the last N weeks that have one (ISO weeks, UTC)
    #[arg(long, value_name = "N")]
    pub keep_weekly: Option<NonZeroU32>,
    /// Keep the newest of each of the last N months that have one (UTC)
    #[arg(long, value_name = "N")]
    pub keep_monthly: Option<NonZeroU32>,
    /// Also remove what killed runs left: files without a backup and unfinished uploads
    #[arg(long)]
    pub orphans: bool,
    /// With --orphans: leave alone what showed a sign of life within this time
    #[arg(long, value_name = "DURATION", default_value = "1h", requires = "orphans")]
    pub older_than: String,
    /// Do it; without this, only show what would be done
    #[arg(short, long, visible_alias = "confirm")]
    pub yes: bool,
    #[command(flatten)]
    pub at: At,
}
