//! Pods and what makes them: the pod itself, its updates, and templates of pods
//! (`pkg/apis/core/validation/validation.go`, Kubernetes 1.36).

mod affinity;
mod containers;
mod environment;
mod probes;
mod resize;
mod scheduling;
mod security;
mod sources;
mod spec;
mod status;
mod update;
mod windows;

pub(in crate::rules) use containers::everyone as containers_of;
pub(in crate::rules) use scheduling::{node_selector, tolerations};
use sources::Sources;
pub(super) use sources::{driver_name, one_source};

use serde_json::Value;

use super::Case;
use super::metadata::{annotations, labels};
use crate::rules::look::{At, Faults, below, field};

/// What is known about a pod spec's surroundings.
#[derive(Clone, Copy)]
pub(in crate::rules) struct Setting<'a> {
    /// The metadata of the pod; a template has none.
    pub meta: Option<&'a Value>,
    /// What the spec was before, whose faults are let through.
    pub old: Option<&'a Value>,
}

impl Setting<'_> {
    pub fn is_pod(&self) -> bool {
        self.meta.is_some()
    }

    /// Whether the spec was so before that this fault must be let through.
    pub fn was(&self, faulty: impl Fn(&At<'_>) -> bool) -> bool {
        self.old.is_some_and(|old| faulty(&At::new(old, "")))
    }
}

/// A pod, or one of its subresources.
pub(super) fn pod(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    match (subresource, case.old) {
        (None, None) => create(case, out),
        (None, Some(_)) => update::update(case, out),
        (Some("status"), _) => status::status(case, out),
        (Some("ephemeralcontainers"), _) => update::ephemeral(case, out),
        (Some("resize"), _) => resize::resize(case, out),
        _ => {}
    }
}

fn create(case: &Case<'_>, out: &mut Faults) {
    whole(case, out);
    let spec = case.at("spec");
    if !spec.at("ephemeralContainers").empty() {
        out.push(spec.at("ephemeralContainers").forbidden("cannot be set on create"));
    }
    if !spec.at("nodeName").empty() && !spec.at("schedulingGates").empty() {
        out.push(spec.at("nodeName").forbidden("cannot be set until all schedulingGates have been cleared"));
    }
    security::annotations_match(&case.at("metadata").at("annotations"), &spec, out);
}

/// The metadata and spec of a pod.
fn whole(case: &Case<'_>, out: &mut Faults) {
    case.metadata(out);
    let (meta, spec) = (case.at("metadata"), case.at("spec"));
    let setting = Setting { meta: Some(meta.value()), old: case.old.map(|old| field(old, "spec")) };
    let was = case.was("metadata");
    specific_annotations(
        &meta.at("annotations"),
        &spec,
        case.updates().then(|| was.at("annotations")).as_ref(),
        out,
    );
    spec::spec(&spec, &setting, out);
    if spec.str("serviceAccountName").is_empty() {
        for volume in spec.at("volumes").items() {
            for source in volume.at("projected").at("sources").items() {
                let token = source.at("serviceAccountToken");
                if token.has() {
                    out.push(token.forbidden("must not be specified when serviceAccountName is not set"));
                }
            }
        }
    }
    for list in ["containers", "initContainers"] {
        spec.at(list).items().for_each(|container| containers::untrimmed(&container, out));
    }
}

/// Annotations that mean something to pods.
fn specific_annotations(place: &At<'_>, spec: &At<'_>, old: Option<&At<'_>>, out: &mut Faults) {
    let mirror = place.key("kubernetes.io/config.mirror");
    if mirror.has() && spec.str("nodeName").is_empty() {
        out.push(mirror.invalid("must set spec.nodeName if mirror pod annotation is set"));
    }
    let cost = |annotations: &At<'_>| {
        let cost =
            annotations.get("controller.kubernetes.io/pod-deletion-cost").as_str().unwrap_or("0").to_owned();
        let plain = cost.starts_with('-') || !cost.starts_with(['+', '0']) || cost == "0";
        plain && cost.parse::<i32>().is_ok()
    };
    if !cost(place) && old.is_none_or(cost) {
        let cost = place.key("controller.kubernetes.io/pod-deletion-cost");
        out.push(cost.invalid("must be a 32bit integer"));
    }
    security::annotations(place, spec, out);
}

/// What a template of pods must be, below a path.
pub(in crate::rules) fn template(place: &At<'_>, old: Option<&Value>, out: &mut Faults) {
    let meta = place.at("metadata");
    labels(&meta.at("labels").called(format!("{}.labels", place.path())), out);
    let notes = meta.at("annotations").called(format!("{}.annotations", place.path()));
    annotations(&notes, out);
    let spec = place.at("spec");
    let old_notes = old.map(|old| At::new(below(below(old, "metadata"), "annotations"), ""));
    specific_annotations(&notes, &spec, old_notes.as_ref(), out);
    let setting = Setting { meta: None, old: old.map(|old| below(old, "spec")) };
    spec::spec(&spec, &setting, out);
    security::annotations_match(&notes, &spec, out);
    if !spec.at("ephemeralContainers").empty() {
        out.push(
            spec.at("ephemeralContainers").forbidden("ephemeral containers not allowed in pod template"),
        );
    }
}

/// A `PodTemplate`.
pub(super) fn pod_template(case: &Case<'_>, out: &mut Faults) {
    case.written(out);
    template(&case.at("template"), case.old.map(|old| field(old, "template")), out);
}
