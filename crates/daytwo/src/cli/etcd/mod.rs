//! `daytwo etcd …`

pub mod file;
pub mod live;
pub mod plan;
pub mod restore;

use clap::Subcommand;

/// Verbs about etcd's and K3s' data.
#[derive(Debug, Subcommand)]
pub enum Etcd {
    /// Show what a file is: revision, size, members, kinds, and what etcdutl would say of it
    Status(file::Status),
    /// Prove every page, record and object of a file
    Verify(file::Verify),
    /// List the keys of a file
    Ls(file::Ls),
    /// Show objects out of a file
    Get(file::Get),
    /// Show every revision of one object that a file still holds
    History(file::History),
    /// Compare two files, or a file and the cluster
    Diff(Box<file::Diff>),
    /// Write a file's objects as a backup, to restore some of them
    Export(Box<file::Export>),
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
    /// Print how a lost control plane is brought back, step by step, for hands
    #[command(subcommand)]
    Plan(plan::Plan),
    /// Make a data directory that etcd starts from, out of a snapshot
    ///
    /// For one member of a new cluster. It comes to its place whole or not at all, and nothing is written over. What is kept and
    /// what is made anew is said at the end.
    Restore(Box<restore::Restore>),
}
