//! Which API servers a file is of, as far as its objects tell. No key says it: what is looked at are the images of their
//! pods (kubeadm), what kubeadm wrote down, and the kubelets of servers that bring their API server along (K3s, RKE2).

use std::ops::ControlFlow;

use daytwo_etcd::kube::{At, Catalogue, Place};
use daytwo_etcd::{Record, keyspace};
use serde::Serialize;
use serde_json::Value;

use super::open::Opened;
use super::snapshot::Snapshot;
use crate::failure::Result;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The versions, each with what says so.
    pub apiservers: Vec<ApiServer>,
    /// `metadata.uid` of the namespace kube-system, by which a cluster is known; empty where it is not there.
    pub uid: String,
}

/// One API server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ApiServer {
    /// As `v1.36.3`.
    pub version: String,
    /// The object that says so.
    pub from: String,
}

impl Found {
    /// The newest version.
    pub fn newest(&self) -> Option<&str> {
        let numbers = |version: &str| -> Vec<u32> {
            version
                .split(|letter: char| !letter.is_ascii_digit())
                .filter_map(|digits| digits.parse().ok())
                .collect()
        };
        let versions = self.apiservers.iter().map(|one| one.version.as_str());
        versions.max_by_key(|version| numbers(version))
    }
}

/// Looks into a snapshot's file as of its revision.
///
/// # Errors
/// Those of reading.
pub fn of(snapshot: &Snapshot) -> Result<Found> {
    let opened = snapshot.opened();
    let (prefix, catalogue) = (opened.objects.prefix(), Catalogue::built_in());
    let mut found = Found::default();
    keyspace::list(opened.store(), prefix.as_str().as_bytes(), Some(snapshot.revision()), &mut |record| {
        if let Place::Object(at) = catalogue.place(prefix, record.key) {
            found.look(opened, &at, record);
        }
        ControlFlow::Continue(())
    })?;
    Ok(found.in_order())
}

impl Found {
    /// Takes from a record what it says of an API server, if anything: the objects that may are told by their keys.
    pub fn look(&mut self, opened: &Opened, at: &At<'_>, record: &Record<'_>) {
        if at.group != Some("") {
            return;
        }
        let show = || opened.objects.show(record).ok().map(|shown| shown.object);
        match (at.resource, at.namespace, at.name) {
            ("namespaces", None, "kube-system") => {
                self.uid = show()
                    .and_then(|space| Some(space["metadata"]["uid"].as_str()?.to_owned()))
                    .unwrap_or_default();
            }
            ("configmaps", Some("kube-system"), "kubeadm-config") => {
                let from = "configmaps/kube-system/kubeadm-config".to_owned();
                let version = show().and_then(|config| configured(&config));
                self.apiservers.extend(version.map(|version| ApiServer { version, from }));
            }
            ("pods", Some("kube-system"), name) if name.starts_with("kube-apiserver") => {
                self.apiservers.extend(show().iter().flat_map(|pod| of_pod(name, pod)));
            }
            ("nodes", None, name) => self.apiservers.extend(show().and_then(|node| of_node(name, &node))),
            _ => {}
        }
    }

    /// Each server once, in the order of versions' texts.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.apiservers.sort();
        self.apiservers.dedup();
        self
    }
}

/// The versions of the images of an API server's pod.
fn of_pod(name: &str, pod: &Value) -> Vec<ApiServer> {
    let images = pod["spec"]["containers"].as_array().into_iter().flatten();
    let tagged = |image: &str| {
        let (_, tag) = image.rsplit_once(':').filter(|(path, _)| path.contains("kube-apiserver"))?;
        Some(ApiServer { version: tag.replace('_', "+"), from: format!("pods/kube-system/{name}") })
    };
    images.filter_map(|container| container["image"].as_str()).filter_map(tagged).collect()
}

/// The version of a server that brings its API server along: its kubelet's.
fn of_node(name: &str, node: &Value) -> Option<ApiServer> {
    let labels = &node["metadata"]["labels"];
    let server = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];
    let version = node["status"]["nodeInfo"]["kubeletVersion"].as_str()?;
    let embedded = version.contains("+k3s") || version.contains("+rke2");
    (embedded && server.iter().any(|label| labels.get(label).is_some()))
        .then(|| ApiServer { version: version.to_owned(), from: format!("nodes/{name}") })
}

/// `kubernetesVersion` of kubeadm's ClusterConfiguration.
fn configured(config: &Value) -> Option<String> {
    let text = config["data"]["ClusterConfiguration"].as_str()?;
    let line = text.lines().find_map(|line| line.strip_prefix("kubernetesVersion:"))?;
    Some(line.trim().trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_by_number() {
        let server = |version: &str| ApiServer { version: version.to_owned(), from: String::new() };
        let apiservers = vec![server("v1.9.11"), server("v1.36.3"), server("v1.36.12")];
        assert_eq!(Found { apiservers, uid: String::new() }.newest(), Some("v1.36.12"));
    }

    #[test]
    fn pods_and_servers_tell_their_version() {
        let pod = serde_json::json!({"spec": {"containers": [{"image": "registry.k8s.io/kube-apiserver:v1.36.3"},
            {"image": "registry.k8s.io/pause:3.10"}, {"image": "rancher/kube-apiserver"}]}});
        let of: Vec<String> = of_pod("kube-apiserver-a", &pod).into_iter().map(|one| one.version).collect();
        assert_eq!(of, ["v1.36.3"]);
        let node = |version: &str, label: &str| {
            of_node(
                "a",
                &serde_json::json!({"metadata": {"labels": {label: "true"}},
                "status": {"nodeInfo": {"kubeletVersion": version}}}),
            )
        };
        let control_plane = "node-role.kubernetes.io/control-plane";
        assert_eq!(
            node("v1.34.4+k3s1", control_plane).map(|one| one.version).as_deref(),
            Some("v1.34.4+k3s1")
        );
        assert_eq!(node("v1.34.4+k3s1", "agent"), None);
        assert_eq!(node("v1.36.3", control_plane), None, "a kubelet alone says nothing of an API server");
    }

    #[test]
    fn what_kubeadm_wrote_down_is_read() {
        let config = serde_json::json!({"data": {"ClusterConfiguration":
            "apiServer: {}\nkubernetesVersion: v1.36.3\nnetworking: {}\n"}});
        assert_eq!(configured(&config).as_deref(), Some("v1.36.3"));
        assert_eq!(configured(&serde_json::json!({})), None);
    }
}
