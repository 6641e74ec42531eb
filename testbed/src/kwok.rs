//! kwok, which plays the kubelets of all nodes of any API server that a kubeconfig names: pods on them become ready at
//! once, run nothing, and go at once when deleted.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::build::{Parts, build};
use crate::family::Family;
use crate::nest::Nest;
use crate::wait::until;
use crate::{port, say};

const PROGRAM: &str = "kwok";
const READY: Duration = Duration::from_secs(60);
const ATTEMPTS: u32 = 5;

/// What kwok makes of nodes and pods.
const STAGES: &str = include_str!("stages.yaml");

/// A running kwok; dropping it ends it.
#[derive(Debug)]
pub struct Kwok {
    nest: Nest,
}

impl Kwok {
    /// Starts it against the API server of this kubeconfig, and returns once it listens. It makes no nodes.
    ///
    /// # Errors
    /// If it cannot be built, or does not listen within a minute: with the end of its log.
    pub fn start(kubeconfig: &Path) -> Result<Kwok> {
        let parts = build(&[Family::Kwok])?;
        let mut attempt = 1;
        loop {
            match Kwok::launch(&parts, kubeconfig) {
                Err(error) if attempt < ATTEMPTS && port::taken(&error) => {
                    say("a port was taken meanwhile; starting kwok again with another");
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    fn launch(parts: &Parts, kubeconfig: &Path) -> Result<Kwok> {
        let mut nest = Nest::new(PROGRAM)?;
        let [port] = port::free()?;
        spawn(&mut nest, parts, kubeconfig, port)?;
        until(READY, "kwok to listen", || {
            nest.check_all()?;
            Ok(TcpStream::connect(("127.0.0.1", port)).ok())
        })
        .map_err(|error| nest.explain(&error))?;
        Ok(Kwok { nest })
    }

    /// Fails if it has ended by itself.
    ///
    /// # Errors
    /// With the end of its log.
    pub fn check(&mut self) -> Result<()> {
        self.nest.check_all().map_err(|error| self.nest.explain(&error))
    }
}

/// Starts kwok among the processes of `nest`, listening on `port`.
pub(crate) fn spawn(nest: &mut Nest, parts: &Parts, kubeconfig: &Path, port: u16) -> Result<()> {
    let stages = nest.write("stages.yaml", STAGES)?;
    let mut command = Command::new(parts.program(Family::Kwok, PROGRAM)?);
    command.args([
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--config={}", stages.display()),
        "--manage-all-nodes=true".to_owned(),
        "--node-lease-duration-seconds=40".to_owned(),
        "--node-ip=192.0.2.2".to_owned(),
        format!("--node-port={port}"),
        format!("--server-address=127.0.0.1:{port}"),
        "--cidr=198.51.100.0/24".to_owned(),
    ]);
    nest.spawn(PROGRAM, &mut command)?;
    Ok(())
}
