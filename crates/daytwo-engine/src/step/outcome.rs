//! What came of one object of a wave, until it is counted.

use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::{Action, Failed, Skip, Tally, Unfit};

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

    /// It cannot be made what it is to be.
    pub fn unfit(key: ObjectKey, error: &Unfit) -> Self {
        let (reason, message) = (error.reason().to_owned(), error.to_string());
        let failed = Failed { object: key.clone(), code: None, reason, message, next: None };
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
