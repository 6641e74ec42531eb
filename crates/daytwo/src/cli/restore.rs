//! `daytwo restore …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::changes::Changes;
use super::shared::{Filters, Identities, OneRun, Places};
use super::twin::Cluster;

/// Verbs about restores.
#[derive(Debug, Subcommand)]
pub enum Restore {
    /// Create in the cluster what a backup holds and the cluster lacks
    Create(Create),
    /// Show what `restore create` would do with each object, and its steps, writing nothing
    ///
    /// The text is that of `restore create --dry-run`. In JSON it is the plan, as --plan-out saves it, with what to act on
    /// and what would fail; with --show-diff also each object. The exit code is 0 whatever the plan holds.
    Plan(Plan),
    /// Carry out a plan that was saved with --plan-out
    ///
    /// Refused (exit 4) where the backup or the cluster is another than the plan's, or where more would be changed now
    /// than it says.
    Run(Run),
    /// Go on with a restore that was stopped or killed
    Resume(Resume),
    /// List the restores of a location
    #[command(visible_alias = "ls")]
    List(List),
    /// Show what came of a restore so far
    Describe(Describe),
}

/// `daytwo restore create`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo restore create --from nightly --dry-run
  daytwo restore create --from nightly --dry-run=server
  daytwo restore create --from nightly --include-namespaces shop --existing update --dry-run --show-diff
  daytwo restore create --from nightly --include-namespaces shop
  daytwo restore create --from nightly --include-namespaces shop --namespace-mapping shop:shop-copy
  daytwo restore create --from nightly --include-namespaces shop --existing update
  daytwo restore create --from nightly --include-namespaces shop --existing replace --prune --dry-run
  daytwo restore create --from nightly --image-mapping docker.io=registry.lan/hub --suspend-cronjobs
  daytwo restore create --from nightly --storage-class-mapping fast:ssd --resource-modifiers rules.yaml --dry-run
  daytwo restore create --from nightly --webhooks parked --wait --wait-timeout 30m
  daytwo restore create --from nightly --empty-volumes -o json
  daytwo restore create --from nightly --into twin:cluster
  daytwo restore create --from nightly --into twin:backup:weekly --existing update
  daytwo restore create --from nightly --journal ./journals --velero-cr velero")]
pub struct Create {
    /// The run's name: an RFC 1123 subdomain. One that did not end is gone on with, if the same is asked for
    /// [default: BACKUP-YYYYMMDDhhmmss-ID, in UTC]
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Show what would become of each object, what the cluster lacks, and the steps, writing nothing
    ///
    /// `client` looks and decides. `server` also asks the server about a sample of what would be created: the first
    /// object of each kind in each namespace, and of those that each webhook chooses by labels. `server-all` asks about
    /// every object. What the server refuses is counted as failed.
    #[arg(long, value_name = "WHO", num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    pub dry_run: Option<DryRun>,
    /// Also show the fields that differ or are changed on the way: of the backup, live, and as they would be sent
    #[arg(long, requires = "dry_run")]
    pub show_diff: bool,
    /// Show the values of Secrets
    #[arg(long, requires = "show_diff")]
    pub show_secrets: bool,
    #[command(flatten)]
    pub pruning: Pruning,
    /// Save the plan of a dry run, for `restore run`
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    pub plan_out: Option<PathBuf>,
    #[command(flatten)]
    pub velero: VeleroRecord,
    #[command(flatten)]
    pub request: Request,
}

/// `daytwo restore plan`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo restore plan --from nightly
  daytwo restore plan --from nightly --include-namespaces shop --show-diff
  daytwo restore plan --from nightly --include-namespaces shop -o json
  daytwo restore plan --from nightly --include-namespaces shop --plan-out shop.json")]
pub struct Plan {
    /// Also show the fields that differ or are changed on the way: of the backup, live, and as they would be sent
    #[arg(long)]
    pub show_diff: bool,
    /// Show the values of Secrets
    #[arg(long, requires = "show_diff")]
    pub show_secrets: bool,
    /// Save the plan, for `restore run`
    #[arg(long, value_name = "FILE")]
    pub plan_out: Option<PathBuf>,
    #[command(flatten)]
    pub request: Request,
}

/// `daytwo restore run`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo restore run shop.json
  daytwo restore run shop.json --yes
  daytwo restore run shop.json --into twin:cluster")]
pub struct Run {
    /// The plan
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub target: Target,
    #[command(flatten)]
    pub pruning: Pruning,
    #[command(flatten)]
    pub identities: Identities,
    #[command(flatten)]
    pub places: Places,
}

/// `daytwo restore resume`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo restore resume nightly-20261121060504-1f3c
  daytwo restore resume nightly-20261121060504-1f3c --journal ./journals")]
pub struct Resume {
    #[command(flatten)]
    pub identities: Identities,
    #[command(flatten)]
    pub one: OneRun,
}

/// `daytwo restore list`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo restore list
  daytwo restore list --location s3://backups/lab -o json")]
pub struct List {
    #[command(flatten)]
    pub places: Places,
}

/// `daytwo restore describe`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo restore describe nightly-20261121060504-1f3c
  daytwo restore describe nightly-20261121060504-1f3c -o json")]
pub struct Describe {
    #[command(flatten)]
    pub one: OneRun,
}

/// What is left behind for Velero's tools.
#[derive(Debug, Args)]
pub struct VeleroRecord {
    /// Make a Restore object of Velero's in this namespace once the run is over, for `velero restore get`
    #[arg(long, value_name = "NAMESPACE")]
    pub velero_cr: Option<String>,
    /// Keep no files of the run under restores/ beside the backup
    #[arg(long)]
    pub no_velero_files: bool,
}

/// What may be deleted.
#[derive(Debug, Args)]
pub struct Pruning {
    /// Let --prune delete volumes, claims, namespaces and definitions too, with what they hold
    #[arg(long)]
    pub prune_data: bool,
    /// Do not ask before --prune deletes
    #[arg(short, long, visible_alias = "confirm")]
    pub yes: bool,
}

/// Where to restore to.
#[derive(Debug, Clone, Default, Args)]
pub struct Target {
    /// The cluster: a kubeconfig context, or twin:SOURCE, a cluster in memory that nothing is left of (a restore drill)
    /// [default: the current context]
    #[arg(long, value_name = "CLUSTER")]
    pub into: Option<Cluster>,
}

/// What to restore.
#[derive(Debug, Args)]
pub struct Request {
    /// The backup
    #[arg(long, visible_alias = "from-backup", value_name = "NAME")]
    pub from: String,
    #[command(flatten)]
    pub target: Target,
    /// Restore namespace A as B
    #[arg(long, visible_alias = "namespace-mappings", value_name = "A:B", value_delimiter = ',')]
    pub namespace_mapping: Vec<String>,
    /// What becomes of objects that are there and differ
    #[arg(long, visible_alias = "existing-resource-policy", value_name = "POLICY", default_value = "keep")]
    pub existing: Existing,
    /// Delete what the backup does not hold, where it says that it listed everything
    #[arg(long)]
    pub prune: bool,
    /// Create claims empty whose data lies in a snapshot or a volume repository
    #[arg(long)]
    pub empty_volumes: bool,
    /// Restore what controllers make again too: their pods, but for those of Jobs, Endpoints and EndpointSlices
    #[arg(long)]
    pub include_derived: bool,
    /// How admission webhooks come back that refuse what they cannot be asked about
    #[arg(long, value_name = "HOW", default_value = "wait")]
    pub webhooks: Webhooks,
    /// End once workloads are as available as they were in the backup; name those that are not (exit 1)
    #[arg(short, long)]
    pub wait: bool,
    /// The longest wait for workloads
    #[arg(long, value_name = "DURATION", default_value = "10m", requires = "wait")]
    pub wait_timeout: String,
    /// The most requests in flight; how many are best is found out
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    #[command(flatten)]
    pub identities: Identities,
    #[command(flatten)]
    pub filters: Filters,
    #[command(flatten)]
    pub changes: Changes,
    #[command(flatten)]
    pub places: Places,
}

/// Who says what a restore would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DryRun {
    /// daytwo, by what it sees of the cluster
    Client,
    /// And the server, about a sample of what would be created
    Server,
    /// And the server, about all of it
    ServerAll,
}

/// How admission webhooks come back that refuse what they cannot be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Webhooks {
    /// Last, once somebody answers for them; the others are left out, and named
    Wait,
    /// At once, letting pass what they cannot be asked about; once somebody answers, they refuse again
    Parked,
}

/// What becomes of objects that are there and differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Existing {
    /// Leave them as they are, and name them
    #[value(alias = "none")]
    Keep,
    /// Make them like the backup's in place; never volumes and claims
    Update,
    /// Delete them, without what they own, and create them again; namespaces and definitions are updated
    Replace,
}
