//! Where a pod wants to be: nodes, and other pods.

use serde_json::Value;

use super::Setting;
use super::scheduling::{label_keys, node_selector, node_term};
use crate::rules::check::selector::{odd_values, selector_with};
use crate::rules::look::{At, Faults};
use crate::rules::words;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// `affinity`.
pub(super) fn affinity(place: &At<'_>, setting: &Setting<'_>, out: &mut Faults) {
    let node = place.at("nodeAffinity");
    let odd_node = setting.was(|old| {
        let terms = old.at("affinity").at("nodeAffinity").at(REQUIRED).at("nodeSelectorTerms");
        terms.items().any(|term| odd_values(&term))
    });
    if node.at(REQUIRED).has() {
        node_selector(&node.at(REQUIRED), odd_node, out);
    }
    for term in node.at(PREFERRED).items() {
        weight(&term, out);
        node_term(&term.at("preference"), true, out);
    }
    let odd = setting.was(|old| {
        terms(&old.at("affinity"))
            .iter()
            .any(|term| odd_values(&term.at("labelSelector")) || odd_values(&term.at("namespaceSelector")))
    });
    for kind in ["podAffinity", "podAntiAffinity"] {
        let kind = place.at(kind);
        kind.at(REQUIRED).items().for_each(|one| term(&one, odd, out));
        for one in kind.at(PREFERRED).items() {
            weight(&one, out);
            term(&one.at("podAffinityTerm"), odd, out);
        }
    }
}

fn terms<'v>(affinity: &At<'v>) -> Vec<At<'v>> {
    let mut found = Vec::new();
    for kind in ["podAffinity", "podAntiAffinity"] {
        found.extend(affinity.at(kind).at(REQUIRED).items());
        found.extend(affinity.at(kind).at(PREFERRED).items().map(|one| one.at("podAffinityTerm")));
    }
    found
}

fn weight(term: &At<'_>, out: &mut Faults) {
    if !(1..=100).contains(&term.int("weight")) {
        out.push(term.at("weight").invalid_as(term.int("weight"), "must be in the range 1-100"));
    }
}

fn term(place: &At<'_>, odd: bool, out: &mut Faults) {
    selector_with(&place.at("labelSelector"), odd, out);
    selector_with(&place.at("namespaceSelector"), odd, out);
    for name in place.at("namespaces").values().filter_map(Value::as_str) {
        let namespace = place.at("namespace");
        out.extend(words::label(name).into_iter().map(|words| namespace.invalid_as(name, words)));
    }
    label_keys(place, out);
    let key = place.at("topologyKey");
    if key.empty() {
        out.push(key.required("can not be empty"));
    }
    out.extend(words::qualified(key.text()).into_iter().map(|words| key.invalid_as(key.text(), words)));
}
