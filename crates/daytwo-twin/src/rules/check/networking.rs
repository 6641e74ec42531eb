//! Ingresses, network policies, endpoints and the ranges of services
//! (`pkg/apis/{networking,discovery,core}/validation/validation.go`, Kubernetes 1.36).

mod endpoints;
mod ingress;

pub(super) use endpoints::{endpoint_slice, endpoints};
pub(super) use ingress::{ingress, ingress_class};

use serde_json::Value;

use super::Case;
use super::metadata::{IMMUTABLE, immutable};
use super::selector::{selector_with, usable};
use super::table::{apply, chosen};
use crate::rules::look::{At, Faults};
use crate::rules::words;

/// A NetworkPolicy.
pub(super) fn policy(case: &Case<'_>, out: &mut Faults) {
    case.written(out);
    let (spec, was) = (case.at("spec"), case.was("spec"));
    let odd = case.updates() && !usable(was.get("podSelector"));
    selector_with(&spec.at("podSelector"), odd, out);
    let mut old: Vec<&str> = Vec::new();
    for (rules, peers) in DIRECTIONS {
        for peer in was.at(rules).items().flat_map(|rule| rule.at(peers).items().collect::<Vec<_>>()) {
            let block = peer.at("ipBlock");
            old.push(block.str("cidr"));
            old.extend(block.at("except").values().filter_map(Value::as_str));
        }
    }
    for (rules, peers) in DIRECTIONS {
        for rule in spec.at(rules).items() {
            rule.at("ports").items().for_each(|one| port(&one, out));
            rule.at(peers).items().for_each(|one| peer(&one, odd, &old, out));
        }
    }
    let kinds = spec.at("policyTypes");
    if kinds.len() > 2 {
        return out.push(kinds.invalid("may not specify more than two policyTypes"));
    }
    kinds.items().for_each(|kind| chosen(&kind, &["Ingress", "Egress"], out));
}

const DIRECTIONS: [(&str, &str); 2] = [("ingress", "from"), ("egress", "to")];

fn port(place: &At<'_>, out: &mut Faults) {
    chosen(&place.at("protocol"), &["TCP", "UDP", "SCTP"], out);
    let (port, end) = (place.at("port"), place.at("endPort"));
    match port.value() {
        Value::Null => {
            if end.has() {
                out.push(end.invalid("may not be specified when `port` is not specified"));
            }
        }
        Value::String(_) => {
            if end.has() {
                out.push(end.invalid("may not be specified when `port` is non-numeric"));
            }
            words::formed(&port, words::port_name, out);
        }
        value => {
            let first = value.as_i64().unwrap_or(0);
            out.extend(words::port_number(first).map(|words| port.invalid(words)));
            if let Some(last) = end.number() {
                if last < first {
                    out.push(end.invalid_as(first, "must be greater than or equal to `port`"));
                }
                out.extend(words::port_number(last).map(|words| end.invalid(words)));
            }
        }
    }
}

fn peer(peer: &At<'_>, odd: bool, old: &[&str], out: &mut Faults) {
    let block = peer.at("ipBlock");
    let mut kinds = 0;
    for name in ["podSelector", "namespaceSelector"] {
        if peer.at(name).has() {
            kinds += 1;
            selector_with(&peer.at(name), odd, out);
        }
    }
    if block.has() {
        kinds += 1;
        addresses(&block, old, out);
    }
    if kinds == 0 {
        out.push(peer.required("must specify a peer"));
    } else if kinds > 1 && block.has() {
        out.push(peer.forbidden("may not specify both ipBlock and another peer"));
    }
}

fn addresses(block: &At<'_>, old: &[&str], out: &mut Faults) {
    let whole = block.at("cidr");
    if whole.empty() {
        return out.push(whole.required(""));
    }
    words::legacy_range(&whole, whole.text(), old, out);
    let Some(range) = words::loose_range(whole.text()) else { return };
    for except in block.at("except").items() {
        words::legacy_range(&except, except.text(), old, out);
        let Some(part) = words::loose_range(except.text()) else { continue };
        if !range.holds(part.first()) || range.prefix >= part.prefix {
            out.push(except.invalid("must be a strict subset of `cidr`"));
        }
    }
}

/// A ServiceCIDR, or its status.
pub(super) fn service_range(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    case.written(out);
    if subresource.is_some() {
        return;
    }
    let (new, old) = (case.at("spec").at("cidrs"), case.was("spec").at("cidrs"));
    if !case.updates() {
        return ranges(case, &new, out);
    }
    match (old.len(), new.len()) {
        (before, now) if before == now => {
            for (range, _) in new.items().zip(old.values()).filter(|(range, old)| range.value() != *old) {
                out.push(range.invalid(IMMUTABLE));
            }
        }
        (1, 2) => {
            if new.index(0).value() != old.index(0).value() {
                out.push(new.index(0).invalid(IMMUTABLE));
            }
            ranges(case, &new, out);
        }
        _ => out.push(new.invalid(IMMUTABLE)),
    }
}

fn ranges(case: &Case<'_>, place: &At<'_>, out: &mut Faults) {
    if place.empty() {
        return out.push(place.required("at least one CIDR required"));
    }
    if place.len() > 2 {
        let said = words::shown("ServiceCIDRSpec", case.at("spec").value());
        return out.push(place.invalid_as(said, "may only hold up to 2 values"));
    }
    place.items().for_each(|range| words::formed(&range, words::range, out));
    let family =
        |index: usize| words::loose_range(place.index(index).text()).map(|range| range.address.is_ipv6());
    if place.len() == 2 && family(0).is_some() && family(0) == family(1) {
        let words =
            "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
        out.push(place.invalid(words));
    }
}

/// An IPAddress.
pub(super) fn ip_address(case: &Case<'_>, out: &mut Faults) {
    case.metadata(out);
    let parent = case.at("spec").at("parentRef");
    if parent.has() {
        apply("parent", &parent, out);
    } else {
        out.push(parent.required(""));
    }
    if case.updates() {
        case.metadata_update(out);
        immutable(&parent, &case.was("spec").at("parentRef"), out);
    }
}
