//! Starts the lists of a round in their order, some under way at a time, while an earlier one is written.

use std::sync::Arc;

use kube::Client;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::AbortOnDropHandle;

use crate::cut::{Listing, Pending, Reading, Verdict, Wanted, When, read};

/// Lists under way, in their order. Dropping it ends them.
pub(super) struct Ahead {
    started: mpsc::UnboundedReceiver<Started>,
    _starting: AbortOnDropHandle<()>,
}

/// A resource under way. Its place is another's once it is dropped.
pub(super) struct Started {
    pub wanted: Wanted,
    pub listing: Listing,
    _place: Option<OwnedSemaphorePermit>,
}

impl Ahead {
    /// Starts `wanted`, at most `at_once` at a time, as soon as it is known how each is to be read.
    pub fn start(client: &Client, wanted: Vec<(Wanted, Pending)>, reading: &Reading, at_once: usize) -> Self {
        let (client, reading) = (client.clone(), reading.clone());
        let places = Arc::new(Semaphore::new(at_once.max(1)));
        let (starting, started) = mpsc::unbounded_channel();
        let running = tokio::spawn(async move {
            for (wanted, pending) in wanted {
                let verdict = pending.verdict().await;
                // What has no list takes no place, and so keeps no list from being read ahead. Places are taken in the
                // order in which lists are written: the first always has one.
                let reads = matches!(verdict, Verdict::Read(When::At(_) | When::Now) | Verdict::Elsewhere(_));
                let place = if reads { Arc::clone(&places).acquire_owned().await.ok() } else { None };
                let listing = read(&client, wanted.clone(), verdict, reading.clone());
                if starting.send(Started { wanted, listing, _place: place }).is_err() {
                    return;
                }
            }
        });
        Self { started, _starting: AbortOnDropHandle::new(running) }
    }

    /// The next resource; `None` after the last.
    pub async fn next(&mut self) -> Option<Started> {
        self.started.recv().await
    }
}
