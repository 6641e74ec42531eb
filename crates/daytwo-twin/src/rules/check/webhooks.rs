//! Configurations of admission webhooks (`pkg/apis/admissionregistration/validation/validation.go`,
//! `k8s.io/apiserver/pkg/util/webhook/validation.go`; Kubernetes 1.36).
//!
//! It refuses to compile match conditions, and to call any webhook.

use serde_json::Value;

use super::Case;
use super::selector::{odd_values, selector_with};
use super::table::chosen;
use crate::rules::look::{At, Faults};
use crate::rules::words;

const VERSIONS: [&str; 2] = ["v1", "v1beta1"];
const HARMLESS: [&str; 2] = ["None", "NoneOnDryRun"];
const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];

/// What an old configuration got away with, a new one may keep.
struct Lenience {
    effects: bool,
    versions: bool,
    names: bool,
    values: bool,
}

impl Lenience {
    fn of(case: &Case<'_>) -> Self {
        let old = case.was("webhooks");
        let names: Vec<&str> = old.values().filter_map(|hook| hook["name"].as_str()).collect();
        Self {
            effects: old.items().any(|hook| !HARMLESS.contains(&hook.str("sideEffects"))),
            versions: old
                .items()
                .any(|hook| !hook.at("admissionReviewVersions").empty() && !recognized(&hook)),
            names: names.iter().enumerate().any(|(index, name)| names[..index].contains(name)),
            values: old.items().any(|hook| {
                odd_values(&hook.at("namespaceSelector")) || odd_values(&hook.at("objectSelector"))
            }),
        }
    }
}

fn texts<'v>(place: &At<'v>) -> Vec<&'v str> {
    place.values().filter_map(Value::as_str).collect()
}

fn recognized(hook: &At<'_>) -> bool {
    texts(&hook.at("admissionReviewVersions")).iter().any(|version| VERSIONS.contains(version))
}

/// A ValidatingWebhookConfiguration or a MutatingWebhookConfiguration.
pub(super) fn webhooks(case: &Case<'_>, mutating: bool, out: &mut Faults) {
    case.any_metadata(case.kind.name, out);
    let lenience = Lenience::of(case);
    let mut seen: Vec<&str> = Vec::new();
    for hook in case.at("webhooks").items() {
        webhook(&hook, mutating, &lenience, out);
        versions(&hook, &lenience, out);
        let name = hook.at("name");
        if !name.empty() && !lenience.names {
            if seen.contains(&name.text()) {
                out.push(name.duplicate());
            }
            seen.push(name.text());
        }
    }
}

fn webhook(hook: &At<'_>, mutating: bool, lenience: &Lenience, out: &mut Faults) {
    qualified_name(&hook.at("name"), out);
    hook.at("rules").items().for_each(|one| rule(&one, out));
    chosen(&hook.at("failurePolicy"), &["Fail", "Ignore"], out);
    chosen(&hook.at("matchPolicy"), &["Equivalent", "Exact"], out);
    let allowed: &[&str] =
        if lenience.effects { &["None", "NoneOnDryRun", "Some", "Unknown"] } else { &HARMLESS };
    let effects = hook.at("sideEffects");
    if !effects.has() {
        out.push(effects.required(format!("must specify one of {}", allowed.join(", "))));
    }
    chosen(&effects, allowed, out);
    let timeout = hook.at("timeoutSeconds");
    if timeout.number().is_some_and(|seconds| !(1..=30).contains(&seconds)) {
        out.push(timeout.invalid("the timeout value must be between 1 and 30 seconds"));
    }
    selector_with(&hook.at("namespaceSelector"), lenience.values, out);
    selector_with(&hook.at("objectSelector"), lenience.values, out);
    if mutating {
        chosen(&hook.at("reinvocationPolicy"), &["IfNeeded", "Never"], out);
    }
    client(&hook.at("clientConfig"), out);
    conditions(&hook.at("matchConditions"), out);
}

/// A domain of at least three segments.
fn qualified_name(name: &At<'_>, out: &mut Faults) {
    let wrong = words::subdomain(name.text());
    if name.empty() {
        out.push(name.required(""));
    } else if !wrong.is_empty() {
        out.push(name.invalid(wrong.join(",")));
    } else if name.text().split('.').count() < 3 {
        out.push(name.invalid("should be a domain with at least three segments separated by dots"));
    }
}

/// What must be there, and if it is all, nothing else.
fn all_or_some(place: &At<'_>, what: &str, out: &mut Faults) {
    if place.empty() {
        out.push(place.required(""));
    }
    if place.len() > 1 && texts(place).contains(&"*") {
        out.push(place.invalid(format!("if '*' is present, must not specify other {what}")));
    }
}

fn rule(rule: &At<'_>, out: &mut Faults) {
    let operations = rule.at("operations");
    all_or_some(&operations, "operations", out);
    operations.items().for_each(|one| chosen(&one, &OPERATIONS, out));
    all_or_some(&rule.at("apiGroups"), "API groups", out);
    let versions = rule.at("apiVersions");
    all_or_some(&versions, "API versions", out);
    out.extend(versions.items().filter(At::empty).map(|one| one.required("")));
    resources(&rule.at("resources"), out);
    chosen(&rule.at("scope"), &["*", "Cluster", "Namespaced"], out);
}

fn resources(place: &At<'_>, out: &mut Faults) {
    if place.empty() {
        out.push(place.required(""));
    }
    let (mut whole, mut any) = (Vec::new(), Vec::new());
    for one in place.items() {
        let text = one.text();
        if text.is_empty() {
            out.push(one.required(""));
        }
        let Some((resource, sub)) = text.split_once('/') else { continue };
        if whole.contains(&resource) {
            out.push(one.invalid(format!("if '{resource}/*' is present, must not specify {text}")));
        }
        if any.contains(&sub) {
            out.push(one.invalid(format!("if '*/{sub}' is present, must not specify {text}")));
        }
        if sub == "*" {
            whole.push(resource);
        }
        if resource == "*" {
            any.push(sub);
        }
    }
    let all = texts(place);
    if all.len() > 1 && all.contains(&"*/*") {
        out.push(place.invalid("if '*/*' is present, must not specify other resources"));
    }
    // Only the last one without a subresource is looked at, as there.
    let last = all.iter().rev().find(|text| !text.contains('/'));
    if all.contains(&"*") && last.is_some_and(|text| *text != "*") {
        out.push(place.invalid("if '*' is present, must not specify other resources without subresources"));
    }
}

fn client(config: &At<'_>, out: &mut Faults) {
    let (url, service) = (config.at("url"), config.at("service"));
    match (url.has(), service.has()) {
        (true, false) => address(&url, out),
        (false, true) => backend(&service, out),
        _ => out.push(config.required("exactly one of url or service is required")),
    }
}

fn address(place: &At<'_>, out: &mut Faults) {
    const FORM: &str = "; desired format: https://host[/path]";
    let (rest, fragment) = place.text().split_once('#').unwrap_or((place.text(), ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = rest.split_once("://").unwrap_or(("", ""));
    let authority = rest.split('/').next().unwrap_or("");
    let (user, host) =
        authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    if !scheme.eq_ignore_ascii_case("https") {
        out.push(place.invalid_as(scheme, format!("'https' is the only allowed URL scheme{FORM}")));
    }
    if host.is_empty() {
        out.push(place.invalid_as(host, format!("host must be specified{FORM}")));
    }
    let not_permitted = [
        (user, "user information is not permitted in the URL"),
        (Some(fragment).filter(|text| !text.is_empty()), "fragments are not permitted in the URL"),
        (Some(query).filter(|text| !text.is_empty()), "query parameters are not permitted in the URL"),
    ];
    out.extend(not_permitted.into_iter().filter_map(|(text, words)| Some(place.invalid_as(text?, words))));
}

fn backend(service: &At<'_>, out: &mut Faults) {
    // The server gives its own function name and namespace in the wrong order.
    for (named, field) in [("name", "namespace"), ("namespace", "name")] {
        if service.str(field).is_empty() {
            out.push(service.at(named).required(""));
        }
    }
    let port = service.at("port");
    if let Some(words) = words::port_number(port.number().unwrap_or(0)) {
        out.push(port.invalid_as(port.number().unwrap_or(0), format!("port is not valid: {words}")));
    }
    let path = service.at("path");
    let text = path.text();
    match text {
        "" | "/" => return,
        "//" => return out.push(path.invalid("segment[0] may not be empty")),
        _ => {}
    }
    if !text.starts_with('/') {
        out.push(path.invalid("must start with a '/'"));
    }
    let mut rest = text.chars();
    rest.next();
    let rest = rest.as_str();
    for (index, step) in rest.strip_suffix('/').unwrap_or(rest).split('/').enumerate() {
        if step.is_empty() {
            out.push(path.invalid(format!("segment[{index}] may not be empty")));
            continue;
        }
        out.extend(
            words::subdomain(step).iter().map(|words| path.invalid(format!("segment[{index}]: {words}"))),
        );
    }
}

fn conditions(place: &At<'_>, out: &mut Faults) {
    if place.len() > 64 {
        out.push(place.too_many(64));
    }
    let mut seen: Vec<&str> = Vec::new();
    for condition in place.items() {
        if condition.str("expression").trim().is_empty() {
            out.push(condition.at("expression").required(""));
        }
        let name = condition.at("name");
        if name.empty() {
            out.push(name.required(""));
            continue;
        }
        words::formed(&name, words::qualified, out);
        if seen.contains(&name.text()) {
            out.push(name.duplicate());
        }
        seen.push(name.text());
    }
}

fn versions(hook: &At<'_>, lenience: &Lenience, out: &mut Faults) {
    let place = hook.at("admissionReviewVersions");
    if place.empty() {
        return out.push(place.required(format!("must specify one of {}", VERSIONS.join(", "))));
    }
    let mut seen: Vec<&str> = Vec::new();
    for version in place.items() {
        if seen.contains(&version.text()) {
            out.push(version.invalid("duplicate version"));
            continue;
        }
        seen.push(version.text());
        words::formed(&version, words::old_label, out);
    }
    if !lenience.versions && !recognized(hook) {
        out.push(place.invalid(format!("must include at least one of {}", VERSIONS.join(", "))));
    }
}
