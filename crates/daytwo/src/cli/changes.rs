//! What a restore changes on the way.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueHint};

/// What is changed on the way.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Changes on the way")]
pub struct Changes {
    /// Claims, templates of claims and volumes of storage class A get B
    #[arg(long, value_name = "A:B", value_delimiter = ',', action = ArgAction::Append)]
    pub storage_class_mapping: Vec<String>,
    /// Images that begin with FROM, up to a '/', ':' or '@', begin with TO; the longest FROM counts, and 'nginx' is
    /// docker.io/library/nginx too
    #[arg(long, value_name = "FROM=TO", value_delimiter = ',', action = ArgAction::Append)]
    pub image_mapping: Vec<String>,
    /// Every object gets this annotation, or with KEY- loses it; may be repeated
    #[arg(long, value_name = "KEY=VALUE", action = ArgAction::Append)]
    pub set_annotation: Vec<String>,
    /// CronJobs come back suspended; the report says how to let each go
    #[arg(long)]
    pub suspend_cronjobs: bool,
    /// Rules in the words of Velero's resource modifiers (YAML or JSON), or the ConfigMap that holds them
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub resource_modifiers: Option<PathBuf>,
    /// What gets its status back beside custom resources; '*' is everything, and none leaves custom resources out
    #[arg(
        long,
        visible_alias = "status-include-resources",
        value_name = "RESOURCE",
        value_delimiter = ',',
        action = ArgAction::Append
    )]
    pub restore_status: Vec<String>,
    /// Node ports: true keeps those that are free, false has the cluster give new ones [default: true]
    #[arg(
        long,
        visible_alias = "preserve-nodeports",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub preserve_node_ports: Option<bool>,
    /// Cluster IPs: true keeps those that are free, false has the cluster give new ones [default: true]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub preserve_cluster_ips: Option<bool>,
}
