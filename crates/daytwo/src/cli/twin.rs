//! `daytwo twin …`, and the words that name a twin wherever a cluster is named.

use std::ffi::OsString;
use std::fmt::{self, Display, Formatter};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueHint};
use daytwo_twin::fixture::{self, Fixture};

use super::etcd::file::Reading;
use super::shared::{At, Identities};

/// What stands before the source of a twin where a cluster is named.
pub const PREFIX: &str = "twin:";

/// What a twin can be of, as errors and help show it.
const FORMS: &str = "backup:NAME[@LOCATION], etcd:FILE[@REVISION], fixture:NAME, cluster[:CONTEXT]";

/// Verbs about twins.
#[derive(Debug, Subcommand)]
pub enum Twin {
    /// Serve a backup, a snapshot or a fixture as a cluster, until Ctrl-C
    ///
    /// A Kubernetes API server in memory, over HTTPS, with whatever the source holds: kubectl and every other client ask and
    /// change it. Nothing is written back, and nothing is left of it afterwards. Secrets of the source are in it: only who
    /// holds the token of the kubeconfig is answered.
    Serve(Box<Serve>),
    /// Ask a backup, a snapshot or a fixture one question with kubectl
    ///
    /// Serves it for as long as kubectl runs, on loopback. The exit code is kubectl's.
    Kubectl(Box<Kubectl>),
}

/// What a twin is of, and how that is read.
#[derive(Debug, Clone, Args)]
pub struct Opening {
    /// What it is of: backup:NAME[@LOCATION]; etcd:FILE[@REVISION], a snapshot, data directory or K3s database as of any
    /// revision that is still in it; fixture:empty, fixture:enclave, fixture:scale?nodes=5000&pods=150000; cluster[:CONTEXT]
    #[arg(long, value_name = "SOURCE")]
    pub from: Of,
    /// What decides names, uids and addresses that are made in it: the same calls give the same
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub identities: Identities,
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub at: At,
}

/// `daytwo twin serve`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo twin serve --from backup:nightly
  daytwo twin serve --from backup:sealed@s3://backups/lab --identity identity.txt --read-only
  daytwo twin serve --from etcd:snapshot.db@81234 --encryption-config enc.yaml
  daytwo twin serve --from cluster --kubeconfig ./twin.yaml
  daytwo twin serve --from fixture:enclave --listen 127.0.0.1:6443 -o json")]
pub struct Serve {
    #[command(flatten)]
    pub opening: Opening,
    /// The address to listen on; port 0 is any that is free
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// The kubeconfig to write, with mode 0600; removed at the end. Here, and only here, the flag names a file that is
    /// written: the cluster of --from cluster is that of $KUBECONFIG [default: a file in a private folder]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub kubeconfig: Option<PathBuf>,
    /// Refuse everything that would change it
    #[arg(long)]
    pub read_only: bool,
}

/// `daytwo twin kubectl`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  daytwo twin kubectl --from backup:nightly -- get pods -A
  daytwo twin kubectl --from etcd:snapshot.db@81234 -- describe deployment web -n shop
  daytwo twin kubectl --from fixture:enclave --kubectl ./kubectl -- get nodes -o wide")]
pub struct Kubectl {
    #[command(flatten)]
    pub opening: Opening,
    /// The kubectl to run
    #[arg(long, value_name = "PATH", default_value = "kubectl", value_hint = ValueHint::ExecutablePath)]
    pub kubectl: PathBuf,
    /// What kubectl is told
    #[arg(value_name = "KUBECTL-ARGS", last = true, required = true)]
    pub words: Vec<OsString>,
}

/// What a twin is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// A backup, at the location named here or by the flags.
    Backup {
        /// Its name.
        name: String,
        /// Where it lies.
        location: Option<String>,
    },
    /// A file of etcd's or K3s'.
    Etcd {
        /// The file.
        file: PathBuf,
        /// As of which revision; the newest if `None`.
        revision: Option<i64>,
    },
    /// Objects that are made up.
    Fixture(Fixture),
    /// A cluster of a kubeconfig, of the current context if `None`.
    Cluster(Option<String>),
}

/// Why a word names nothing that a twin can be of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSource {
    /// It is none of the forms.
    #[error("a twin is of {FORMS}")]
    Form,
    /// A part is missing.
    #[error("{0} names no {1}")]
    Nothing(&'static str, &'static str),
    /// There is no such fixture.
    #[error(transparent)]
    Fixture(#[from] fixture::Unfit),
    /// The twin's mark is missing.
    #[error("no context is called so; for a cluster in memory write twin:{0}")]
    Unmarked(String),
}

impl FromStr for Of {
    type Err = NoSource;

    fn from_str(word: &str) -> Result<Self, NoSource> {
        let (form, rest) = word.split_once(':').unwrap_or((word, ""));
        match form {
            "backup" => {
                let (name, location) = match rest.split_once('@') {
                    Some((name, location)) => (name, Some(location)),
                    None => (rest, None),
                };
                match (name, location) {
                    ("", _) => Err(NoSource::Nothing("backup:", "backup")),
                    (_, Some("")) => Err(NoSource::Nothing("the end of it", "location")),
                    _ => Ok(Self::Backup { name: name.to_owned(), location: location.map(str::to_owned) }),
                }
            }
            "etcd" if rest.is_empty() => Err(NoSource::Nothing("etcd:", "file")),
            "etcd" => {
                // An @ may stand in a path; a revision is a number.
                let ending = rest.rsplit_once('@').and_then(|(file, tail)| Some((file, tail.parse().ok()?)));
                let (file, revision) = ending.map_or((rest, None), |(file, revision)| (file, Some(revision)));
                Ok(Self::Etcd { file: file.into(), revision })
            }
            "fixture" => Ok(Self::Fixture(rest.parse()?)),
            "cluster" => Ok(Self::Cluster(Some(rest.to_owned()).filter(|context| !context.is_empty()))),
            _ => Err(NoSource::Form),
        }
    }
}

impl Display for Of {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backup { name, location: None } => write!(out, "backup:{name}"),
            Self::Backup { name, location: Some(location) } => write!(out, "backup:{name}@{location}"),
            Self::Etcd { file, revision: None } => write!(out, "etcd:{}", file.display()),
            Self::Etcd { file, revision: Some(at) } => write!(out, "etcd:{}@{at}", file.display()),
            Self::Fixture(fixture) => write!(out, "fixture:{fixture}"),
            Self::Cluster(None) => out.write_str("cluster"),
            Self::Cluster(Some(context)) => write!(out, "cluster:{context}"),
        }
    }
}

/// A cluster, as a flag names it: a context of the kubeconfig, or `twin:` and what it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cluster {
    /// The context.
    Context(String),
    /// The twin.
    Twin(Of),
}

impl FromStr for Cluster {
    type Err = NoSource;

    fn from_str(word: &str) -> Result<Self, NoSource> {
        if let Some(of) = word.strip_prefix(PREFIX) {
            return Ok(Self::Twin(of.parse()?));
        }
        match ["backup:", "etcd:", "fixture:"].iter().any(|form| word.starts_with(form)) {
            true => Err(NoSource::Unmarked(word.to_owned())),
            false => Ok(Self::Context(word.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_means_what_it_says_and_is_shown_as_it_was_written() {
        for word in [
            "backup:nightly",
            "backup:nightly@s3://backups/lab@home",
            "etcd:snapshot.db",
            "etcd:/var/lib/etcd@81234",
            "fixture:empty",
            "fixture:enclave",
            "cluster",
            "cluster:prod@eu",
        ] {
            assert_eq!(word.parse::<Of>().unwrap().to_string(), word);
        }
        let parsed = |word: &str| word.parse::<Of>().unwrap();
        let backup = Of::Backup { name: "a".into(), location: Some("velero:b@c".into()) };
        assert_eq!(parsed("backup:a@velero:b@c"), backup);
        assert_eq!(parsed("etcd:a@b/c.db@7"), Of::Etcd { file: "a@b/c.db".into(), revision: Some(7) });
        assert_eq!(parsed("etcd:a@b"), Of::Etcd { file: "a@b".into(), revision: None });
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for word in [
            "",
            "nightly",
            "backup:",
            "backup:@here",
            "backup:a@",
            "etcd:",
            "fixture:enclaev",
            "twin:cluster",
        ] {
            assert!(word.parse::<Of>().is_err(), "{word}");
        }
    }

    #[test]
    fn a_cluster_is_a_context_unless_it_is_marked() {
        assert_eq!("lab".parse(), Ok(Cluster::Context("lab".into())));
        assert_eq!(
            "arn:aws:eks:eu:1:cluster/a".parse(),
            Ok(Cluster::Context("arn:aws:eks:eu:1:cluster/a".into()))
        );
        assert_eq!("twin:cluster:lab".parse(), Ok(Cluster::Twin(Of::Cluster(Some("lab".into())))));
        assert_eq!("fixture:empty".parse::<Cluster>(), Err(NoSource::Unmarked("fixture:empty".into())));
        assert!("twin:".parse::<Cluster>().is_err());
    }
}
