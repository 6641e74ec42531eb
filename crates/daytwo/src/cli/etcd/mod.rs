//! `daytwo etcd …`

pub mod live;

use clap::Subcommand;

/// Verbs about etcd's and K3s' data.
#[derive(Debug, Subcommand)]
pub enum Etcd {
    /// Save a snapshot of a living cluster, from a follower that is well
    ///
    /// A snapshot holds every Secret of the cluster: encrypt it, or keep it where nobody reads it.
    Save(Box<live::Save>),
    /// Show members, quorum, alarms and space of a living cluster, as findings
    ///
    /// Exit codes: 0 healthy, 1 something to act on, 3 nobody answers or too little was seen to tell.
    Health(live::Health),
    /// Defragment members one at a time, the leader last
    ///
    /// A member answers nothing while it is defragmented. Without a quorum margin it is refused (exit 4).
    Defrag(Box<live::Defrag>),
    /// Take alarms back whose cause is gone
    ///
    /// An alarm whose cause is still there is refused (exit 4).
    Disarm(Box<live::Disarm>),
}
