//! Environment variables, and the references by which a pod reads itself.

use serde_json::json;

use crate::rules::check::table::no_backsteps;
use crate::rules::look::{At, Faults};
use crate::rules::words;

const SELF: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// `env`.
pub(super) fn variables(place: &At<'_>, out: &mut Faults) {
    for variable in place.items() {
        let name = variable.at("name");
        if name.empty() {
            out.push(name.required(""));
        } else {
            words::formed(&name, words::variable, out);
        }
        if variable.at("valueFrom").has() {
            value_from(&variable, out);
        }
    }
}

fn value_from(variable: &At<'_>, out: &mut Faults) {
    let from = variable.at("valueFrom");
    let mut sources = 0;
    for kind in ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"] {
        let source = from.at(kind);
        if !source.has() {
            continue;
        }
        sources += 1;
        match kind {
            "fieldRef" => field_reference(&source, &SELF, out),
            "resourceFieldRef" => resource_reference(&source, false, out),
            "fileKeyRef" => file(&source, out),
            _ => key(&source, out),
        }
    }
    if sources == 0 {
        let words = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
        out.push(from.invalid_as("", words));
    } else if !variable.str("value").is_empty() {
        out.push(from.invalid_as("", "may not be specified when `value` is not empty"));
    } else if sources > 1 {
        out.push(from.invalid_as("", "may not have more than one field specified at a time"));
    }
}

fn key(source: &At<'_>, out: &mut Faults) {
    let name = source.str("name");
    out.extend(words::subdomain(name).into_iter().map(|words| source.at("name").invalid_as(name, words)));
    let key = source.at("key");
    if key.empty() {
        out.push(key.required(""));
    } else {
        words::formed(&key, words::config_key, out);
    }
}

fn file(source: &At<'_>, out: &mut Faults) {
    for (name, format) in [("key", words::variable as words::Format), ("volumeName", words::label)] {
        let place = source.at(name);
        if place.empty() {
            out.push(place.required(""));
        } else {
            words::formed(&place, format, out);
        }
    }
    let path = source.at("path");
    if path.empty() {
        out.push(path.required(""));
    } else {
        no_backsteps(&path, out);
    }
}

/// `envFrom`.
pub(super) fn from_sources(place: &At<'_>, out: &mut Faults) {
    for source in place.items() {
        words::formed_if(&source.at("prefix"), words::variable, out);
        let mut sources = 0;
        for kind in ["configMapRef", "secretRef"] {
            let reference = source.at(kind);
            if !reference.has() {
                continue;
            }
            sources += 1;
            let name = reference.at("name");
            if name.empty() {
                out.push(name.required(""));
            } else {
                words::formed(&name, words::subdomain, out);
            }
        }
        match sources {
            0 => out.push(place.invalid_as("", "must specify one of: `configMapRef` or `secretRef`")),
            1 => {}
            _ => out.push(place.invalid_as("", "may not have more than one field specified at a time")),
        }
    }
}

/// `fieldRef`: one of the known fields, or one label or annotation.
pub(super) fn field_reference(place: &At<'_>, known: &[&str], out: &mut Faults) {
    for name in ["apiVersion", "fieldPath"] {
        if place.str(name).is_empty() {
            return out.push(place.at(name).required(""));
        }
    }
    let path = place.at("fieldPath");
    let text = path.text();
    let convertible = [&SELF[..], &["metadata.annotations", "metadata.labels"]].concat();
    let subscript = text.strip_suffix("']").and_then(|rest| rest.split_once("['"));
    let base = subscript.map_or(text, |(base, _)| base);
    if !convertible.contains(&base)
        && !matches!(base, "spec.restartPolicy" | "spec.schedulerName" | "status.phase")
    {
        let words = format!("error converting fieldPath: field label not supported: {text}");
        return out.push(path.invalid(words));
    }
    match subscript {
        Some(("metadata.annotations", key)) => {
            let lower = json!(key.to_lowercase());
            words::formed(&place.with(&lower), words::qualified, out);
        }
        Some(("metadata.labels", key)) => words::formed(&place.with(&json!(key)), words::qualified, out),
        Some((base, _)) => out.push(place.invalid_as(base, "does not support subscript")),
        None if !known.contains(&text) => out.push(path.unsupported(known)),
        None => {}
    }
}

/// `resourceFieldRef`: a request or a limit.
pub(super) fn resource_reference(place: &At<'_>, volume: bool, out: &mut Faults) {
    const KNOWN: [&str; 6] = [
        "limits.cpu",
        "limits.ephemeral-storage",
        "limits.memory",
        "requests.cpu",
        "requests.ephemeral-storage",
        "requests.memory",
    ];
    let resource = place.at("resource");
    let name = resource.text();
    let pages = name.starts_with("limits.hugepages-") || name.starts_with("requests.hugepages-");
    if volume && place.str("containerName").is_empty() {
        out.push(place.at("containerName").required(""));
    } else if name.is_empty() {
        out.push(resource.required(""));
    } else if !KNOWN.contains(&name) && !pages {
        out.push(resource.unsupported(&KNOWN));
    }
    let divisor = place.at("divisor");
    let text = divisor.text();
    if words::Amount::of(divisor.value()).zero() {
        return;
    }
    let sizes = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
    let (allowed, what): (&[&str], &str) = match name.split_once('.').map_or("", |(_, name)| name) {
        "cpu" => (&["1m", "1"], "cpu"),
        "memory" => (&sizes, "memory"),
        "ephemeral-storage" => (&sizes, "local ephemeral storage"),
        _ if pages => (&sizes, "hugepages"),
        _ => return,
    };
    if !allowed.contains(&text) {
        let list = if what == "cpu" { "1m and 1".to_owned() } else { sizes.join(", ") };
        let words = format!("only divisor's values {list} are supported with the {what} resource");
        out.push(divisor.invalid_as(name, words));
    }
}
