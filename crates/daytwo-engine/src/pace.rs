//! The gate that every write of a run passes: as many at a time as [`daytwo_core::restore::Pace`] finds best, none while
//! the server asks to be left alone. It refuses to send anything itself.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use daytwo_core::restore::Pace;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Lets writes through.
#[derive(Debug)]
pub(crate) struct Gate {
    since: Instant,
    crowd: Mutex<Crowd>,
    freed: Notify,
}

#[derive(Debug)]
struct Crowd {
    pace: Pace,
    inside: usize,
    waiting: usize,
}

/// A place inside, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Pass<'a>(&'a Gate);

impl Gate {
    /// For at most `most` writes at a time.
    pub fn new(most: usize) -> Self {
        let crowd = Crowd { pace: Pace::new(most, Duration::ZERO), inside: 0, waiting: 0 };
        Self { since: Instant::now(), crowd: Mutex::new(crowd), freed: Notify::new() }
    }

    /// Waits for a place.
    pub async fn enter(&self) -> Pass<'_> {
        let mut counted = Waiting { gate: self, waits: false };
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            let still_until = {
                let mut crowd = self.crowd();
                let still_until = self.since + crowd.pace.still_until();
                let still = still_until > Instant::now();
                if !still && crowd.inside < crowd.pace.limit() {
                    crowd.inside += 1;
                    drop(crowd);
                    return Pass(self);
                }
                if !counted.waits {
                    crowd.waiting += 1;
                    counted.waits = true;
                }
                still.then_some(still_until)
            };
            match still_until {
                Some(at) => sleep_until(at).await,
                None => freed.await,
            }
        }
    }

    /// The server has no time, and asks to be left alone for `pause`.
    pub fn pushed_back(&self, pause: Duration) {
        let now = self.since.elapsed();
        let mut crowd = self.crowd();
        crowd.pace.pushed_back(now, pause);
        tracing::debug!(limit = crowd.pace.limit(), ?pause, "the server pushes back");
    }

    fn crowd(&self) -> MutexGuard<'_, Crowd> {
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let now = self.0.since.elapsed();
        let mut crowd = self.0.crowd();
        crowd.inside -= 1;
        let waiting = crowd.waiting > 0;
        let before = crowd.pace.limit();
        crowd.pace.answered(now, waiting);
        let limit = crowd.pace.limit();
        drop(crowd);
        if limit == before {
            self.0.freed.notify_one();
        } else {
            tracing::debug!(limit, "requests in flight");
            self.0.freed.notify_waiters();
            self.0.freed.notify_one();
        }
    }
}

/// Counts somebody who waits, until they are let in or go away.
struct Waiting<'a> {
    gate: &'a Gate,
    waits: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.waits {
            self.gate.crowd().waiting -= 1;
            // A place that was meant for them goes to the next.
            self.gate.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_place_that_is_given_back_lets_the_next_in() {
        let gate = Gate::new(1);
        let first = gate.enter().await;
        let mut second = pin!(gate.enter());
        assert!(second.as_mut().now_or_never().is_none(), "there is one place");
        drop(first);
        let deadline = Instant::now() + Duration::from_secs(5);
        tokio::time::timeout_at(deadline, second).await.expect("the place was given back");
    }

    #[tokio::test]
    async fn who_goes_away_while_waiting_does_not_keep_others_waiting() {
        let gate = Gate::new(1);
        let first = gate.enter().await;
        let mut last = pin!(gate.enter());
        {
            let mut gone = pin!(gate.enter());
            assert!(gone.as_mut().now_or_never().is_none());
            assert!(last.as_mut().now_or_never().is_none());
            drop(first);
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        tokio::time::timeout_at(deadline, last).await.expect("the place went to the next");
        assert_eq!(gate.crowd().waiting, 0);
    }

    #[tokio::test]
    async fn nobody_is_let_in_while_the_server_is_left_alone() {
        let gate = Gate::new(8);
        let (begun, pause) = (Instant::now(), Duration::from_millis(80));
        gate.pushed_back(pause);
        drop(gate.enter().await);
        assert!(begun.elapsed() >= pause);
    }
}
