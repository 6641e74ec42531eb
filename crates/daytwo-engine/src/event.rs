//! What a run says while it goes, and the clock it goes by.
//!
//! One stream of [`Event`]s feeds the terminal's progress bars, JSON lines and metrics. Nothing here prints.

use jiff::Timestamp;

/// Something that happened in a run, in the order it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// `what` began.
    Started {
        /// The thing that began, such as `reading configmaps`.
        what: String,
    },
    /// `done` of `total` units of `what` are through; `total` is `None` where nobody knows it yet.
    Progress {
        /// The thing counted, such as `objects`.
        what: String,
        /// Units done.
        done: u64,
        /// Units there will be, as far as known.
        total: Option<u64>,
    },
    /// The run waits.
    Waiting {
        /// What is waited for.
        what: String,
        /// Why.
        because: String,
    },
    /// `what` ended.
    Finished {
        /// The thing that ended.
        what: String,
    },
    /// Something a person should know that is no failure.
    Note(String),
}

/// Receives the events of a run. Called from the run's own tasks: it must return at once.
pub trait Observer: Send + Sync {
    /// Takes one event.
    fn event(&self, event: Event);
}

/// An observer that drops everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event) {}
}

/// Where wall-clock time comes from: the binary's main, or a twin.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}
