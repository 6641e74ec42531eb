//! `daytwo etcd plan`: how a lost control plane is brought back, as a page to print.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use daytwo_core::recovery;

/// Plans that a person follows by hand.
#[derive(Debug, Subcommand)]
pub enum Plan {
    /// Print how a snapshot is put back on the whole control plane
    Restore(Box<Restore>),
    /// Print how one member that is left becomes a cluster again, without a snapshot
    Quorum(Box<Quorum>),
}

/// Which installer the control plane came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Distribution {
    Kubeadm,
    K3s,
    Rke2,
    Harvester,
}

impl From<Distribution> for recovery::Distribution {
    fn from(given: Distribution) -> Self {
        match given {
            Distribution::Kubeadm => Self::Kubeadm,
            Distribution::K3s => Self::K3s,
            Distribution::Rke2 => Self::Rke2,
            Distribution::Harvester => Self::Harvester,
        }
    }
}

/// A name and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    pub value: String,
}

impl std::str::FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                Ok(Self { name: name.to_owned(), value: value.to_owned() })
            }
            _ => Err("NAME=VALUE is needed".to_owned()),
        }
    }
}

/// What the site is, where the file does not say so, or says what is no longer so.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Site options")]
pub struct Site {
    /// Which installer the control plane came from [default: as the nodes in the data say]
    #[arg(long, value_enum, value_name = "NAME")]
    pub distribution: Option<Distribution>,
    /// A host that is to be a member, by its node's name, and its address or peer URL; repeat for each [default: the
    /// members in the data]
    #[arg(long = "member", value_name = "NAME=ADDRESS")]
    pub members: Vec<Named>,
    /// etcd's data directory with kubeadm, else the distribution's [default: the usual one]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// The version of etcd that will run [default: that of the etcd pods in the data]
    #[arg(long, value_name = "VERSION")]
    pub for_etcd: Option<String>,
    /// What the API server's --etcd-prefix was
    #[arg(long, value_name = "PREFIX", default_value = "/registry")]
    pub etcd_prefix: String,
    /// The API server's EncryptionConfiguration, where nodes or webhooks are encrypted too
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub encryption_config: Option<PathBuf>,
}

/// `daytwo etcd plan restore`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo etcd plan restore snapshot.db > plan.md
  daytwo etcd plan restore snapshot.db --first cp2 --path /var/tmp/snapshot.db
  daytwo etcd plan restore snapshot.db.zip --token-file /root/server-token
  daytwo etcd plan restore state.db --distribution k3s --member pi=10.0.0.9
  daytwo etcd plan restore snapshot.db -o json")]
pub struct Restore {
    /// A snapshot (also a zip of K3s and RKE2), or a copy of a K3s server's SQLite database
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Where the file lies on the hosts [default: where it lies here]
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,
    /// The host to begin on [default: the first by name]
    #[arg(long, value_name = "NAME")]
    pub first: Option<String>,
    /// K3s and RKE2: the file with the server token that the snapshot is sealed with. The plan's first step tries it on the
    /// first server; it is tried now too, if it is here [default: the server's own]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<String>,
    /// kubeadm: by how much the revision is raised, so that no watch goes on from before; 0 leaves it
    #[arg(long, value_name = "N", default_value_t = 1_000_000_000)]
    pub bump_revision: u64,
    /// kubeadm: whose the data directory is, if not root's
    #[arg(long, value_name = "USER:GROUP")]
    pub owner: Option<String>,
    #[command(flatten)]
    pub site: Site,
}

/// `daytwo etcd plan quorum`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo etcd plan quorum --dir cp1=/var/lib/etcd > plan.md
  daytwo etcd plan quorum --dir cp1=./copies/cp1 --dir cp2=./copies/cp2
  daytwo etcd plan quorum --distribution rke2 --alive a --member a=10.0.0.1 --member b=10.0.0.2 --member c=10.0.0.3")]
pub struct Quorum {
    /// A member's data directory, or a copy of it, to see how far it has come; repeat for each that can be read. It must
    /// not be in use: stop etcd, or copy it
    #[arg(long = "dir", value_name = "NAME=DIR")]
    pub dirs: Vec<Named>,
    /// The member that is left [default: the one whose directory is furthest on]
    #[arg(long, value_name = "NAME")]
    pub alive: Option<String>,
    #[command(flatten)]
    pub site: Site,
}
