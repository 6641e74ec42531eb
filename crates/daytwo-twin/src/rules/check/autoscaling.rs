//! HorizontalPodAutoscalers, at both versions (`pkg/apis/autoscaling/validation/validation.go`, Kubernetes 1.36).

use super::Case;
use super::resources::of_containers;
use super::table::{apply, chosen};
use crate::rules::look::{At, Faults};
use crate::rules::words::{self, Amount};

/// An autoscaler, or its status.
pub(super) fn autoscaler(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if subresource.is_some() {
        case.metadata_update(out);
        return apply("status.autoscaler", &case.at("status"), out);
    }
    case.written(out);
    let (spec, was) = (case.at("spec"), case.was("spec"));
    let (least, most) = (spec.at("minReplicas"), spec.at("maxReplicas"));
    let lower = i64::from(was.get("minReplicas").as_i64() != Some(0));
    if least.number().is_some_and(|number| number < lower) {
        out.push(least.invalid(format!("must be greater than or equal to {lower}")));
    }
    let number = spec.int("maxReplicas");
    if number == 0 {
        out.push(most.required("must be set and greater than 0"));
    } else if number < 0 {
        out.push(most.invalid("must be greater than or equal to 1"));
    }
    if least.number().is_some_and(|least| number < least) {
        out.push(most.invalid_as(number, "must be greater than or equal to `minReplicas`"));
    }
    let target = spec.at("scaleTargetRef");
    let group = |place: &At<'_>| version(place.str("apiVersion"), false).is_err();
    reference(&target, false, case.updates() && group(&was.at("scaleTargetRef")), out);
    let metrics = spec.at("metrics");
    let odd_before = was
        .at("metrics")
        .items()
        .any(|metric| version(metric.at("object").at("describedObject").str("apiVersion"), true).is_err());
    metrics.items().for_each(|one| metric(&one, odd_before, out));
    old_target(case, out);
    let scales = |kind: &str| metrics.items().any(|one| one.str("type") == kind);
    if least.number() == Some(0) && !scales("Object") && !scales("External") {
        let words = "must specify at least one Object or External metric to support scaling to zero replicas";
        out.push(metrics.forbidden(words));
    }
    let behavior = spec.at("behavior");
    scaling(&behavior.at("scaleUp"), out);
    scaling(&behavior.at("scaleDown"), out);
}

/// Version 1 has the share of CPU as a field of its own, and other metrics in an annotation: inside, it is the metric after
/// those.
fn old_target(case: &Case<'_>, out: &mut Faults) {
    const OTHERS: &str = "autoscaling.alpha.kubernetes.io/metrics";
    let share = case.at("spec").at("targetCPUUtilizationPercentage");
    if share.number().is_some_and(|share| share < 1) {
        let others = case.at("metadata").at("annotations").key(OTHERS);
        let count =
            serde_json::from_str::<Vec<serde::de::IgnoredAny>>(others.text()).map_or(0, |all| all.len());
        let path = format!("spec.metrics[{count}].resource.target.averageUtilization");
        out.push(share.called(path).invalid("must be greater than 0"));
    }
}

/// What is wrong with `group/version`.
fn version(text: &str, core: bool) -> Result<(), String> {
    match text.matches('/').count() {
        0 if !core => Err("apiVersion must specify API group".to_owned()),
        0 => Ok(()),
        1 if text.starts_with('/') && !core => Err("apiVersion must specify API group".to_owned()),
        1 => Ok(()),
        _ => Err(format!("unexpected GroupVersion string: {text}")),
    }
}

fn reference(place: &At<'_>, core: bool, any_version: bool, out: &mut Faults) {
    for name in ["kind", "name"] {
        if place.str(name).is_empty() {
            out.push(place.at(name).required(""));
        } else {
            words::formed(&place.at(name), words::segment, out);
        }
    }
    let api = place.str("apiVersion");
    if let Some(words) = version(api, core).err().filter(|_| !any_version) {
        out.push(place.at("apiVersion").invalid_as(api, words));
    }
}

const KINDS: [(&str, &str); 5] = [
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];

fn metric(place: &At<'_>, odd_before: bool, out: &mut Faults) {
    let kind = place.at("type");
    let choices = ["ContainerResource", "External", "Object", "Pods", "Resource"];
    if kind.empty() {
        out.push(kind.required("must specify a metric source type"));
    }
    let unknown = |out: &mut Faults| {
        let said = serde_json::json!(kind.text());
        out.push(kind.with(&said).unsupported(&choices));
    };
    let known = choices.contains(&kind.text());
    if !known {
        unknown(out);
    }
    let present: Vec<&str> =
        KINDS.iter().map(|(_, field)| *field).filter(|field| place.at(field).has()).collect();
    if let Some(first) = present.first() {
        source(first, &place.at(first), odd_before, out);
    }
    let expected = KINDS.iter().find(|(name, _)| *name == kind.text()).map_or("", |(_, field)| field);
    if !known {
        unknown(out);
    } else if !present.contains(&expected) {
        out.push(place.at(expected).required("must populate information for the given metric source"));
    }
    if present.len() != 1 {
        for field in present.iter().filter(|field| **field != expected) {
            out.push(place.at(field).forbidden("must populate the given metric source only"));
        }
    }
}

fn source(kind: &str, place: &At<'_>, odd_before: bool, out: &mut Faults) {
    let target = place.at("target");
    let has = |name: &str| target.at(name).has();
    match kind {
        "object" => {
            reference(&place.at("describedObject"), true, odd_before, out);
            identifier(place, out);
            aim(&target, out);
            if !has("value") && !has("averageValue") {
                out.push(
                    target.at("averageValue").required("must set either a target value or averageValue"),
                );
            }
        }
        "external" => {
            identifier(place, out);
            aim(&target, out);
            if !has("value") && !has("averageValue") {
                let words = "must set either a target value for metric or a per-pod target";
                out.push(target.at("averageValue").required(words));
            }
            if has("value") && has("averageValue") {
                let words = "may not set both a target value for metric and a per-pod target";
                out.push(target.at("value").forbidden(words));
            }
        }
        "pods" => {
            identifier(place, out);
            aim(&target, out);
            if !has("averageValue") {
                out.push(target.at("averageValue").required("must specify a positive target averageValue"));
            }
        }
        _ => amount_of_resource(kind, place, &target, out),
    }
}

fn amount_of_resource(kind: &str, place: &At<'_>, target: &At<'_>, out: &mut Faults) {
    let (name, container) = (place.at("name"), place.at("container"));
    if name.empty() {
        out.push(name.required("must specify a resource name"));
    } else if kind == "containerResource" {
        of_containers(name.text(), &name, out);
    }
    if kind == "containerResource" {
        if container.empty() {
            out.push(container.required("must specify a container"));
        } else {
            words::formed(&container, words::label, out);
        }
    }
    aim(target, out);
    match (target.at("averageUtilization").has(), target.at("averageValue").has()) {
        (false, false) => {
            let words = "must set either a target raw value or a target utilization";
            out.push(target.at("averageUtilization").required(words));
        }
        (true, true) => {
            let words = "may not set both a target raw value and a target utilization";
            out.push(target.at("averageValue").forbidden(words));
        }
        _ => {}
    }
}

fn identifier(place: &At<'_>, out: &mut Faults) {
    let name = place.at("metric").at("name");
    if name.empty() {
        out.push(name.required("must specify a metric name"));
    } else {
        words::formed(&name, words::segment, out);
    }
}

fn aim(target: &At<'_>, out: &mut Faults) {
    let kind = target.at("type");
    if kind.empty() {
        out.push(kind.required("must specify a metric target type"));
    }
    if !matches!(kind.text(), "Utilization" | "Value" | "AverageValue") {
        out.push(kind.invalid_as(kind.text(), "must be either Utilization, Value, or AverageValue"));
    }
    for value in ["value", "averageValue"].iter().map(|name| target.at(name)).filter(At::has) {
        if !Amount::of(value.value()).positive() {
            out.push(value.invalid("must be positive"));
        }
    }
    let share = target.at("averageUtilization");
    if share.number().is_some_and(|share| share < 1) {
        out.push(share.invalid("must be greater than 0"));
    }
}

fn scaling(rules: &At<'_>, out: &mut Faults) {
    if !rules.has() {
        return;
    }
    let window = rules.at("stabilizationWindowSeconds");
    if window.number().is_some_and(|seconds| seconds < 0) {
        out.push(window.invalid("must be greater than or equal to zero"));
    }
    if window.number().is_some_and(|seconds| seconds > 3600) {
        out.push(window.invalid("must be less than or equal to 3600"));
    }
    chosen(&rules.at("selectPolicy"), &["Disabled", "Max", "Min"], out);
    let policies = rules.at("policies");
    if policies.empty() {
        out.push(policies.required("must specify at least one Policy"));
    }
    for policy in policies.items() {
        super::table::exactly(&policy.at("type"), &["Percent", "Pods"], out);
        for name in ["value", "periodSeconds"] {
            if policy.int(name) <= 0 {
                out.push(policy.at(name).invalid_as(policy.int(name), "must be greater than zero"));
            }
        }
        if policy.int("periodSeconds") > 1800 {
            out.push(policy.at("periodSeconds").invalid("must be less than or equal to 1800"));
        }
    }
    let tolerance = rules.at("tolerance");
    if Amount::of(tolerance.value()).negative() {
        out.push(tolerance.invalid_as(tolerance.text(), super::table::NEGATIVE));
    }
}
