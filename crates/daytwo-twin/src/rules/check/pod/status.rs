//! The status of a pod, as kubelets write it.

use serde_json::Value;

use super::update;
use crate::rules::check::Case;
use crate::rules::check::metadata::immutable;
use crate::rules::look::{At, Faults};
use crate::rules::words;

/// A write of `status`.
pub(super) fn status(case: &Case<'_>, out: &mut Faults) {
    case.metadata_update(out);
    update::annotations(case, out);
    let (status, was) = (case.at("status"), case.was("status"));
    conditions(&status.at("conditions"), out);
    let (nominated, bound) = (status.at("nominatedNodeName"), case.was("spec").str("nodeName"));
    if !nominated.empty() && nominated.text() != was.str("nominatedNodeName") {
        words::formed(&nominated, words::subdomain, out);
        if !bound.is_empty() {
            out.push(nominated.forbidden("may not be set on pods that are already bound to a node"));
        }
    }
    if status.int("observedGeneration") < 0 {
        out.push(status.at("observedGeneration").invalid("must be a non-negative integer"));
    }
    immutable(&status.at("qosClass"), &was.at("qosClass"), out);
    let spec = case.was("spec");
    for (list, of) in [("containerStatuses", "containers"), ("initContainerStatuses", "initContainers")] {
        transitions(&status.at(list), &was.at(list), out, |name, code| restarts(&spec, of, name, code));
    }
    let list = "ephemeralContainerStatuses";
    transitions(&status.at(list), &was.at(list), out, |_, _| false);
    addresses(&status, &was, "podIPs", out);
    let hosts = status.at("hostIPs");
    if !hosts.empty() && status.str("hostIP") != hosts.index(0).str("ip") {
        let first = hosts.index(0).at("ip");
        out.push(first.invalid_as(first.text(), "must be equal to `hostIP`"));
    }
    addresses(&status, &was, "hostIPs", out);
}

fn conditions(place: &At<'_>, out: &mut Faults) {
    for condition in place.items() {
        if condition.int("observedGeneration") < 0 {
            out.push(condition.at("observedGeneration").invalid("must be a non-negative integer"));
        }
        let kind = condition.shown("type", "Type");
        if !matches!(kind.text(), "PodScheduled" | "Ready" | "Initialized") {
            out.extend(
                words::qualified(kind.text()).into_iter().map(|words| kind.invalid_as(kind.text(), words)),
            );
        }
    }
}

/// Whether a container that ended so is started again.
fn restarts(spec: &At<'_>, list: &str, name: &str, code: i64) -> bool {
    let Some(container) = spec.at(list).items().find(|container| container.str("name") == name) else {
        return false;
    };
    for rule in container.at("restartPolicyRules").items() {
        let codes = rule.at("exitCodes");
        let listed = codes.at("values").values().any(|value| value.as_i64() == Some(code));
        if listed == (codes.str("operator") == "In") {
            return true;
        }
    }
    let own = container.str("restartPolicy");
    match if own.is_empty() { spec.str("restartPolicy") } else { own } {
        "Never" => false,
        "OnFailure" => code != 0,
        _ => true,
    }
}

fn transitions(new: &At<'_>, old: &At<'_>, out: &mut Faults, restarts: impl Fn(&str, i64) -> bool) {
    for (index, before) in old.items().enumerate() {
        let ended = before.at("state").at("terminated");
        if !ended.has() {
            continue;
        }
        let name = before.str("name");
        let again =
            new.items().find(|now| now.str("name") == name && !now.at("state").at("terminated").has());
        if again.is_some() && !restarts(name, ended.int("exitCode")) {
            let place = new.index(index).at("state");
            out.push(place.forbidden("may not be transitioned to non-terminated state"));
        }
    }
}

fn addresses(status: &At<'_>, was: &At<'_>, list: &str, out: &mut Faults) {
    let place = status.at(list);
    let old: Vec<&str> = was.at(list).values().filter_map(|one| one["ip"].as_str()).collect();
    for address in place.items() {
        words::legacy_address(&address.at("ip").called(address.path()), &old, out);
    }
    let families: Vec<bool> = place
        .values()
        .filter_map(|one| one["ip"].as_str().and_then(words::loose))
        .map(|address| address.is_ipv6())
        .collect();
    let dual = families.contains(&true) && families.contains(&false);
    if place.len() > 1 && (!dual || place.len() > 2) {
        let said: Value = place.values().map(|one| serde_json::json!({"IP": one["ip"]})).collect();
        out.push(place.invalid_as(said, "may specify no more than one IP for each IP family"));
    }
}
