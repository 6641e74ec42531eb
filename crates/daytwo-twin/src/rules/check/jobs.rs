//! Jobs and CronJobs (`pkg/apis/batch/validation/validation.go`, Kubernetes 1.36).

mod cron;
mod policies;
mod status;

use serde_json::{Value, json};

use super::Case;
use super::metadata::{IMMUTABLE, immutable};
use super::pod::template;
use super::selector::{matches, odd_values, selector_with, usable};
use super::table::{apply, changes, exactly, needed, nonnegative};
use crate::rules::look::{At, Faults, below, field, same};
use crate::rules::words;

/// A Job, or its status.
pub(super) fn job(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if subresource == Some("status") {
        return status::status(case, out);
    }
    case.metadata(out);
    generated(case, out);
    let (spec, was) = (case.at("spec"), case.was("spec"));
    job_spec(&spec, case.old.and_then(|old| field(old, "spec").get("template")), out);
    selected(case, &spec, out);
    let (name, completions) = (case.at("metadata").at("name"), spec.int("completions"));
    if spec.str("completionMode") == "Indexed" && completions > 0 {
        let host = format!("{}-{}", name.text(), completions - 1);
        if !words::label(&host).is_empty() {
            out.push(name.invalid(format!("will not able to create pod with invalid DNS label: {host}")));
        }
    }
    if !case.updates() {
        return;
    }
    case.metadata_update(out);
    job_spec(&spec, case.old.and_then(|old| field(old, "spec").get("template")), out);
    selected(case, &spec, out);
    let fewer = spec.at("completions");
    if spec.str("completionMode") != "Indexed" {
        immutable(&fewer, &was.at("completions"), out);
    } else if fewer.has()
        && fewer.value() != was.get("completions")
        && fewer.number() != Some(spec.int("parallelism"))
    {
        out.push(fewer.invalid("can only be modified in tandem with spec.parallelism"));
    }
    immutable(&spec.at("selector"), &was.at("selector"), out);
    template_update(case, &spec, &was, out);
    changes("job.update", &spec, &was, out);
}

fn selected(case: &Case<'_>, spec: &At<'_>, out: &mut Faults) {
    let place = spec.at("selector");
    if place.has() {
        selector_with(&place, case.updates() && odd_values(&case.was("spec").at("selector")), out);
    } else {
        out.push(place.required(""));
    }
    let labels = spec.down(&["template", "metadata", "labels"]);
    if usable(place.value()) && !matches(place.value(), labels.value()) {
        out.push(labels.invalid("`selector` does not match template `labels`"));
    }
}

/// The labels and the selector that the server made.
fn generated(case: &Case<'_>, out: &mut Faults) {
    let (spec, meta) = (case.at("spec"), case.at("metadata"));
    if spec.flag("manualSelector") || !spec.at("selector").has() {
        return;
    }
    let (uid, name) = (meta.str("uid"), meta.str("name"));
    let wanted = [
        ("controller-uid", uid),
        ("job-name", name),
        ("batch.kubernetes.io/controller-uid", uid),
        ("batch.kubernetes.io/job-name", name),
    ];
    let old = case.was("spec").down(&["template", "metadata", "labels"]);
    let prefixed = !case.updates() || wanted[2..].iter().all(|(key, _)| !old.get(key).is_null());
    let wanted = if prefixed { &wanted[..] } else { &wanted[..2] };
    let labels = spec.down(&["template", "metadata", "labels"]);
    for (key, value) in wanted {
        let label = labels.key(key);
        if !label.has() {
            out.push(label.required(format!("must be '{value}'")));
        } else if label.text() != *value {
            out.push(label.invalid_as(labels.value().clone(), format!("must be '{value}'")));
        }
    }
    let made: Value = wanted
        .iter()
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let place = spec.at("selector");
    if usable(place.value()) && !matches(place.value(), &made) {
        out.push(place.invalid("`selector` not auto-generated"));
    }
}

/// A template may change while its Job is held back and has not begun, as to where its pods go and what they ask for.
fn template_update(case: &Case<'_>, spec: &At<'_>, was: &At<'_>, out: &mut Faults) {
    let mut old = was.get("template").clone();
    let new = spec.at("template");
    let suspended = was.flag("suspend");
    let condition = case
        .was("status")
        .at("conditions")
        .items()
        .any(|one| one.str("type") == "Suspended" && one.str("status") == "True");
    let begun = case.was("status").at("startTime").has();
    if suspended && (condition || !begun) {
        let spec_of = |template: &Value, name: &str| below(below(template, "spec"), name).clone();
        for name in ["nodeSelector", "tolerations", "schedulingGates"] {
            put(&mut old, &["spec", name], spec_of(new.value(), name));
        }
        for name in ["annotations", "labels"] {
            put(&mut old, &["metadata", name], below(below(new.value(), "metadata"), name).clone());
        }
        let wanted = below(&spec_of(new.value(), "affinity"), "nodeAffinity").clone();
        if !wanted.is_null() || old["spec"]["affinity"].is_object() {
            put(&mut old, &["spec", "affinity", "nodeAffinity"], wanted);
            if old["spec"]["affinity"].as_object().is_some_and(serde_json::Map::is_empty) {
                put(&mut old, &["spec", "affinity"], Value::Null);
            }
        }
        for list in ["containers", "initContainers"] {
            let asked = spec_of(new.value(), list);
            let before = old["spec"][list].as_array().map_or(0, Vec::len);
            for index in (0..before).filter(|_| asked.as_array().map_or(0, Vec::len) == before) {
                if old["spec"][list][index]["name"] == asked[index]["name"] {
                    put(&mut old["spec"][list][index], &["resources"], asked[index]["resources"].clone());
                }
            }
        }
        if !same(new.get("spec"), below(&old, "spec")) {
            let said = words::shown("PodSpec", new.get("spec"));
            out.push(At::new(&Value::Null, "spec.template.spec").invalid_as(said, IMMUTABLE));
        }
        return;
    }
    if !same(new.value(), &old) {
        out.push(new.invalid_as(words::shown("PodTemplateSpec", new.value()), IMMUTABLE));
    }
}

fn put(value: &mut Value, path: &[&str], to: Value) {
    let Some((last, above)) = path.split_last() else { return };
    let mut place = value;
    for name in above {
        if !place.is_object() {
            return;
        }
        let inner = &mut place[*name];
        if inner.is_null() {
            *inner = json!({});
        }
        place = inner;
    }
    if let Some(fields) = place.as_object_mut() {
        if to.is_null() {
            fields.shift_remove(*last);
        } else {
            fields.insert((*last).to_owned(), to);
        }
    }
}

fn job_spec(spec: &At<'_>, old_template: Option<&Value>, out: &mut Faults) {
    apply("job", spec, out);
    let per_index = spec.at("backoffLimitPerIndex");
    if spec.at("maxFailedIndexes").has() && !per_index.has() {
        out.push(per_index.required("when maxFailedIndexes is specified"));
    }
    let manager = spec.at("managedBy");
    if manager.has() {
        words::domain_path(&manager, out);
        if manager.text().len() > 63 {
            out.push(manager.too_long(63));
        }
    }
    let mode = spec.at("completionMode");
    if mode.has() {
        exactly(&mode, &["NonIndexed", "Indexed"], out);
    }
    if mode.text() == "Indexed" {
        policies::indexed(spec, out);
    } else if !mode.has() || mode.text() == "NonIndexed" {
        for place in [&per_index, &spec.at("maxFailedIndexes")] {
            if place.has() {
                out.push(place.invalid("requires indexed completion mode"));
            }
        }
    }
    policies::policies(spec, out);
    template(&spec.at("template"), old_template, out);
    let restarts = spec.down(&["template", "spec", "restartPolicy"]);
    match restarts.text() {
        "" | "Always" => out.push(restarts.required("valid values: \"OnFailure\", \"Never\"")),
        "OnFailure" | "Never" => {
            if spec.at("podFailurePolicy").has() && restarts.text() != "Never" {
                out.push(restarts.invalid("only \"Never\" is supported when podFailurePolicy is specified"));
            }
        }
        _ => out.push(restarts.unsupported(&["OnFailure", "Never"])),
    }
}

/// A CronJob; of its status the server checks nothing.
pub(super) fn cron_job(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if subresource.is_some() {
        return;
    }
    case.written(out);
    let (spec, was) = (case.at("spec"), case.was("spec"));
    cron::schedule(&spec, &was, case.updates(), out);
    nonnegative(&spec.at("startingDeadlineSeconds"), out);
    if spec.get("timeZone") != was.get("timeZone") {
        cron::zone(&spec.at("timeZone"), out);
    }
    needed(&spec.at("concurrencyPolicy"), &["Allow", "Forbid", "Replace"], out);
    let inner = spec.at("jobTemplate").at("spec");
    job_spec(&inner, was.get("jobTemplate")["spec"].get("template"), out);
    if inner.at("selector").has() {
        out.push(inner.at("selector").invalid("`selector` will be auto-generated"));
    }
    if inner.flag("manualSelector") {
        out.push(inner.at("manualSelector").unsupported(&["nil", "false"]));
    }
    for name in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        nonnegative(&spec.at(name), out);
    }
    let name = case.at("metadata").at("name");
    if !case.updates() && name.text().len() > 52 {
        out.push(name.invalid("must be no more than 52 characters"));
    }
}
