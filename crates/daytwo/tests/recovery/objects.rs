//! What kube-apiserver would have in etcd, as it writes it with `--storage-media-type=application/json`.

use serde_json::{Value, json};

use crate::hosts::Hosts;

/// The UID of kube-system.
pub const UID: &str = "c0ffee00-0000-4000-8000-000000000001";

/// Puts nodes, the authority, an etcd pod and a webhook that is in the way.
pub fn put(hosts: &Hosts, etcd: &str) {
    let ca = std::fs::read_to_string(hosts.all[0].root.join("etc/kubernetes/pki/ca.crt")).unwrap();
    let node = |name: &str, address: &str, labels: Value| {
        json!({
            "kind": "Node", "apiVersion": "v1", "metadata": { "name": name, "labels": labels },
            "status": {
                "addresses": [ { "type": "InternalIP", "address": address } ],
                "nodeInfo": { "kubeletVersion": "v1.36.3" },
            },
        })
    };
    let mut objects = vec![
        ("minions/w1".to_owned(), node("w1", "10.0.0.11", json!({}))),
        (
            "namespaces/kube-system".to_owned(),
            json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "kube-system", "uid": UID}}),
        ),
        (
            "configmaps/kube-system/kubeadm-config".to_owned(),
            json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "kubeadm-config", "namespace": "kube-system"}}),
        ),
        (
            "configmaps/kube-system/kube-root-ca.crt".to_owned(),
            json!({"kind": "ConfigMap", "apiVersion": "v1",
                   "metadata": {"name": "kube-root-ca.crt", "namespace": "kube-system"}, "data": {"ca.crt": ca}}),
        ),
        (
            "pods/kube-system/etcd-cp1".to_owned(),
            json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "etcd-cp1", "namespace": "kube-system"},
                   "spec": {"containers": [{"name": "etcd", "image": format!("registry.k8s.io/etcd:{etcd}-0")}]}}),
        ),
        (
            "validatingwebhookconfigurations/policy".to_owned(),
            json!({"kind": "ValidatingWebhookConfiguration", "apiVersion": "admissionregistration.k8s.io/v1",
                   "metadata": {"name": "policy"},
                   "webhooks": [{"name": "pods.policy.example", "failurePolicy": "Fail",
                                 "clientConfig": {"service": {"namespace": "policy", "name": "policy"}}}]}),
        ),
    ];
    for host in &hosts.all {
        let labels = json!({"node-role.kubernetes.io/control-plane": ""});
        objects.push((format!("minions/{}", host.name), node(&host.name, &host.address, labels)));
    }
    for (place, object) in objects {
        let put = hosts.etcdctl(0, &["put", &format!("/registry/{place}"), &object.to_string()]);
        assert!(put.status.success(), "{put:?}");
    }
}
