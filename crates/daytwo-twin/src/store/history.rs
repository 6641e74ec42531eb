//! What happened lately, in the order of revisions: what watches replay and past lists are made of.
//!
//! It is bounded; what fell out of it answers 410, as after a compaction.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::Stored;
use crate::kinds::TableId;

/// Events that are kept, at least.
const FEWEST: usize = 1_024;
/// Events that are kept, at most.
const MOST: usize = 131_072;
/// Bytes that the objects of kept events may have, but for the fewest.
const BYTES: usize = 192 << 20;

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added,
    /// It is another than before.
    Modified,
    /// It is gone.
    Deleted,
}

impl Change {
    /// As a watch says it.
    pub fn word(self) -> &'static str {
        match self {
            Change::Added => "ADDED",
            Change::Modified => "MODIFIED",
            Change::Deleted => "DELETED",
        }
    }
}

/// One write.
#[derive(Debug)]
pub struct Event {
    /// The revision it made.
    pub revision: u64,
    /// The resource.
    pub table: TableId,
    /// What became of the object.
    pub change: Change,
    /// The object afterwards; of one that is gone, as it was last.
    pub stored: Arc<Stored>,
    /// The object before.
    pub before: Option<Arc<Stored>>,
    /// As watches of the version it is kept at get it: made once for all of them.
    frame: OnceLock<Bytes>,
}

impl Event {
    /// An event that no watch has seen.
    pub fn new(
        revision: u64,
        table: TableId,
        change: Change,
        stored: Arc<Stored>,
        before: Option<Arc<Stored>>,
    ) -> Event {
        Event { revision, table, change, stored, before, frame: OnceLock::new() }
    }

    /// The event as a line of a watch, for those who see the change as it was and the object as it is kept.
    pub fn frame(&self) -> &Bytes {
        self.frame.get_or_init(|| frame(self.change, &self.stored).into())
    }
}

/// A line of a watch.
pub fn frame(change: Change, stored: &Stored) -> Vec<u8> {
    let mut line = Vec::with_capacity(stored.len() + 40);
    line.extend_from_slice(b"{\"type\":\"");
    line.extend_from_slice(change.word().as_bytes());
    line.extend_from_slice(b"\",\"object\":");
    stored.write(&mut line);
    line.extend_from_slice(b"}\n");
    line
}

/// The events that are kept.
#[derive(Debug, Default)]
pub struct History {
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    /// The newest revision of which nothing is known any more but what came after.
    forgotten: u64,
}

impl History {
    /// The oldest revision that can be gone on from.
    pub fn oldest(&self) -> u64 {
        self.forgotten
    }

    /// Events after a revision, oldest first.
    pub fn after(&self, revision: u64) -> impl DoubleEndedIterator<Item = &Arc<Event>> + Clone {
        let from = self.events.partition_point(|event| event.revision <= revision);
        self.events.range(from..)
    }

    /// How many events came after a revision.
    pub fn count_after(&self, revision: u64) -> usize {
        self.events.len() - self.events.partition_point(|event| event.revision <= revision)
    }

    pub(super) fn push(&mut self, event: Event) {
        self.bytes += event.stored.len();
        self.events.push_back(Arc::new(event));
        while self.events.len() > MOST || (self.bytes > BYTES && self.events.len() > FEWEST) {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.stored.len();
            self.forgotten = oldest.revision;
        }
    }

    pub(super) fn forget_until(&mut self, revision: u64) {
        while self.events.front().is_some_and(|event| event.revision <= revision) {
            if let Some(gone) = self.events.pop_front() {
                self.bytes -= gone.stored.len();
            }
        }
        self.forgotten = self.forgotten.max(revision);
    }
}
