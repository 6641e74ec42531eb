//! Endpoints and EndpointSlices.

use serde_json::json;

use crate::rules::check::Case;
use crate::rules::check::metadata::{immutable, labels};
use crate::rules::check::table::{exactly, needed, port_number};
use crate::rules::look::{At, Faults, same};
use crate::rules::words;

const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

/// An Endpoints.
pub(in crate::rules::check) fn endpoints(case: &Case<'_>, out: &mut Faults) {
    if case.updates() {
        case.metadata_update(out);
    }
    case.metadata(out);
    let subsets = case.at("subsets");
    if case.updates() && same(subsets.value(), case.was("subsets").value()) {
        return;
    }
    for subset in subsets.items() {
        if subset.at("addresses").empty() && subset.at("notReadyAddresses").empty() {
            out.push(subset.required("must specify `addresses` or `notReadyAddresses`"));
        }
        for list in ["addresses", "notReadyAddresses"] {
            subset.at(list).items().for_each(|one| address(&one, out));
        }
        let ports = subset.at("ports");
        for port in ports.items() {
            let name = port.at("name");
            if ports.len() > 1 && name.empty() {
                out.push(name.required(""));
            }
            words::formed_if(&name, words::label, out);
            port_number(&port.at("port"), out);
            needed(&port.at("protocol"), &PROTOCOLS, out);
            if port.at("appProtocol").has() {
                words::formed(&port.at("appProtocol"), words::qualified, out);
            }
        }
    }
}

fn address(place: &At<'_>, out: &mut Faults) {
    words::legacy_address(&place.at("ip").with(&json!(place.str("ip"))), &[], out);
    words::formed_if(&place.at("hostname"), words::label, out);
    if place.at("nodeName").has() {
        words::formed(&place.at("nodeName"), words::subdomain, out);
    }
    words::endpoint(&place.at("ip").with(&json!(place.str("ip"))), out);
}

/// An EndpointSlice.
pub(in crate::rules::check) fn endpoint_slice(case: &Case<'_>, out: &mut Faults) {
    case.metadata(out);
    let kind = case.at("addressType");
    needed(&kind, &["FQDN", "IPv4", "IPv6"], out);
    slice_ports(&case.at("ports"), out);
    let all = case.at("endpoints");
    if !case.updates() || !same(all.value(), case.was("endpoints").value()) {
        slice_endpoints(&all, kind.text(), out);
    }
    if case.updates() {
        immutable(&kind, &case.was("addressType"), out);
    }
}

fn slice_ports(place: &At<'_>, out: &mut Faults) {
    if place.len() > 20_000 {
        return out.push(place.too_many(20_000));
    }
    let mut names: Vec<&str> = Vec::new();
    for port in place.items() {
        let name = port.at("name");
        words::formed_if(&name, words::label, out);
        if names.contains(&name.text()) {
            out.push(name.with(&json!(name.text())).duplicate());
        }
        names.push(name.text());
        if port.at("protocol").has() {
            exactly(&port.at("protocol"), &PROTOCOLS, out);
        } else {
            out.push(port.at("protocol").required(""));
        }
        if port.at("appProtocol").has() {
            words::formed(&port.at("appProtocol"), words::qualified, out);
        }
    }
}

fn slice_endpoints(place: &At<'_>, kind: &str, out: &mut Faults) {
    if place.len() > 1000 {
        return out.push(place.too_many(1000));
    }
    for endpoint in place.items() {
        let addresses = endpoint.at("addresses");
        if addresses.empty() {
            out.push(addresses.required("must contain at least 1 address"));
        } else if addresses.len() > 100 {
            out.push(addresses.too_many(100));
        }
        addresses.items().for_each(|one| slice_address(&one, &addresses, kind, out));
        if endpoint.at("nodeName").has() {
            words::formed(&endpoint.at("nodeName"), words::subdomain, out);
        }
        labels(&endpoint.at("deprecatedTopology"), out);
        if endpoint.at("hostname").has() {
            words::formed(&endpoint.at("hostname"), words::label, out);
        }
        let hints = endpoint.at("hints");
        for (list, format) in
            [("forZones", words::label_value as words::Format), ("forNodes", words::subdomain)]
        {
            if hints.at(list).len() > 8 {
                out.push(hints.at(list).too_many(8));
                break;
            }
            let mut names: Vec<&str> = Vec::new();
            for name in hints.at(list).items().map(|hint| hint.at("name")) {
                if names.contains(&name.text()) {
                    out.push(name.duplicate());
                }
                names.push(name.text());
                words::formed(&name, format, out);
            }
        }
    }
}

fn slice_address(address: &At<'_>, all: &At<'_>, kind: &str, out: &mut Faults) {
    let text = address.text();
    let mut wrong = Faults::new();
    match kind {
        "IPv4" => words::legacy_address(address, &[], &mut wrong),
        "IPv6" => words::formed(address, words::address, &mut wrong),
        "FQDN" => return domain(address, out),
        _ => return,
    }
    if wrong.is_empty() {
        let six = words::loose(text).is_some_and(|address| address.is_ipv6());
        if six != (kind == "IPv6") {
            wrong.push(all.invalid_as(text, format!("must be an {kind} address")));
        }
        words::endpoint(address, &mut wrong);
    }
    out.append(&mut wrong);
}

fn domain(place: &At<'_>, out: &mut Faults) {
    let name = place.text().strip_suffix('.').unwrap_or(place.text());
    if place.empty() {
        return out.push(place.required(""));
    }
    let wrong = words::subdomain(name);
    if !wrong.is_empty() {
        return out.push(place.invalid_as(name, wrong.join(",")));
    }
    if !name.contains('.') {
        let words = "should be a domain with at least two segments separated by dots";
        return out.push(place.invalid_as(name, words));
    }
    let long = name.split('.').find(|part| !words::label(part).is_empty());
    out.extend(long.map(|part| place.invalid_as(part, words::label(part).join(","))));
}
