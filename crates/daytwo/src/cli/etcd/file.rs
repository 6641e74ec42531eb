//! The verbs that read a file: `status`, `verify`, `ls`, `get`, `history`, `diff`, `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::cli::shared::{At, Filters, Scope, Writing};

/// What API servers put before their keys, unless told otherwise.
const PREFIX: &str = "/registry";

/// A file, and how to read it.
#[derive(Debug, Clone, Args)]
pub struct Source {
    /// A snapshot (also a zip of K3s and RKE2), a member's data directory, or the database of a K3s server
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub file: PathBuf,
    #[command(flatten)]
    pub reading: Reading,
}

/// How Kubernetes' objects are found and read in a file.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Reading options")]
pub struct Reading {
    /// What the API server's --etcd-prefix was
    #[arg(long, value_name = "PREFIX", default_value = PREFIX)]
    pub etcd_prefix: String,
    /// The API server's EncryptionConfiguration, to read what is encrypted at rest
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub encryption_config: Option<PathBuf>,
    /// A member's data directory: where its log is, if not in there
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub wal_dir: Option<PathBuf>,
    /// Show objects as this minor of Kubernetes 1.x does (33 to 37): some leave out empty fields that others show
    /// [default: 37]
    #[arg(long, value_name = "MINOR", value_parser = clap::value_parser!(u8).range(33..=37))]
    pub kubernetes_minor: Option<u8>,
}

impl Reading {
    /// As the flags are where none is given.
    pub fn usual() -> Self {
        Self { etcd_prefix: PREFIX.to_owned(), ..Self::default() }
    }
}

/// As of when.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Reading options")]
pub struct Moment {
    /// As of this revision, which objects carry as resourceVersion [default: the newest]
    #[arg(long, visible_alias = "rev", value_name = "REVISION")]
    pub revision: Option<i64>,
}

/// `daytwo etcd status`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo etcd status snapshot.db
  daytwo etcd status /var/lib/etcd
  daytwo etcd status snapshot.db.zip --token-file /var/lib/rancher/rke2/server/token
  daytwo etcd status /backup/state.db -o json")]
pub struct Status {
    #[command(flatten)]
    pub source: Source,
    /// K3s and RKE2: say whether the server token in this file opens the snapshot
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub token_file: Option<PathBuf>,
    /// How many of the biggest keys to name
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub top: usize,
}

/// `daytwo etcd verify`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo etcd verify snapshot.db
  daytwo etcd verify snapshot.db --encryption-config encryption-config.yaml
  daytwo etcd verify /backup/state.db -o json")]
pub struct Verify {
    #[command(flatten)]
    pub source: Source,
}

/// `daytwo etcd ls`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo etcd ls snapshot.db
  daytwo etcd ls snapshot.db deployments -n shop
  daytwo etcd ls snapshot.db --keys /registry/ranges -o wide
  daytwo etcd ls snapshot.db --revision 81234 -o name")]
pub struct Ls {
    #[command(flatten)]
    pub source: Source,
    /// Only objects of these resources, by plural, singular, short name or kind
    #[arg(value_name = "KIND")]
    pub kinds: Vec<String>,
    /// Only objects of this namespace
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Only keys that begin so, as they stand in etcd
    #[arg(long, value_name = "PREFIX", conflicts_with_all = ["kinds", "namespace"])]
    pub keys: Option<String>,
    #[command(flatten)]
    pub moment: Moment,
}

/// `daytwo etcd get`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo etcd get snapshot.db deployment/web -n shop -o yaml
  daytwo etcd get snapshot.db configmaps -A
  daytwo etcd get snapshot.db secret/db -n shop --encryption-config enc.yaml --show-secrets -o yaml
  daytwo etcd get /var/lib/rancher/k3s/server/db/state.db pods -n shop --revision 81234
  daytwo etcd get snapshot.db --key /registry/ranges/serviceips")]
pub struct Get {
    #[command(flatten)]
    pub source: Source,
    /// Resources by plural, singular, short name or kind, with the group where it is ambiguous (deployments.apps), and
    /// names: KIND, KIND/NAME or KIND NAME
    #[arg(value_name = "KIND[/NAME]", required_unless_present = "key")]
    pub words: Vec<String>,
    #[command(flatten)]
    pub scope: Scope,
    /// Only objects with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,
    /// The bytes of one key instead, as they stand in etcd; a Secret's only with --show-secrets
    #[arg(long, value_name = "KEY", conflicts_with_all = ["words", "namespace", "all_namespaces", "selector"])]
    pub key: Option<String>,
    /// Show the values of Secrets
    #[arg(long)]
    pub show_secrets: bool,
    #[command(flatten)]
    pub moment: Moment,
}

/// `daytwo etcd history`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo etcd history snapshot.db deployment/web -n shop
  daytwo etcd history snapshot.db node/a --noise
  daytwo etcd history /backup/state.db configmap/settings -n shop -o json")]
pub struct History {
    #[command(flatten)]
    pub source: Source,
    /// The object: KIND/NAME, or KIND NAME
    #[arg(value_name = "KIND/NAME", required = true, num_args = 1..=2)]
    pub words: Vec<String>,
    /// Its namespace [default: default]
    #[arg(short, long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Also show what servers write by themselves: managedFields, resourceVersion, heartbeats
    #[arg(long)]
    pub noise: bool,
    /// Show the values of Secrets
    #[arg(long)]
    pub show_secrets: bool,
}

/// `daytwo etcd diff`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo etcd diff monday.db tuesday.db
  daytwo etcd diff snapshot.db --live
  daytwo etcd diff snapshot.db snapshot.db --revision 81234
  daytwo etcd diff monday.db tuesday.db -n shop --include-resources deployments.apps -o json")]
pub struct Diff {
    /// The file to compare from
    #[arg(value_name = "A", value_hint = ValueHint::AnyPath)]
    pub before: PathBuf,
    /// The file to compare to
    #[arg(value_name = "B", required_unless_present = "live", conflicts_with = "live", value_hint = ValueHint::AnyPath)]
    pub after: Option<PathBuf>,
    /// Compare to the cluster instead
    #[arg(long)]
    pub live: bool,
    #[command(flatten)]
    pub reading: Reading,
    /// A as of this revision [default: the newest]
    #[arg(long, visible_alias = "rev", value_name = "REVISION")]
    pub revision: Option<i64>,
    /// B as of this revision [default: the newest]
    #[arg(long, value_name = "REVISION", conflicts_with = "live")]
    pub to_revision: Option<i64>,
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
}

/// What a file is exported as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum As {
    /// A backup in Velero's layout, which `daytwo restore` and Velero restore from
    Backup,
}

/// `daytwo etcd export`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo etcd export snapshot.db --as backup --location ./backups
  daytwo etcd export snapshot.db rescue --as backup --location s3://backups/lab --include-namespaces shop
  daytwo etcd export /backup/state.db rescue --revision 81234 --encrypt-to age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq")]
pub struct Export {
    #[command(flatten)]
    pub source: Source,
    /// The backup's name [default: the file's, with its revision]
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// As what
    #[arg(long = "as", value_enum, value_name = "FORM", default_value_t = As::Backup)]
    pub form: As,
    #[command(flatten)]
    pub moment: Moment,
    #[command(flatten)]
    pub filters: Filters,
    #[command(flatten)]
    pub writing: Writing,
    #[command(flatten)]
    pub at: At,
}
