//! etcd on this host: where kubeadm, RKE2, K3s and Harvester keep its certificates. Refuses to look anywhere else.

use std::path::{Path, PathBuf};

use super::access::Tls;

/// A way to install Kubernetes, and where it keeps what a client of its etcd needs.
struct Known {
    name: &'static str,
    ca: &'static str,
    /// Pairs of certificate and key that etcd takes, the least powerful first.
    pairs: &'static [(&'static str, &'static str)],
}

/// kubeadm: `certs` of its etcd phase (cmd/kubeadm/app/constants). RKE2, which Harvester uses, and K3s: the folder
/// `server/tls/etcd` of their data directories (k3s pkg/daemons/control/deps).
const KNOWN: [Known; 3] = [
    Known {
        name: "kubeadm",
        ca: "etc/kubernetes/pki/etcd/ca.crt",
        pairs: &[
            (
                "etc/kubernetes/pki/etcd/healthcheck-client.crt",
                "etc/kubernetes/pki/etcd/healthcheck-client.key",
            ),
            ("etc/kubernetes/pki/apiserver-etcd-client.crt", "etc/kubernetes/pki/apiserver-etcd-client.key"),
            ("etc/kubernetes/pki/etcd/server.crt", "etc/kubernetes/pki/etcd/server.key"),
        ],
    },
    Known {
        name: "RKE2",
        ca: "var/lib/rancher/rke2/server/tls/etcd/server-ca.crt",
        pairs: &[(
            "var/lib/rancher/rke2/server/tls/etcd/client.crt",
            "var/lib/rancher/rke2/server/tls/etcd/client.key",
        )],
    },
    Known {
        name: "K3s",
        ca: "var/lib/rancher/k3s/server/tls/etcd/server-ca.crt",
        pairs: &[(
            "var/lib/rancher/k3s/server/tls/etcd/client.crt",
            "var/lib/rancher/k3s/server/tls/etcd/client.key",
        )],
    },
];

/// All of them have etcd listen here.
const ENDPOINT: &str = "https://127.0.0.1:2379";

/// What was found on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What installed it: `kubeadm`, `RKE2` or `K3s`.
    pub by: &'static str,
    /// Its endpoint on this host.
    pub endpoint: String,
    /// The certificates that open it.
    pub tls: Tls,
}

/// What etcd this host has, `root` being the folder that its file system lies under; `None` where none is known.
pub fn find(root: &Path) -> Option<Found> {
    let there = |path: &str| Some(root.join(path)).filter(|path| path.is_file());
    let pair =
        |(cert, key): &(&str, &str)| -> Option<(PathBuf, PathBuf)> { Some((there(cert)?, there(key)?)) };
    KNOWN.iter().find_map(|known| {
        let tls = Tls { ca: there(known.ca)?, pair: Some(known.pairs.iter().find_map(pair)?) };
        Some(Found { by: known.name, endpoint: ENDPOINT.to_owned(), tls })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }

    #[test]
    fn each_way_to_install_is_found_by_its_files_and_half_of_them_are_nothing() {
        for known in &KNOWN {
            let host = tempfile::tempdir().unwrap();
            assert_eq!(find(host.path()), None);
            write(host.path(), known.ca);
            assert_eq!(find(host.path()), None, "{} without a pair", known.name);
            let (cert, key) = known.pairs.last().unwrap();
            write(host.path(), cert);
            assert_eq!(find(host.path()), None, "{} without a key", known.name);
            write(host.path(), key);
            let found = find(host.path()).unwrap();
            assert_eq!(found.by, known.name);
            assert_eq!(found.tls.pair, Some((host.path().join(cert), host.path().join(key))));
        }
    }
}
