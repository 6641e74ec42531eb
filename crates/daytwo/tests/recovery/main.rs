//! Proof that a plan of recovery does what it says: its printed commands are typed, word for word, on three hosts of real
//! etcd members with the files of a kubeadm control plane.
//!
//! Real: every command of the plan that touches etcd, its data, its manifests and its certificates (`mv`, `sed`, `install`,
//! `cp`, `openssl`, `sha256sum`, `etcdctl`, `daytwo`), and the members, which are started with what the edited manifests
//! say. Played by the test: the kubelet (it starts the command of a manifest that is there, and ends it when the manifest
//! goes), crictl (it runs a command here in place of in a container), and one folder for each host in the place of `/etc`
//! and `/var`. What this cannot see: K3s, RKE2 and Harvester, whose supervisors do not run here; their plans are compared
//! with their projects' documentation by people, and with the printed pages by the tests of `daytwo-core`. Nor does it
//! start kube-apiserver: commands of kubectl, ssh and systemctl are read and not typed.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot start its parts, or read what it asked for, fails"
)]

mod certificates;
#[path = "../cli/conform.rs"]
mod conform;
mod flags;
mod hosts;
mod objects;
mod quorum;
mod restore;
mod typed;
