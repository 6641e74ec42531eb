//! What was seen of an etcd cluster: members as the cluster lists them, and what each said of itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The id of a member or a cluster; shown as etcd shows it, in hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id(pub u64);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl FromStr for Id {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A cluster, as far as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// The cluster; `None` where nobody answered.
    pub cluster: Option<Id>,
    /// Its members, sorted by id.
    pub members: Vec<Member>,
    /// Alarms that are raised; `None` where nobody would say.
    pub alarms: Option<Vec<Alarm>>,
    /// Endpoints that were given, do not answer, and are no listed member's: each with the reason.
    #[serde(serialize_with = "by_endpoint")]
    pub silent: Vec<(String, String)>,
    /// Endpoints that were given and answer for another cluster, with its id.
    #[serde(serialize_with = "by_endpoint")]
    pub strangers: Vec<(String, Id)>,
}

fn by_endpoint<T: Serialize, S: Serializer>(each: &[(String, T)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(each.iter().map(|(endpoint, what)| (endpoint, what)))
}

/// A member of the cluster's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Its id.
    pub id: Id,
    /// Its name; empty where it has never started.
    pub name: String,
    /// Where other members reach it.
    pub peer_urls: Vec<String>,
    /// Where clients reach it.
    pub client_urls: Vec<String>,
    /// Whether it has no vote yet.
    pub learner: bool,
    /// What it said.
    pub sight: Sight,
}

impl Member {
    /// What to call it: its name, else its id.
    pub fn title(&self) -> String {
        if self.name.is_empty() { self.id.to_string() } else { self.name.clone() }
    }

    /// What it said of itself.
    pub fn status(&self) -> Option<&Status> {
        match &self.sight {
            Sight::Seen(status) => Some(status),
            Sight::Unseen { .. } => None,
        }
    }
}

/// Whether a member answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Sight {
    /// It did.
    Seen(Box<Status>),
    /// It did not.
    Unseen {
        /// Why, with the endpoints that were tried.
        because: String,
    },
}

/// What a member says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The endpoint it answered at.
    pub endpoint: String,
    /// The version of its program, such as `3.6.16`.
    pub version: String,
    /// The version of its database; empty below etcd 3.6.
    pub storage_version: String,
    /// Who leads, as it knows.
    pub leader: Option<Id>,
    /// Its raft term.
    pub term: u64,
    /// The last raft entry it knows to be committed.
    pub index: u64,
    /// The last raft entry it has applied.
    pub applied: u64,
    /// The revision of its keys.
    pub revision: i64,
    /// Bytes of its database file.
    pub db_size: u64,
    /// Bytes of it that hold something.
    pub in_use: u64,
    /// The most bytes it may have; `None` where it does not say (below etcd 3.6).
    pub quota: Option<u64>,
    /// What it complains of.
    pub errors: Vec<String>,
    /// How long it took to say so, in milliseconds.
    pub answered_ms: u64,
    /// What came of a read that needs a quorum, made through it.
    pub read: Read,
}

/// What came of a read that needs a quorum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Read {
    /// It was answered, in so many milliseconds.
    TookMs(u64),
    /// It was not, for this reason.
    Failed(String),
}

impl Default for Read {
    fn default() -> Self {
        Self::Failed("it was not tried".to_owned())
    }
}

impl Status {
    /// Bytes of the file that hold nothing.
    pub fn free(&self) -> u64 {
        self.db_size.saturating_sub(self.in_use)
    }

    /// The share of the file that holds nothing, in percent.
    pub fn free_percent(&self) -> u64 {
        percent(self.free(), self.db_size)
    }

    /// Whether `at_least` percent of the file are free, and 1 MiB: a small file always has some. 0 percent is always so.
    pub fn is_worth_defragmenting(&self, at_least: u64) -> bool {
        const LEAST: u64 = 1 << 20;
        at_least == 0 || self.free_percent() >= at_least && self.free() >= LEAST
    }
}

/// `part` of `whole` in whole percent; 0 of nothing.
pub(super) fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(0)
}

/// An alarm that is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    /// The member that raised it.
    pub member: Id,
    /// Which.
    pub alarm: AlarmKind,
}

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AlarmKind {
    /// The member's database has reached its quota: the cluster takes no writes but deletes.
    NoSpace,
    /// The member's keys differ from those of others.
    Corrupt,
}

impl fmt::Display for AlarmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NoSpace => "NOSPACE",
            Self::Corrupt => "CORRUPT",
        })
    }
}

/// Votes, and how many may still go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quorum {
    /// Members with a vote.
    pub voters: u64,
    /// Votes that a decision needs: more than half.
    pub needed: u64,
    /// Voters that answered, and know of a leader.
    pub healthy: u64,
}

impl Quorum {
    /// How many more voters may fail before the cluster takes no writes; `None` where it takes none already.
    pub fn margin(self) -> Option<u64> {
        self.healthy.checked_sub(self.needed).filter(|_| self.voters > 0)
    }
}

impl Observation {
    /// A cluster of which nothing was seen.
    pub fn nothing(silent: Vec<(String, String)>) -> Self {
        Self { cluster: None, members: Vec::new(), alarms: None, silent, strangers: Vec::new() }
    }

    /// The votes. A voter that was not seen is counted as lost.
    pub fn quorum(&self) -> Quorum {
        let voters = self.members.iter().filter(|member| !member.learner);
        let healthy = voters.clone().filter(|m| m.status().is_some_and(|status| status.leader.is_some()));
        let voters = voters.clone().count() as u64;
        Quorum { voters, needed: voters / 2 + 1, healthy: healthy.count() as u64 }
    }

    /// Whether some member answered a read that needs a quorum: there is one, whoever else is seen from here.
    pub fn has_quorum(&self) -> bool {
        self.statuses().any(|(_, status)| matches!(status.read, Read::TookMs(_)))
    }

    /// The leader, as the member with the highest term says.
    pub fn leader(&self) -> Option<&Member> {
        let (_, latest) = self.statuses().max_by_key(|(_, status)| status.term)?;
        self.members.iter().find(|member| Some(member.id) == latest.leader)
    }

    /// The members that answered, with what they said.
    pub fn statuses(&self) -> impl Iterator<Item = (&Member, &Status)> {
        self.members.iter().filter_map(|member| Some((member, member.status()?)))
    }

    /// The member of this id.
    pub fn member(&self, id: Id) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }
}
