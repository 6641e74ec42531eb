//! What a run knows of the webhooks, policies and quotas that refuse its objects: it says so the first time, and does
//! not wait for a silent webhook once for every object.
//!
//! It refuses to decide for an object by what another met: each is tried, as a webhook's selectors may pass it by; and
//! once one went through where the webhook was met, the next is tried with patience again.

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
    /// Webhooks that did not answer.
    silent: HashMap<String, Silence>,
}

#[derive(Debug)]
struct Silence {
    since: Instant,
    /// The collections in which it was met.
    met: BTreeSet<String>,
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
        let Some((name, path)) = webhook(error) else { return false };
        let mut known = self.known();
        let Some(silence) = known.silent.get_mut(name) else { return false };
        if !silence.met.contains(path) {
            silence.met.insert(path.to_owned());
        }
        silence.since.elapsed() < ASK_AGAIN
    }

    /// Notes what tries came to in the end.
    pub fn met(&self, error: &ApiError) {
        if let Some((name, path)) = webhook(error) {
            let silence = Silence { since: Instant::now(), met: BTreeSet::from([path.to_owned()]) };
            self.known().silent.insert(name.to_owned(), silence);
        }
    }

    /// A write to the collection `path` went through: a webhook that was met there may be back.
    pub fn passed(&self, path: &str) {
        let mut known = self.known();
        if !known.silent.is_empty() {
            known.silent.retain(|_, silence| !silence.met.contains(path));
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

/// The webhook that could not be called, and the path that was written to.
fn webhook(error: &ApiError) -> Option<(&str, &str)> {
    match error {
        ApiError::Status { code: 500.., message, path, .. } => Some((silent_webhook(message)?, path)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::event::Silent;

    fn refused(path: &str) -> ApiError {
        let message = "Internal error occurred: failed calling webhook \"w.x.io\": EOF".to_owned();
        let (method, reason) = (Method::POST, "InternalError".to_owned());
        ApiError::Status { method, path: path.to_owned(), code: 500, reason, message, retry_after: None }
    }

    #[test]
    fn a_webhook_that_came_back_is_waited_for_again_so_that_no_object_is_lost_to_it() {
        let barriers = Barriers::new(&Silent);
        assert!(!barriers.is_silent(&refused("/a")));
        barriers.met(&refused("/a"));
        assert!(barriers.is_silent(&refused("/b")));
        barriers.passed("/c");
        assert!(barriers.is_silent(&refused("/a")));
        barriers.passed("/b");
        assert!(!barriers.is_silent(&refused("/a")));
    }
}
