//! Three hosts of a kubeadm control plane: folders, manifests, and a kubelet that the test plays.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use testbed::nest::Nest;
use testbed::{Family, Parts, until};

use crate::certificates::Authority;

/// How long an etcd may take to answer on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Runs a command here, and finds whatever is asked for.
const CRICTL: &str = "#!/bin/sh
case \"$1 $2\" in
'ps -q') echo one ;;
'ps '*) echo 'CONTAINER  IMAGE  STATE  NAME' ;;
'exec one') shift 2; exec \"$@\" ;;
*) echo \"crictl: not played: $*\" >&2; exit 64 ;;
esac
";

/// One of them.
#[derive(Debug, Clone)]
pub struct Host {
    pub name: String,
    pub address: String,
    /// Stands for `/`.
    pub root: PathBuf,
}

/// All of them.
pub struct Hosts {
    nest: Nest,
    parts: Parts,
    family: Family,
    /// What the kubelet runs: the host's name and the manifest's text.
    running: Vec<(String, String)>,
    pub all: Vec<Host>,
}

impl Host {
    pub fn peer_url(&self) -> String {
        format!("https://{}:2380", self.address)
    }

    fn manifest(&self) -> PathBuf {
        self.root.join("etc/kubernetes/manifests/etcd.yaml")
    }

    pub fn data_dir(&self) -> PathBuf {
        self.root.join("var/lib/etcd")
    }

    /// `text` with this host's folders for the paths of the whole machine.
    pub fn here(&self, text: &str) -> String {
        let root = self.root.to_str().unwrap();
        text.replace("/etc/kubernetes", &format!("{root}/etc/kubernetes"))
            .replace("/var/lib/etcd", &format!("{root}/var/lib/etcd"))
    }

    /// What kubeadm writes for etcd (`cmd/kubeadm/app/phases/etcd/local.go`), without the listeners on 127.0.0.1, which
    /// three hosts on one machine cannot share.
    fn write_manifest(&self, cluster: &str, existing: bool) {
        let (name, address) = (&self.name, &self.address);
        let state = if existing { "\n    - --initial-cluster-state=existing" } else { "" };
        let text = format!(
            "apiVersion: v1
kind: Pod
metadata:
  name: etcd
  namespace: kube-system
spec:
  containers:
  - command:
    - etcd
    - --advertise-client-urls=https://{address}:2379
    - --cert-file=/etc/kubernetes/pki/etcd/server.crt
    - --client-cert-auth=true
    - --data-dir=/var/lib/etcd
    - --initial-advertise-peer-urls=https://{address}:2380
    - --initial-cluster={cluster}{state}
    - --key-file=/etc/kubernetes/pki/etcd/server.key
    - --listen-client-urls=https://{address}:2379
    - --listen-peer-urls=https://{address}:2380
    - --name={name}
    - --peer-cert-file=/etc/kubernetes/pki/etcd/peer.crt
    - --peer-client-cert-auth=true
    - --peer-key-file=/etc/kubernetes/pki/etcd/peer.key
    - --peer-trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt
    - --snapshot-count=10000
    - --trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt
    image: registry.k8s.io/etcd:3.6.16-0
    name: etcd
"
        );
        fs::write(self.manifest(), self.here(&text)).unwrap();
    }
}

impl Hosts {
    /// Three members that run, from their manifests; `None` after saying what is skipped. `net` keeps the addresses of two
    /// tests apart.
    pub fn start(family: Family, net: u8) -> Option<Self> {
        let parts = testbed::parts_or_skip(&[family])?;
        let nest = Nest::new("recovery").unwrap();
        let [high, low] = u16::try_from(std::process::id() % 65_536).unwrap().to_be_bytes();
        let all: Vec<Host> = (1..=3)
            .map(|number| Host {
                name: format!("cp{number}"),
                address: format!("127.{}.{}.{}", high | 1, low, net * 8 + number),
                root: nest.folder().join(format!("cp{number}")),
            })
            .collect();
        let mut hosts = Self { nest, parts, family, running: Vec::new(), all };
        hosts.tools();
        let authority = Authority::new();
        for host in &hosts.all {
            fs::create_dir_all(host.root.join("etc/kubernetes/manifests")).unwrap();
            fs::create_dir_all(host.root.join("var/lib")).unwrap();
            authority.write(&host.root.join("etc/kubernetes/pki"), &host.address);
            for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
                fs::write(host.manifest().with_file_name(format!("{name}.yaml")), "{}\n").unwrap();
            }
        }
        hosts.bootstrap();
        Some(hosts)
    }

    /// A first start with all three as new, then the manifests as `kubeadm init` and `kubeadm join` leave them.
    fn bootstrap(&mut self) {
        let member = |host: &Host| format!("{}={}", host.name, host.peer_url());
        let list: Vec<String> = self.all.iter().map(member).collect();
        for at in 0..3 {
            self.all[at].write_manifest(&list.join(","), false);
            self.kubelet(at);
        }
        self.healthy(0);
        for at in 0..3 {
            self.all[at].write_manifest(&list[..=at].join(","), at > 0);
            self.kubelet(at);
            self.healthy(at);
        }
    }

    fn tools(&self) {
        let bin = self.nest.folder().join("bin");
        fs::create_dir_all(&bin).unwrap();
        let crictl = bin.join("crictl");
        fs::write(&crictl, CRICTL).unwrap();
        fs::set_permissions(&crictl, fs::Permissions::from_mode(0o755)).unwrap();
        let etcdctl = self.parts.program(self.family, "etcdctl").unwrap();
        std::os::unix::fs::symlink(etcdctl, bin.join("etcdctl")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_daytwo"), bin.join("daytwo")).unwrap();
    }

    /// Runs what the manifest of host `at` says, and nothing without one.
    pub fn kubelet(&mut self, at: usize) {
        let host = self.all[at].clone();
        let wanted = fs::read_to_string(host.manifest()).ok();
        let known = self.running.iter().position(|(name, _)| *name == host.name);
        if known.map(|known| &self.running[known].1) == wanted.as_ref() {
            return;
        }
        if let Some(known) = known {
            self.nest.terminate(&host.name, DEADLINE).unwrap();
            self.running.remove(known);
        }
        let Some(manifest) = wanted else { return };
        let pod: Value = serde_saphyr::from_str(&manifest).unwrap();
        let words = pod.pointer("/spec/containers/0/command").and_then(Value::as_array).unwrap();
        let etcd = self.parts.program(self.family, "etcd").unwrap();
        let mut command = Command::new(etcd);
        command.args(words[1..].iter().map(|word| word.as_str().unwrap()));
        self.nest.spawn(&host.name, &mut command).unwrap();
        self.running.push((host.name, manifest));
    }

    /// Ends a member as a power cut does, with its disk.
    pub fn lose(&mut self, at: usize) {
        let name = self.all[at].name.clone();
        self.nest.kill(&name).unwrap();
        self.running.retain(|(known, _)| *known != name);
        fs::remove_dir_all(self.all[at].data_dir()).unwrap();
        fs::remove_file(self.all[at].manifest().with_file_name("etcd.yaml")).unwrap();
        let member = |host: &Host| format!("{}={}", host.name, host.peer_url());
        let list: Vec<String> = self.all.iter().map(member).collect();
        self.all[at].write_manifest(&list[..=at].join(","), at > 0);
    }

    /// A command of etcdctl on host `at`.
    pub fn etcdctl(&self, at: usize, words: &[&str]) -> Output {
        let host = &self.all[at];
        let pki = host.root.join("etc/kubernetes/pki/etcd");
        let file = |name: &str| pki.join(name);
        Command::new(self.parts.program(self.family, "etcdctl").unwrap())
            .arg(format!("--endpoints=https://{}:2379", host.address))
            .arg("--cacert")
            .arg(file("ca.crt"))
            .arg("--cert")
            .arg(file("server.crt"))
            .arg("--key")
            .arg(file("server.key"))
            .args(words)
            .output()
            .unwrap()
    }

    /// Waits until host `at` takes part in a quorum.
    pub fn healthy(&self, at: usize) {
        let waited = until(DEADLINE, "a member to be healthy", || {
            Ok(self.etcdctl(at, &["endpoint", "health"]).status.success().then_some(()))
        });
        waited.map_err(|error| self.nest.explain(&error)).unwrap();
    }

    /// Everything that host `at` holds, by key.
    pub fn contents(&self, at: usize) -> String {
        let read = self.etcdctl(at, &["get", "", "--from-key"]);
        assert!(read.status.success(), "{read:?}");
        String::from_utf8(read.stdout).unwrap()
    }

    /// Types `command` on host `at`.
    pub fn shell(&self, at: usize, command: &str) -> Output {
        let path = format!("{}:{}", self.bin().display(), std::env::var("PATH").unwrap());
        Command::new("sh")
            .arg("-c")
            .arg(self.all[at].here(command))
            .current_dir(&self.all[at].root)
            .env("PATH", path)
            .output()
            .unwrap()
    }

    /// Runs the program.
    pub fn daytwo(&self, words: &[&str]) -> Output {
        Command::new(self.bin().join("daytwo")).args(words).env("HOME", self.folder()).output().unwrap()
    }

    fn bin(&self) -> PathBuf {
        self.nest.folder().join("bin")
    }

    pub fn folder(&self) -> &Path {
        self.nest.folder()
    }

    pub fn explain(&self, error: &anyhow::Error) -> anyhow::Error {
        self.nest.explain(error)
    }
}
