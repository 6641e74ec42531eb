//! What a snapshot's own objects say of the site: its nodes, its installer, and the webhooks in the way.

use serde_json::Value;

use super::{Distribution, Host, Member, Webhook};

/// The nodes of a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Nodes {
    /// With a role of the control plane, by name.
    pub servers: Vec<Host>,
    /// All others, by name.
    pub agents: Vec<Host>,
    /// The version of the servers' kubelets; the oldest, where they differ.
    pub kubelet: Option<String>,
    /// Whether Harvester's labels are on them.
    pub harvester: bool,
    /// Whether kubeadm's annotation is on one of them.
    pub kubeadm: bool,
}

/// Sorts `nodes`, each a Node as JSON, by what they are for.
pub fn nodes(nodes: &[Value]) -> Nodes {
    let mut seen = Nodes::default();
    let mut versions: Vec<&str> = Vec::new();
    for node in nodes {
        let Some(name) = node.pointer("/metadata/name").and_then(Value::as_str) else { continue };
        let host = Host { name: name.to_owned(), address: address(node).unwrap_or(name).to_owned() };
        let labels = node.pointer("/metadata/labels");
        let label = |key: &str| labels.and_then(|labels| labels.get(key)).is_some();
        seen.harvester |= label("harvesterhci.io/managed");
        seen.kubeadm |=
            node.pointer("/metadata/annotations/kubeadm.alpha.kubernetes.io~1cri-socket").is_some();
        let roles = ["control-plane", "master", "etcd"];
        if roles.iter().any(|role| label(&format!("node-role.kubernetes.io/{role}"))) {
            seen.servers.push(host);
            versions.extend(node.pointer("/status/nodeInfo/kubeletVersion").and_then(Value::as_str));
        } else {
            seen.agents.push(host);
        }
    }
    seen.servers.sort_by(|a, b| a.name.cmp(&b.name));
    seen.agents.sort_by(|a, b| a.name.cmp(&b.name));
    seen.kubelet = versions.into_iter().min_by_key(|version| numbers(version)).map(str::to_owned);
    seen
}

fn address(node: &Value) -> Option<&str> {
    let addresses = node.pointer("/status/addresses")?.as_array()?;
    addresses.iter().find(|address| address["type"] == "InternalIP")?["address"].as_str()
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

/// Which installer these nodes came from; `None` where nothing tells.
///
/// K3s and RKE2 write it into the kubelet's version (`v1.36.3+k3s1`, `v1.36.3+rke2r1`), kubeadm leaves an annotation on
/// its nodes, or at least the ConfigMap `kubeadm-config` in kube-system.
pub fn guess(nodes: &Nodes, kubeadm_config: bool) -> Option<Distribution> {
    let version = nodes.kubelet.as_deref().unwrap_or_default();
    if version.contains("+k3s") {
        return Some(Distribution::K3s);
    }
    if version.contains("+rke2") {
        return Some(if nodes.harvester { Distribution::Harvester } else { Distribution::Rke2 });
    }
    (nodes.kubeadm || kubeadm_config).then_some(Distribution::Kubeadm)
}

/// The member that etcd knows as `name` at `peer_url`, on the host that it is on: the one with that address, or of that
/// name, where K3s and RKE2 put a hyphen and eight hex digits after the node's name.
pub fn member_of(name: &str, peer_url: &str, servers: &[Host]) -> Member {
    let at = url_host(peer_url);
    let by_address = servers.iter().find(|host| host.address == at);
    let stem = name.rsplit_once('-').filter(|(_, tail)| tail.len() == 8).map(|(stem, _)| stem);
    let by_name = || servers.iter().find(|host| host.name == name || Some(host.name.as_str()) == stem);
    let host = by_address.or_else(by_name).cloned();
    let host = host.unwrap_or_else(|| Host { name: stem.unwrap_or(name).to_owned(), address: at.to_owned() });
    Member { host, name: name.to_owned(), peer_url: peer_url.to_owned(), standing: None }
}

fn url_host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    match rest.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or(six),
        None => rest.split([':', '/']).next().unwrap_or(rest),
    }
}

/// The webhooks of a configuration that refuse what they cannot be asked about and are answered for by a Service: until
/// its pods run again, they refuse everything they are asked about. `kind` is the configuration's, in lower case.
pub fn webhooks(kind: &'static str, configuration: &Value) -> Vec<Webhook> {
    let name = configuration.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let list = configuration.get("webhooks").and_then(Value::as_array);
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    list.into_iter()
        .flatten()
        .enumerate()
        .filter(|(_, webhook)| webhook.get("failurePolicy").is_none_or(|policy| policy != "Ignore"))
        .filter_map(|(index, webhook)| {
            let service = webhook.pointer("/clientConfig/service")?;
            Some(Webhook {
                kind,
                configuration: name.to_owned(),
                index,
                name: text(webhook.get("name"))?,
                service: (text(service.get("namespace"))?, text(service.get("name"))?),
            })
        })
        .collect()
}
