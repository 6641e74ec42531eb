//! What a run knows of the webhooks, policies and quotas that refuse its objects: it says so the first time, and does
//! not wait for a silent webhook once for every object.
//!
//! It refuses to decide for an object by what another met: each is tried, as a webhook's selectors may pass it by.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use daytwo_core::restore::{Barrier, Failed, silent_webhook};
use tokio::time::Instant;

use super::request::{Tries, Writer};
use crate::api::ApiError;
use crate::event::{Event, Observer};

/// After this long an object that meets a silent webhook is tried with patience again: it may be back.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// Those that refuse objects of one run.
pub(crate) struct Barriers<'a> {
    events: &'a dyn Observer,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    told: BTreeSet<Barrier>,
    /// Webhooks that did not answer, and when that was found.
    silent: HashMap<String, Instant>,
}

impl<'a> Barriers<'a> {
    /// Nothing refused yet; what does is told to `events`.
    pub fn new(events: &'a dyn Observer) -> Self {
        Self { events, known: Mutex::default() }
    }

    /// Says who refused `failed`, the first time.
    pub fn tell(&self, failed: &Failed) {
        let Some(barrier) = Barrier::of(failed) else { return };
        let note = format!("{barrier} {}: {}", failed.object, failed.message);
        if self.known().told.insert(barrier) {
            self.events.event(Event::Note(note));
        }
    }

    /// Whether `error` is of a webhook that is known not to answer.
    pub fn is_silent(&self, error: &ApiError) -> bool {
        let since = webhook(error).and_then(|name| self.known().silent.get(name).copied());
        since.is_some_and(|since| since.elapsed() < ASK_AGAIN)
    }

    /// Notes what tries came to in the end.
    pub fn met(&self, error: &ApiError) {
        if let Some(name) = webhook(error) {
            self.known().silent.insert(name.to_owned(), Instant::now());
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer<'_> {
    /// Waits until what met `error` may be tried again. What meets a webhook that does not answer is not tried again
    /// while that is known.
    ///
    /// # Errors
    /// As [`Tries::again`].
    pub async fn again(&self, tries: &mut Tries, error: ApiError) -> Result<(), ApiError> {
        if self.barriers.is_silent(&error) {
            return Err(error);
        }
        tries.again(error, self.halt).await.inspect_err(|error| self.barriers.met(error))
    }
}

fn webhook(error: &ApiError) -> Option<&str> {
    match error {
        ApiError::Status { code: 500.., message, .. } => silent_webhook(message),
        _ => None,
    }
}
