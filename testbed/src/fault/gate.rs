//! Holds a request until the test has done what it wants done in between.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};

use super::lock;

/// How long a request is held at most, so that a test which fails does not hang its client.
const LONGEST: Duration = Duration::from_secs(120);

/// Closed at first. Clones are the same gate.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<(Mutex<At>, Condvar)>);

#[derive(Debug, Default)]
struct At {
    waiting: usize,
    open: bool,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Gate {
        Gate::default()
    }

    /// Returns once a request stands before the gate.
    ///
    /// # Errors
    /// If none came within `deadline`.
    pub fn reached(&self, deadline: Duration) -> Result<()> {
        let (at, changed) = &*self.0;
        let waited = changed.wait_timeout_while(lock(at), deadline, |at| at.waiting == 0);
        let (at, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if at.waiting == 0 {
            bail!("no request came to the gate within {} s", deadline.as_secs_f32());
        }
        Ok(())
    }

    /// Lets through what waits, and all that comes.
    pub fn open(&self) {
        let (at, changed) = &*self.0;
        lock(at).open = true;
        changed.notify_all();
    }

    /// Waits until the gate is open.
    pub(super) fn pass(&self) {
        let (at, changed) = &*self.0;
        let mut here = lock(at);
        here.waiting += 1;
        changed.notify_all();
        drop(changed.wait_timeout_while(here, LONGEST, |at| !at.open));
    }
}
