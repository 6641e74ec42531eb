//! An etcd cluster of several members on loopback, behind TLS that asks for client certificates: what a control plane
//! with stacked etcd looks like to its administrator.
//!
//! Peers speak plain HTTP with each other, which nobody outside sees. It refuses to survive a power cut.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;

use crate::build::{Parts, build};
use crate::certs::{Ca, PairFiles};
use crate::family::Family;
use crate::nest::Nest;
use crate::wait::until;
use crate::{port, program, say};

/// Two cores may be shared with a compiler.
const READY: Duration = Duration::from_secs(120);
const ATTEMPTS: u32 = 3;
/// The most members a cluster of the testbed has.
const MOST: usize = 5;

/// A running cluster; dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct EtcdCluster {
    parts: Parts,
    folder: PathBuf,
    ca_file: PathBuf,
    client: PairFiles,
    members: Vec<Member>,
    nest: Mutex<Nest>,
}

#[derive(Debug)]
struct Member {
    name: String,
    family: Family,
    endpoint: String,
    args: Vec<String>,
}

/// What a cluster consists of.
#[derive(Debug, Clone)]
pub struct EtcdClusterBuilder {
    families: Vec<Family>,
    args: Vec<String>,
}

impl EtcdClusterBuilder {
    /// A further flag of every member, such as `--quota-backend-bytes=1048576`.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// The version of member `member`, counted from 0.
    pub fn family(mut self, member: usize, family: Family) -> Self {
        self.families[member] = family;
        self
    }

    /// Starts it, and returns once every member answers with a quorum.
    ///
    /// # Errors
    /// If the parts cannot be built, or are not ready within two minutes: with the end of their logs.
    pub fn start(&self) -> Result<EtcdCluster> {
        let mut families = self.families.clone();
        families.push(Family::Etcd); // etcdctl and etcdutl
        families.sort_unstable();
        families.dedup();
        let parts = build(&families)?;
        let mut attempt = 1;
        loop {
            match EtcdCluster::launch(self, &parts) {
                Err(error) if attempt < ATTEMPTS && port::taken(&error) => {
                    say("a port was taken meanwhile; starting again with others");
                    attempt += 1;
                }
                result => return result,
            }
        }
    }
}

impl EtcdCluster {
    /// Of `members` members (at most five) called `m0`, `m1`, …
    pub fn builder(members: usize) -> EtcdClusterBuilder {
        assert!((1..=MOST).contains(&members), "a cluster of the testbed has one to {MOST} members");
        EtcdClusterBuilder { families: vec![Family::Etcd; members], args: Vec::new() }
    }

    fn launch(builder: &EtcdClusterBuilder, parts: &Parts) -> Result<EtcdCluster> {
        let nest = Nest::new("etcd-cluster")?;
        let folder = nest.folder().to_owned();
        let ports: [u16; 2 * MOST] = port::free()?;
        let ca = Ca::new("testbed-etcd")?;
        let ca_file = nest.write("ca.crt", ca.pem())?;
        let server = ca.server(&["127.0.0.1", "localhost"])?.write(&folder, "server")?;
        let client = ca.client("root", &[])?.write(&folder, "client")?;
        let count = builder.families.len();
        let peers: Vec<String> =
            (0..count).map(|n| format!("http://127.0.0.1:{}", ports[MOST + n])).collect();
        let cluster: Vec<String> = peers.iter().enumerate().map(|(n, peer)| format!("m{n}={peer}")).collect();
        let member = |n: usize, family: Family| {
            let (name, endpoint) = (format!("m{n}"), format!("https://127.0.0.1:{}", ports[n]));
            let mut args = vec![
                format!("--name={name}"),
                format!("--data-dir={}", folder.join(&name).display()),
                format!("--listen-client-urls={endpoint}"),
                format!("--advertise-client-urls={endpoint}"),
                format!("--listen-peer-urls={}", peers[n]),
                format!("--initial-advertise-peer-urls={}", peers[n]),
                format!("--initial-cluster={}", cluster.join(",")),
                format!("--cert-file={}", server.cert.display()),
                format!("--key-file={}", server.key.display()),
                format!("--trusted-ca-file={}", ca_file.display()),
                "--client-cert-auth=true".to_owned(),
                // It would connect to its own server with that server's certificate, which is for no client.
                "--enable-grpc-gateway=false".to_owned(),
                "--unsafe-no-fsync=true".to_owned(),
                // A busy machine must not look like a leader that is gone.
                "--heartbeat-interval=300".to_owned(),
                "--election-timeout=3000".to_owned(),
            ];
            args.extend(builder.args.iter().cloned());
            Member { name, family, endpoint, args }
        };
        let members = builder.families.iter().enumerate().map(|(n, family)| member(n, *family)).collect();
        let cluster =
            EtcdCluster { parts: parts.clone(), folder, ca_file, client, members, nest: Mutex::new(nest) };
        (0..count).try_for_each(|member| cluster.spawn(member))?;
        cluster.await_healthy(&cluster.endpoints())?;
        Ok(cluster)
    }

    fn spawn(&self, member: usize) -> Result<()> {
        let member = &self.members[member];
        let mut command = Command::new(self.parts.program(member.family, "etcd")?);
        self.nest().spawn(&member.name, command.args(&member.args))?;
        Ok(())
    }

    fn await_healthy(&self, endpoints: &[String]) -> Result<()> {
        let list = endpoints.join(",");
        until(READY, "etcd to be healthy", || {
            self.nest().check_all()?;
            Ok(self.etcdctl(&["--endpoints", &list, "endpoint", "health"]).is_ok().then_some(()))
        })
        .map_err(|error| self.nest().explain(&error))
    }

    /// The client addresses of all members, `https://127.0.0.1:PORT`.
    pub fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(|member| member.endpoint.clone()).collect()
    }

    /// The certificate of the authority that signs for servers and clients.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// The client's certificate.
    pub fn cert(&self) -> &Path {
        &self.client.cert
    }

    /// The client's key.
    pub fn key(&self) -> &Path {
        &self.client.key
    }

    /// Its folder, which goes when it is dropped.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The data directory of a member, in use while it runs.
    pub fn data_dir(&self, member: usize) -> PathBuf {
        self.folder.join(&self.members[member].name)
    }

    /// Kills a member, as a crash would.
    ///
    /// # Errors
    /// If it does not run.
    pub fn kill(&self, member: usize) -> Result<()> {
        self.nest().kill(&self.members[member].name)
    }

    /// Starts a member again after [`EtcdCluster::kill`], and returns once it answers with a quorum.
    ///
    /// # Errors
    /// If it does not within two minutes.
    pub fn revive(&self, member: usize) -> Result<()> {
        self.spawn(member)?;
        self.await_healthy(&[self.members[member].endpoint.clone()])
    }

    /// Runs etcdctl as the administrator, at every member unless `--endpoints` is among `args`.
    ///
    /// # Errors
    /// If it fails: with its stderr.
    pub fn etcdctl(&self, args: &[&str]) -> Result<String> {
        program::output(&mut self.etcdctl_command(args)?, None)
    }

    /// The same with `input` on stdin, such as the value of a `put`.
    ///
    /// # Errors
    /// If it fails: with its stderr.
    pub fn etcdctl_stdin(&self, args: &[&str], input: &[u8]) -> Result<String> {
        program::output(&mut self.etcdctl_command(args)?, Some(input))
    }

    fn etcdctl_command(&self, args: &[&str]) -> Result<Command> {
        let mut command = program::bounded(&self.parts.program(Family::Etcd, "etcdctl")?);
        if !args.contains(&"--endpoints") {
            command.env("ETCDCTL_ENDPOINTS", self.endpoints().join(","));
        }
        command
            .env("ETCDCTL_CACERT", &self.ca_file)
            .env("ETCDCTL_CERT", &self.client.cert)
            .env("ETCDCTL_KEY", &self.client.key)
            .args(args);
        Ok(command)
    }

    /// Runs etcdutl, which works on files.
    ///
    /// # Errors
    /// If it fails: with its stderr.
    pub fn etcdutl(&self, args: &[&str]) -> Result<String> {
        program::output(program::bounded(&self.parts.program(Family::Etcd, "etcdutl")?).args(args), None)
    }

    /// A panic while the lock was held leaves a list of processes, which is still true.
    fn nest(&self) -> MutexGuard<'_, Nest> {
        self.nest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
