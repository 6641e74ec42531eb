//! Services, their endpoints, Ingresses, NetworkPolicies and addresses.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::read;
use super::source::joined;
use crate::ask::Object;

/// How many are named before the rest is only counted.
const SHOWN: usize = 3;

/// The first cluster address.
pub(super) fn service_internal(service: &Object, _: Timestamp) -> Value {
    read::list(service, &["spec", "clusterIPs"]).first().and_then(Value::as_str).unwrap_or("<none>").into()
}

/// Where it is reached from outside.
pub(super) fn service_external(service: &Object, now: Timestamp) -> Value {
    let given = joined(read::list(service, &["spec", "externalIPs"]).iter().filter_map(Value::as_str));
    match read::text(service, &["spec", "type"]) {
        "ClusterIP" | "NodePort" if given.is_empty() => "<none>".into(),
        "ClusterIP" | "NodePort" => given.into(),
        "LoadBalancer" => {
            let balanced = balancer_addresses(service, now);
            let all = [balanced.as_str().unwrap_or_default(), &given];
            match joined(all.into_iter().filter(|part| !part.is_empty())) {
                none if none.is_empty() => "<pending>".into(),
                all => all.into(),
            }
        }
        "ExternalName" => read::text(service, &["spec", "externalName"]).into(),
        _ => "<unknown>".into(),
    }
}

/// Ports, with the nodes' ports where there are some.
pub(super) fn service_ports(service: &Object, _: Timestamp) -> Value {
    let ports: Vec<String> = read::list(service, &["spec", "ports"])
        .iter()
        .map(|port| {
            let number = |name| port.get(name).and_then(Value::as_i64).unwrap_or_default();
            let protocol = read::field(port, "protocol");
            match (number("port"), number("nodePort")) {
                (port, node @ 1..) => format!("{port}:{node}/{protocol}"),
                (port, _) => format!("{port}/{protocol}"),
            }
        })
        .collect();
    if ports.is_empty() { "<none>".into() } else { ports.join(",").into() }
}

/// What a load balancer answers at, sorted, of a Service or an Ingress.
pub(super) fn balancer_addresses(object: &Object, _: Timestamp) -> Value {
    let address = |point| match read::field(point, "ip") {
        "" => read::field(point, "hostname"),
        ip => ip,
    };
    let points = read::list(object, &["status", "loadBalancer", "ingress"]);
    let addresses: BTreeSet<&str> =
        points.iter().map(address).filter(|address| !address.is_empty()).collect();
    joined(addresses).into()
}

/// The hosts of the rules; `*` if none names one.
pub(super) fn ingress_hosts(ingress: &Object, _: Timestamp) -> Value {
    let rules = read::list(ingress, &["spec", "rules"]);
    let (mut hosts, mut more) = (Vec::new(), false);
    for rule in rules {
        more |= hosts.len() == SHOWN;
        let host = read::field(rule, "host");
        if !more && !host.is_empty() {
            hosts.push(host);
        }
    }
    match (hosts.is_empty(), more) {
        (true, _) => "*".into(),
        (_, true) => format!("{} + {} more...", joined(hosts), rules.len() - SHOWN).into(),
        _ => joined(hosts).into(),
    }
}

/// The ports that every controller opens.
pub(super) fn ingress_ports(ingress: &Object, _: Timestamp) -> Value {
    if read::list(ingress, &["spec", "tls"]).is_empty() { "80".into() } else { "80, 443".into() }
}

/// The name, and whether it is the default.
pub(super) fn ingress_class_name(class: &Object, _: Timestamp) -> Value {
    let name = read::text(class, &["metadata", "name"]);
    match read::text(class, &["metadata", "annotations", "ingressclass.kubernetes.io/is-default-class"]) {
        "true" => format!("{name} (default)").into(),
        _ => name.into(),
    }
}

/// What holds its parameters: `Kind.group/name`.
pub(super) fn ingress_class_parameters(class: &Object, _: Timestamp) -> Value {
    let Some(parameters) = read::at(class, &["spec", "parameters"]) else { return "<none>".into() };
    let (kind, name) = (read::field(parameters, "kind"), read::field(parameters, "name"));
    match parameters.get("apiGroup").and_then(Value::as_str) {
        Some(group) => format!("{kind}.{group}/{name}").into(),
        None => format!("{kind}/{name}").into(),
    }
}

/// Ready addresses, with each port.
pub(super) fn endpoints(endpoints: &Object, _: Timestamp) -> Value {
    let subsets = read::list(endpoints, &["subsets"]);
    let mut all: Vec<String> = Vec::new();
    for subset in subsets {
        let ports = read::members(subset, "ports");
        let addresses = read::members(subset, "addresses").iter().map(|address| read::field(address, "ip"));
        if ports.is_empty() {
            all.extend(addresses.map(str::to_owned));
            continue;
        }
        for port in ports {
            let port = port.get("port").and_then(Value::as_i64).unwrap_or_default();
            all.extend(addresses.clone().map(|address| match address.contains(':') {
                true => format!("[{address}]:{port}"),
                false => format!("{address}:{port}"),
            }));
        }
    }
    if subsets.is_empty() { "<none>".into() } else { some(&all).into() }
}

/// The ports of a slice: `*` for all, a name where it has no number.
pub(super) fn slice_ports(slice: &Object, _: Timestamp) -> Value {
    let ports: Vec<String> = read::list(slice, &["ports"])
        .iter()
        .map(|port| {
            match (port.get("port").and_then(Value::as_i64), port.get("name").and_then(Value::as_str)) {
                (Some(number), _) => number.to_string(),
                (None, Some(name)) => name.to_owned(),
                (None, None) => "*".to_owned(),
            }
        })
        .collect();
    or_unset(some(&ports)).into()
}

/// The addresses of a slice.
pub(super) fn slice_endpoints(slice: &Object, _: Timestamp) -> Value {
    let endpoints = read::list(slice, &["endpoints"]).iter();
    let addresses: Vec<String> = endpoints
        .flat_map(|endpoint| read::members(endpoint, "addresses"))
        .map(|address| address.as_str().unwrap_or_default().to_owned())
        .collect();
    or_unset(some(&addresses)).into()
}

/// The first ones, and how many more there are.
pub(super) fn some(all: &[String]) -> String {
    let shown = joined(all.iter().take(SHOWN).map(String::as_str));
    match all.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} + {more} more..."),
    }
}

/// `<unset>` for nothing.
pub(super) fn or_unset(text: String) -> String {
    if text.is_empty() { "<unset>".to_owned() } else { text }
}

/// What an address belongs to: `services/default/kubernetes`.
pub(super) fn address_parent(address: &Object, _: Timestamp) -> Value {
    let Some(parent) = read::at(address, &["spec", "parentRef"]) else { return "<none>".into() };
    let mut text = match (read::field(parent, "resource"), read::field(parent, "group")) {
        (resource, "") => resource.to_lowercase(),
        (resource, group) => format!("{resource}.{group}").to_lowercase(),
    };
    for part in [read::field(parent, "namespace"), read::field(parent, "name")] {
        if !part.is_empty() {
            text.push('/');
            text.push_str(part);
        }
    }
    text.into()
}
