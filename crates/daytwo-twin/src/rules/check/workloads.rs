//! What keeps pods running: Deployments, ReplicaSets, StatefulSets, DaemonSets, ReplicationControllers and
//! ControllerRevisions (`pkg/apis/apps/validation/validation.go`, Kubernetes 1.36).

mod stateful;
pub(in crate::rules::check) use stateful::stateful_set;

use serde_json::{Map, Value, json};

use super::Case;
use super::metadata::{annotations, immutable, labels};
use super::pod::template;
use super::selector::{contains, matches, odd_values, requirements, selector, selector_with, usable};
use super::table::{apply, exactly, nonnegative, number_of, number_or_percent, up_to_all};
use super::volumes::claim_spec;
use crate::rules::look::{At, Faults, field, same};
use crate::rules::words;

/// How a template's labels fail to be selected.
const UNSELECTED: &str = "`selector` does not match template `labels`";

fn template_labels<'v>(template: &At<'v>) -> At<'v> {
    template.at("metadata").at("labels")
}

fn always(template: &At<'_>, kind: &str, out: &mut Faults) {
    exactly(&template.at("spec").at("restartPolicy"), &["Always"], out);
    let deadline = template.at("spec").at("activeDeadlineSeconds");
    if deadline.has() {
        out.push(deadline.forbidden(format!("activeDeadlineSeconds in {kind} is not Supported")));
    }
}

/// A selector that must be there and select something; `true` if it can be used.
fn needed_selector(spec: &At<'_>, kind: &str, out: &mut Faults) {
    let place = spec.at("selector");
    if !place.has() {
        return out.push(place.required(""));
    }
    selector(&place, out);
    if requirements(&place) == 0 {
        out.push(place.invalid(format!("empty selector is invalid for {kind}")));
    }
}

fn selected_template(spec: &At<'_>, old: Option<&Value>, out: &mut Faults) {
    let place = spec.at("selector");
    if !usable(place.value()) {
        return out.push(place.invalid("invalid label selector"));
    }
    let pods = spec.at("template");
    let labels = template_labels(&pods);
    if (!place.has() || requirements(&place) > 0) && !matches(place.value(), labels.value()) {
        out.push(labels.invalid(UNSELECTED));
    }
    template(&pods, old, out);
    always(&pods, "ReplicaSet", out);
}

fn old_template<'a>(case: &Case<'a>) -> Option<&'a Value> {
    case.old.and_then(|old| field(old, "spec").get("template"))
}

/// A Deployment, or its status.
pub(super) fn deployment(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if subresource == Some("status") {
        case.metadata_update(out);
        replicas_status("deployment", case, "cannot be greater than readyReplicas", out);
        return collisions(case, out);
    }
    case.written(out);
    let spec = case.at("spec");
    nonnegative(&spec.at("replicas"), out);
    needed_selector(&spec, "deployment", out);
    selected_template(&spec, old_template(case), out);
    deployment_strategy(&spec.at("strategy"), out);
    nonnegative(&spec.at("minReadySeconds"), out);
    nonnegative(&spec.at("revisionHistoryLimit"), out);
    let deadline = spec.at("progressDeadlineSeconds");
    nonnegative(&deadline, out);
    if deadline.number().is_some_and(|seconds| seconds <= spec.int("minReadySeconds")) {
        out.push(deadline.invalid("must be greater than minReadySeconds"));
    }
    if case.updates() {
        immutable(&spec.at("selector"), &case.was("spec").at("selector"), out);
    }
}

fn deployment_strategy(place: &At<'_>, out: &mut Faults) {
    let rolling = place.at("rollingUpdate");
    match place.str("type") {
        "Recreate" => {
            if rolling.has() {
                out.push(rolling.forbidden("may not be specified when strategy `type` is 'Recreate'"));
            }
        }
        "RollingUpdate" if !rolling.has() => {
            out.push(rolling.required("this should be defaulted and never be nil"));
        }
        "RollingUpdate" => {
            let (unavailable, surge) = (rolling.at("maxUnavailable"), rolling.at("maxSurge"));
            number_or_percent(&unavailable, out);
            number_or_percent(&surge, out);
            if number_of(&unavailable) == 0 && number_of(&surge) == 0 {
                let said = if unavailable.has() { unavailable.value().clone() } else { json!(0) };
                out.push(unavailable.invalid_as(said, "may not be 0 when `maxSurge` is 0"));
            }
            up_to_all(&unavailable, out);
        }
        _ => {
            let said = words::shown("DeploymentStrategy", place.value());
            out.push(place.with(&said).unsupported(&["Recreate", "RollingUpdate"]));
        }
    }
}

fn replicas_status(set: &str, case: &Case<'_>, ready: &str, out: &mut Faults) {
    let status = case.at("status");
    apply(&format!("status.{set}"), &status, out);
    let all = status.int("replicas");
    let order: &[&str] = match set {
        "statefulset" => &["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
        "deployment" => &["updatedReplicas", "readyReplicas", "availableReplicas"],
        _ => &["fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
    };
    for name in order.iter().filter(|name| status.int(name) > all) {
        out.push(status.at(name).invalid_as(status.int(name), "cannot be greater than status.replicas"));
    }
    if status.int("availableReplicas") > status.int("readyReplicas") {
        out.push(status.at("availableReplicas").invalid(ready));
    }
}

fn collisions(case: &Case<'_>, out: &mut Faults) {
    let (new, old) = (case.at("status").at("collisionCount"), case.was("status").at("collisionCount"));
    if old.number().is_some_and(|before| new.number().is_none_or(|now| now < before)) {
        out.push(new.invalid_as(new.number().unwrap_or(0), "cannot be decremented"));
    }
}

/// A ReplicaSet, or its status.
pub(super) fn replica_set(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if subresource == Some("status") {
        case.metadata_update(out);
        return replicas_status("replicaset", case, "cannot be greater than readyReplicas", out);
    }
    case.written(out);
    let spec = case.at("spec");
    nonnegative(&spec.at("replicas"), out);
    nonnegative(&spec.at("minReadySeconds"), out);
    needed_selector(&spec, "deployment", out);
    selected_template(&spec, old_template(case), out);
    if case.updates() {
        immutable(&spec.at("selector"), &case.was("spec").at("selector"), out);
    }
}

/// A ReplicationController, or its status.
pub(super) fn replication_controller(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if subresource == Some("status") {
        case.metadata_update(out);
        return replicas_status("replicaset", case, "cannot be greater than readyReplicas", out);
    }
    case.written(out);
    let spec = case.at("spec");
    nonnegative(&spec.at("minReadySeconds"), out);
    let selector = spec.at("selector");
    if selector.empty() {
        out.push(selector.required(""));
    }
    if spec.at("replicas").has() {
        nonnegative(&spec.at("replicas"), out);
    } else {
        out.push(spec.at("replicas").required(""));
    }
    let pods = spec.at("template");
    if !pods.has() {
        return out.push(pods.required(""));
    }
    let labels = template_labels(&pods);
    if !contains(&selector, labels.value()) {
        out.push(labels.invalid(UNSELECTED));
    }
    template(&pods, old_template(case), out);
    always(&pods, "ReplicationController", out);
}

/// A DaemonSet, or its status.
pub(super) fn daemon_set(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if subresource == Some("status") {
        case.metadata_update(out);
        apply("status.daemonset", &case.at("status"), out);
        return collisions(case, out);
    }
    case.written(out);
    let spec = case.at("spec");
    if case.updates() {
        immutable(&spec.at("selector"), &case.was("spec").at("selector"), out);
    }
    let place = spec.at("selector");
    selector_with(&place, case.updates() && odd_values(&case.was("spec").at("selector")), out);
    let pods = spec.at("template");
    let labels = template_labels(&pods);
    if usable(place.value()) && !matches(place.value(), labels.value()) {
        out.push(labels.invalid(UNSELECTED));
    }
    if place.has() && requirements(&place) == 0 {
        out.push(place.invalid("empty selector is invalid for daemonset"));
    }
    template(&pods, old_template(case), out);
    always(&pods, "DaemonSet", out);
    nonnegative(&spec.at("minReadySeconds"), out);
    daemon_strategy(&spec.at("updateStrategy"), out);
    nonnegative(&spec.at("revisionHistoryLimit"), out);
}

fn daemon_strategy(place: &At<'_>, out: &mut Faults) {
    let rolling = place.at("rollingUpdate");
    match place.str("type") {
        "OnDelete" => {}
        "RollingUpdate" if !rolling.has() => out.push(rolling.required("")),
        "RollingUpdate" => {
            let (unavailable, surge) = (rolling.at("maxUnavailable"), rolling.at("maxSurge"));
            for check in [number_or_percent, up_to_all] {
                check(&unavailable, out);
                check(&surge, out);
            }
            match (number_of(&unavailable) != 0, number_of(&surge) != 0) {
                (true, true) => out.push(surge.invalid("may not be set when maxUnavailable is non-zero")),
                (false, false) => out.push(unavailable.required("cannot be 0 when maxSurge is 0")),
                _ => {}
            }
        }
        _ => {
            let said = words::shown("DaemonSetUpdateStrategy", place.value());
            out.push(place.with(&said).unsupported(&["RollingUpdate", "OnDelete"]));
        }
    }
}

/// A ControllerRevision.
pub(super) fn controller_revision(case: &Case<'_>, out: &mut Faults) {
    if case.updates() {
        case.metadata_update(out);
    }
    case.metadata(out);
    nonnegative(&case.at("revision"), out);
    let data = case.at("data");
    if case.updates() {
        return immutable(&data, &case.was("data"), out);
    }
    if !data.has() {
        out.push(data.required("data is mandatory"));
    } else if !data.value().is_object() {
        out.push(data.required("data must be a valid JSON object"));
    }
}
