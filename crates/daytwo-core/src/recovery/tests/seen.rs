//! Reading the site out of a snapshot's objects.

use serde_json::{Value, json};

use super::*;

fn node(name: &str, address: &str, version: &str, labels: &Value) -> Value {
    json!({
        "metadata": { "name": name, "labels": labels },
        "status": {
            "addresses": [ { "type": "Hostname", "address": name }, { "type": "InternalIP", "address": address } ],
            "nodeInfo": { "kubeletVersion": version },
        },
    })
}

#[test]
fn nodes_are_servers_by_any_role_of_the_control_plane() {
    let seen = nodes(&[
        node("w", "10.0.0.9", "v1.36.3+rke2r1", &json!({})),
        node("b", "10.0.0.2", "v1.36.10+rke2r1", &json!({"node-role.kubernetes.io/etcd": "true"})),
        node("a", "10.0.0.1", "v1.36.9+rke2r1", &json!({"node-role.kubernetes.io/control-plane": "true"})),
    ]);
    assert_eq!(seen.servers, [agent("a", "10.0.0.1"), agent("b", "10.0.0.2")]);
    assert_eq!(seen.agents, [agent("w", "10.0.0.9")]);
    assert_eq!(seen.kubelet.as_deref(), Some("v1.36.9+rke2r1"), "the oldest, by number");
}

#[test]
fn the_installer_is_told_by_what_it_leaves_on_nodes() {
    let of = |version: &str, labels: Value| {
        let mut labels = labels;
        labels["node-role.kubernetes.io/control-plane"] = json!("");
        guess(&nodes(&[node("a", "10.0.0.1", version, &labels)]), false)
    };
    assert_eq!(of("v1.36.3+k3s1", json!({})), Some(Distribution::K3s));
    assert_eq!(of("v1.36.3+rke2r1", json!({})), Some(Distribution::Rke2));
    assert_eq!(
        of("v1.36.3+rke2r1", json!({"harvesterhci.io/managed": "true"})),
        Some(Distribution::Harvester)
    );
    assert_eq!(of("v1.36.3", json!({})), None);
    assert_eq!(guess(&Nodes::default(), true), Some(Distribution::Kubeadm));
    let annotated = json!({"metadata": {"name": "a", "annotations": {
        "kubeadm.alpha.kubernetes.io/cri-socket": "unix:///run/containerd/containerd.sock"
    }}});
    assert_eq!(guess(&nodes(&[annotated]), false), Some(Distribution::Kubeadm));
}

#[test]
fn a_member_is_found_on_its_host_by_address_then_by_name() {
    let hosts = [agent("cp1", "10.0.0.1"), agent("cp2", "fd00::2")];
    assert_eq!(member_of("x", "https://10.0.0.1:2380", &hosts).host.name, "cp1");
    assert_eq!(member_of("cp2-a1b2c3d4", "https://[fd00::2]:2380", &hosts).host.name, "cp2");
    assert_eq!(member_of("cp1-a1b2c3d4", "https://192.0.2.7:2380", &hosts).host, hosts[0]);
    let lost = member_of("cp9", "https://192.0.2.9:2380", &hosts).host;
    assert_eq!((lost.name.as_str(), lost.address.as_str()), ("cp9", "192.0.2.9"));
}

#[test]
fn a_webhook_is_in_the_way_if_it_refuses_and_is_answered_for_inside() {
    let service = json!({"service": {"namespace": "n", "name": "s"}});
    let found = webhooks(
        "mutatingwebhookconfiguration",
        &json!({"metadata": {"name": "c"}, "webhooks": [
            {"name": "lets.pass", "failurePolicy": "Ignore", "clientConfig": service},
            {"name": "outside", "failurePolicy": "Fail", "clientConfig": {"url": "https://elsewhere"}},
            {"name": "in.the.way", "failurePolicy": "Fail", "clientConfig": service},
            {"name": "by.default", "clientConfig": service},
        ]}),
    );
    let brief: Vec<_> = found.iter().map(|webhook| (webhook.index, webhook.name.as_str())).collect();
    assert_eq!(brief, [(2, "in.the.way"), (3, "by.default")]);
    assert_eq!(found[0].service, ("n".to_owned(), "s".to_owned()));
}
