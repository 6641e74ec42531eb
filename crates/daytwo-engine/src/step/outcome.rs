//! What came of one object of a wave, until it is counted.

use daytwo_core::json::JsonError;
use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::{Action, Failed, Skip, Tally};

/// What came of an object.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Nothing that needs its name.
    Plain(Action),
    /// Something to tell.
    Told(Box<Told>),
}

/// What there is to tell of an object.
#[derive(Debug)]
pub(super) struct Told {
    /// The object.
    pub key: ObjectKey,
    /// How it ended.
    pub end: End,
    /// What was changed on the way.
    pub notes: Vec<String>,
}

/// How an object ended.
#[derive(Debug)]
pub(super) enum End {
    /// It was dealt with.
    Action(Action),
    /// It was passed over.
    Skipped(Skip),
    /// The server refused it.
    Failed(Failed),
    /// It was counted before.
    Counted,
}

impl Outcome {
    /// It was passed over.
    pub fn skipped(key: ObjectKey, why: Skip, notes: Vec<String>) -> Self {
        Self::Told(Box::new(Told { key, end: End::Skipped(why), notes }))
    }

    /// Its JSON in the backup cannot be read.
    pub fn unreadable(key: ObjectKey, error: &JsonError) -> Self {
        let message = format!("its JSON in the backup cannot be read: {error}");
        let failed =
            Failed { object: key.clone(), code: None, reason: "Corrupt".to_owned(), message, next: None };
        Self::Told(Box::new(Told { key, end: End::Failed(failed), notes: Vec::new() }))
    }

    /// What became of the object; `None` where that was told before.
    pub fn action(&self) -> Option<Action> {
        match self {
            Self::Plain(action) => Some(*action),
            Self::Told(told) => match told.end {
                End::Action(action) => Some(action),
                End::Skipped(_) => Some(Action::Skipped),
                End::Failed(_) => Some(Action::Failed),
                End::Counted => None,
            },
        }
    }

    /// Adds it to a tally, as one of `resource`.
    pub fn add_to(self, resource: &str, tally: &mut Tally) {
        let told = match self {
            Self::Plain(action) => return tally.count(resource, action),
            Self::Told(told) => *told,
        };
        for note in told.notes {
            tally.note(told.key.clone(), note);
        }
        match told.end {
            End::Action(Action::Differs) => tally.differs(told.key),
            End::Action(action) => tally.count(resource, action),
            End::Skipped(why) => tally.skipped(told.key, why),
            End::Failed(failed) => tally.failed(failed),
            End::Counted => {}
        }
    }
}
