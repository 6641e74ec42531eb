//! Whether a backend is whole: its sha256, its pages, its records and what stands beside them.
//!
//! `etcdutl snapshot status` looks at the pages and the records' form, never at the sha256. What it refuses to do: repair,
//! and judge what a value means; the caller may do that on the way.

mod pass;

use std::thread;

use sha2::{Digest as _, Sha256};

use crate::bolt::{Place, Usage, check, metas};
use crate::mvcc::{Backend, bucket};
use crate::{Error, Record};

use self::pass::Pass;

/// How many findings are kept. A file that has more is as damaged.
const KEPT: usize = 1_000;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The sha256 at the end is not that of the bytes before it.
    Tail,
    /// One of the two meta pages is damaged. The other one does, for now.
    Meta,
    /// A page, or what points to it.
    Page,
    /// A record of a key: its form, its numbers, its revision.
    Record,
    /// A lease, or a key that hangs on one that is not there.
    Lease,
    /// What stands beside the keys: members, alarms, how far the log was applied.
    State,
    /// What the caller found wrong with a value.
    Value,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub kind: Kind,
    /// Where, if it is anywhere.
    pub place: Option<Place>,
    /// What stands there, and what should.
    pub what: String,
}

/// What the sha256 at the end says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// There is none, as in a member's own database: damage inside of a value cannot be seen.
    Absent,
    /// It is that of the bytes before it.
    Right,
    /// It is not.
    Wrong,
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The sha256 at the end.
    pub tail: Tail,
    /// The sha256 of the bytes before it, or of the whole file where there is none.
    pub sha256: [u8; 32],
    /// What the pages are used for, as far as they could be reached.
    pub usage: Usage,
    /// Records that were decoded.
    pub records: u64,
    /// Whether a list of free pages is stored, and was held against the pages in use. etcd stores none.
    pub freelist: bool,
    /// What was found, at most a thousand.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub more: u64,
}

impl Report {
    /// Whether nothing was found.
    pub fn good(&self) -> bool {
        self.findings.is_empty()
    }

    fn add(&mut self, finding: Finding) {
        match self.findings.len() < KEPT {
            true => self.findings.push(finding),
            false => self.more += 1,
        }
    }
}

/// What the caller makes of a record that puts a key: what is wrong with its value, if anything.
pub type Value<'a> = dyn FnMut(&Record<'_>) -> Option<String> + 'a;

/// Looks at all of `backend`, and has `value` look at each record that puts a key.
///
/// The sha256 is made on a second thread meanwhile.
pub fn verify(backend: &Backend, value: &mut Value<'_>) -> Report {
    thread::scope(|scope| {
        let sha256 = scope.spawn(|| <[u8; 32]>::from(Sha256::digest(backend.before_tail())));
        let mut report = Report {
            tail: Tail::Absent,
            sha256: [0; 32],
            usage: Usage::default(),
            records: 0,
            freelist: backend.db().meta().freelist.is_some(),
            findings: Vec::new(),
            more: 0,
        };
        for flaw in metas(backend.before_tail()).into_iter().filter_map(Result::err) {
            report.add(Finding { kind: Kind::Meta, place: Some(flaw.place), what: flaw.what });
        }
        let mut pass = Pass::new(&mut report, value);
        let usage = check(backend.db(), &mut pass).expect("invariant: this pass never stops");
        pass.finish();
        report.usage = usage;
        beside(backend, &mut report);
        report.sha256 = sha256.join().expect("invariant: making a sha256 does not panic");
        if let Some(stored) = backend.tail() {
            report.tail = if *stored == report.sha256 { Tail::Right } else { Tail::Wrong };
        }
        if report.tail == Tail::Wrong {
            let what = "the sha256 at the end is not that of the bytes before it".to_owned();
            report.findings.insert(0, Finding { kind: Kind::Tail, place: None, what });
        }
        report
    })
}

/// Reads what stands beside the keys, which etcd does when it starts.
fn beside(backend: &Backend, report: &mut Report) {
    let mut hold = |result: Result<(), Error>| {
        let Err(error) = result else { return };
        let what = error.to_string();
        report.add(Finding { kind: Kind::State, place: None, what });
    };
    for name in [bucket::KEY, bucket::META] {
        hold(backend.bucket(name).and_then(|found| match found {
            Some(_) => Ok(()),
            None => {
                let what = format!("no bucket `{}`, which etcd always has", String::from_utf8_lossy(name));
                Err(Error::Corrupt { place: "the list of buckets".to_owned(), what })
            }
        }));
    }
    hold(backend.compaction().map(drop));
    hold(backend.consistent_index().map(drop));
    hold(backend.term().map(drop));
    hold(backend.conf_state().map(drop));
    hold(backend.members().map(drop));
    hold(backend.members_removed().map(drop));
    hold(backend.alarms().map(drop));
}

#[cfg(test)]
mod tests;
