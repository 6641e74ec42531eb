//! Priority and fairness (`pkg/apis/flowcontrol/validation/validation.go`, Kubernetes 1.36).
//!
//! It refuses to know the fixed specs of the mandatory objects.

use serde_json::{Value, json};

use super::Case;
use super::table::needed;
use crate::field::FieldError;
use crate::rules::look::{At, Faults};
use crate::rules::words;

const VERBS: [&str; 9] =
    ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

fn conditions(case: &Case<'_>, out: &mut Faults) {
    let mut seen: Vec<&str> = Vec::new();
    for kind in case.at("status").at("conditions").items().map(|condition| condition.at("type")) {
        if seen.contains(&kind.text()) {
            out.push(kind.duplicate());
        }
        seen.push(kind.text());
        if kind.empty() {
            out.push(kind.required(""));
        }
    }
}

/// A FlowSchema, or its status.
pub(super) fn schema(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if subresource.is_some() {
        return conditions(case, out);
    }
    case.metadata(out);
    let spec = case.at("spec");
    let (place, precedence) = (spec.at("matchingPrecedence"), spec.int("matchingPrecedence"));
    if precedence <= 0 {
        out.push(place.invalid_as(precedence, "must be a positive value"));
    }
    if precedence > 10_000 {
        out.push(place.invalid("must not be greater than 10000"));
    }
    if precedence == 1 && case.at("metadata").str("name") != "exempt" {
        out.push(place.invalid("only the schema named 'exempt' may have matchingPrecedence 1"));
    }
    let method = spec.at("distinguisherMethod");
    if method.has() && !matches!(method.str("type"), "ByNamespace" | "ByUser") {
        let supported = ["ByNamespace", "ByUser"];
        let said = json!({"Type": method.str("type")});
        out.push(FieldError::not_supported(method.at("type").path(), said, &supported));
    }
    let level = spec.at("priorityLevelConfiguration").at("name");
    if level.empty() {
        out.push(level.required("must reference a priority level"));
    } else {
        words::formed(&level, words::subdomain, out);
    }
    spec.at("rules").items().for_each(|one| rule(&one, out));
    conditions(case, out);
}

fn rule(rule: &At<'_>, out: &mut Faults) {
    let (subjects, resources, urls) =
        (rule.at("subjects"), rule.at("resourceRules"), rule.at("nonResourceRules"));
    if subjects.empty() {
        out.push(subjects.required("subjects must contain at least one value"));
    }
    subjects.items().for_each(|one| subject(&one, out));
    if resources.empty() && urls.empty() {
        out.push(rule.required("at least one of resourceRules and nonResourceRules has to be non-empty"));
    }
    resources.items().for_each(|one| resource_rule(&one, out));
    urls.items().for_each(|one| url_rule(&one, out));
}

fn subject(subject: &At<'_>, out: &mut Faults) {
    const KINDS: [(&str, &str); 3] =
        [("Group", "group"), ("ServiceAccount", "serviceAccount"), ("User", "user")];
    let kind = subject.at("kind");
    let Some((_, field)) = KINDS.iter().find(|(name, _)| *name == kind.text()) else {
        return out.push(kind.unsupported(&["Group", "ServiceAccount", "User"]));
    };
    let place = subject.at(field);
    let name = place.at("name");
    if !place.has() {
        out.push(place.required(format!("{field} is required when subject kind is '{}'", kind.text())));
    } else if name.empty() {
        out.push(name.required(""));
    } else if *field == "serviceAccount" && name.text() != "*" {
        words::formed(&name, words::subdomain, out);
    }
    if *field == "serviceAccount" && place.has() {
        let namespace = place.at("namespace");
        if namespace.empty() {
            out.push(namespace.required("must specify namespace for service account"));
        } else {
            words::formed(&namespace, words::label, out);
        }
    }
    let others: &[usize] = match *field {
        "serviceAccount" => &[2, 0],
        "user" => &[1, 0],
        _ => &[1, 2],
    };
    for (name, other) in others.iter().map(|index| KINDS[*index]) {
        let other = subject.at(other);
        if other.has() {
            let field = other.path().rsplit('.').next().unwrap_or("").to_owned();
            out.push(other.forbidden(format!("{field} is forbidden when subject kind is not '{name}'")));
        }
    }
}

fn any(place: &At<'_>) -> bool {
    place.values().any(|one| one == "*")
}

fn alone(place: &At<'_>, what: &str, out: &mut Faults) {
    if place.len() > 1 && any(place) {
        out.push(place.invalid(format!("if '*' is present, must not specify other {what}")));
    }
}

fn verbs(place: &At<'_>, out: &mut Faults) {
    if place.empty() {
        out.push(place.required("verbs must contain at least one value"));
    }
    alone(place, "verbs", out);
    if !any(place) && place.values().filter_map(Value::as_str).any(|verb| !VERBS.contains(&verb)) {
        out.push(place.unsupported(&VERBS));
    }
}

fn url_rule(rule: &At<'_>, out: &mut Faults) {
    verbs(&rule.at("verbs"), out);
    let urls = rule.at("nonResourceURLs");
    if urls.empty() {
        out.push(urls.required("nonResourceURLs must contain at least one value"));
    }
    alone(&urls, "non-resource URLs", out);
    if any(&urls) {
        return;
    }
    for url in urls.items() {
        let text = url.text();
        let stars = text.matches('*').count();
        let wrong = if text.is_empty() {
            "must not be empty"
        } else if !text.starts_with('/') {
            "must start with slash"
        } else if text.contains(' ') {
            "must not contain white-space"
        } else if text.contains("//") {
            "must not contain double slash"
        } else if stars > 1 || (stars == 1 && !text.ends_with("/*")) {
            "wildcard can only do suffix matching"
        } else {
            continue;
        };
        out.push(url.invalid(wrong));
    }
}

fn resource_rule(rule: &At<'_>, out: &mut Faults) {
    verbs(&rule.at("verbs"), out);
    for (name, what, others) in
        [("apiGroups", "api group", "api groups"), ("resources", "resource", "resources")]
    {
        let place = rule.at(name);
        if place.empty() {
            out.push(place.required(format!("resource rules must supply at least one {what}")));
        }
        alone(&place, others, out);
    }
    let namespaces = rule.at("namespaces");
    if namespaces.empty() && !rule.flag("clusterScope") {
        out.push(
            namespaces
                .required("resource rules that are not cluster scoped must supply at least one namespace"),
        );
    }
    alone(&namespaces, "namespaces", out);
    for namespace in namespaces.items().filter(|_| !any(&namespaces)) {
        for words in words::label(namespace.text()) {
            let begin = "each member of this list must be '*' or a DNS-1123 label;";
            out.push(namespace.invalid(format!("{begin} {words}")));
        }
    }
}

/// A PriorityLevelConfiguration, or its status.
pub(super) fn level(case: &Case<'_>, subresource: Option<&str>, out: &mut Faults) {
    if subresource.is_some() {
        return conditions(case, out);
    }
    case.metadata(out);
    let notes = case.at("metadata").at("annotations");
    let preserve = "flowcontrol.k8s.io/preserve-zero-concurrency-shares";
    if !notes.get(preserve).is_null() {
        out.push(notes.forbidden(format!("annotation '{preserve}' is forbidden")));
    }
    let spec = case.at("spec");
    let (kind, limited, exempt) = (spec.at("type"), spec.at("limited"), spec.at("exempt"));
    if (case.at("metadata").str("name") == "exempt") != (kind.text() == "Exempt") {
        out.push(kind.invalid_as(kind.text(), "must be 'Exempt' if and only if `name` is 'exempt'"));
    }
    match kind.text() {
        "Exempt" => {
            if limited.has() {
                out.push(limited.forbidden("must be nil if the type is not Limited"));
            }
            shares(&exempt, out);
        }
        "Limited" => {
            if exempt.has() {
                out.push(exempt.forbidden("must be nil if the type is Limited"));
            }
            if limited.has() {
                limits(&limited, out);
            } else {
                out.push(limited.required("must not be empty when type is Limited"));
            }
        }
        _ => needed(&kind, &["Exempt", "Limited"], out),
    }
    conditions(case, out);
}

fn negative(place: &At<'_>, words: &str, out: &mut Faults) {
    if place.number().is_some_and(|number| number < 0) {
        out.push(place.invalid(words));
    }
}

fn lendable(place: &At<'_>, out: &mut Faults) {
    if place.number().is_some_and(|percent| !(0..=100).contains(&percent)) {
        out.push(place.invalid("must be between 0 and 100, inclusive"));
    }
}

fn shares(place: &At<'_>, out: &mut Faults) {
    negative(&place.at("nominalConcurrencyShares"), "must be a non-negative integer", out);
    lendable(&place.at("lendablePercent"), out);
}

fn limits(limited: &At<'_>, out: &mut Faults) {
    negative(&limited.at("nominalConcurrencyShares"), "must be a non-negative integer", out);
    let response = limited.at("limitResponse");
    let (kind, queuing) = (response.at("type"), response.at("queuing"));
    match kind.text() {
        "Reject" if queuing.has() => {
            out.push(queuing.forbidden("must be nil if limited.limitResponse.type is not Limited"));
        }
        "Queue" if queuing.has() => queues(&queuing, out),
        "Queue" => out.push(queuing.required("must not be empty if limited.limitResponse.type is Limited")),
        _ => needed(&kind, &["Queue", "Reject"], out),
    }
    lendable(&limited.at("lendablePercent"), out);
    negative(&limited.at("borrowingLimitPercent"), "if specified, must be a non-negative integer", out);
}

fn queues(queuing: &At<'_>, out: &mut Faults) {
    let positive = |name: &str, out: &mut Faults| {
        let number = queuing.int(name);
        if number <= 0 {
            out.push(queuing.at(name).invalid_as(number, "must be positive"));
        }
        number
    };
    positive("queueLengthLimit", out);
    let decks = positive("queues", out);
    if decks > 10_000_000 {
        out.push(queuing.at("queues").invalid("must not be greater than 10000000"));
    }
    let hand = positive("handSize", out);
    let place = queuing.at("handSize");
    if hand > decks {
        return out.push(place.invalid(format!("should not be greater than queues ({decks})")));
    }
    // How many bits a hash must have to deal such a hand.
    let bits = (f64::from(u32::try_from(decks).unwrap_or(0)).log2()
        * f64::from(u32::try_from(hand).unwrap_or(0)))
    .ceil();
    if hand > 0 && bits > 60.0 {
        let what = format!("required entropy bits of deckSize {decks} and handSize {hand}");
        out.push(place.invalid(format!("{what} should not be greater than 60")));
    }
}
