//! Probes and hooks: what is asked of a container while it runs.

use crate::rules::check::table::{apply, exactly, port};
use crate::rules::look::{At, Faults};
use crate::rules::words;

/// The three probes of a container.
pub(super) fn probes(container: &At<'_>, grace: Option<i64>, out: &mut Faults) {
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let probe = container.at(name);
        if !probe.has() {
            continue;
        }
        handler(&probe, &["exec", "httpGet", "tcpSocket", "grpc"], grace, out);
        apply("probe", &probe, out);
        let seconds = probe.at("terminationGracePeriodSeconds");
        if seconds.number().is_some_and(|seconds| seconds <= 0) {
            out.push(seconds.invalid("must be greater than 0"));
        }
        if name == "readinessProbe" {
            if seconds.has() {
                out.push(seconds.invalid("must not be set for readinessProbes"));
            }
        } else if probe.int("successThreshold") != 1 {
            out.push(probe.at("successThreshold").invalid_as(probe.int("successThreshold"), "must be 1"));
        }
    }
}

/// What is called at the start and before the end, and how the end is signalled.
pub(super) fn lifecycle(container: &At<'_>, grace: Option<i64>, system: Option<&str>, out: &mut Faults) {
    let hooks = container.at("lifecycle");
    for name in ["postStart", "preStop"] {
        if hooks.at(name).has() {
            handler(&hooks.at(name), &["exec", "httpGet", "tcpSocket", "sleep"], grace, out);
        }
    }
    let signal = hooks.at("stopSignal");
    if !signal.has() {
        return;
    }
    match system {
        None => out.push(signal.forbidden("may not be set for containers with empty `spec.os.name`")),
        Some("windows") => exactly(&signal, &["SIGKILL", "SIGTERM"], out),
        Some(_) => {}
    }
}

fn handler(place: &At<'_>, kinds: &[&str], grace: Option<i64>, out: &mut Faults) {
    let mut one = false;
    for kind in kinds {
        let inner = place.at(kind);
        if !inner.has() {
            continue;
        }
        if one {
            out.push(inner.forbidden("may not specify more than 1 handler type"));
            continue;
        }
        one = true;
        match *kind {
            "exec" if inner.at("command").empty() => out.push(inner.at("command").required("")),
            "httpGet" => http(&inner, out),
            "tcpSocket" | "grpc" => port(&inner.at("port"), out),
            "sleep" => {
                let (seconds, grace) = (inner.int("seconds"), grace.unwrap_or(i64::MAX));
                if !(0..=grace).contains(&seconds) {
                    let words =
                        format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
                    out.push(inner.invalid_as(seconds, words));
                }
            }
            _ => {}
        }
    }
    if !one {
        out.push(place.required("must specify a handler type"));
    }
}

fn http(place: &At<'_>, out: &mut Faults) {
    if place.str("path").is_empty() {
        out.push(place.at("path").required(""));
    }
    port(&place.at("port"), out);
    exactly(&place.at("scheme"), &["HTTP", "HTTPS"], out);
    for header in place.at("httpHeaders").items() {
        let name = header.str("name");
        let all = place.at("httpHeaders");
        out.extend(words::header(name).into_iter().map(|words| all.invalid_as(name, words)));
    }
}
