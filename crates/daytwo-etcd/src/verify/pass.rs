//! Looks at each record while the pages are checked.

use std::collections::{HashMap, HashSet};

use super::{Finding, Kind, Report, Value};
use crate::bolt::{Entry, Flaw, Stop, Visit};
use crate::mvcc::bucket;
use crate::mvcc::lease::lease;
use crate::mvcc::record::{KeyValue, revision};
use crate::{Record, Revision};

pub(super) struct Pass<'a, 'r, 'v> {
    report: &'r mut Report,
    value: &'r mut Value<'v>,
    before: Option<Revision>,
    /// The lease of each key that hangs on one, and where that is written.
    leased: HashMap<&'a [u8], (i64, Entry<'a>)>,
    leases: HashSet<i64>,
}

impl<'a, 'r, 'v> Pass<'a, 'r, 'v> {
    pub(super) fn new(report: &'r mut Report, value: &'r mut Value<'v>) -> Pass<'a, 'r, 'v> {
        Pass { report, value, before: None, leased: HashMap::new(), leases: HashSet::new() }
    }

    /// What can only be said once all was seen.
    pub(super) fn finish(self) {
        let mut lost: Vec<_> =
            self.leased.values().filter(|(lease, _)| !self.leases.contains(lease)).collect();
        lost.sort_by_key(|(_, entry)| entry.place);
        for (lease, entry) in lost {
            let what = format!("its key hangs on lease {lease:016x}, which is not there");
            self.report.add(Finding { kind: Kind::Lease, place: Some(entry.place), what });
        }
    }

    fn find(&mut self, kind: Kind, flaw: Flaw) {
        self.report.add(Finding { kind, place: Some(flaw.place), what: flaw.what });
    }

    fn record(&mut self, entry: &Entry<'a>) {
        let read = revision(entry.key).and_then(|name| Ok((name, KeyValue::read(entry.value)?)));
        let ((revision, deleted), found) = match read {
            Ok(read) => read,
            Err(wrong) => return self.find(Kind::Record, entry.flaw(wrong)),
        };
        self.report.records += 1;
        if self.before.replace(revision).is_some_and(|before| before >= revision) {
            self.find(Kind::Record, entry.flaw("its revision is not higher than the one before"));
        }
        if let Some(wrong) = inconsistent(&found, revision, deleted, entry.value.is_empty()) {
            self.find(Kind::Record, entry.flaw(wrong));
        }
        match found.lease {
            0 => drop(self.leased.remove(found.key)),
            lease => drop(self.leased.insert(found.key, (lease, *entry))),
        }
        let record: Record<'_> = found.record(revision, deleted);
        if !deleted
            && !record.key.is_empty()
            && let Some(wrong) = (self.value)(&record)
        {
            self.find(Kind::Value, entry.flaw(wrong));
        }
    }
}

/// What is wrong with the numbers of a record, by how etcd makes them (`server/storage/mvcc/kvstore_txn.go`).
fn inconsistent(
    found: &KeyValue<'_>,
    revision: Revision,
    deleted: bool,
    empty: bool,
) -> Option<&'static str> {
    let KeyValue { key, create_revision, mod_revision, version, value, lease } = *found;
    if deleted {
        let more = (create_revision, mod_revision, version, lease) != (0, 0, 0, 0) || !value.is_empty();
        return match () {
            () if key.is_empty() => Some("a tombstone of no key"),
            () if more => Some("a tombstone with more than its key"),
            () => None,
        };
    }
    match () {
        // What a restore that raises the revision writes.
        () if empty => None,
        () if key.is_empty() => Some("a record of no key"),
        () if mod_revision != revision.main => Some("its revision is another than the one it stands under"),
        () if !(1..=mod_revision).contains(&create_revision) => {
            Some("it was created at a revision that cannot be")
        }
        () if version < 1 || (version == 1) != (create_revision == mod_revision) => {
            Some("its version does not fit to when it was created")
        }
        () => None,
    }
}

impl<'a> Visit<'a> for Pass<'a, '_, '_> {
    fn bucket(&mut self, path: &[&'a [u8]], entry: &Entry<'a>) -> Result<(), Stop> {
        if path.len() > 1 {
            self.find(Kind::Page, entry.flaw("etcd keeps no bucket inside of a bucket"));
        }
        Ok(())
    }

    fn entry(&mut self, path: &[&'a [u8]], entry: &Entry<'a>) -> Result<(), Stop> {
        match path {
            [] => self.find(Kind::Page, entry.flaw("a value stands among the buckets")),
            [bucket::KEY] => self.record(entry),
            [bucket::LEASE] => match lease(entry) {
                Ok(lease) => drop(self.leases.insert(lease.id)),
                Err(wrong) => self.find(Kind::Lease, entry.flaw(wrong)),
            },
            _ => {}
        }
        Ok(())
    }

    fn flaw(&mut self, flaw: Flaw) -> Result<(), Stop> {
        self.find(Kind::Page, flaw);
        Ok(())
    }
}
