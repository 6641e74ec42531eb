//! The right to act, which lasts a while from each record. It refuses to look at any clock but this process's own
//! monotonic one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Says whether acts may still start. Clones tell of the same right.
#[derive(Debug, Clone)]
pub struct Lease {
    lasts: Duration,
    since: Arc<Mutex<Instant>>,
}

impl Lease {
    pub(super) fn new(lasts: Duration) -> Self {
        Self { lasts, since: Arc::new(Mutex::new(Instant::now())) }
    }

    pub(super) fn renew(&self, since: Instant) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    /// Whether an act may start now. Where not, the runner waits for its next record, or stops.
    pub fn holds(&self) -> bool {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < self.lasts
    }
}
