//! What makes no plan: facts with which the control plane would not start, or commands would not be what they seem.

use super::{Alarm, Distribution, Facts, Kept, Request, Snapshot};

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A restore without a file.
    #[error("no snapshot was given to restore from")]
    NoSnapshot,
    /// Nobody to restore.
    #[error("no member is known: name each as --member NAME=ADDRESS")]
    NoMember,
    /// Two members of one name or address.
    #[error("{0} is named twice")]
    Twice(String),
    /// A name that cannot stand in a command.
    #[error(
        "{0:?} cannot stand in a command: a name, an address, a URL or a path of printable characters is needed"
    )]
    Unprintable(String),
    /// etcd would die on it.
    #[error("etcd {etcd} does not open a snapshot of etcd {storage}: restore with etcd {storage} or newer")]
    TooOld {
        /// What will run.
        etcd: String,
        /// What the snapshot says.
        storage: String,
    },
    /// The bootstrap data stays shut, and no server would start.
    #[error("the token does not open this snapshot: use the token that the cluster had when it was taken")]
    Token,
    /// The distribution does not run on this kind of file.
    #[error("{0} does not keep its objects in SQLite with this number of servers: one K3s server does")]
    NotHere(&'static str),
    /// Directories that were never of one cluster.
    #[error("the data directories of {0} and {1} are of different clusters: name those of one")]
    TwoClusters(String, String),
    /// Half of a database.
    #[error(
        "{0} has a -wal beside it and is not whole without it: copy it with SQLite's `.backup`, then plan again"
    )]
    Half(String),
    /// The database says of itself that it is damaged.
    #[error("the snapshot carries etcd's alarm CORRUPT: restore another one")]
    Corrupt,
}

impl Facts {
    pub(super) fn check(&self, request: &Request) -> Result<(), Refused> {
        if self.members.is_empty() {
            return Err(Refused::NoMember);
        }
        for (at, member) in self.members.iter().enumerate() {
            let before = &self.members[..at];
            if before.iter().any(|other| other.host.name == member.host.name || other.name == member.name) {
                return Err(Refused::Twice(member.host.name.clone()));
            }
            if before.iter().any(|other| other.host.address == member.host.address) {
                return Err(Refused::Twice(member.host.address.clone()));
            }
        }
        let known =
            self.members.iter().filter_map(|member| Some((member, member.standing.as_ref()?.cluster?)));
        let mut known = known.peekable();
        if let Some(&(one, cluster)) = known.peek()
            && let Some((other, _)) = known.find(|(_, id)| *id != cluster)
        {
            return Err(Refused::TwoClusters(one.host.name.clone(), other.host.name.clone()));
        }
        self.check_words(request)?;
        self.snapshot.as_ref().map_or(Ok(()), |snapshot| self.check_snapshot(snapshot))
    }

    fn check_words(&self, request: &Request) -> Result<(), Refused> {
        let members = self
            .members
            .iter()
            .flat_map(|member| [&member.host.name, &member.host.address, &member.name, &member.peer_url]);
        let agents = self.agents.iter().flat_map(|host| [&host.name, &host.address]);
        let given = [&request.data_dir, &request.owner].into_iter().flatten().chain([&request.stamp]);
        for word in members.chain(agents).chain(given) {
            if word.is_empty() || !word.bytes().all(is_plain) {
                return Err(Refused::Unprintable(word.clone()));
            }
        }
        let webhooks = self.webhooks.iter().flat_map(|webhook| {
            [&webhook.configuration, &webhook.name, &webhook.service.0, &webhook.service.1]
        });
        let paths = self.snapshot.iter().map(|snapshot| &snapshot.path).chain(&request.token_file);
        match webhooks.chain(paths).chain(&self.encryption).find(|word| word.chars().any(char::is_control)) {
            Some(word) => Err(Refused::Unprintable(word.clone())),
            None => Ok(()),
        }
    }

    fn check_snapshot(&self, snapshot: &Snapshot) -> Result<(), Refused> {
        if let Kept::Sqlite { wal } = snapshot.kept {
            if self.distribution != Distribution::K3s || self.members.len() != 1 {
                return Err(Refused::NotHere(self.distribution.words()));
            }
            if wal {
                return Err(Refused::Half(snapshot.path.clone()));
            }
        }
        if snapshot.alarms.contains(&Alarm::Corrupt) {
            return Err(Refused::Corrupt);
        }
        if snapshot.opens == Some(false) {
            return Err(Refused::Token);
        }
        match (&self.etcd, &snapshot.storage_version) {
            (Some(etcd), Some(storage)) if minor(etcd) < minor(storage) => {
                Err(Refused::TooOld { etcd: etcd.clone(), storage: storage.clone() })
            }
            _ => Ok(()),
        }
    }
}

/// What stands unquoted in a shell, in a sed expression and in a list of `--initial-cluster`.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-/:[]@%+".contains(&byte)
}

/// Major and minor; what is no version comes before all.
fn minor(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.trim_start_matches('v').split(['.', '-', '+']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
