//! Nodes (`pkg/apis/core/validation/validation.go`, Kubernetes 1.36).

use serde_json::Value;

use super::table::exactly;
use super::{Case, resources};
use crate::field::FieldError;
use crate::rules::look::{At, Faults};
use crate::rules::words;

/// A Node, or its status.
pub(super) fn node(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if subresource.is_none() {
        whole(case, out);
    }
    if case.updates() {
        update(case, out);
    }
}

fn whole(case: &Case<'_>, out: &mut Faults) {
    case.metadata(out);
    let (spec, meta) = (case.at("spec"), case.at("metadata"));
    taints(&spec.at("taints").called(format!("{}.taints", meta.path())), out);
    amounts(case, out);
    features(&case.at("status").at("declaredFeatures"), out);
    let ranges = spec.at("podCIDRs");
    ranges.items().for_each(|range| words::legacy_range(&range, range.text(), &[], out));
    let families: Vec<bool> = ranges
        .items()
        .filter_map(|range| words::loose_range(range.text()))
        .map(|range| range.address.is_ipv6())
        .collect();
    let dual = families.contains(&true) && families.contains(&false);
    if ranges.len() > 1 && (!dual || ranges.len() > 2) {
        out.push(ranges.invalid("may specify no more than one CIDR for each IP family"));
    }
}

fn update(case: &Case<'_>, out: &mut Faults) {
    case.metadata_update(out);
    amounts(case, out);
    let status = case.at("status");
    features(&status.at("declaredFeatures"), out);
    let mut seen: Vec<&Value> = Vec::new();
    for address in status.at("addresses").items() {
        if seen.contains(&address.value()) {
            out.push(address.with(&words::shown("NodeAddress", address.value())).duplicate());
        }
        seen.push(address.value());
    }
    let (spec, was) = (case.at("spec"), case.was("spec"));
    let (new, old) = (spec.at("podCIDRs"), was.at("podCIDRs"));
    if !old.empty() {
        let words = "node updates may not change podCIDR except from \"\" to valid";
        let changed = match old.len() == new.len() {
            true => old.values().zip(new.values()).filter(|(old, new)| old != new).count(),
            false => 1,
        };
        out.extend((0..changed).map(|_| new.forbidden(words)));
    }
    let provider = spec.at("providerID");
    if !was.str("providerID").is_empty() && was.str("providerID") != provider.text() {
        out.push(provider.forbidden("node updates may not change providerID except from \"\" to valid"));
    }
    taints(&spec.at("taints").called("metadata.taints"), out);
    if spec.str("externalID") != was.str("externalID") {
        out.push(spec.at("externalID").forbidden("may not be updated"));
    }
}

fn amounts(case: &Case<'_>, out: &mut Faults) {
    for list in ["capacity", "allocatable"] {
        let list = case.at("status").at(list);
        for (name, entry) in list.entries() {
            resources::amount(name, &entry.called(format!("{}.{name}", list.path())), out);
        }
    }
}

fn taints(place: &At<'_>, out: &mut Faults) {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for taint in place.items() {
        let (key, value, effect) = (taint.at("key"), taint.at("value"), taint.at("effect"));
        out.extend(words::qualified(key.text()).into_iter().map(|words| key.invalid_as(key.text(), words)));
        let wrong = words::label_value(value.text());
        if !wrong.is_empty() {
            out.push(value.invalid(wrong.join(";")));
        }
        if effect.empty() {
            out.push(effect.required(""));
        } else {
            exactly(&effect, &["NoSchedule", "PreferNoSchedule", "NoExecute"], out);
        }
        let both = (effect.text(), key.text());
        if seen.contains(&both) {
            let twice = taint.with(&words::shown("Taint", taint.value())).duplicate();
            out.push(FieldError { detail: "taints must be unique by key and effect pair".into(), ..twice });
        }
        seen.push(both);
    }
}

fn features(place: &At<'_>, out: &mut Faults) {
    let part = |part: &str, first: fn(&u8) -> bool| {
        let bytes = part.as_bytes();
        bytes.first().is_some_and(first) && bytes.iter().all(u8::is_ascii_alphanumeric)
    };
    let mut before: Option<&str> = None;
    for feature in place.items() {
        let name = feature.text();
        let mut parts = name.split('/');
        let formed = parts.next().is_some_and(|first| part(first, u8::is_ascii_uppercase))
            && parts.all(|rest| part(rest, u8::is_ascii_alphabetic));
        if !formed {
            let quoted = crate::field::quoted(name);
            out.push(feature.invalid(format!(
                "invalid feature name {quoted}: must start with an UpperCamelCase segment, with subsequent segments \
                 separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters \
                 and slashes"
            )));
        }
        match before {
            Some(before) if before == name => out.push(feature.duplicate()),
            Some(before) if before > name => out.push(feature.invalid("list must be sorted alphabetically")),
            _ => {}
        }
        before = Some(name);
    }
}
