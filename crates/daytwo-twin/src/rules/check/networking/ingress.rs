//! Ingresses and their classes.

use crate::rules::check::Case;
use crate::rules::check::metadata::immutable;
use crate::rules::check::services::{entry, host_name};
use crate::rules::check::table::{apply, exactly, port_number};
use crate::rules::look::{At, Faults};
use crate::rules::words;

/// An Ingress, or its status.
pub(in crate::rules::check) fn ingress(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if case.updates() {
        case.metadata_update(out);
    }
    if subresource.is_some() {
        let old = case.was("status").at("loadBalancer").at("ingress");
        for point in case.at("status").at("loadBalancer").at("ingress").items() {
            entry(&point, &old, out);
            host_name(&point, out);
        }
        return;
    }
    case.metadata(out);
    let (spec, was) = (case.at("spec"), case.was("spec"));
    let (rules, default) = (spec.at("rules"), spec.at("defaultBackend"));
    if rules.empty() && !default.has() {
        let words = "either `defaultBackend` or `rules` must be specified";
        out.push(spec.invalid_as(rules.value().clone(), words));
    }
    if default.has() {
        backend(&default, out);
    }
    let wild_before = was.at("rules").items().any(|rule| {
        let mut wrong = Faults::new();
        paths(&rule, &mut wrong);
        rule.str("host").contains('*') && !wrong.is_empty()
    });
    for rule in rules.items() {
        let host = rule.at("host");
        let wild = host.text().contains('*');
        if words::loose(host.text()).is_some() {
            out.push(host.invalid("must be a DNS name, not an IP address"));
        }
        words::formed_if(&host, if wild { words::wildcard } else { words::subdomain }, out);
        if !wild || !wild_before {
            paths(&rule, out);
        }
    }
    tls(&spec, &was, out);
    let class = spec.at("ingressClassName");
    if class.has() {
        words::formed(&class, words::subdomain, out);
    }
    let note = case.at("metadata").at("annotations").at("kubernetes.io/ingress.class");
    if !case.updates() && note.has() && class.has() && note.text() != class.text() {
        let place = note.called("annotations.kubernetes.io/ingress.class");
        out.push(place.invalid("must match `ingressClassName` when both are specified"));
    }
}

fn tls(spec: &At<'_>, was: &At<'_>, out: &mut Faults) {
    let faulty = |name: &str| !name.is_empty() && !words::subdomain(name).is_empty();
    let faulty_before = was.at("tls").items().any(|tls| faulty(tls.str("secretName")));
    for tls in spec.at("tls").items() {
        for host in tls.at("hosts").items() {
            let wild = host.text().contains('*');
            words::formed(&host, if wild { words::wildcard } else { words::subdomain }, out);
        }
        if !faulty_before {
            words::formed_if(&tls.at("secretName"), words::subdomain, out);
        }
    }
}

fn paths(rule: &At<'_>, out: &mut Faults) {
    let http = rule.at("http");
    if !http.has() {
        return;
    }
    if http.at("paths").empty() {
        out.push(http.at("paths").required(""));
    }
    http.at("paths").items().for_each(|one| path(&one, out));
}

fn path(place: &At<'_>, out: &mut Faults) {
    let (kind, path) = (place.at("pathType"), place.at("path"));
    if !kind.has() {
        return out.push(kind.required("pathType must be specified"));
    }
    let text = path.text();
    match kind.text() {
        "Exact" | "Prefix" => {
            if !text.starts_with('/') {
                out.push(path.invalid_as(text, "must be an absolute path"));
            }
            for part in ["//", "/./", "/../", "%2f", "%2F"].iter().filter(|part| text.contains(**part)) {
                out.push(path.invalid(format!("must not contain '{part}'")));
            }
            for end in ["/..", "/."].iter().filter(|end| text.ends_with(**end)) {
                out.push(path.invalid(format!("cannot end with '{end}'")));
            }
        }
        "ImplementationSpecific" => {
            if !text.is_empty() && !text.starts_with('/') {
                out.push(path.invalid("must be an absolute path"));
            }
        }
        _ => exactly(&kind, &["Exact", "ImplementationSpecific", "Prefix"], out),
    }
    backend(&place.at("backend"), out);
}

fn backend(place: &At<'_>, out: &mut Faults) {
    let (resource, service) = (place.at("resource"), place.at("service"));
    match (resource.has(), service.has()) {
        (true, true) => out.push(place.invalid_as("", "cannot set both resource and service backends")),
        (true, false) => apply("parameters", &resource, out),
        (false, true) => {
            let name = service.at("name");
            if name.empty() {
                out.push(name.required(""));
            } else {
                words::formed(&name, words::label, out);
            }
            let (named, numbered) = (service.at("port").at("name"), service.at("port").at("number"));
            match (named.empty(), numbered.empty()) {
                (false, false) => out.push(place.invalid_as("", "cannot set both port name & port number")),
                (false, true) => words::formed(&named, words::port_name, out),
                (true, false) => port_number(&numbered, out),
                (true, true) => out.push(place.required("port name or number is required")),
            }
        }
        (false, false) => out.push(place.invalid_as("", "resource or service backend is required")),
    }
}

/// An IngressClass.
pub(in crate::rules::check) fn ingress_class(case: &Case<'_>, out: &mut Faults) {
    let spec = case.at("spec");
    let controller = spec.at("controller");
    if case.updates() {
        case.metadata_update(out);
        immutable(&controller, &case.was("spec").at("controller"), out);
    }
    case.metadata(out);
    if controller.text().len() > 250 {
        out.push(controller.too_long(250));
    }
    words::domain_path(&controller, out);
    let parameters = spec.at("parameters");
    if !parameters.has() {
        return;
    }
    apply("parameters", &parameters, out);
    let (scope, namespace) = (parameters.at("scope"), parameters.at("namespace"));
    match scope.text() {
        _ if !scope.has() => out.push(scope.required("")),
        "Namespace" if !namespace.has() => {
            out.push(namespace.required("`parameters.scope` is set to 'Namespace'"));
        }
        "Namespace" => words::formed(&namespace, words::label, out),
        "Cluster" => {
            if namespace.has() {
                out.push(namespace.forbidden("`parameters.scope` is set to 'Cluster'"));
            }
        }
        _ => exactly(&scope, &["Cluster", "Namespace"], out),
    }
}
