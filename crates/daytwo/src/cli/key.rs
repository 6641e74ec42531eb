//! `daytwo key …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// Verbs about keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Generate a key pair
    Generate(Generate),
}

/// `daytwo key generate`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo key generate --sign
  daytwo key generate --sign --to /secure/sign.pem
  daytwo key generate --encrypt --to /secure/identity.txt")]
#[command(group = clap::ArgGroup::new("purpose").required(true).args(["sign", "encrypt"]))]
pub struct Generate {
    /// An ed25519 key pair for `backup create --sign-key` and `backup verify --key`
    #[arg(long)]
    pub sign: bool,
    /// An age identity for `--identity`; its recipient, for `--encrypt-to`, is printed
    #[arg(long)]
    pub encrypt: bool,
    /// The private file, mode 0600, never overwritten; a signing key's public half is written beside it with .pub
    /// before the ending [default: daytwo-sign.pem or daytwo-identity.txt]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub to: Option<PathBuf>,
}
