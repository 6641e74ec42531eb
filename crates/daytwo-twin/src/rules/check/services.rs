//! Services (`pkg/apis/core/validation/validation.go`, Kubernetes 1.36).

mod addresses;

pub(in crate::rules) use addresses::cluster_addresses;
use addresses::{changed_addresses, changed_families};

use serde_json::{Value, json};

use super::Case;
use super::metadata::labels;
use super::table::{chosen, needed, port, port_number};
use crate::rules::look::{At, Faults};
use crate::rules::words;

const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
const MODE: &str = "service.kubernetes.io/topology-mode";
const SOURCES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

/// Whether traffic from outside reaches it.
pub(in crate::rules) fn external(spec: &At<'_>) -> bool {
    match spec.str("type") {
        "LoadBalancer" | "NodePort" => true,
        "ClusterIP" => !spec.at("externalIPs").empty(),
        _ => false,
    }
}

/// Whether load balancers ask it for its health.
pub(in crate::rules) fn health_checked(spec: &At<'_>) -> bool {
    spec.str("type") == "LoadBalancer" && spec.str("externalTrafficPolicy") == "Local"
}

fn headless(spec: &At<'_>) -> bool {
    let addresses = spec.at("clusterIPs");
    addresses.len() == 1 && addresses.index(0).text() == "None"
}

/// A Service.
pub(super) fn service(case: &Case<'_>, out: &mut Faults) {
    let (spec, was) = (case.at("spec"), case.was("spec"));
    if case.updates() {
        case.metadata_update(out);
        changed_addresses(&spec, &was, out);
        changed_families(&spec, &was, out);
        balancer_class(&spec, Some(&was), out);
        if health_checked(&spec)
            && health_checked(&was)
            && spec.int("healthCheckNodePort") != was.int("healthCheckNodePort")
        {
            out.push(spec.at("healthCheckNodePort").forbidden("field is immutable"));
        }
    } else {
        case.metadata(out);
    }
    whole(case, &spec, &was, out);
}

fn whole(case: &Case<'_>, spec: &At<'_>, was: &At<'_>, out: &mut Faults) {
    let notes = case.at("metadata").at("annotations");
    let (mode, hints) = (notes.key(MODE), notes.key(HINTS));
    if mode.has() && hints.has() && mode.text() != hints.text() {
        out.push(mode.invalid(format!("must match annotations[{HINTS}] when both are specified")));
    }
    let kind = spec.str("type");
    if spec.at("ports").empty() && !headless(spec) && kind != "ExternalName" {
        out.push(spec.at("ports").required(""));
    }
    by_type(spec, kind, out);
    ports(spec, out);
    if spec.at("selector").has() {
        labels(&spec.at("selector"), out);
    }
    affinity(spec, out);
    let before = was.at("clusterIPs");
    let before: Vec<&str> = before.values().filter_map(Value::as_str).collect();
    cluster_addresses(spec, &before, out);
    let old = was.at("externalIPs");
    let old: Vec<&str> = old.values().filter_map(Value::as_str).collect();
    for address in spec.at("externalIPs").items() {
        let mut wrong = Faults::new();
        words::legacy_address(&address, &old, &mut wrong);
        if wrong.is_empty() {
            words::endpoint(&address, &mut wrong);
        }
        out.append(&mut wrong);
    }
    needed(&spec.at("type"), &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"], out);
    port_numbers(spec, kind, out);
    source_ranges(case, spec, was, out);
    let allocate = spec.at("allocateLoadBalancerNodePorts");
    if allocate.has() && kind != "LoadBalancer" {
        out.push(allocate.forbidden("may only be used when `type` is 'LoadBalancer'"));
    }
    if !allocate.has() && kind == "LoadBalancer" {
        out.push(allocate.called("allocateLoadBalancerNodePorts").required(""));
    }
    balancer_class(spec, None, out);
    traffic(spec, kind, out);
}

fn by_type(spec: &At<'_>, kind: &str, out: &mut Faults) {
    match kind {
        "LoadBalancer" | "NodePort" if headless(spec) => {
            let first = spec.at("clusterIPs").index(0);
            out.push(first.invalid(format!("may not be set to 'None' for {kind} services")));
        }
        "ExternalName" => {
            for name in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                if !spec.at(name).empty() {
                    out.push(spec.at(name).forbidden("may not be set for ExternalName services"));
                }
            }
            let name = spec.at("externalName");
            let text = json!(name.text().strip_suffix('.').unwrap_or(name.text()));
            if text == "" {
                out.push(name.required(""));
            } else {
                words::formed(&name.with(&text), words::subdomain, out);
            }
        }
        _ => {}
    }
}

fn ports(spec: &At<'_>, out: &mut Faults) {
    let all = spec.at("ports");
    let mut names: Vec<&str> = Vec::new();
    for one in all.items() {
        let name = one.at("name");
        if all.len() > 1 && name.empty() {
            out.push(name.required(""));
        } else if !name.empty() {
            words::formed(&name, words::label, out);
            if names.contains(&name.text()) {
                out.push(name.duplicate());
            } else {
                names.push(name.text());
            }
        }
        port_number(&one.at("port"), out);
        needed(&one.at("protocol"), &["SCTP", "TCP", "UDP"], out);
        port(&one.at("targetPort"), out);
        if one.at("appProtocol").has() {
            words::formed(&one.at("appProtocol"), words::qualified, out);
        }
    }
}

fn affinity(spec: &At<'_>, out: &mut Faults) {
    let (kind, config) = (spec.at("sessionAffinity"), spec.at("sessionAffinityConfig"));
    needed(&kind, &["ClientIP", "None"], out);
    match kind.text() {
        "ClientIP" => {
            let words = "when session affinity type is ClientIP";
            let seconds = config.at("clientIP").at("timeoutSeconds");
            if !config.has() {
                out.push(config.required(words));
            } else if !config.at("clientIP").has() {
                out.push(config.at("clientIP").required(words));
            } else if !seconds.has() {
                out.push(seconds.required(words));
            } else if !seconds.number().is_some_and(|seconds| (1..=86400).contains(&seconds)) {
                out.push(seconds.invalid("must be greater than 0 and less than 86400"));
            }
        }
        "None" if config.has() => out.push(config.forbidden("must not be set when session affinity is None")),
        _ => {}
    }
}

fn port_numbers(spec: &At<'_>, kind: &str, out: &mut Faults) {
    let all: Vec<At<'_>> = spec.at("ports").items().collect();
    if kind == "ClusterIP" {
        for one in all.iter().filter(|one| one.int("nodePort") != 0) {
            out.push(one.at("nodePort").forbidden("may not be used when `type` is 'ClusterIP'"));
        }
    }
    for (index, one) in all.iter().enumerate() {
        let node = one.int("nodePort");
        let again =
            |other: &At<'_>| other.int("nodePort") == node && other.str("protocol") == one.str("protocol");
        if node != 0 && all[..index].iter().any(again) {
            out.push(one.at("nodePort").duplicate());
        }
    }
    for (index, one) in all.iter().enumerate() {
        let (port, protocol) = (one.int("port"), one.str("protocol"));
        if all[..index].iter().any(|other| other.int("port") == port && other.str("protocol") == protocol) {
            let key = json!({"port": port, "protocol": protocol});
            out.push(one.with(&words::shown("ServicePort", &key)).duplicate());
        }
    }
}

fn source_ranges(case: &Case<'_>, spec: &At<'_>, was: &At<'_>, out: &mut Faults) {
    const WORDS: &str = "may only be used when `type` is 'LoadBalancer'";
    let balanced = spec.str("type") == "LoadBalancer";
    let ranges = spec.shown("loadBalancerSourceRanges", "LoadBalancerSourceRanges");
    if !ranges.empty() {
        if !balanced {
            out.push(ranges.forbidden(WORDS));
        }
        let old = was.at("loadBalancerSourceRanges");
        let old: Vec<&str> = old.values().filter_map(Value::as_str).map(str::trim).collect();
        ranges.items().for_each(|range| words::legacy_range(&range, range.text().trim(), &old, out));
        return;
    }
    let note = case.at("metadata").at("annotations").key(SOURCES);
    if !note.has() {
        return;
    }
    if !balanced {
        out.push(note.forbidden(WORDS));
    }
    if case.was("metadata").at("annotations").get(SOURCES) != note.value() {
        for range in note.text().trim().split(',').map(str::trim).filter(|_| !note.text().trim().is_empty()) {
            words::legacy_range(&note, range, &[], out);
        }
    }
}

fn balancer_class(spec: &At<'_>, was: Option<&At<'_>>, out: &mut Faults) {
    let (class, balanced) = (spec.at("loadBalancerClass"), spec.str("type") == "LoadBalancer");
    if let Some(was) = was.filter(|was| balanced && was.str("type") == "LoadBalancer")
        && was.get("loadBalancerClass") != class.value()
    {
        out.push(class.invalid("may not change once set"));
    }
    if class.has() && balanced {
        words::formed(&class, words::qualified, out);
    } else if class.has() {
        out.push(class.forbidden("may only be used when `type` is 'LoadBalancer'"));
    }
}

fn traffic(spec: &At<'_>, kind: &str, out: &mut Faults) {
    let policy = spec.at("externalTrafficPolicy");
    if external(spec) {
        needed(&policy, &["Cluster", "Local"], out);
    } else if !policy.empty() {
        out.push(policy.invalid("may only be set for externally-accessible services"));
    }
    let health = spec.at("healthCheckNodePort");
    if !health_checked(spec) {
        if !health.empty() {
            let words =
                "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
            out.push(health.invalid(words));
        }
    } else if health.empty() {
        out.push(health.required(""));
    } else {
        port_number(&health, out);
    }
    let inside = spec.at("internalTrafficPolicy");
    if !inside.has() && matches!(kind, "NodePort" | "LoadBalancer" | "ClusterIP") {
        out.push(inside.required(""));
    }
    chosen(&inside, &["Cluster", "Local"], out);
    chosen(&spec.at("trafficDistribution"), &["PreferClose", "PreferSameZone", "PreferSameNode"], out);
}

/// The status: what load balancers give.
pub(super) fn status(case: &Case<'_>, out: &mut Faults) {
    case.metadata_update(out);
    let balancer = case.at("status").at("loadBalancer").at("ingress");
    if case.at("spec").str("type") != "LoadBalancer" && !balancer.empty() {
        return out.push(balancer.forbidden("may only be used when `spec.type` is 'LoadBalancer'"));
    }
    let old = case.was("status").at("loadBalancer").at("ingress");
    for point in balancer.items() {
        let mode = point.at("ipMode");
        entry(&point, &old, out);
        match (mode.has(), point.str("ip").is_empty()) {
            (false, false) => out.push(mode.required("must be specified when `ip` is set")),
            (true, true) => out.push(mode.forbidden("may not be specified when `ip` is not set")),
            _ => chosen(&mode, &["Proxy", "VIP"], out),
        }
        host_name(&point, out);
    }
}

/// The address of a point where traffic enters.
pub(super) fn entry(point: &At<'_>, old: &At<'_>, out: &mut Faults) {
    let old: Vec<&str> = old.values().filter_map(|point| point["ip"].as_str()).collect();
    if !point.str("ip").is_empty() {
        words::legacy_address(&point.at("ip"), &old, out);
    }
}

/// The name of a point where traffic enters.
pub(super) fn host_name(point: &At<'_>, out: &mut Faults) {
    let name = point.at("hostname");
    words::formed_if(&name, words::subdomain, out);
    if words::loose(name.text()).is_some() {
        out.push(name.invalid("must be a DNS name, not an IP address"));
    }
}
