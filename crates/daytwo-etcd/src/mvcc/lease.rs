//! Leases, which keys hang on until they run out.

use super::proto::{Fields, Wrong};
use super::{Backend, bucket};
use crate::Result;
use crate::bolt::Entry;

/// A lease (`server/lease/leasepb/lease.proto`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Its id, which etcd prints in hexadecimal.
    pub id: i64,
    /// Seconds it was granted for. After a restore they begin anew.
    pub ttl: i64,
    /// Seconds that were left when that was last written down; 0 where it never was.
    pub remaining_ttl: i64,
}

impl Backend {
    /// All leases, by rising id.
    ///
    /// # Errors
    /// [`Corrupt`](crate::Error::Corrupt) if one cannot be read.
    pub fn leases(&self) -> Result<Vec<Lease>> {
        self.each(bucket::LEASE, lease)
    }
}

pub(crate) fn lease(entry: &Entry<'_>) -> std::result::Result<Lease, Wrong> {
    let mut lease = Lease { id: 0, ttl: 0, remaining_ttl: 0 };
    for field in Fields::of(entry.value) {
        match field? {
            (1, value) => lease.id = value.signed()?,
            (2, value) => lease.ttl = value.signed()?,
            (3, value) => lease.remaining_ttl = value.signed()?,
            _ => {}
        }
    }
    match entry.key.first_chunk().map(|bytes| u64::from_be_bytes(*bytes).cast_signed()) {
        Some(id) if id == lease.id && entry.key.len() == 8 => Ok(lease),
        _ => Err("a lease stands under another's id"),
    }
}
