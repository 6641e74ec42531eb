//! What etcd keeps in its bbolt file: every change of every key by revision, and beside it members, leases, alarms, auth and
//! how far the raft log was applied.
//!
//! Layout of the buckets: etcd v3.6.16, `server/storage/schema` and `server/storage/mvcc/revision.go`. What it refuses to do:
//! read the WAL, and judge whether what is there is all that etcd acknowledged.

mod backend;
mod cluster;
pub(crate) mod lease;
pub(crate) mod proto;
pub(crate) mod record;
mod state;

pub use backend::Backend;
pub use cluster::{Alarm, AlarmKind, Member};
pub use lease::Lease;
pub use state::{Compaction, ConfState};

/// Names of buckets.
pub mod bucket {
    /// Alarms that are on.
    pub const ALARM: &[u8] = b"alarm";
    /// Whether users have to log in.
    pub const AUTH: &[u8] = b"auth";
    /// Roles.
    pub const AUTH_ROLES: &[u8] = b"authRoles";
    /// Users.
    pub const AUTH_USERS: &[u8] = b"authUsers";
    /// The version that all members agreed on.
    pub const CLUSTER: &[u8] = b"cluster";
    /// The changes of keys, by revision.
    pub const KEY: &[u8] = b"key";
    /// Leases.
    pub const LEASE: &[u8] = b"lease";
    /// Members of the cluster.
    pub const MEMBERS: &[u8] = b"members";
    /// Members that once were.
    pub const MEMBERS_REMOVED: &[u8] = b"members_removed";
    /// How far the raft log was applied, compaction, the storage version.
    pub const META: &[u8] = b"meta";
}

#[cfg(test)]
pub(crate) mod tests;
