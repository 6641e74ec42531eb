//! Warnings: what is right, and yet the server has something to say of it (`WarningsOnCreate` and `WarningsOnUpdate` of
//! `pkg/registry/**/strategy.go`, `pkg/api/*/{warnings,util}.go`; Kubernetes 1.36).
//!
//! It refuses nothing.

mod objects;
mod pod;

use serde_json::Value;

use super::edit::{inner, text};
use super::kinds::Kind;
use super::look::{At, field, same};
use super::words;
use crate::ask::{Ask, Object};

/// Labels of nodes that have been replaced.
const OLD_LABELS: [(&str, &str); 8] = [
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    (
        "failure-domain.beta.kubernetes.io/zone",
        "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
    ),
    (
        "beta.kubernetes.io/instance-type",
        "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
    ),
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    (
        "scheduler.alpha.kubernetes.io/preferAvoidPods",
        "deprecated since v1.22; use Taints and Tolerations instead",
    ),
    ("node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"),
];

fn old_label(key: &str) -> Option<&'static str> {
    OLD_LABELS.iter().find(|(old, _)| *old == key).map(|(_, words)| *words)
}

/// What is said of a `NodeSelectorTerm`; of values too where the server checks them nowhere else.
fn node_term(term: &At<'_>, values: bool, out: &mut Vec<String>) {
    for wanted in term.at("matchExpressions").items() {
        let key = wanted.at("key");
        if let Some(words) = old_label(key.text()) {
            out.push(format!("{}: {} is {words}", key.path(), key.text()));
        }
        for value in wanted.at("values").items().filter(|_| values) {
            let wrong = words::label_value(value.text());
            out.extend(
                wrong.iter().map(|words| format!("{}: {} is invalid, {words}", value.path(), value.text())),
            );
        }
    }
}

fn fractional(place: &At<'_>, out: &mut Vec<String>) {
    let amount = words::Amount::of(place.value());
    if place.has() && !amount.is_whole() {
        let said = crate::field::quoted(&amount.to_string());
        out.push(format!("{}: fractional byte value {said} is invalid, must be an integer", place.path()));
    }
}

/// Names of pods begin with it.
fn dns_name(object: &Object, used: &str, out: &mut Vec<String>) {
    let wrong = words::label(text(inner(object, "metadata"), "name"));
    if !wrong.is_empty() {
        let words = "which can result in surprising behavior; a DNS label is recommended";
        out.push(format!("metadata.name: this is used in {used}, {words}: [{}]", wrong.join(" ")));
    }
}

/// Says what there is to say of a write that is right.
pub(super) fn warn(kind: &Kind, new: &Object, old: Option<&Object>, ask: &mut Ask<'_>) {
    let out = &mut *ask.warnings;
    match ask.subresource {
        None | Some("scale") => written(kind, new, old, out),
        Some("status") => objects::status(kind.resource, new, out),
        _ => {}
    }
}

fn written(kind: &Kind, new: &Object, old: Option<&Object>, out: &mut Vec<String>) {
    let generation = |object| field(inner(object, "metadata"), "generation");
    // A template is looked at when something of the object has changed.
    let changed = old.is_none_or(|old| generation(new) != generation(old));
    let created = old.is_none();
    match kind.resource {
        "pods" if created => {
            dns_name(new, "the Pod's hostname", out);
            let spec = At::top(new, "spec");
            pod::pod(&At::top(new, "metadata"), &spec, false, out);
        }
        "deployments.apps" | "replicasets.apps" | "replicationcontrollers" if changed => {
            if created {
                dns_name(new, "Pod names and hostnames", out);
            }
            pod::template(&At::top(new, "spec").at("template"), out);
        }
        "daemonsets.apps" => {
            let template = |object| field(inner(object, "spec"), "template");
            if old.is_none_or(|old| !same(template(new), template(old))) {
                pod::template(&At::top(new, "spec").at("template"), out);
            }
        }
        "podtemplates" if changed => pod::template(&At::top(new, "template"), out),
        "statefulsets.apps" => {
            if changed {
                pod::template(&At::top(new, "spec").at("template"), out);
            }
            objects::stateful_set(&At::top(new, "spec"), created, out);
        }
        "jobs.batch" if changed => {
            if created {
                dns_name(new, "Pod names and hostnames", out);
            }
            job(&At::top(new, "spec"), out);
        }
        "cronjobs.batch" => {
            if created {
                dns_name(new, "Pod names and hostnames", out);
            }
            let spec = At::top(new, "spec");
            if changed {
                job(&spec.down(&["jobTemplate", "spec"]), out);
            }
            if !created && spec.str("schedule").contains("TZ") {
                let page = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/";
                let words = "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead";
                out.push(format!("{words}, see {page} for more details"));
            }
        }
        other => objects::object(other, new, old, out),
    }
}

fn job(spec: &At<'_>, out: &mut Vec<String>) {
    let indexed = spec.str("completionMode") == "Indexed";
    if indexed && spec.int("completions") > 100_000 && spec.int("parallelism") > 10_000 {
        let words = "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, \
                     Kubernetes might not be able to track completedIndexes when a big number of indexes fail";
        out.push(format!("{}: {words}", spec.path()));
    }
    pod::template(&spec.at("template"), out);
}

/// Whether an annotation is there.
fn noted(object: &Object, name: &str) -> bool {
    !matches!(field(inner(inner(object, "metadata"), "annotations"), name), Value::Null)
}
