//! `daytwo runs …`

use clap::{Args, Subcommand};

use super::shared::{Identities, OneRun, Places};

/// Verbs about runs, as their journals tell of them.
#[derive(Debug, Subcommand)]
pub enum Runs {
    /// List the runs of a location
    #[command(visible_alias = "ls")]
    List(List),
    /// Show a run step by step: what is done, who holds it, what came of it
    #[command(visible_alias = "describe")]
    Show(Show),
    /// Give up a run that did not end, and put in order what it left half done
    ///
    /// Nothing more is restored and nothing is taken back. Steps that release are carried out: volumes get their
    /// reclaim policy back, objects their owners, parked webhooks that answer their failurePolicy. The run cannot be resumed afterwards. A run whose holder lives is
    /// refused (exit 4).
    Abort(Abort),
}

/// `daytwo runs list`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo runs list
  daytwo runs list -o wide
  daytwo runs list --journal ./journals -o json")]
pub struct List {
    #[command(flatten)]
    pub places: Places,
}

/// `daytwo runs show`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo runs show nightly-20261121060504-1f3c
  daytwo runs show nightly-20261121060504-1f3c -o json")]
pub struct Show {
    #[command(flatten)]
    pub one: OneRun,
}

/// `daytwo runs abort`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo runs abort nightly-20261121060504-1f3c
  daytwo runs abort nightly-20261121060504-1f3c --because wrong-backup
  daytwo runs abort nightly-20261121060504-1f3c --abandon")]
pub struct Abort {
    /// Why, for the journal and the report
    #[arg(long, value_name = "TEXT", default_value = "it was given up")]
    pub because: String,
    /// Release nothing and look at no cluster: for a run whose cluster or backup is gone
    #[arg(long)]
    pub abandon: bool,
    #[command(flatten)]
    pub identities: Identities,
    #[command(flatten)]
    pub one: OneRun,
}
