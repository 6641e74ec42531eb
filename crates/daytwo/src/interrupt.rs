//! Ctrl-C and SIGTERM: the first asks the verb to end cleanly, the second ends the program at once.

use std::future::Future;

use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::output::speak::Speak;

/// Says whether the first Ctrl-C was there.
#[derive(Debug, Clone)]
pub struct Interrupt(CancellationToken);

impl Interrupt {
    /// Listens from now on. To be called inside the runtime.
    pub fn listen(speak: Speak) -> Self {
        let token = CancellationToken::new();
        let asked = token.clone();
        tokio::spawn(async move {
            signal().await;
            speak.note("ending: what was begun is being put in order; Ctrl-C again stops at once");
            asked.cancel();
            signal().await;
            speak.note("stopped at once; daytwo backup prune --orphans finds what a backup left");
            stop_now();
        });
        Self(token)
    }

    /// The token that the first Ctrl-C cancels, for work that ends itself.
    pub fn token(&self) -> &CancellationToken {
        &self.0
    }

    /// Runs `work` until it ends, or drops it at the first Ctrl-C and gives `None`. For work that only reads.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.0.run_until_cancelled(work).await
    }
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}

#[expect(clippy::disallowed_methods, reason = "the second Ctrl-C asks for just this")]
fn stop_now() {
    std::process::exit(i32::from(Exit::Failed.code()));
}
