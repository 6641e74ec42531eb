//! What an entry of the log asked for: which keys it would put or delete, without applying it.
//!
//! Which revision it would get cannot be told without applying all before it: a transaction's condition may not hold.
//! Field numbers: etcd v3.6.16, `api/etcdserverpb/{raft_internal,rpc}.proto`.

use super::raft::{Entry, EntryKind};
use crate::mvcc::proto::{Fields, Value, Wrong};

/// etcd applies a transaction within a transaction at any depth; nobody writes them deep.
const DEEPEST: u8 = 32;

/// What kind of request an entry holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A new leader's empty entry.
    Leader,
    /// Who is a member.
    Membership,
    /// One key put.
    Put,
    /// One key or a range of them deleted.
    Delete,
    /// A transaction.
    Txn,
    /// A compaction.
    Compaction,
    /// A lease granted, revoked or renewed.
    Lease,
    /// An alarm raised or disarmed.
    Alarm,
    /// Users, roles and whether they count.
    Auth,
    /// The cluster's version and its members' names.
    Cluster,
    /// None that is known.
    Unknown,
}

impl Kind {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Leader => "leader",
            Kind::Membership => "membership",
            Kind::Put => "put",
            Kind::Delete => "delete",
            Kind::Txn => "txn",
            Kind::Compaction => "compaction",
            Kind::Lease => "lease",
            Kind::Alarm => "alarm",
            Kind::Auth => "auth",
            Kind::Cluster => "cluster",
            Kind::Unknown => "unknown",
        }
    }

    /// Whether something is lost if it is never applied: all but raft's own, a compaction, and what a restored cluster
    /// decides anew.
    pub fn holds_data(self) -> bool {
        !matches!(self, Kind::Leader | Kind::Membership | Kind::Compaction | Kind::Cluster)
    }
}

/// A key that a request would change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touched {
    /// The key, or the first of a range.
    pub key: Vec<u8>,
    /// Where the range ends, itself not in it; `\0` for every key from `key` on.
    pub range_end: Option<Vec<u8>>,
    /// Whether it would be deleted, not put.
    pub deleted: bool,
}

/// A request, as far as it can be told without applying it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What kind it is.
    pub kind: Kind,
    /// The keys it would change; of a transaction those of both branches, each once.
    pub touched: Vec<Touched>,
}

impl Request {
    /// What `entry` asks for; [`Kind::Unknown`] where it cannot be read.
    pub fn of(entry: &Entry<'_>) -> Request {
        let mut touched = Vec::new();
        let kind = match entry.kind {
            EntryKind::Membership => Kind::Membership,
            EntryKind::Normal if entry.data.is_empty() => Kind::Leader,
            EntryKind::Normal => internal(entry.data, &mut touched).unwrap_or(Kind::Unknown),
        };
        touched.sort();
        touched.dedup();
        Request { kind, touched }
    }
}

/// etcdserverpb.InternalRaftRequest; or etcdserverpb.Request of the second API, by which etcd up to 3.5 writes the names of
/// members and the cluster's version: that one alone has a field 2.
fn internal(data: &[u8], touched: &mut Vec<Touched>) -> Result<Kind, Wrong> {
    for field in Fields::of(data) {
        if let (2, Value::Bytes(_)) = field? {
            return Ok(Kind::Cluster);
        }
    }
    let mut kind = Kind::Unknown;
    for field in Fields::of(data) {
        match field? {
            (4, value) => {
                kind = Kind::Put;
                touched.push(put(value)?);
            }
            (5, value) => {
                kind = Kind::Delete;
                touched.push(delete(value)?);
            }
            (6, value) => {
                kind = Kind::Txn;
                txn(value, touched, 0)?;
            }
            (7, _) => kind = Kind::Compaction,
            (8 | 9 | 11, _) => kind = Kind::Lease,
            (10, _) => kind = Kind::Alarm,
            (1000..=1299, _) => kind = Kind::Auth,
            (1300..=1399, _) => kind = Kind::Cluster,
            _ => {}
        }
    }
    Ok(kind)
}

fn put(value: Value<'_>) -> Result<Touched, Wrong> {
    let mut key = Vec::new();
    for field in Fields::of(value.bytes()?) {
        if let (1, value) = field? {
            key = value.bytes()?.to_vec();
        }
    }
    Ok(Touched { key, range_end: None, deleted: false })
}

fn delete(value: Value<'_>) -> Result<Touched, Wrong> {
    let mut deleted = Touched { key: Vec::new(), range_end: None, deleted: true };
    for field in Fields::of(value.bytes()?) {
        match field? {
            (1, value) => deleted.key = value.bytes()?.to_vec(),
            (2, value) => deleted.range_end = Some(value.bytes()?.to_vec()).filter(|end| !end.is_empty()),
            _ => {}
        }
    }
    Ok(deleted)
}

/// TxnRequest: success 2, failure 3, each of RequestOps: put 2, delete_range 3, txn 4.
fn txn(value: Value<'_>, touched: &mut Vec<Touched>, depth: u8) -> Result<(), Wrong> {
    if depth >= DEEPEST {
        return Err("transactions stand in each other too deep");
    }
    for field in Fields::of(value.bytes()?) {
        let (2 | 3, operation) = field? else { continue };
        for field in Fields::of(operation.bytes()?) {
            match field? {
                (2, value) => touched.push(put(value)?),
                (3, value) => touched.push(delete(value)?),
                (4, value) => txn(value, touched, depth + 1)?,
                _ => {}
            }
        }
    }
    Ok(())
}
