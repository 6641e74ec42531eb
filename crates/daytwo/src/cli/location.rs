//! `daytwo location …`

use clap::{Args, Subcommand};

use super::shared::{At, Store};

/// Verbs about locations.
#[derive(Debug, Subcommand)]
pub enum Location {
    /// Keep a location under a name
    Add(Add),
    /// List the kept locations
    #[command(visible_alias = "ls")]
    List(List),
    /// Forget a kept location; its backups stay
    #[command(visible_alias = "rm")]
    Remove(Remove),
    /// Prove a location: write, read back, conditional create, delete
    Check(Check),
}

/// `daytwo location add`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo location add lab s3://backups/lab --endpoint https://minio.lab:9000 --ca-file lab-ca.pem
  daytwo location add aws s3://company-backups/prod --region eu-central-1 --profile backup --default
  daytwo location add disk /srv/backups")]
pub struct Add {
    /// The name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The URL: s3://bucket/prefix, gs://, az://, file:///dir, /dir or ./dir
    #[arg(value_name = "URL")]
    pub url: String,
    /// Make it the default location
    #[arg(long)]
    pub default: bool,
    /// Replace a location of the same name
    #[arg(long)]
    pub replace: bool,
    #[command(flatten)]
    pub store: Store,
}

/// `daytwo location list`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo location list
  daytwo location list -o yaml")]
pub struct List {}

/// `daytwo location remove`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo location remove lab")]
pub struct Remove {
    /// The name
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// `daytwo location check`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo location check
  daytwo location check lab
  daytwo location check --location s3://backups/lab --region eu-central-1")]
pub struct Check {
    /// A kept location, or a URL; it goes before --location [default: the default location]
    #[arg(value_name = "LOCATION")]
    pub name: Option<String>,
    #[command(flatten)]
    pub at: At,
}
