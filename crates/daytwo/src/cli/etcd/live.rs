//! `daytwo etcd save`, `health`, `defrag`, `disarm`: verbs about a living cluster. Flags that etcdctl has are spelt as
//! there, and read the same variables.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::cli::shared::{At, Places};

/// How etcd is reached.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "etcd options")]
pub struct Reach {
    /// Endpoints; one leads to all members [default: https://127.0.0.1:2379 where kubeadm, RKE2, K3s or Harvester keep
    /// etcd's certificates on this host]
    #[arg(long, value_name = "URL", value_delimiter = ',', env = "ETCDCTL_ENDPOINTS")]
    pub endpoints: Vec<String>,
    /// CA certificates (PEM) that sign for etcd [default: found on this host]
    #[arg(long, value_name = "FILE", env = "ETCDCTL_CACERT", value_hint = ValueHint::FilePath)]
    pub cacert: Option<PathBuf>,
    /// The client's certificate (PEM) [default: found on this host]
    #[arg(long, value_name = "FILE", env = "ETCDCTL_CERT", requires = "key", value_hint = ValueHint::FilePath)]
    pub cert: Option<PathBuf>,
    /// The client's key (PEM) [default: found on this host]
    #[arg(long, value_name = "FILE", env = "ETCDCTL_KEY", requires = "cert", value_hint = ValueHint::FilePath)]
    pub key: Option<PathBuf>,
    /// NAME:PASSWORD, where etcd's own authentication is on; better given as the variable
    #[arg(long, value_name = "USER", env = "ETCDCTL_USER", hide_env_values = true)]
    pub user: Option<String>,
    /// The folder that the host's file system lies under
    #[arg(long, value_name = "DIR", default_value = "/", value_hint = ValueHint::DirPath)]
    pub host_root: PathBuf,
    /// How long each call may take
    #[arg(long, value_name = "DURATION", default_value = "5s")]
    pub command_timeout: String,
}

/// `daytwo etcd save`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo etcd save
  daytwo etcd save before-upgrade --location s3://backups/lab
  daytwo etcd save --to /var/backups/etcd.db
  daytwo etcd save --sqlite --to /var/backups/k3s.db
  daytwo etcd save --encrypt-to age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq
  daytwo etcd save --endpoints https://10.0.0.1:2379 --cacert ca.crt --cert client.crt --key client.key")]
pub struct Save {
    /// Name at the location: at most 63 of a-z, 0-9, '-' and '.' [default: etcd-YYYYMMDDhhmmss, in UTC]
    #[arg(value_name = "NAME", conflicts_with = "to")]
    pub name: Option<String>,
    /// Write this file, and FILE.json beside it, instead of to a location
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub to: Option<PathBuf>,
    /// Save the SQLite store of a K3s server instead of an etcd member's, in use or not [default without a value: where K3s
    /// keeps it on this host]
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "found", conflicts_with = "member", value_hint = ValueHint::FilePath)]
    pub sqlite: Option<PathBuf>,
    /// The member to save from, by name or id [default: the follower that is furthest on]
    #[arg(long, value_name = "MEMBER")]
    pub member: Option<String>,
    /// Encrypt for this age recipient; may be repeated
    #[arg(long, value_name = "RECIPIENT")]
    pub encrypt_to: Vec<String>,
    #[command(flatten)]
    pub reach: Reach,
    #[command(flatten)]
    pub at: At,
}

/// `daytwo etcd health`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo etcd health
  daytwo etcd health -o json
  daytwo etcd health --endpoints https://10.0.0.1:2379 --cacert ca.crt --cert client.crt --key client.key")]
pub struct Health {
    #[command(flatten)]
    pub reach: Reach,
}

/// `daytwo etcd defrag`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo etcd defrag --dry-run
  daytwo etcd defrag --journal ./journals
  daytwo etcd defrag --member cp-2 --at-least 0")]
pub struct Defrag {
    /// Print the plan and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Only these members, by name or id; may be repeated [default: all]
    #[arg(long = "member", value_name = "MEMBER")]
    pub members: Vec<String>,
    /// The share of its database, in percent, that must be free for a member to be worth it; 0 takes all
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=100))]
    pub at_least: u64,
    /// Go on although the cluster takes no writes while a member is at it
    #[arg(long)]
    pub accept_outage: bool,
    /// The longest time one member may take
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    pub member_timeout: String,
    /// Name of the run [default: etcd-defrag-YYYYMMDDhhmmss, in UTC]
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    #[command(flatten)]
    pub reach: Reach,
    #[command(flatten)]
    pub places: Places,
}

/// `daytwo etcd disarm`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo etcd disarm --dry-run
  daytwo etcd disarm --journal ./journals")]
pub struct Disarm {
    /// Print the plan and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Only alarms of these members, by name or id; may be repeated [default: all]
    #[arg(long = "member", value_name = "MEMBER")]
    pub members: Vec<String>,
    /// Take CORRUPT back too: the keys of that member were compared with those of the others
    #[arg(long)]
    pub corrupt: bool,
    /// Name of the run [default: etcd-disarm-YYYYMMDDhhmmss, in UTC]
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    #[command(flatten)]
    pub reach: Reach,
    #[command(flatten)]
    pub places: Places,
}
