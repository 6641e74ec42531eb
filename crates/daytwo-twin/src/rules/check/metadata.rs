//! Metadata: names, labels, annotations, owners, finalizers, and what of it may not change
//! (`k8s.io/apimachinery/pkg/api/validation/objectmeta.go`, v0.36; `pkg/apis/core/validation`, Kubernetes 1.36).

use serde_json::{Value, json};

use super::Case;
use crate::field::quoted;
use crate::rules::look::{At, Faults, below, same};
use crate::rules::words::{self, Format};

/// All that annotations of one object may hold, in bytes.
const ANNOTATIONS: usize = 256 << 10;

/// Labels: their keys and values.
pub(in crate::rules) fn labels(place: &At<'_>, out: &mut Faults) {
    for (key, entry) in place.entries() {
        out.extend(words::qualified(key).into_iter().map(|words| place.invalid_as(key, words)));
        out.extend(
            words::label_value(entry.text()).into_iter().map(|words| place.invalid_as(entry.text(), words)),
        );
    }
}

/// Annotations: their keys, and their size in all.
pub(in crate::rules) fn annotations(place: &At<'_>, out: &mut Faults) {
    let mut size = 0;
    for (key, entry) in place.entries() {
        size += key.len() + entry.text().len();
        let lower = key.to_lowercase();
        out.extend(words::qualified(&lower).into_iter().map(|words| place.invalid_as(key, words)));
    }
    if size > ANNOTATIONS {
        out.push(place.too_long(ANNOTATIONS));
    }
}

fn owners(place: &At<'_>, out: &mut Faults) {
    let mut controller: Option<String> = None;
    for owner in place.values() {
        let text = |name: &str| below(owner, name).as_str().unwrap_or("");
        let version = text("apiVersion").rsplit('/').next().unwrap_or("");
        if version.is_empty() {
            out.push(
                place.shown("", "apiVersion").invalid_as(text("apiVersion"), "version must not be empty"),
            );
        }
        for name in ["kind", "name", "uid"] {
            if text(name).is_empty() {
                out.push(place.shown("", name).invalid_as("", "must not be empty"));
            }
        }
        if (text("apiVersion"), text("kind")) == ("v1", "Event") {
            out.push(place.invalid_as(owner.clone(), "/v1, Kind=Event is disallowed from being an owner"));
        }
        if below(owner, "controller") == &Value::Bool(true) {
            let this = format!("{}/{}", text("kind"), text("name"));
            match &controller {
                None => controller = Some(this),
                Some(first) => out.push(place.invalid(format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}"
                ))),
            }
        }
    }
}

fn finalizers(place: &At<'_>, out: &mut Faults) {
    let names: Vec<&str> = place.values().filter_map(Value::as_str).collect();
    for name in &names {
        out.extend(words::qualified(name).into_iter().map(|words| place.invalid_as(*name, words)));
    }
    if names.contains(&"orphan") && names.contains(&"foregroundDeletion") {
        out.push(place.invalid("finalizer orphan and foregroundDeletion cannot be both set"));
    }
}

/// Finalizers that belong to Kubernetes have no domain; others must.
pub(in crate::rules) fn known_finalizer(place: &At<'_>, out: &mut Faults) {
    let name = place.text();
    if !name.contains('/') && !matches!(name, "kubernetes" | "orphan" | "foregroundDeletion") {
        out.push(place.invalid("name is neither a standard finalizer name nor is it fully qualified"));
    }
}

fn managed(place: &At<'_>, out: &mut Faults) {
    for entry in place.items() {
        if !matches!(entry.str("operation"), "Apply" | "Update") {
            out.push(entry.at("operation").invalid_as(entry.str("operation"), "must be `Apply` or `Update`"));
        }
        let kind = entry.at("fieldsType");
        if !kind.empty() && kind.text() != "FieldsV1" {
            out.push(kind.invalid("must be `FieldsV1`"));
        }
        if entry.str("manager").len() > 128 {
            out.push(entry.at("manager").too_long(128));
        }
        if entry.str("subresource").len() > 256 {
            out.push(entry.at("subresource").too_long(256));
        }
    }
}

/// A `-` at the end of a generated name's beginning stands for what follows.
fn beginning(text: &str, format: Format) -> Vec<String> {
    match text.strip_suffix('-').filter(|rest| !rest.is_empty()) {
        Some(rest) => {
            let mut masked: String = rest.chars().collect();
            masked.pop();
            masked.push('a');
            format(&masked)
        }
        None => format(text),
    }
}

impl Case<'_> {
    /// All of the metadata, as the registry of the kind checks it.
    pub(in crate::rules) fn metadata(&self, out: &mut Faults) {
        self.metadata_as(self.kind.name, out);
    }

    /// The same with names of another format than the table's.
    pub(in crate::rules) fn metadata_as(&self, format: Format, out: &mut Faults) {
        self.any_metadata(format, out);
        self.kube_finalizers(out);
    }

    fn kube_finalizers(&self, out: &mut Faults) {
        self.at("metadata").at("finalizers").items().for_each(|one| known_finalizer(&one, out));
    }

    /// What every kind's metadata must hold.
    pub(in crate::rules) fn any_metadata(&self, format: Format, out: &mut Faults) {
        let meta = self.at("metadata");
        let (name, generate) = (meta.at("name"), meta.at("generateName"));
        if !generate.empty() {
            let wrong = beginning(generate.text(), format);
            out.extend(wrong.into_iter().map(|words| generate.invalid(words)));
        }
        if name.empty() {
            out.push(name.required("name or generateName is required"));
        } else {
            words::formed(&name, format, out);
        }
        let namespace = meta.at("namespace");
        match (self.namespaced, namespace.empty()) {
            (true, true) => out.push(namespace.required("")),
            (true, false) => words::formed(&namespace, words::label, out),
            (false, false) => out.push(namespace.forbidden("not allowed on this type")),
            (false, true) => {}
        }
        if meta.int("generation") < 0 {
            out.push(meta.at("generation").invalid("must be greater than or equal to 0"));
        }
        labels(&meta.at("labels"), out);
        annotations(&meta.at("annotations"), out);
        owners(&meta.at("ownerReferences"), out);
        finalizers(&meta.at("finalizers"), out);
        managed(&meta.at("managedFields"), out);
    }

    /// What of the metadata may not change, as the registry of the kind checks it.
    pub(in crate::rules) fn metadata_update(&self, out: &mut Faults) {
        self.any_metadata_update(out);
        self.kube_finalizers(out);
    }

    /// What of every kind's metadata may not change.
    pub(in crate::rules) fn any_metadata_update(&self, out: &mut Faults) {
        let (meta, was) = (self.at("metadata"), self.was("metadata"));
        if !was.at("deletionTimestamp").empty() {
            new_finalizers(&meta.at("finalizers"), &was.at("finalizers"), out);
        }
        let version = meta.at("resourceVersion");
        if version.empty() {
            out.push(version.invalid_as("", "must be specified for an update"));
        }
        if meta.int("generation") < was.int("generation") {
            out.push(meta.at("generation").invalid("must not be decremented"));
        }
        for name in ["name", "namespace", "uid"] {
            if meta.str(name) != was.str(name) {
                out.push(meta.at(name).invalid_as(meta.str(name), IMMUTABLE));
            }
        }
        for name in ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
            immutable(&meta.at(name), &was.at(name), out);
        }
        labels(&meta.at("labels"), out);
        annotations(&meta.at("annotations"), out);
        owners(&meta.at("ownerReferences"), out);
        managed(&meta.at("managedFields"), out);
    }
}

/// What is said of a field that may not change.
pub(in crate::rules) const IMMUTABLE: &str = "field is immutable";

/// Says that a field may not change, if it did.
pub(in crate::rules) fn immutable(new: &At<'_>, old: &At<'_>, out: &mut Faults) {
    if !same(new.value(), old.value()) {
        out.push(new.invalid(IMMUTABLE));
    }
}

fn new_finalizers(new: &At<'_>, old: &At<'_>, out: &mut Faults) {
    let before: Vec<&Value> = old.values().collect();
    let mut added: Vec<&str> =
        new.values().filter(|name| !before.contains(name)).filter_map(Value::as_str).collect();
    added.sort_unstable();
    added.dedup();
    if !added.is_empty() {
        let list: Vec<String> = added.into_iter().map(quoted).collect();
        let words = "no new finalizers can be added if the object is being deleted, found new finalizers";
        out.push(new.forbidden(format!("{words} []string{{{}}}", list.join(", "))));
    }
}

/// A condition of the API's own kind (`metav1.Condition`).
pub(in crate::rules) fn conditions(place: &At<'_>, out: &mut Faults) {
    let mut seen: Vec<&str> = Vec::new();
    for condition in place.items() {
        let kind = condition.at("type");
        if seen.contains(&kind.text()) {
            out.push(kind.duplicate());
        }
        seen.push(kind.text());
        words::formed(&kind, words::qualified, out);
        if !matches!(condition.str("status"), "True" | "False" | "Unknown") {
            let status = json!(condition.str("status"));
            out.push(condition.at("status").with(&status).unsupported(&["False", "True", "Unknown"]));
        }
        if condition.int("observedGeneration") < 0 {
            out.push(condition.at("observedGeneration").invalid("must be greater than or equal to zero"));
        }
        if condition.at("lastTransitionTime").empty() {
            out.push(condition.at("lastTransitionTime").required(""));
        }
        let reason = condition.at("reason");
        if reason.empty() {
            out.push(reason.required(""));
        } else if reason.text().len() > 1024 {
            out.push(reason.too_long(1024));
        }
        if condition.str("message").len() > 32 << 10 {
            out.push(condition.at("message").too_long(32 << 10));
        }
    }
}
