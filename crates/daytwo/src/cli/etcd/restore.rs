//! `daytwo etcd restore`. Flags that etcdutl has are spelt as there, and mean and default to the same.

use std::num::NonZeroI64;
use std::path::PathBuf;

use clap::{Args, ValueHint};

/// `daytwo etcd restore`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo etcd restore snapshot.db --data-dir /var/lib/etcd
  daytwo etcd restore snapshot.db --name m1 --initial-cluster m1=https://10.0.0.1:2380,m2=https://10.0.0.2:2380 --initial-advertise-peer-urls https://10.0.0.1:2380 --owner etcd:etcd
  daytwo etcd restore snapshot.db --bump-revision 1000000000 --mark-compacted --drop-alarms
  daytwo etcd restore /var/lib/etcd.old --accept-loss --data-dir /var/lib/etcd")]
pub struct Restore {
    /// A snapshot (also a zip of RKE2 and K3s), or the data directory of a member that does not run
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub file: PathBuf,
    /// The data directory to make; absent, or empty [default: NAME.etcd]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,
    /// Where the log goes, if not into the data directory; absent, or empty
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub wal_dir: Option<PathBuf>,
    /// The member's name
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub name: String,
    /// All members, as NAME=URL,NAME=URL
    #[arg(long, value_name = "MEMBERS", default_value = "default=http://localhost:2380")]
    pub initial_cluster: String,
    /// Tells this cluster from others with the same members
    #[arg(long, value_name = "TOKEN", default_value = "etcd-cluster")]
    pub initial_cluster_token: String,
    /// This member's URLs for the others, as in --initial-cluster: names are not looked up
    #[arg(long, value_name = "URLS", value_delimiter = ',', default_value = "http://localhost:2380")]
    pub initial_advertise_peer_urls: Vec<String>,
    /// Take the file as it is: look neither at its sha256 nor, where it has none, at its structure
    #[arg(long)]
    pub skip_hash_check: bool,
    /// Raise the newest revision by this much, so that no client knows a higher one
    #[arg(long, value_name = "N", requires = "mark_compacted")]
    pub bump_revision: Option<NonZeroI64>,
    /// Mark all revisions up to the raised one as compacted, so that watchers begin anew
    #[arg(long, requires = "bump_revision")]
    pub mark_compacted: bool,
    /// Refuse a file that this version of etcd would not start from
    #[arg(long, value_name = "VERSION")]
    pub for_etcd: Option<String>,
    /// Leave out alarms: with NOSPACE every put fails, also after a restore
    #[arg(long)]
    pub drop_alarms: bool,
    /// Give what is made to this user and group, by name or number
    #[arg(long, value_name = "USER[:GROUP]")]
    pub owner: Option<String>,
    /// Write the database anew, without the free pages in it
    #[arg(long)]
    pub defragment: bool,
    /// Of a member's data directory: where its log is, if not in it
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub from_wal_dir: Option<PathBuf>,
    /// Leave behind what is in a member's log and not in its database
    #[arg(long)]
    pub accept_loss: bool,
}
