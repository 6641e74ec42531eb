//! Jobs and DaemonSets (`pkg/registry/batch/job/strategy.go`, `pkg/registry/apps/daemonset/strategy.go`;
//! Kubernetes 1.36).

use serde_json::Value;

use crate::ask::Object;
use crate::rules::edit::{bare, inner, part, set, text};
use crate::rules::look::{field, same};

/// Gives a Job's pods the labels by which it knows them, and the Job the selector for them.
pub(super) fn job(object: &mut Object) {
    if field(inner(object, "spec"), "manualSelector") == &Value::Bool(true) {
        return;
    }
    let meta = inner(object, "metadata");
    let (name, uid) = (text(meta, "name").to_owned(), text(meta, "uid").to_owned());
    let spec = part(object, "spec");
    let labels = part(part(part(spec, "template"), "metadata"), "labels");
    for (key, value) in [
        ("job-name", &name),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("batch.kubernetes.io/controller-uid", &uid),
    ] {
        labels.entry(key).or_insert_with(|| value.as_str().into());
    }
    labels.sort_keys();
    let copied = Value::Object(labels.clone());
    let wanted = part(part(spec, "selector"), "matchLabels");
    wanted.entry("batch.kubernetes.io/controller-uid").or_insert_with(|| uid.into());
    // A Job without labels has those of its pods, when it is read.
    let meta = part(object, "metadata");
    if bare(meta, "labels") {
        set(meta, "labels", copied);
    }
}

/// Where version 1 of the API keeps the generation of a DaemonSet's template.
const TEMPLATE: &str = "deprecated.daemonset.template.generation";

fn generation(object: &Object) -> i64 {
    let notes = inner(inner(object, "metadata"), "annotations");
    text(notes, TEMPLATE).parse().unwrap_or(0)
}

fn set_generation(object: &mut Object, generation: i64) {
    set(part(part(object, "metadata"), "annotations"), TEMPLATE, generation.to_string());
}

/// A DaemonSet that is to be created.
pub(super) fn daemon_set(object: &mut Object) {
    let generation = generation(object).max(1);
    set_generation(object, generation);
}

/// A change of a DaemonSet.
pub(super) fn daemon_set_update(new: &mut Object, old: &Object) {
    let template = |object| field(inner(object, "spec"), "template");
    let raised = i64::from(!same(template(new), template(old)));
    let generation = generation(old) + raised;
    set_generation(new, generation);
}
