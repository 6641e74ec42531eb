//! Real etcds that start from data directories made here, as members of one cluster.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use daytwo_etcd::bolt::Map;
use daytwo_etcd::mvcc::Backend;
use daytwo_etcd::restore::{Cluster, Report, Request, restore};
use serde_json::Value;
use testbed::nest::Nest;
use testbed::{Family, Parts};

pub const DEADLINE: Duration = Duration::from_secs(60);
pub const TOKEN: &str = "restored";

/// Members that are to be, on ports of their own.
pub struct Plan {
    pub names: Vec<String>,
    clients: Vec<String>,
    peers: Vec<String>,
}

impl Plan {
    pub fn new(members: usize) -> Plan {
        // All held at once, so that no two are the same.
        let held: Vec<TcpListener> =
            (0..2 * members).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let urls: Vec<String> =
            held.iter().map(|port| format!("http://{}", port.local_addr().unwrap())).collect();
        let (clients, peers) = urls.split_at(members);
        let names = (1..=members).map(|number| format!("m{number}")).collect();
        Plan { names, clients: clients.to_vec(), peers: peers.to_vec() }
    }

    /// `--initial-cluster`.
    pub fn initial(&self) -> String {
        let pairs = self.names.iter().zip(&self.peers).map(|(name, peer)| format!("{name}={peer}"));
        pairs.collect::<Vec<_>>().join(",")
    }

    /// Where clients reach its members.
    pub fn endpoints(&self) -> String {
        self.clients.join(",")
    }

    pub fn cluster(&self, member: usize) -> Cluster {
        Cluster::new(&self.names[member], &self.initial(), &[&self.peers[member]], TOKEN).unwrap()
    }

    /// Makes `member`'s directory by ourselves; `change` may ask for more.
    pub fn ours(
        &self,
        member: usize,
        file: &Path,
        dir: &Path,
        change: impl FnOnce(&mut Request<'_>),
    ) -> Report {
        let database = Backend::open(Map::open(file).unwrap()).unwrap();
        let cluster = self.cluster(member);
        let mut request = plain(&database, &cluster, dir);
        change(&mut request);
        restore(&request).unwrap()
    }

    /// Makes `member`'s directory with etcdutl.
    pub fn theirs(&self, etcdutl: &Path, member: usize, file: &Path, dir: &Path, more: &[&str]) {
        let mut command = Command::new(etcdutl);
        command.args(["snapshot", "restore"]).arg(file).arg("--data-dir").arg(dir);
        command.args(["--name", &self.names[member], "--initial-cluster", &self.initial()]);
        command.args([
            "--initial-advertise-peer-urls",
            &self.peers[member],
            "--initial-cluster-token",
            TOKEN,
        ]);
        done(command.args(more));
    }
}

pub fn plain<'a>(database: &'a Backend, cluster: &'a Cluster, data_dir: &'a Path) -> Request<'a> {
    Request {
        database,
        beyond: None,
        accept_loss: false,
        cluster,
        data_dir,
        wal_dir: None,
        bump: None,
        for_etcd: None,
        drop_alarms: false,
        owner: None,
        defragment: false,
        skip_hash_check: false,
    }
}

/// Runs a command that must not fail.
pub fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A cluster that runs.
pub struct Running {
    pub nest: Nest,
    plan: Plan,
    etcdctl: PathBuf,
    /// Who asks, as `name:password`; nobody where it is empty.
    user: String,
}

impl Running {
    /// Starts etcd of `family` for each member, on the directory of its name in `dirs`, and waits until all are healthy.
    pub fn start(plan: Plan, parts: &Parts, family: Family, dirs: &Path) -> Running {
        Running::start_as("", plan, parts, family, dirs)
    }

    /// As [`Running::start`], where clients have to log in.
    pub fn start_as(user: &str, plan: Plan, parts: &Parts, family: Family, dirs: &Path) -> Running {
        let mut nest = Nest::new("restored").unwrap();
        let etcd = parts.program(family, "etcd").unwrap();
        for (index, name) in plan.names.iter().enumerate() {
            let dir = dirs.join(name);
            spawn(&mut nest, &etcd, &plan, index, &["--data-dir", dir.to_str().unwrap()]);
        }
        let etcdctl = parts.program(family, "etcdctl").unwrap();
        let mut running = Running { nest, plan, etcdctl, user: user.to_owned() };
        running.healthy();
        running
    }

    fn healthy(&mut self) {
        let waited = testbed::until(DEADLINE, "all members to be healthy", || {
            self.nest.check_all()?;
            Ok(self.command(&["endpoint", "health"]).output().unwrap().status.success().then_some(()))
        });
        waited.unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.etcdctl);
        command.args(["--endpoints", &self.plan.endpoints()]).args(args);
        if !self.user.is_empty() {
            command.env("ETCDCTL_USER", &self.user);
        }
        command
    }

    pub fn ctl(&self, args: &[&str]) -> String {
        String::from_utf8(done(&mut self.command(args)).stdout).unwrap()
    }

    pub fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ctl(&[args, &["--write-out=json"]].concat())).unwrap()
    }

    /// All keys with their revisions, versions and leases.
    pub fn contents(&self) -> Value {
        self.json(&["get", "", "--prefix"])["kvs"].clone()
    }

    pub fn revision(&self) -> i64 {
        self.json(&["get", "x"])["header"]["revision"].as_i64().unwrap()
    }

    /// The hash of all keys at `revision`, of each member; they apply what they agreed on one after the other.
    pub fn same_hash(&self) {
        let waited = testbed::until(DEADLINE, "all members to have one hash", || {
            let members = self.json(&["endpoint", "hashkv"]);
            let mut hashes: Vec<i64> = members
                .as_array()
                .unwrap()
                .iter()
                .map(|member| member["HashKV"]["hash"].as_i64().unwrap())
                .collect();
            assert_eq!(hashes.len(), self.plan.names.len());
            hashes.dedup();
            Ok((hashes.len() == 1).then_some(()))
        });
        waited.unwrap();
    }

    /// Name and peer URL of each member, by what the cluster says, and that all are there.
    pub fn members_are_right(&self) {
        let said = self.json(&["member", "list"]);
        let members = said["members"].as_array().unwrap();
        let mut seen: Vec<(String, String)> = members
            .iter()
            .map(|member| {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                (text(&member["name"]), text(&member["peerURLs"][0]))
            })
            .collect();
        seen.sort();
        let expected: Vec<(String, String)> =
            self.plan.names.iter().cloned().zip(self.plan.peers.iter().cloned()).collect();
        assert_eq!(seen, expected);
        let cluster = self.plan.cluster(0);
        assert_eq!(said["header"]["cluster_id"].as_u64().unwrap(), cluster.identity().cluster);
        let mut ids: Vec<u64> = members.iter().map(|member| member["ID"].as_u64().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, cluster.members().iter().map(|member| member.id).collect::<Vec<_>>());
    }

    pub fn stop(&mut self) {
        for name in self.plan.names.clone() {
            self.nest.terminate(&name, DEADLINE).unwrap();
        }
    }
}

/// Starts etcd as member `index` of `plan`.
pub fn spawn(nest: &mut Nest, etcd: &Path, plan: &Plan, index: usize, more: &[&str]) {
    let (client, peer) = (&plan.clients[index], &plan.peers[index]);
    let mut command = Command::new(etcd);
    command.args(["--name", &plan.names[index], "--log-level=warn", "--unsafe-no-fsync"]);
    command.args(["--listen-client-urls", client, "--advertise-client-urls", client]);
    command.args(["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]);
    command.args(["--initial-cluster", &plan.initial(), "--initial-cluster-token", TOKEN]);
    nest.spawn(&plan.names[index], command.args(more)).unwrap();
}

/// All that lies below `dir`, but for directories.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for file in fs::read_dir(&dir).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found
}
