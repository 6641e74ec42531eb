//! Events, at both versions (`pkg/apis/core/validation/events.go`, Kubernetes 1.36).

use serde_json::Value;

use super::Case;
use super::metadata::immutable;
use crate::rules::look::{At, Faults, same};
use crate::rules::words;

/// The names that one version gives to what the other calls otherwise.
struct Names {
    involved: &'static str,
    message: &'static str,
    controller: &'static str,
    first: &'static str,
    last: &'static str,
    count: &'static str,
    source: &'static str,
}

const CORE: Names = Names {
    involved: "involvedObject",
    message: "message",
    controller: "reportingComponent",
    first: "firstTimestamp",
    last: "lastTimestamp",
    count: "count",
    source: "source",
};

const EVENTS: Names = Names {
    involved: "regarding",
    message: "note",
    controller: "reportingController",
    first: "deprecatedFirstTimestamp",
    last: "deprecatedLastTimestamp",
    count: "deprecatedCount",
    source: "deprecatedSource",
};

/// An Event.
pub(super) fn event(case: &Case<'_>, out: &mut Faults) {
    let core = case.resource.group.is_empty();
    let names = if core { &CORE } else { &EVENTS };
    legacy(case, names, out);
    if core {
        return;
    }
    if case.updates() {
        case.metadata_update(out);
        if !same(case.at("series").value(), case.was("series").value()) {
            series(case, out);
        }
        return unchanged(case, names, out);
    }
    case.metadata(out);
    series(case, out);
    if !case.at("eventTime").has() {
        out.push(case.at("eventTime").required(""));
    }
    let kind = case.text("type");
    if !matches!(kind, "Normal" | "Warning") {
        out.push(case.at("type").invalid_as("", format!("has invalid value: {kind}")));
    }
    let unset = [
        (names.first, "firstTimestamp"),
        (names.last, "lastTimestamp"),
        (names.count, "count"),
        (names.source, "source"),
    ];
    for (name, shown) in unset {
        let place = case.at(name).called(shown);
        if !place.empty() && place.value() != &Value::Null {
            out.push(place.invalid_as("", "needs to be unset"));
        }
    }
}

fn legacy(case: &Case<'_>, names: &Names, out: &mut Faults) {
    let involved = case.at(names.involved).at("namespace").called("involvedObject.namespace");
    let namespace = case.at("metadata").str("namespace");
    let words = "does not match event.namespace";
    let about = involved.text();
    if !case.at("eventTime").has() {
        let fits = if about.is_empty() { matches!(namespace, "" | "default") } else { about == namespace };
        if !fits {
            out.push(involved.invalid_as(about, words));
        }
    } else {
        if about.is_empty() && !matches!(namespace, "default" | "kube-system") {
            out.push(involved.invalid_as(about, words));
        }
        let controller = case.at(names.controller);
        if controller.empty() {
            out.push(controller.required(""));
        }
        let wrong = words::qualified(controller.text()).into_iter();
        out.extend(wrong.map(|words| controller.invalid_as(controller.text(), words)));
        for (name, needed, most) in [
            ("reportingInstance", true, 128),
            ("action", true, 128),
            ("reason", true, 128),
            ("message", false, 1024),
        ] {
            let place = case.at(if name == "message" { names.message } else { name }).called(name);
            if needed && place.empty() {
                out.push(place.required(""));
            }
            if place.text().len() > most {
                out.push(place.invalid_as("", format!("can have at most {most} characters")));
            }
        }
    }
    let place = At::new(&Value::Null, "namespace");
    out.extend(words::subdomain(namespace).into_iter().map(|words| place.invalid_as(namespace, words)));
}

fn series(case: &Case<'_>, out: &mut Faults) {
    let series = case.at("series");
    if !series.has() {
        return;
    }
    if series.int("count") < 2 {
        out.push(series.at("count").invalid_as("", "should be at least 2"));
    }
    if !series.at("lastObservedTime").has() {
        out.push(series.at("lastObservedTime").required(""));
    }
}

fn unchanged(case: &Case<'_>, names: &Names, out: &mut Faults) {
    let fields = [
        (names.involved, "involvedObject", "ObjectReference"),
        ("reason", "reason", ""),
        (names.message, "message", ""),
        (names.source, "source", "EventSource"),
        (names.first, "firstTimestamp", ""),
        (names.last, "lastTimestamp", ""),
        (names.count, "count", ""),
        ("reason", "reason", ""),
        ("type", "type", ""),
        ("eventTime", "eventTime", ""),
        ("action", "action", ""),
        ("related", "related", "ObjectReference"),
        (names.controller, "reportingController", ""),
        ("reportingInstance", "reportingInstance", ""),
    ];
    for (name, shown, kind) in fields {
        let (new, old) = (case.at(name).called(shown), case.was(name));
        if kind.is_empty() {
            immutable(&new, &old, out);
        } else if !same(new.value(), old.value()) {
            let said = words::shown(kind, new.value());
            out.push(new.invalid_as(said, super::metadata::IMMUTABLE));
        }
    }
}
