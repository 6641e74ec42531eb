//! What a quota charges an object with. It refuses to know the quota.

use serde::Deserialize;

use super::super::limits;
use super::super::pod::Spec;
use super::super::quantity::{Amounts, Quantity};
use crate::json::{JsonError, find, nullable, text_at};

/// What an object of `resource` is charged with, its being a pod left aside.
pub(in super::super) fn charge(resource: &str, object: &[u8]) -> Result<Amounts, JsonError> {
    let mut charged = Amounts::new();
    if resource == "pods" {
        return Ok(charged);
    }
    let one = Quantity::whole(1);
    charged.insert(format!("count/{resource}"), one);
    match resource {
        "services" => services(object, &mut charged)?,
        "persistentvolumeclaims" => claims(object, &mut charged)?,
        "replicationcontrollers" | "resourcequotas" | "secrets" | "configmaps" => {
            charged.insert(resource.to_owned(), one);
        }
        _ => {}
    }
    Ok(charged)
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Port {
    #[serde(deserialize_with = "nullable")]
    node_port: u32,
}

fn services(service: &[u8], charged: &mut Amounts) -> Result<(), JsonError> {
    charged.insert("services".to_owned(), Quantity::whole(1));
    let ports: Vec<Port> = match find(service, &["spec", "ports"])? {
        Some(span) => serde_json::from_slice(&service[span]).unwrap_or_default(),
        None => Vec::new(),
    };
    let kind = text_at(service, &["spec", "type"])?;
    let balanced = kind.as_deref() == Some("LoadBalancer");
    if !balanced && kind.as_deref() != Some("NodePort") {
        return Ok(());
    }
    let given = find(service, &["spec", "allocateLoadBalancerNodePorts"])?;
    let only_set = balanced && given.is_some_and(|span| &service[span] == b"false");
    let count = ports.iter().filter(|port| !only_set || port.node_port != 0).count();
    charged.insert("services.nodeports".to_owned(), Quantity::whole(count as u64));
    if balanced {
        charged.insert("services.loadbalancers".to_owned(), Quantity::whole(1));
    }
    Ok(())
}

fn claims(claim: &[u8], charged: &mut Amounts) -> Result<(), JsonError> {
    let one = Quantity::whole(1);
    let storage = limits::of_claim(claim)?.get("storage").map(|amount| amount.ceiling());
    charged.insert("persistentvolumeclaims".to_owned(), one);
    charged.extend(storage.map(|storage| ("requests.storage".to_owned(), storage)));
    let old = text_at(claim, &["metadata", "annotations", "volume.beta.kubernetes.io/storage-class"])?;
    let class = match old {
        Some(class) => Some(class),
        None => text_at(claim, &["spec", "storageClassName"])?,
    };
    if let Some(class) = class {
        let of = |what: &str| format!("{class}.storageclass.storage.k8s.io/{what}");
        charged.insert(of("persistentvolumeclaims"), one);
        charged.extend(storage.map(|storage| (of("requests.storage"), storage)));
    }
    Ok(())
}

/// Whether a quota of this name limits pods.
pub(super) fn is_of_pods(name: &str) -> bool {
    let (side, resource) = match name.split_once('.') {
        Some((side @ ("requests" | "limits"), resource)) => (side, resource),
        _ => ("", name),
    };
    match resource {
        "cpu" | "memory" | "ephemeral-storage" => true,
        "pods" | "count/pods" => side.is_empty(),
        "storage" => false,
        // Huge pages, and devices under the names that vendors give them.
        other => other.starts_with("hugepages-") || (side == "requests" && other.contains('/')),
    }
}

/// What a pod is charged with.
pub(super) fn of_pod(spec: &Spec) -> Amounts {
    let one = Quantity::whole(1);
    let mut charged: Amounts = [("pods".to_owned(), one), ("count/pods".to_owned(), one)].into();
    for (name, amount) in spec.requests(true) {
        charged.insert(format!("requests.{name}"), amount);
        if matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-") {
            charged.insert(name, amount);
        }
    }
    for (name, amount) in spec.limits(true) {
        charged.insert(format!("limits.{name}"), amount);
    }
    charged
}
