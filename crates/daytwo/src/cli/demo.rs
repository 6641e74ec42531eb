//! `daytwo demo`

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// `daytwo demo`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo demo
  daytwo demo --location /tmp/demo -o json")]
pub struct Demo {
    /// The folder for the backup and the run's journal; they are kept
    #[arg(long, value_name = "DIR", default_value = "./daytwo-demo", value_hint = ValueHint::DirPath)]
    pub location: PathBuf,
}
