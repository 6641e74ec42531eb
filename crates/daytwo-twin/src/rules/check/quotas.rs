//! Limits of namespaces: LimitRanges and ResourceQuotas (`pkg/apis/core/validation/validation.go`, Kubernetes 1.36).

use serde_json::{Value, json};

use super::Case;
use super::metadata::IMMUTABLE;
use super::resources::{amount, any_name, native, of_containers, of_quotas};
use crate::rules::look::{At, Faults};
use crate::rules::words::{self, Amount};

/// A LimitRange.
pub(super) fn limit_range(case: &Case<'_>, out: &mut Faults) {
    case.metadata(out);
    let mut seen: Vec<&str> = Vec::new();
    for limit in case.at("spec").at("limits").items() {
        let kind = limit.at("type");
        let wrong = words::qualified(kind.text());
        if !wrong.is_empty() {
            out.extend(wrong.into_iter().map(|words| kind.invalid_as(kind.text(), words)));
        } else if !kind.text().contains('/')
            && !matches!(kind.text(), "Pod" | "Container" | "PersistentVolumeClaim")
        {
            out.push(kind.invalid("must be a standard limit type or fully qualified"));
        }
        if seen.contains(&kind.text()) {
            out.push(kind.duplicate());
        }
        seen.push(kind.text());
        names(&limit, out);
        against_each_other(&limit, out);
    }
}

fn names(limit: &At<'_>, out: &mut Faults) {
    let kind = limit.str("type");
    let named = |list: &str, out: &mut Faults| {
        for (name, entry) in limit.at(list).entries() {
            if matches!(kind, "Pod" | "Container") {
                of_containers(name, &entry, out);
            } else {
                any_name(name, &entry, out);
            }
        }
    };
    named("max", out);
    named("min", out);
    for list in ["default", "defaultRequest"] {
        if kind != "Pod" {
            named(list, out);
        } else if !limit.at(list).empty() {
            out.push(limit.at(list).forbidden("may not be specified when `type` is 'Pod'"));
        }
    }
    let storage = |list: &str| !limit.at(list).get("storage").is_null();
    if kind == "PersistentVolumeClaim" && !storage("min") && !storage("max") {
        let words = "either minimum or maximum storage value is required, but neither was provided";
        out.push(limit.at("limits").required(words));
    }
    named("maxLimitRequestRatio", out);
}

fn against_each_other(limit: &At<'_>, out: &mut Faults) {
    const LISTS: [&str; 5] = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];
    let pod = limit.str("type") == "Pod";
    let mut keys: Vec<&str> =
        LISTS.iter().flat_map(|list| limit.at(list).entries()).map(|(key, _)| key).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let of = |list: &str| {
            let hidden = pod && matches!(list, "default" | "defaultRequest");
            limit.get(list).get(key).filter(|_| !hidden).map(|value| (Amount::of(value), value))
        };
        let text = |value: &Value| value.as_str().unwrap_or("0").to_owned();
        let mut ordered = |low: &str, high: &str, place: &str, said: &str, words: [&str; 2]| {
            let (Some((small, low)), Some((large, high))) = (of(low), of(high)) else { return };
            if small > large {
                let value = of(said).map_or(Value::Null, |(_, value)| value.clone());
                let words = format!("{} {} is greater than {} {}", words[0], text(low), words[1], text(high));
                out.push(limit.at(place).key(key).invalid_as(value, words));
            }
        };
        ordered("min", "max", "min", "min", ["min value", "max value"]);
        ordered(
            "min",
            "defaultRequest",
            "defaultRequest",
            "defaultRequest",
            ["min value", "default request value"],
        );
        ordered(
            "defaultRequest",
            "max",
            "defaultRequest",
            "defaultRequest",
            ["default request value", "max value"],
        );
        let words = ["default request value", "default limit value"];
        ordered("defaultRequest", "default", "defaultRequest", "defaultRequest", words);
        ordered("min", "default", "default", "min", ["min value", "default value"]);
        ordered("default", "max", "default", "max", ["default value", "max value"]);
        ratio(limit, key, of("maxLimitRequestRatio"), of("min").zip(of("max")), out);
        let uneven = of("default").zip(of("defaultRequest")).filter(|((one, _), (other, _))| one != other);
        if let Some(((_, limit_value), (_, request))) =
            uneven.filter(|_| !native(key) || key.starts_with("hugepages-"))
        {
            let words = format!(
                "default value {} must equal to defaultRequest value {} in {key}",
                text(limit_value),
                text(request)
            );
            out.push(limit.at("defaultRequest").key(key).invalid_as(request.clone(), words));
        }
    }
}

type Found<'v> = (Amount, &'v Value);

fn ratio(
    limit: &At<'_>,
    key: &str,
    ratio: Option<Found<'_>>,
    ends: Option<(Found<'_>, Found<'_>)>,
    out: &mut Faults,
) {
    let Some((most, value)) = ratio else { return };
    let (place, text) = (limit.at("maxLimitRequestRatio").key(key), value.as_str().unwrap_or("0"));
    if most < Amount::whole(1) {
        out.push(place.invalid_as(value.clone(), format!("ratio {text} is less than 1")));
    }
    if let Some(((min, _), (max, _))) = ends {
        let bound = max.ratio(min);
        if most.ratio(Amount::whole(1)) > bound {
            let words = format!("ratio {text} is greater than max/min = {bound:.6}");
            out.push(place.invalid_as(value.clone(), words));
        }
    }
}

/// A ResourceQuota, or its status.
pub(super) fn resource_quota(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if case.updates() {
        case.metadata_update(out);
    } else {
        case.metadata(out);
    }
    if subresource.is_some() || !case.updates() {
        if subresource.is_none() {
            quota_spec(&case.at("spec"), out);
        }
        hard(&case.at("status").at("hard"), out);
        hard(&case.at("status").at("used"), out);
        return;
    }
    quota_spec(&case.at("spec"), out);
    let scopes = |place: At<'_>| {
        let mut names: Vec<String> = place.values().filter_map(Value::as_str).map(str::to_owned).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let (new, old) = (case.at("spec").at("scopes"), case.was("spec").at("scopes"));
    if scopes(new.clone()) != scopes(old) {
        out.push(new.invalid(IMMUTABLE));
    }
}

fn hard(place: &At<'_>, out: &mut Faults) {
    for (name, entry) in place.entries() {
        of_quotas(name, &entry, out);
        amount(name, &entry, out);
    }
}

const PODS: [&str; 7] =
    ["pods", "cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];

/// What a scope can be set on; `None` for a scope that is unknown.
fn scope_covers(scope: &str, resource: &str) -> Option<bool> {
    Some(match scope {
        "Terminating"
        | "NotTerminating"
        | "NotBestEffort"
        | "PriorityClass"
        | "CrossNamespacePodAffinity" => PODS.contains(&resource),
        "BestEffort" => resource == "pods",
        "VolumeAttributesClass" => matches!(resource, "persistentvolumeclaims" | "requests.storage"),
        _ => return None,
    })
}

fn standard(resource: &str) -> bool {
    let mut wrong = Faults::new();
    of_quotas(resource, &At::new(&Value::Null, ""), &mut wrong);
    wrong.is_empty() && !resource.contains('/')
}

fn quota_spec(spec: &At<'_>, out: &mut Faults) {
    hard(&spec.at("hard"), out);
    let resources: Vec<&str> = spec.at("hard").entries().into_iter().map(|(name, _)| name).collect();
    let scopes = spec.at("scopes");
    let conflict = |names: &[&str]| {
        [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]]
            .iter()
            .filter(|pair| pair.iter().all(|name| names.contains(name)))
            .count()
    };
    let names: Vec<&str> = scopes.values().filter_map(Value::as_str).collect();
    for scope in &names {
        if scope_covers(scope, "").is_none() {
            out.push(scopes.invalid("unsupported scope"));
        }
        for _ in resources.iter().filter(|name| standard(name) && scope_covers(scope, name) == Some(false)) {
            out.push(scopes.invalid("unsupported scope applied to resource"));
        }
    }
    out.extend((0..conflict(&names)).map(|_| scopes.invalid("conflicting scopes")));
    let selector = spec.at("scopeSelector");
    let wanted = selector.at("matchExpressions");
    for one in wanted.items() {
        let scope = one.str("scopeName");
        scope_selector(&one, &wanted, scope, out);
        let said = || words::shown("ScopeSelector", selector.value());
        for _ in resources.iter().filter(|name| standard(name) && scope_covers(scope, name) == Some(false)) {
            out.push(wanted.invalid_as(said(), "unsupported scope applied to resource"));
        }
    }
    let names: Vec<&str> = wanted.values().filter_map(|one| one["scopeName"].as_str()).collect();
    out.extend((0..conflict(&names)).map(|_| wanted.invalid_as(json!(scopes.value()), "conflicting scopes")));
}

fn scope_selector(one: &At<'_>, wanted: &At<'_>, scope: &str, out: &mut Faults) {
    if scope_covers(scope, "").is_none() {
        out.push(wanted.at("scopeName").invalid_as(scope, "unsupported scope"));
    }
    let (operator, values) = (one.str("operator"), one.at("values"));
    let place = wanted.at("operator");
    let flags = ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"];
    if flags.contains(&scope) && operator != "Exists" {
        out.push(place.invalid_as(
            operator,
            "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, \
             ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
        ));
    }
    match operator {
        "In" | "NotIn" if values.empty() => {
            let words = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
            out.push(wanted.at("values").required(words));
        }
        "Exists" | "DoesNotExist" if !values.empty() => {
            let words = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
            out.push(wanted.at("values").invalid_as(values.value().clone(), words));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        _ => out.push(place.invalid_as(operator, "not a valid selector operator")),
    }
}
