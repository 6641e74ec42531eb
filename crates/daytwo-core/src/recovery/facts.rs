//! What a plan is made of: the site as its snapshot and its flags show it, and what was asked for.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::standing::Standing;
use crate::plan::Fact;

/// Which installer the control plane came from: it decides over paths, services and verbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
    /// Static pods under `/etc/kubernetes/manifests`.
    Kubeadm,
    /// Everything in one process, with etcd or SQLite inside.
    K3s,
    /// Static pods under a supervisor.
    Rke2,
    /// RKE2 on an immutable system, with virtual machines on the same hosts.
    Harvester,
}

impl Distribution {
    /// As its project writes it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Kubeadm => "kubeadm",
            Self::K3s => "K3s",
            Self::Rke2 => "RKE2",
            Self::Harvester => "Harvester",
        }
    }
}

/// Where commands are typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Host {
    /// The node's name.
    pub name: String,
    /// Its address, or its name again where no address is known.
    pub address: String,
}

/// A member of the control plane's etcd, or the one server of a SQLite database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Where it runs.
    pub host: Host,
    /// Its name in etcd: the node's on kubeadm, the node's and eight hex digits on K3s and RKE2.
    pub name: String,
    /// Where the other members reach it.
    pub peer_url: String,
    /// How far its data directory has come, where that was looked at.
    pub standing: Option<Standing>,
}

/// What kind of file is put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// etcd's database.
    Etcd {
        /// Whether its sha256 stands at its end, as `etcdctl snapshot save` writes it.
        digest: bool,
    },
    /// kine's database in SQLite.
    Sqlite {
        /// Whether a `-wal` stands beside it, without which it is not whole.
        wal: bool,
    },
}

/// An alarm that the snapshot carries. It survives a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// No put is accepted.
    NoSpace,
    /// Nothing is accepted.
    Corrupt,
}

/// The file that is put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its path on the hosts.
    pub path: String,
    /// What it is.
    pub kept: Kept,
    /// In bytes.
    pub size: u64,
    /// SHA-256 of the whole file, in hex, as `sha256sum` prints it.
    pub sha256: Option<String>,
    /// The newest revision in it.
    pub revision: i64,
    /// etcd's `storageVersion`, such as `3.6.0`; none before 3.6.
    pub storage_version: Option<String>,
    /// Alarms that are raised in it.
    pub alarms: Vec<Alarm>,
    /// How many leases hang in it.
    pub leases: u64,
    /// Whether K3s or RKE2 left its bootstrap data in it, sealed with a token.
    pub sealed: bool,
    /// Whether the token that was given opens it; `None` where none was given.
    pub opens: Option<bool>,
}

/// A webhook that refuses what it cannot be asked about, answered for inside the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// `validatingwebhookconfiguration` or `mutatingwebhookconfiguration`.
    pub kind: &'static str,
    /// The configuration's name.
    pub configuration: String,
    /// Its place in the configuration, from 0.
    pub index: usize,
    /// Its own name.
    pub name: String,
    /// The namespace and name of the Service that answers.
    pub service: (String, String),
}

/// The site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Which installer.
    pub distribution: Distribution,
    /// All that are to be members in the end. The first is where everything begins: for a quorum, the one alive.
    pub members: Vec<Member>,
    /// The other nodes.
    pub agents: Vec<Host>,
    /// What is put back; `None` for a quorum.
    pub snapshot: Option<Snapshot>,
    /// Those to park.
    pub webhooks: Vec<Webhook>,
    /// SHA-256 of the CA that pods trust, in hex.
    pub root_ca: Option<String>,
    /// The UID of the namespace kube-system.
    pub uid: Option<String>,
    /// Providers and key names of the values that are encrypted, such as `aescbc key1`.
    pub encryption: Vec<String>,
    /// The version of etcd that will run, such as `3.6.5`.
    pub etcd: Option<String>,
    /// The version of the servers' kubelets, such as `v1.36.3+k3s1`.
    pub kubernetes: Option<String>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Tells what this recovery moved aside, such as `20260102T030405Z`.
    pub stamp: String,
    /// etcd's data directory on kubeadm, the distribution's elsewhere; `None` for the usual one.
    pub data_dir: Option<String>,
    /// How far the revision is raised.
    pub bump: u64,
    /// `user:group` of the data directory, where etcd runs as somebody.
    pub owner: Option<String>,
    /// The file with the token on the first server; `None` for the usual one.
    pub token_file: Option<String>,
}

impl Facts {
    /// Where everything begins.
    ///
    /// # Panics
    /// Never after [`Facts::check`].
    pub(super) fn first(&self) -> &Member {
        self.members.first().expect("invariant: check() refuses facts without a member")
    }

    pub(super) fn others(&self) -> &[Member] {
        self.members.get(1..).unwrap_or_default()
    }

    /// What the plan says of itself.
    pub(super) fn listed(&self) -> Vec<Fact> {
        let mut facts = vec![Fact::new("distribution", self.distribution.words())];
        let mut add = |what: &str, was: Option<String>| {
            facts.extend(was.map(|was| Fact::new(what, was)));
        };
        add("kubernetes", self.kubernetes.clone());
        add("etcd", self.etcd.clone());
        if let Some(snapshot) = &self.snapshot {
            add("snapshot", Some(format!("{}, {} bytes", snapshot.path, snapshot.size)));
            add("sha256", snapshot.sha256.clone());
            add("revision", Some(snapshot.revision.to_string()));
            add("written by etcd", snapshot.storage_version.clone());
        }
        let sqlite =
            self.snapshot.as_ref().is_some_and(|snapshot| matches!(snapshot.kept, Kept::Sqlite { .. }));
        for member in &self.members {
            let at = match sqlite {
                true => member.host.address.clone(),
                false => format!("{}, {}", member.host.address, member.peer_url),
            };
            let standing = member.standing.as_ref().map(|standing| format!("; {standing}"));
            add(&format!("member {}", member.host.name), Some(at + &standing.unwrap_or_default()));
        }
        if !self.agents.is_empty() {
            let names: Vec<&str> = self.agents.iter().map(|host| host.name.as_str()).collect();
            add("other nodes", Some(names.join(", ")));
        }
        add("namespace kube-system", self.uid.clone());
        facts
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name == self.address {
            true => f.write_str(&self.name),
            false => write!(f, "{} ({})", self.name, self.address),
        }
    }
}
