//! Which API servers a file is of, as far as its objects tell. No key says it: what is looked at are the images of their
//! pods (kubeadm), what kubeadm wrote down, and the kubelets of servers that bring their API server along (K3s, RKE2).

use daytwo_etcd::keyspace;
use daytwo_etcd::kube::{Catalogue, Place};
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
    find(snapshot.opened(), Some(snapshot.revision()))
}

/// Looks into a file.
///
/// # Errors
/// Those of reading.
pub fn find(opened: &Opened, at: Option<i64>) -> Result<Found> {
    let mut found = Found::default();
    let catalogue = Catalogue::built_in();
    let each = |kind: &str, namespace: Option<&str>, look: &mut dyn FnMut(&str, &Value)| -> Result<()> {
        let Some(resource) = catalogue.find(kind) else { return Ok(()) };
        let prefix = opened.objects.prefix();
        for key in opened.keys(&prefix.keys(resource, namespace), at)? {
            let Place::Object(place) = catalogue.place(prefix, &key.key) else { continue };
            // Pods are many; those of API servers say so in their names.
            if kind == "pods" && !place.name.starts_with("kube-apiserver") {
                continue;
            }
            if let Ok(shown) = opened.show(key.revision)? {
                look(place.name, &shown.object);
            }
        }
        Ok(())
    };
    let apiservers = &mut found.apiservers;
    each("pods", Some("kube-system"), &mut |name, pod| {
        let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
        for image in containers.filter_map(|container| container["image"].as_str()) {
            let tag = image.rsplit_once(':').filter(|(path, _)| path.contains("kube-apiserver"));
            if let Some((_, version)) = tag {
                let (version, from) = (version.replace('_', "+"), format!("pods/kube-system/{name}"));
                apiservers.push(ApiServer { version, from });
            }
        }
    })?;
    each("nodes", None, &mut |name, node| {
        let labels = &node["metadata"]["labels"];
        let server = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];
        let version = node["status"]["nodeInfo"]["kubeletVersion"].as_str().unwrap_or_default();
        let embedded = version.contains("+k3s") || version.contains("+rke2");
        if embedded && server.iter().any(|label| labels.get(label).is_some()) {
            apiservers.push(ApiServer { version: version.to_owned(), from: format!("nodes/{name}") });
        }
    })?;
    for (kind, namespace, name) in
        [("cm", Some("kube-system"), "kubeadm-config"), ("ns", None, "kube-system")]
    {
        let Some(resource) = catalogue.find(kind) else { continue };
        let key = opened.objects.prefix().key(resource, namespace, name);
        let mut object = None;
        keyspace::get(opened.store(), &key, at, &mut |record| {
            object = opened.objects.show(record).ok().map(|shown| shown.object);
        })?;
        let Some(object) = object else { continue };
        if kind == "ns" {
            found.uid = object["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        } else if let Some(version) = configured(&object) {
            let from = "configmaps/kube-system/kubeadm-config".to_owned();
            found.apiservers.push(ApiServer { version, from });
        }
    }
    found.apiservers.sort();
    found.apiservers.dedup();
    Ok(found)
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
    fn what_kubeadm_wrote_down_is_read() {
        let config = serde_json::json!({"data": {"ClusterConfiguration":
            "apiServer: {}\nkubernetesVersion: v1.36.3\nnetworking: {}\n"}});
        assert_eq!(configured(&config).as_deref(), Some("v1.36.3"));
        assert_eq!(configured(&serde_json::json!({})), None);
    }
}
