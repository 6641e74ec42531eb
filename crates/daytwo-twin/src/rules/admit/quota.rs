//! ResourceQuotas: what a namespace may hold (`k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go`,
//! `pkg/quota/v1/evaluator/core`; Kubernetes 1.36).
//!
//! It refuses what goes beyond a quota, by the use that the quota's status says. It does not write that status: the real
//! server adds what it admits at once, here it is what a controller last wrote.

use serde_json::Value;

use super::{forbidden, note, objects};
use crate::ask::{Ask, Object};
use crate::rules::check::resources::{native, quality, totals};
use crate::rules::edit::{bare, inner, text};
use crate::rules::look::field;
use crate::rules::words::Amount;
use crate::status::Result;

/// Amounts by resource, as quotas name them.
type Use = Vec<(String, Amount)>;

/// Names that object counts had before `count/`.
const ALIASES: [&str; 4] = ["configmaps", "resourcequotas", "replicationcontrollers", "secrets"];

const OF_CLASS: &str = ".storageclass.storage.k8s.io/";

/// Whether there is room in the namespace's quotas.
pub(super) fn validate(new: &Object, old: Option<&Object>, ask: &Ask<'_>) -> Result<()> {
    if ask.namespace.is_none() || !counted(new, old, ask) {
        return Ok(());
    }
    let quotas = ask.around.list("", "resourcequotas", ask.namespace);
    if quotas.is_empty() {
        return Ok(());
    }
    let now = usage(new, ask);
    for quota in quotas {
        let (hard, used) = (inner(inner(&quota, "status"), "hard"), inner(inner(&quota, "status"), "used"));
        let names: Vec<&str> = hard.keys().map(String::as_str).filter(|name| concerns(name, ask)).collect();
        if names.is_empty() || !in_scope(&quota, new) {
            continue;
        }
        let name = text(inner(&quota, "metadata"), "name");
        if let Some(why) = missing(&names, new, ask) {
            return Err(forbidden(new, ask, format!("failed quota: {name}: {why}")));
        }
        if names.iter().any(|name| !used.contains_key(*name)) {
            let mut names = names;
            names.sort_unstable();
            let what = format!("status unknown for quota: {name}, resources: {}", names.join(","));
            return Err(forbidden(new, ask, what));
        }
        let before = old.filter(|old| in_scope(&quota, old)).map(|old| usage(old, ask)).unwrap_or_default();
        if let Some(why) = beyond(&now, &before, hard, used) {
            return Err(forbidden(new, ask, format!("exceeded quota: {name}, {why}")));
        }
    }
    Ok(())
}

/// Whether the write can change what is used.
fn counted(new: &Object, old: Option<&Object>, ask: &Ask<'_>) -> bool {
    let ends =
        |pod| field(inner(pod, "spec"), "activeDeadlineSeconds").as_i64().is_some_and(|seconds| seconds >= 0);
    match (ask.kind.group.as_str(), ask.kind.resource.as_str(), ask.subresource) {
        ("" | "events.k8s.io", "events", _) => false,
        ("", "pods", Some("resize")) => true,
        ("", "pods", None) => old.is_none_or(|old| ends(old) != ends(new)),
        ("", "services" | "persistentvolumeclaims", None) => true,
        (_, _, None) => old.is_none(),
        _ => false,
    }
}

const OF_PODS: [&str; 10] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
];

/// Whether a resource of a quota is used by objects of this kind.
fn concerns(name: &str, ask: &Ask<'_>) -> bool {
    if name == format!("count/{}", ask.kind.group_resource()) {
        return true;
    }
    match (ask.kind.group.as_str(), ask.kind.resource.as_str()) {
        ("", "pods") => {
            let huge = name.starts_with("hugepages-") || name.starts_with("requests.hugepages-");
            OF_PODS.contains(&name) || huge || (name.starts_with("requests.") && !native(name))
        }
        ("", "services") => matches!(name, "services" | "services.nodeports" | "services.loadbalancers"),
        ("", "persistentvolumeclaims") => {
            let name = name.split_once(OF_CLASS).map_or(name, |(_, rest)| rest);
            matches!(name, "persistentvolumeclaims" | "requests.storage")
        }
        ("", resource) => ALIASES.contains(&resource) && name == resource,
        _ => false,
    }
}

fn of_containers(requests: Use, limits: Use) -> Use {
    let mut out = vec![("pods".to_owned(), Amount::whole(1))];
    for (name, amount) in requests {
        let asked = format!("requests.{name}");
        match name.as_str() {
            "cpu" | "memory" | "ephemeral-storage" => out.extend([(name, amount), (asked, amount)]),
            huge if huge.starts_with("hugepages-") => out.extend([(name, amount), (asked, amount)]),
            other if !native(other) => out.push((asked, amount)),
            _ => {}
        }
    }
    let limited = limits
        .into_iter()
        .filter(|(name, _)| matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage"));
    out.extend(limited.map(|(name, amount)| (format!("limits.{name}"), amount)));
    out
}

fn of_pod(pod: &Object) -> Use {
    if matches!(text(inner(pod, "status"), "phase"), "Failed" | "Succeeded") {
        return Use::new();
    }
    let spec = field(pod, "spec");
    let (mut requests, mut limits) = (totals(spec, "requests"), totals(spec, "limits"));
    for (name, extra) in inner(inner(pod, "spec"), "overhead") {
        let extra = Amount::of(extra);
        match requests.iter_mut().find(|(known, _)| known == name) {
            Some((_, amount)) => *amount = amount.plus(extra),
            None => requests.push((name.clone(), extra)),
        }
        if let Some((_, amount)) = limits.iter_mut().find(|(known, amount)| known == name && !amount.zero()) {
            *amount = amount.plus(extra);
        }
    }
    of_containers(requests, limits)
}

fn of_service(service: &Object) -> Use {
    let spec = inner(service, "spec");
    let balanced = text(spec, "type") == "LoadBalancer";
    let given = balanced && field(spec, "allocateLoadBalancerNodePorts") == &Value::Bool(false);
    let numbered = |port: &&Object| !given || field(port, "nodePort").as_i64().unwrap_or(0) != 0;
    let ports = match text(spec, "type") {
        "NodePort" | "LoadBalancer" => objects(spec, "ports").filter(numbered).count(),
        _ => 0,
    };
    vec![
        ("services".to_owned(), Amount::whole(1)),
        ("services.loadbalancers".to_owned(), Amount::whole(i64::from(balanced))),
        ("services.nodeports".to_owned(), Amount::whole(i64::try_from(ports).unwrap_or(i64::MAX))),
    ]
}

fn of_claim(claim: &Object) -> Use {
    let spec = inner(claim, "spec");
    let class = note(claim, "volume.beta.kubernetes.io/storage-class")
        .unwrap_or_else(|| text(spec, "storageClassName"));
    let mut out = vec![("persistentvolumeclaims".to_owned(), Amount::whole(1))];
    if let Some(asked) = inner(inner(spec, "resources"), "requests").get("storage") {
        let allocated = Amount::of(field(inner(inner(claim, "status"), "allocatedResources"), "storage"));
        let asked = Amount::of(asked);
        out.push(("requests.storage".to_owned(), if allocated > asked { allocated } else { asked }));
    }
    if !class.is_empty() {
        let of_class: Use =
            out.iter().map(|(name, amount)| (format!("{class}{OF_CLASS}{name}"), *amount)).collect();
        out.extend(of_class);
    }
    out
}

fn usage(object: &Object, ask: &Ask<'_>) -> Use {
    let mut out = match (ask.kind.group.as_str(), ask.kind.resource.as_str()) {
        ("", "pods") => of_pod(object),
        ("", "services") => of_service(object),
        ("", "persistentvolumeclaims") => of_claim(object),
        ("", resource) if ALIASES.contains(&resource) => vec![(resource.to_owned(), Amount::whole(1))],
        _ => Use::new(),
    };
    out.push((format!("count/{}", ask.kind.group_resource()), Amount::whole(1)));
    out
}

/// What containers must say because a quota counts it.
fn missing(names: &[&str], pod: &Object, ask: &Ask<'_>) -> Option<String> {
    const NEEDED: [&str; 6] =
        ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];
    let spec = inner(pod, "spec");
    let own = inner(spec, "resources");
    if !ask.kind.is("", "pods") || !bare(own, "requests") || !bare(own, "limits") {
        return None;
    }
    let says = |container: &Object, name: &str| {
        let (list, plain) = match name.split_once('.') {
            Some((list, plain)) => (list, plain),
            None => ("requests", name),
        };
        inner(inner(container, "resources"), list).contains_key(plain)
    };
    let containers = || ["containers", "initContainers"].into_iter().flat_map(|list| objects(spec, list));
    let lacking = NEEDED.into_iter().filter(|name| names.contains(name)).filter_map(|name| {
        let mut who: Vec<&str> =
            containers().filter(|one| !says(one, name)).map(|one| text(one, "name")).collect();
        who.sort_unstable();
        (!who.is_empty()).then(|| format!("{name} for: {}", who.join(",")))
    });
    let lacking: Vec<String> = lacking.collect();
    (!lacking.is_empty()).then(|| format!("must specify {}", lacking.join("; ")))
}

/// Whether a quota's scopes take an object in.
fn in_scope(quota: &Object, object: &Object) -> bool {
    let spec = inner(quota, "spec");
    let mut plain = field(spec, "scopes").as_array().into_iter().flatten().filter_map(Value::as_str);
    plain.all(|scope| matches(scope, "Exists", &[], object))
        && objects(inner(spec, "scopeSelector"), "matchExpressions").all(|wanted| {
            let values = field(wanted, "values").as_array().into_iter().flatten().filter_map(Value::as_str);
            matches(text(wanted, "scopeName"), text(wanted, "operator"), &values.collect::<Vec<_>>(), object)
        })
}

fn matches(scope: &str, operator: &str, values: &[&str], object: &Object) -> bool {
    let spec = inner(object, "spec");
    let ends = field(spec, "activeDeadlineSeconds").as_i64().is_some_and(|seconds| seconds >= 0);
    let best_effort = || quality(field(object, "spec")) == "BestEffort";
    let pod = spec.contains_key("containers");
    match scope {
        "Terminating" => pod && ends,
        "NotTerminating" => pod && !ends,
        "BestEffort" => pod && best_effort(),
        "NotBestEffort" => pod && !best_effort(),
        "PriorityClass" if pod => selected(text(spec, "priorityClassName"), operator, values),
        "VolumeAttributesClass" if !pod => {
            selected(text(spec, "volumeAttributesClassName"), operator, values)
        }
        "CrossNamespacePodAffinity" => pod && reaches_out(spec),
        _ => false,
    }
}

fn selected(name: &str, operator: &str, values: &[&str]) -> bool {
    match operator {
        "Exists" => !name.is_empty(),
        "DoesNotExist" => name.is_empty(),
        "In" => !name.is_empty() && values.contains(&name),
        "NotIn" => name.is_empty() || !values.contains(&name),
        _ => false,
    }
}

/// Whether a pod's affinity looks at other namespaces.
fn reaches_out(spec: &Object) -> bool {
    let affinity = inner(spec, "affinity");
    let far = |term: &Object| !bare(term, "namespaces") || term.contains_key("namespaceSelector");
    ["podAffinity", "podAntiAffinity"].into_iter().map(|kind| inner(affinity, kind)).any(|terms| {
        objects(terms, "requiredDuringSchedulingIgnoredDuringExecution").any(far)
            || objects(terms, "preferredDuringSchedulingIgnoredDuringExecution")
                .any(|weighted| far(inner(weighted, "podAffinityTerm")))
    })
}

/// A resource, how much more is asked for, how much is used, and how much may be.
type Over<'a> = (&'a str, Amount, &'a Value, &'a Value);

/// What is asked for beyond what there is.
fn beyond(now: &Use, before: &Use, hard: &Object, used: &Object) -> Option<String> {
    let mut over: Vec<Over<'_>> = Vec::new();
    for (name, amount) in now.iter().filter(|(name, _)| hard.contains_key(name)) {
        let had = before.iter().find(|(known, _)| known == name).map_or(Amount::ZERO, |(_, amount)| *amount);
        let more = amount.minus(had);
        let (limit, in_use) = (field(hard, name), field(used, name));
        if more.positive() && Amount::of(in_use).plus(more) > Amount::of(limit) {
            over.push((name, more, in_use, limit));
        }
    }
    if over.is_empty() {
        return None;
    }
    over.sort_by_key(|(name, ..)| *name);
    let list = |said: &dyn Fn(&Over<'_>) -> String| {
        over.iter().map(|one| format!("{}={}", one.0, said(one))).collect::<Vec<_>>().join(",")
    };
    let requested = list(&|one| one.1.to_string());
    let (used, limited) =
        (list(&|one| Amount::of(one.2).to_string()), list(&|one| Amount::of(one.3).to_string()));
    Some(format!("requested: {requested}, used: {used}, limited: {limited}"))
}
