//! Small kinds: PodDisruptionBudgets, Leases, PriorityClasses, RuntimeClasses, APIServices
//! (`pkg/apis/{policy,coordination,scheduling,node}/validation`, `kube-aggregator/pkg/apis/apiregistration/validation`;
//! Kubernetes 1.36).

use serde_json::{Value, json};

use super::Case;
use super::metadata::{conditions, immutable, labels};
use super::pod::{Setting, tolerations};
use super::resources;
use super::selector::{odd_values, selector_with};
use super::table::{apply, chosen, exactly, number_or_percent, up_to_all};
use crate::rules::look::{At, Faults};
use crate::rules::words;

/// A PodDisruptionBudget, or its status.
pub(super) fn budget(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if subresource.is_some() {
        conditions(&case.at("status").at("conditions"), out);
        return apply("status.budget", &case.at("status"), out);
    }
    let spec = case.at("spec");
    let (least, most) = (spec.at("minAvailable"), spec.at("maxUnavailable"));
    if least.has() && most.has() {
        let said = words::shown("PodDisruptionBudgetSpec", spec.value());
        out.push(spec.invalid_as(said, "minAvailable and maxUnavailable cannot be both set"));
    }
    for place in [&least, &most] {
        number_or_percent(place, out);
        up_to_all(place, out);
    }
    let odd = case.updates() && odd_values(&case.was("spec").at("selector"));
    selector_with(&spec.at("selector"), odd, out);
    chosen(&spec.at("unhealthyPodEvictionPolicy"), &["AlwaysAllow", "IfHealthyBudget"], out);
}

/// A Lease.
pub(super) fn lease(case: &Case<'_>, out: &mut Faults) {
    case.written(out);
    apply("lease", &case.at("spec"), out);
}

/// The priorities that the system keeps for itself.
const SYSTEM: [(&str, i64); 2] =
    [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];

/// A PriorityClass.
pub(super) fn priority_class(case: &Case<'_>, out: &mut Faults) {
    let (value, policy) = (case.at("value"), case.at("preemptionPolicy"));
    let number = value.number().unwrap_or(0);
    if case.updates() {
        case.metadata_update(out);
        if number != case.was("value").number().unwrap_or(0) {
            out.push(value.forbidden("may not be changed in an update."));
        }
        return immutable(&policy, &case.was("preemptionPolicy"), out);
    }
    case.metadata(out);
    let name = case.at("metadata").at("name");
    if name.text().starts_with("system-") {
        let default = case.at("globalDefault").value() == &Value::Bool(true);
        if let Some(words) = unlike_system(name.text(), number, default) {
            let reserved =
                "priority class names with 'system-' prefix are reserved for system use only. error:";
            out.push(name.forbidden(format!("{reserved} {words}")));
        }
    } else if number > 1_000_000_000 {
        out.push(value.forbidden("maximum allowed value of a user defined priority is 1000000000"));
    }
    if policy.has() && policy.empty() {
        out.push(policy.required(""));
    } else {
        chosen(&policy, &["PreemptLowerPriority", "Never"], out);
    }
}

fn unlike_system(name: &str, number: i64, default: bool) -> Option<String> {
    let Some((_, right)) = SYSTEM.iter().find(|(known, _)| *known == name) else {
        return Some(format!("{name} is not a known system priority class"));
    };
    if *right != number {
        return Some(format!("value of {name} PriorityClass must be {right}"));
    }
    default.then(|| format!("globalDefault of {name} PriorityClass must be false"))
}

/// A RuntimeClass.
pub(super) fn runtime_class(case: &Case<'_>, out: &mut Faults) {
    case.metadata(out);
    let handler = case.at("handler");
    if handler.empty() {
        out.push(handler.required(""));
    } else {
        words::formed(&handler, words::label, out);
    }
    let overhead = case.at("overhead");
    if overhead.has() {
        let setting = Setting { meta: None, old: None };
        let as_pods = overhead.at("podFixed").called(overhead.path());
        resources::limits_only(&as_pods, &setting, out);
    }
    let scheduling = case.at("scheduling");
    labels(&scheduling.at("nodeSelector"), out);
    let all = scheduling.at("tolerations");
    tolerations(&all, out);
    let mut seen: Vec<Value> = Vec::new();
    for toleration in all.items() {
        let key =
            ["key", "operator", "value", "effect"].iter().map(|name| json!(toleration.str(name))).collect();
        if seen.contains(&key) {
            let said = words::shown("Toleration", toleration.value());
            out.push(toleration.with(&said).duplicate());
        }
        seen.push(key);
    }
    if case.updates() {
        case.metadata_update(out);
        immutable(&handler, &case.was("handler"), out);
    }
}

/// An APIService, or its status.
pub(super) fn api_service(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if case.updates() {
        case.metadata_update(out);
    }
    if subresource.is_some() {
        for condition in case.at("status").at("conditions").items() {
            exactly(&condition.at("status"), &["True", "False", "Unknown"], out);
        }
        return;
    }
    let spec = case.at("spec");
    let (group, version) = (spec.at("group"), spec.at("version"));
    case.metadata_as(words::segment, out);
    let (name, wanted) = (case.at("metadata").at("name"), format!("{}.{}", version.text(), group.text()));
    if words::segment(name.text()).is_empty() && name.text() != wanted {
        let quoted = crate::field::quoted(&wanted);
        out.push(name.invalid(format!("must be `spec.version+\".\"+spec.group`: {quoted}")));
    }
    if group.empty() && version.text() != "v1" {
        out.push(group.required("only v1 may have an empty group and it better be legacy kube"));
    }
    words::formed_if(&group, words::subdomain, out);
    out.extend(
        words::old_label(version.text()).into_iter().map(|words| version.invalid_as(version.text(), words)),
    );
    for (name, most) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1_000)] {
        if !(1..=most).contains(&spec.int(name)) {
            let words = format!("must be positive and less than {most}");
            out.push(spec.at(name).invalid_as(spec.int(name), words));
        }
    }
    api_backend(&spec, out);
}

fn api_backend(spec: &At<'_>, out: &mut Faults) {
    let (service, bundle, skip) = (spec.at("service"), spec.at("caBundle"), spec.at("insecureSkipTLSVerify"));
    if !service.has() {
        if !bundle.empty() {
            let said = format!("{} bytes", bundle.text().trim_end_matches('=').len() * 3 / 4);
            out.push(bundle.invalid_as(said, "local APIServices may not have a caBundle"));
        }
        if !skip.empty() {
            out.push(skip.invalid("local APIServices may not have insecureSkipTLSVerify"));
        }
        return;
    }
    for name in ["namespace", "name"] {
        if service.str(name).is_empty() {
            out.push(service.at(name).required(""));
        }
    }
    if let Some(words) = words::port_number(service.int("port")) {
        out.push(service.at("port").invalid_as(service.int("port"), format!("port is not valid: {words}")));
    }
    if !skip.empty() && !bundle.empty() {
        out.push(skip.invalid("may not be true if caBundle is present"));
    }
}
