//! Tolerations, spread over the topology, and selectors of nodes.

use serde_json::{Value, json};

use super::Setting;
use crate::rules::check::selector::{selector, usable};
use crate::rules::check::table::{chosen, exactly};
use crate::rules::look::{At, Faults};
use crate::rules::words;

/// `tolerations`.
pub(in crate::rules) fn tolerations(place: &At<'_>, out: &mut Faults) {
    for toleration in place.items() {
        let (key, operator, value) =
            (toleration.at("key"), toleration.at("operator"), toleration.at("value"));
        let (effect, text) = (toleration.at("effect"), value.text());
        words::formed_if(&key, words::qualified, out);
        if key.empty() && operator.text() != "Exists" {
            let words =
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            out.push(operator.invalid_as(operator.text(), words));
        }
        if toleration.at("tolerationSeconds").has() && effect.text() != "NoExecute" {
            out.push(
                effect
                    .invalid_as(effect.text(), "effect must be 'NoExecute' when `tolerationSeconds` is set"),
            );
        }
        match operator.text() {
            "Equal" | "" => {
                let wrong = words::label_value(text);
                if !wrong.is_empty() {
                    out.push(operator.invalid_as(text, wrong.join(";")));
                }
            }
            "Exists" if !value.empty() => {
                out.push(operator.invalid_as(text, "value must be empty when `operator` is 'Exists'"));
            }
            "Exists" => {}
            "Lt" | "Gt" => out.push(operator.unsupported(&["Equal", "Exists", "Lt", "Gt"])),
            _ => out.push(operator.unsupported(&["Equal", "Exists"])),
        }
        if !effect.empty() {
            exactly(&effect, &["NoSchedule", "PreferNoSchedule", "NoExecute"], out);
        }
    }
}

/// A `NodeSelector`.
pub(in crate::rules) fn node_selector(place: &At<'_>, any_value: bool, out: &mut Faults) {
    let terms = place.at("nodeSelectorTerms");
    if terms.empty() {
        return out.push(terms.required("must have at least one node selector term"));
    }
    terms.items().for_each(|term| node_term(&term, any_value, out));
}

/// One term of a `NodeSelector`.
pub(super) fn node_term(term: &At<'_>, any_value: bool, out: &mut Faults) {
    for wanted in term.at("matchExpressions").items() {
        let values = wanted.at("values");
        match wanted.str("operator") {
            "In" | "NotIn" if values.empty() => {
                out.push(values.required("must be specified when `operator` is 'In' or 'NotIn'"));
            }
            "Exists" | "DoesNotExist" if !values.empty() => {
                out.push(
                    values.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
                );
            }
            "Gt" | "Lt" if values.len() != 1 => {
                out.push(values.required("must be specified single value when `operator` is 'Lt' or 'Gt'"));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            other => out.push(wanted.at("operator").invalid_as(other, "not a valid selector operator")),
        }
        let key = wanted.at("key");
        out.extend(words::qualified(key.text()).into_iter().map(|words| key.invalid_as(key.text(), words)));
        if !any_value {
            values.items().for_each(|value| words::formed(&value, words::label_value, out));
        }
    }
    for wanted in term.at("matchFields").items() {
        let values = wanted.at("values");
        match wanted.str("operator") {
            "In" | "NotIn" if values.len() != 1 => {
                let words =
                    "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
                out.push(values.required(words));
            }
            "In" | "NotIn" => {}
            other => out.push(wanted.at("operator").invalid_as(other, "not a valid selector operator")),
        }
        if wanted.str("key") == "metadata.name" {
            values.items().for_each(|value| words::formed(&value, words::subdomain, out));
        } else {
            out.push(wanted.at("key").invalid_as(wanted.str("key"), "not a valid field selector key"));
        }
    }
}

/// `topologySpreadConstraints`.
pub(super) fn spread(place: &At<'_>, setting: &Setting<'_>, out: &mut Faults) {
    let unusable = setting.was(|old| {
        old.at("topologySpreadConstraints").items().any(|constraint| !usable(constraint.get("labelSelector")))
    });
    let all: Vec<At<'_>> = place.items().collect();
    for (index, constraint) in all.iter().enumerate() {
        let (skew, key, action) =
            (constraint.at("maxSkew"), constraint.at("topologyKey"), constraint.at("whenUnsatisfiable"));
        if constraint.int("maxSkew") <= 0 {
            out.push(skew.invalid_as(constraint.int("maxSkew"), "must be greater than zero"));
        }
        if key.empty() {
            out.push(key.required("can not be empty"));
        }
        exactly(&action, &["DoNotSchedule", "ScheduleAnyway"], out);
        let again = |other: &At<'_>| {
            other.str("topologyKey") == key.text() && other.str("whenUnsatisfiable") == action.text()
        };
        if all[index + 1..].iter().any(again) {
            let said = json!(format!("{{{}, {}}}", key.text(), action.text()));
            let both = constraint.shown("", "{topologyKey, whenUnsatisfiable}");
            out.push(both.with(&said).duplicate());
        }
        least_domains(constraint, action.text(), out);
        for name in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            chosen(&constraint.at(name), &["Honor", "Ignore"], out);
        }
        label_keys(constraint, out);
        if !unusable {
            selector(&constraint.at("labelSelector"), out);
        }
    }
}

fn least_domains(constraint: &At<'_>, action: &str, out: &mut Faults) {
    let place = constraint.at("minDomains");
    let Some(domains) = place.number() else { return };
    if domains <= 0 {
        out.push(place.invalid("must be greater than zero"));
    }
    if action != "DoNotSchedule" {
        let words = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
        out.push(place.invalid(words));
    }
}

/// `matchLabelKeys` and `mismatchLabelKeys` beside a `labelSelector`.
pub(super) fn label_keys(place: &At<'_>, out: &mut Faults) {
    let selector = place.at("labelSelector");
    for name in ["matchLabelKeys", "mismatchLabelKeys"] {
        let keys = place.at(name);
        if !keys.empty() && !selector.has() {
            out.push(keys.forbidden("must not be specified when labelSelector is not set"));
        } else {
            keys.items().for_each(|key| words::formed(&key, words::qualified, out));
        }
    }
    let matching: Vec<&str> = place.at("matchLabelKeys").values().filter_map(Value::as_str).collect();
    let mut named: Vec<&str> = selector.at("matchLabels").entries().into_iter().map(|(key, _)| key).collect();
    for wanted in selector.at("matchExpressions").values() {
        let key = wanted["key"].as_str().unwrap_or("");
        if let Some(index) = matching.iter().rposition(|name| *name == key).filter(|_| named.contains(&key)) {
            out.push(place.index(index).invalid_as(key, "exists in both matchLabelKeys and labelSelector"));
        }
        named.push(key);
    }
    let not: Vec<&str> = place.at("mismatchLabelKeys").values().filter_map(Value::as_str).collect();
    for key in place.at("matchLabelKeys").items().filter(|key| not.contains(&key.text())) {
        out.push(key.invalid("exists in both matchLabelKeys and mismatchLabelKeys"));
    }
}
