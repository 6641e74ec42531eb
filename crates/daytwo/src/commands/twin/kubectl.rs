//! `daytwo twin kubectl`: one question to a twin, asked with the kubectl that is there.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::cli::twin::Kubectl;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::settings::Session;

use super::kubeconfig::{Written, private_folder};
use super::open::{self, Means};
use super::{limits, serve};

/// How long kubectl may take to end once it was asked to.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves the twin on loopback as long as kubectl runs, and ends as kubectl does.
///
/// # Errors
/// Those of opening; exit 2 where there is no kubectl.
pub async fn run(session: &Session, verb: Kubectl) -> Result {
    limits::raise();
    let twin = open::open(session, &verb.opening.from, Means::of(&verb.opening, false)).await?;
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let serving = serve::serve(&twin, loopback).await?;
    let written = Written::write(None, &serving.kubeconfig())?;
    // What kubectl remembers of a server is of no use later.
    let cache = private_folder()?;
    let child = Command::new(&verb.kubectl)
        .args(&verb.words)
        .env("KUBECONFIG", written.path())
        .env("KUBECACHEDIR", cache.path())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            let name = verb.kubectl.display();
            Failure::usage(format!("cannot run {name}: {error}")).or_try("--kubectl PATH")
        })?;
    let status = ended(session, child).await?;
    drop(written);
    serving.end().await;
    Ok(Exit::Passed(code(status)))
}

/// Waits for kubectl; one that does not end with Ctrl-C is ended.
async fn ended(session: &Session, mut child: Child) -> Result<ExitStatus> {
    if let Some(status) = session.interrupt.or(child.wait()).await {
        return Ok(status?);
    }
    // A terminal sends Ctrl-C to both of us; SIGTERM came to this process alone.
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
    match tokio::time::timeout(PATIENCE, child.wait()).await {
        Ok(status) => Ok(status?),
        Err(_) => {
            child.start_kill()?;
            Ok(child.wait().await?)
        }
    }
}

/// As shells count: 128 and the signal where one ended it.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(code).unwrap_or(u8::MAX)
}
