//! What a backup asks of an API server, counted at a proxy in a run of its own: never in one that is timed.

use ::testbed::FaultProxy;
use anyhow::Result;

use super::ground::{Ground, finished};

/// Requests and answers of one backup.
#[derive(Debug, Clone)]
pub struct Load {
    /// How many requests.
    pub requests: f64,
    /// Bytes of all answers' bodies, uncompressed.
    pub bytes: f64,
    /// Path and query of each request, in order.
    pub paths: Vec<String>,
}

/// The door that is counted at.
pub struct Counter(pub FaultProxy);

impl Counter {
    /// Before the API server of `ground`.
    pub fn before(ground: &Ground) -> Result<Counter> {
        let proxy = FaultProxy::before_apiserver(&ground.site)?;
        proxy.identity();
        Ok(Counter(proxy))
    }

    /// What went through since the last call of this.
    #[expect(clippy::cast_precision_loss, reason = "requests and bytes of one backup")]
    pub fn take(&self) -> Load {
        let paths: Vec<String> = self.0.take_seen().into_iter().map(|seen| seen.path).collect();
        Load { requests: paths.len() as f64, bytes: self.0.take_answered() as f64, paths }
    }
}

/// The load of our own backup.
pub fn ours(ground: &Ground, name: &str) -> Result<Load> {
    let counter = Counter::before(ground)?;
    finished(&mut ground.backup(name, &format!("s3://{}", super::ground::OURS), &counter.0.kubeconfig()))?;
    Ok(counter.take())
}
