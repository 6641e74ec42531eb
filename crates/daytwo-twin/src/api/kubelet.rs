//! What only a kubelet, or a pod itself, could answer: logs, exec, attach, portforward, proxies
//! (`pkg/registry/core/{pod,node,service}`, v1.36).
//!
//! What the server itself finds is checked as there; then nothing listens where it would ask, and it says so. It refuses to
//! open connections: the words of a refused one are given.

use serde_json::Value;

use super::{Api, Call, Inner, Outcome, subject};
use crate::ask::Object;
use crate::field::FieldError;
use crate::kinds::Resource;
use crate::status::{Result, Status, Subject};
use crate::store::key;

/// The kinds of addresses in the order in which they are asked (`--kubelet-preferred-address-types`).
const ADDRESSES: [&str; 5] = ["Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"];
/// Where a kubelet listens that does not say.
const PORT: i64 = 10_250;

impl Api {
    /// Answers for a kubelet, or for what would be reached through the server.
    pub(super) fn kubelet(&self, call: &Call, resource: &Resource, what: &str) -> Result<Outcome> {
        let inner = self.read();
        let id = call.target.name.as_deref().unwrap_or_default();
        match (&*resource.kind.resource, what) {
            ("pods", "log") => log(&inner, call, resource, id),
            ("pods", "proxy") => Err(to_pod(&inner, call, resource, id)),
            ("pods", _) => Err(stream(&inner, call, resource, id, what)),
            ("nodes", _) => Err(to_node(&inner, id)),
            _ => Err(to_service(&inner, call, resource, id)),
        }
    }
}

fn find(inner: &Inner, resource: &Resource, namespace: Option<&str>, name: &str) -> Result<Object> {
    let stored = inner.store.get(resource.table, &key(namespace, name));
    stored.map(|stored| stored.object()).ok_or_else(|| Status::not_found(subject(resource), name))
}

fn log(inner: &Inner, call: &Call, resource: &Resource, name: &str) -> Result<Outcome> {
    log_options(call, name)?;
    let namespace = call.target.namespace.as_deref();
    let pod = find(inner, resource, namespace, name)?;
    let container = container(&pod, name, call.one("container").unwrap_or_default())?;
    let node = node_of(&pod);
    if node.is_empty() {
        return Ok(Outcome::Nothing);
    }
    let place = kubelet_of(inner, node)?;
    let mut query: Vec<String> = Vec::new();
    for name in ["follow", "previous", "timestamps"] {
        if call.flag(name) {
            query.push(format!("{name}=true"));
        }
    }
    for name in ["sinceSeconds", "sinceTime", "tailLines", "limitBytes"] {
        if let Some(value) = call.one(name).filter(|value| !value.is_empty()) {
            query.push(format!("{name}={value}"));
        }
    }
    query.push(format!("stream={}", stream_of(call)));
    query.sort();
    let path = format!("containerLogs/{}/{name}/{container}", namespace.unwrap_or_default());
    Err(Status::unforeseen(format!(
        "Get \"https://{place}/{path}?{}\": {}",
        query.join("&"),
        refused(&place)
    )))
}

fn stream_of(call: &Call) -> &str {
    call.one("stream").filter(|stream| !stream.is_empty()).unwrap_or("All")
}

/// `ValidatePodLogOptions` of `pkg/apis/core/validation`.
fn log_options(call: &Call, pod: &str) -> Result<()> {
    const NEGATIVE: &str = "must be greater than or equal to 0";
    let number = |name: &str| match call.one(name) {
        None | Some("") => Ok(None),
        Some(text) => text
            .parse::<i64>()
            .map(Some)
            .map_err(|_| Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))),
    };
    let (tail, limit, since) = (number("tailLines")?, number("limitBytes")?, number("sinceSeconds")?);
    let mut errors = Vec::new();
    if let Some(lines) = tail.filter(|lines| *lines < 0) {
        errors.push(FieldError::invalid("tailLines", lines, NEGATIVE));
    }
    if let Some(bytes) = limit.filter(|bytes| *bytes < 1) {
        errors.push(FieldError::invalid("limitBytes", bytes, "must be greater than 0"));
    }
    let time = call.one("sinceTime").is_some_and(|time| !time.is_empty());
    match since {
        Some(_) if time => {
            errors.push(FieldError::forbidden(
                "",
                "at most one of `sinceTime` or `sinceSeconds` may be specified",
            ));
        }
        Some(seconds) if seconds < 1 => {
            errors.push(FieldError::invalid("sinceSeconds", seconds, "must be greater than 0"));
        }
        _ => {}
    }
    let stream = stream_of(call);
    if !matches!(stream, "All" | "Stdout" | "Stderr") {
        errors.push(FieldError::not_supported("stream", stream, &["All", "Stderr", "Stdout"]));
    }
    if stream != "All" && tail.is_some() {
        errors.push(FieldError::forbidden(
            "",
            "`tailLines` and specific `stream` are mutually exclusive for now",
        ));
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(Subject { group: "", kind: "PodLogOptions" }, pod, &errors))
}

/// What exec, attach and portforward come to.
fn stream(inner: &Inner, call: &Call, resource: &Resource, name: &str, what: &str) -> Status {
    let reached = || {
        let pod = find(inner, resource, call.target.namespace.as_deref(), name)?;
        if what != "portforward" {
            container(&pod, name, call.one("container").unwrap_or_default())?;
        }
        match node_of(&pod) {
            "" => Err(Status::bad_request(format!("pod {name} does not have a host assigned"))),
            node => kubelet_of(inner, node),
        }
    };
    match reached() {
        Err(status) => status,
        Ok(_) if !call.upgrade => Status::bad_request("Upgrade request required"),
        Ok(place) => Status::unforeseen(format!("error dialing backend: {}", refused(&place))),
    }
}

fn to_pod(inner: &Inner, call: &Call, resource: &Resource, id: &str) -> Status {
    let Some((_, name, port)) = split(id) else {
        return Status::bad_request(format!("invalid pod request {id:?}"));
    };
    let pod = match find(inner, resource, call.target.namespace.as_deref(), name) {
        Ok(pod) => pod,
        Err(status) => return status,
    };
    let first = pod
        .get("spec")
        .and_then(|spec| spec.get("containers"))
        .and_then(Value::as_array)
        .and_then(|all| all.iter().find_map(|one| one["ports"][0]["containerPort"].as_i64()));
    let address = pod.get("status").and_then(|status| status.get("podIP")).and_then(Value::as_str);
    let Some(address) = address.filter(|address| may_be_reached(address)) else { return not_allowed() };
    let place = match (port, first) {
        ("", Some(port)) => joined(address, &port.to_string()),
        ("", None) => joined(address, "80"),
        (port, _) => joined(address, port),
    };
    unreachable(call, &place)
}

fn to_node(inner: &Inner, id: &str) -> Status {
    let Some((_, name, _)) = split(id) else {
        return Status::bad_request(format!("invalid node request {id:?}"));
    };
    match kubelet_of(inner, name) {
        Err(status) => status,
        Ok(place) if !may_be_reached(host(&place)) => not_allowed(),
        Ok(place) => Status::new(
            503,
            "ServiceUnavailable",
            format!("error trying to reach service: {}", refused(&place)),
        ),
    }
}

fn to_service(inner: &Inner, call: &Call, resource: &Resource, id: &str) -> Status {
    let Some((_, name, port)) = split(id) else {
        return Status::bad_request(format!("invalid service request {id:?}"));
    };
    let unavailable = |why: String| Status::new(503, "ServiceUnavailable", why);
    let namespace = call.target.namespace.as_deref();
    let mut wanted = port.to_owned();
    if let Ok(number) = port.parse::<i64>() {
        let service = match find(inner, resource, namespace, name) {
            Ok(service) => service,
            Err(status) => return status,
        };
        let ports = service.get("spec").and_then(|spec| spec.get("ports")).and_then(Value::as_array);
        let Some(found) = ports.into_iter().flatten().find(|one| one["port"].as_i64() == Some(number)) else {
            return unavailable(format!("no service port {number} found for service {name:?}"));
        };
        found["name"].as_str().unwrap_or_default().clone_into(&mut wanted);
    }
    let table = inner.kinds.table_of("", "endpoints");
    let Some(endpoints) = table.and_then(|table| inner.store.get(table, &key(namespace, name))) else {
        return Status::not_found(Subject { group: "", kind: "endpoints" }, name);
    };
    let object = endpoints.object();
    let subsets = object.get("subsets").and_then(Value::as_array).filter(|subsets| !subsets.is_empty());
    let Some(subsets) = subsets else {
        return unavailable(format!("no endpoints available for service {name:?}"));
    };
    let found = subsets.iter().find_map(|subset| {
        let ports = subset["ports"].as_array()?;
        let port = ports.iter().find(|one| one["name"].as_str().unwrap_or_default() == wanted)?;
        Some(joined(subset["addresses"][0]["ip"].as_str()?, &port["port"].to_string()))
    });
    match found {
        Some(place) => unreachable(call, &place),
        None => unavailable(format!("no endpoints available for service {id:?}")),
    }
}

/// Nothing listens where a proxy leads.
fn unreachable(call: &Call, place: &str) -> Status {
    match call.upgrade {
        true => Status::unforeseen(format!("error dialing backend: {}", refused(place))),
        false => Status::new(
            503,
            "ServiceUnavailable",
            format!("error trying to reach service: {}", refused(place)),
        ),
    }
}

fn refused(place: &str) -> String {
    format!("dial tcp {place}: connect: connection refused")
}

fn not_allowed() -> Status {
    Status::bad_request("address not allowed")
}

/// Whether an address may be one that a proxy leads to (`isProxyableHostname` of `pkg/proxy/util`): no loopback, no
/// link-local and no group's.
fn may_be_reached(address: &str) -> bool {
    use std::net::IpAddr;
    match address.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            !(ip.is_loopback()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_unspecified()
                || ip.is_broadcast())
        }
        Ok(IpAddr::V6(ip)) => {
            !(ip.is_loopback() || ip.is_unicast_link_local() || ip.is_multicast() || ip.is_unspecified())
        }
        Err(_) => address != "localhost",
    }
}

fn joined(host: &str, port: &str) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

fn host(place: &str) -> &str {
    place.rsplit_once(':').map_or(place, |(host, _)| host)
}

/// `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`; `None` of anything else.
fn split(id: &str) -> Option<(&str, &str, &str)> {
    let parts: Vec<&str> = id.split(':').collect();
    let (scheme, name, port) = match parts.as_slice() {
        [name] => ("", *name, ""),
        [name, port] => ("", *name, *port),
        [scheme, name, port] if matches!(*scheme, "" | "http" | "https") => (*scheme, *name, *port),
        _ => return None,
    };
    (!name.is_empty()).then_some((scheme, name, port))
}

fn node_of(pod: &Object) -> &str {
    pod.get("spec").and_then(|spec| spec.get("nodeName")).and_then(Value::as_str).unwrap_or_default()
}

/// The container that is meant: the only one where none is named.
fn container(pod: &Object, name: &str, wanted: &str) -> Result<String> {
    let all = |list: &str| {
        let list = pod.get("spec").and_then(|spec| spec.get(list)).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|one| one["name"].as_str())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let containers = all("containers");
    let every: Vec<String> = [all("initContainers"), containers.clone(), all("ephemeralContainers")].concat();
    match (wanted, containers.as_slice()) {
        ("", [one]) => Ok(one.clone()),
        ("", []) => Err(Status::bad_request(format!("a container name must be specified for pod {name}"))),
        ("", _) => Err(Status::bad_request(format!(
            "a container name must be specified for pod {name}, choose one of: [{}]",
            every.join(" ")
        ))),
        (wanted, _) if every.iter().any(|one| one == wanted) => Ok(wanted.to_owned()),
        (wanted, _) => Err(Status::bad_request(format!("container {wanted} is not valid for pod {name}"))),
    }
}

/// Where the kubelet of a node listens.
fn kubelet_of(inner: &Inner, name: &str) -> Result<String> {
    let table = inner.kinds.table_of("", "nodes");
    let node = table
        .and_then(|table| inner.store.get(table, name))
        .map(|stored| stored.object())
        .ok_or_else(|| Status::not_found(Subject { group: "", kind: "nodes" }, name))?;
    let status = node.get("status").cloned().unwrap_or_default();
    let known = status["addresses"].as_array().cloned().unwrap_or_default();
    let address = ADDRESSES.iter().find_map(|kind| {
        known.iter().find(|one| one["type"] == *kind).and_then(|one| one["address"].as_str())
    });
    let Some(address) = address else {
        let known: Vec<String> = known
            .iter()
            .map(|one| {
                let text = |name: &str| one[name].as_str().unwrap_or_default();
                format!("{{{} {}}}", text("type"), text("address"))
            })
            .collect();
        return Err(Status::unforeseen(format!(
            "no preferred addresses found; known addresses: [{}]",
            known.join(" ")
        )));
    };
    let port = status["daemonEndpoints"]["kubeletEndpoint"]["Port"].as_i64().filter(|port| *port > 0);
    Ok(joined(address, &port.unwrap_or(PORT).to_string()))
}
