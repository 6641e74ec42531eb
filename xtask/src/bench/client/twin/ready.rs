//! Waits for a server that others start.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::lean::Lean;
use crate::connect::Server;

/// Between two looks at a server that is not ready yet.
const BETWEEN: Duration = Duration::from_micros(500);
/// A large backup may take a while to open.
const PATIENCE: Duration = Duration::from_secs(180);

/// Returns once the kubeconfig is there and its server says 200 to `/readyz`.
pub fn ready(kubeconfig: &Path) -> Result<()> {
    let begin = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        loop {
            // Half a kubeconfig is none either.
            let Err(error) = asked(kubeconfig).await else { return Ok(()) };
            if begin.elapsed() > PATIENCE {
                return Err(error.context("gave up waiting for a server"));
            }
            tokio::time::sleep(BETWEEN).await;
        }
    })
}

async fn asked(kubeconfig: &Path) -> Result<()> {
    let server = Server::of(kubeconfig)?;
    let request = format!("{}\r\n", server.head("GET", "/readyz"));
    match Lean::connect(&server).await?.ask(request.as_bytes()).await?.status {
        200..=299 => Ok(()),
        other => bail!("/readyz: {other}"),
    }
}
