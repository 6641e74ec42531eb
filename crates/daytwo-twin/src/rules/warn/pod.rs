//! Warnings of pods and of templates of pods (`pkg/api/pod/warnings.go`, Kubernetes 1.36).
//!
//! It refuses to look for paths in volumes that overlap.

use serde_json::json;

use super::objects::{OLD_VOLUMES, RBD, claim};
use super::{fractional, node_term, old_label};
use crate::field::quoted;
use crate::rules::check::pod::containers_of;
use crate::rules::look::{At, same};
use crate::rules::prepare;
use crate::rules::words::warn_address;

/// Annotations that do nothing any more.
const OLD_NOTES: [(&str, &str); 3] = [
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        "non-functional in v1.16+; use the \"priorityClassName\" field instead",
    ),
    ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    (
        "security.alpha.kubernetes.io/unsafe-sysctls",
        "non-functional in v1.11+; use the \"sysctls\" field instead",
    ),
];

/// What is said of a template.
pub(super) fn template(place: &At<'_>, out: &mut Vec<String>) {
    pod(&place.at("metadata"), &place.at("spec"), true, out);
}

/// What is said of a pod, or of a template's.
pub(super) fn pod(meta: &At<'_>, spec: &At<'_>, template: bool, out: &mut Vec<String>) {
    let notes = meta.at("annotations");
    placement(spec, out);
    for (key, words) in OLD_NOTES.iter().filter(|(key, _)| !notes.get(key).is_null()) {
        out.push(format!("{}: {words}", notes.key(key).path()));
    }
    volumes(spec, out);
    repeated(&spec.at("hostAliases"), "ip", out);
    repeated(&spec.at("imagePullSecrets"), "name", out);
    for secret in spec.at("imagePullSecrets").items().filter(|secret| secret.str("name").is_empty()) {
        out.push(format!("{}.name: invalid empty name \"\"", secret.path()));
    }
    for name in ["memory", "ephemeral-storage"] {
        fractional(&spec.at("overhead").key(name), out);
    }
    const SECCOMP: &str = "non-functional in v1.27+; use the \"seccompProfile\" field instead";
    let pod_note = notes.key("seccomp.security.alpha.kubernetes.io/pod");
    if pod_note.has() && spec.at("securityContext").get("seccompProfile").is_null() {
        out.push(format!("{}: {SECCOMP}", pod_note.path()));
    }
    for container in containers_of(spec) {
        let context = container.at("securityContext");
        let note =
            notes.key(&format!("container.seccomp.security.alpha.kubernetes.io/{}", container.str("name")));
        if note.has() && context.get("seccompProfile").is_null() {
            out.push(format!("{}: {SECCOMP}", note.path()));
        }
        if template {
            app_armor(&notes, spec, &container, out);
        }
        for name in ["memory", "ephemeral-storage"] {
            for list in ["limits", "requests"] {
                fractional(&container.at("resources").at(list).key(name), out);
            }
        }
        environment(&container.at("env"), out);
    }
    ports(spec, out);
    if spec.int("terminationGracePeriodSeconds") < 0 {
        let path = spec.at("terminationGracePeriodSeconds");
        out.push(format!(
            "{}: must be >= 0; negative values are invalid and will be treated as 1",
            path.path()
        ));
    }
    affinity(spec, out);
    spec.down(&["dnsConfig", "nameservers"]).items().for_each(|ip| warn_address(ip.path(), ip.text(), out));
    for ip in spec.at("hostAliases").items().map(|alias| alias.at("ip")) {
        warn_address(ip.path(), ip.text(), out);
    }
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

fn no_selector(term: &At<'_>, out: &mut Vec<String>) {
    let selector = term.at("labelSelector");
    if !selector.has() {
        out.push(format!("{}: a null labelSelector results in matching no pod", selector.path()));
    }
}

fn placement(spec: &At<'_>, out: &mut Vec<String>) {
    for (key, entry) in spec.at("nodeSelector").entries() {
        out.extend(old_label(key).map(|words| format!("{}: {words}", entry.path())));
    }
    let nodes = spec.down(&["affinity", "nodeAffinity"]);
    nodes.down(&[REQUIRED, "nodeSelectorTerms"]).items().for_each(|term| node_term(&term, false, out));
    nodes.at(PREFERRED).items().for_each(|term| node_term(&term.at("preference"), true, out));
    for constraint in spec.at("topologySpreadConstraints").items() {
        let key = constraint.at("topologyKey");
        out.extend(old_label(key.text()).map(|words| format!("{}: {} is {words}", key.path(), key.text())));
        no_selector(&constraint, out);
    }
}

fn affinity(spec: &At<'_>, out: &mut Vec<String>) {
    for kind in ["podAffinity", "podAntiAffinity"] {
        let terms = spec.at("affinity").at(kind);
        terms.at(REQUIRED).items().for_each(|term| no_selector(&term, out));
        terms.at(PREFERRED).items().for_each(|term| no_selector(&term.at("podAffinityTerm"), out));
    }
}

fn volumes(spec: &At<'_>, out: &mut Vec<String>) {
    for volume in spec.at("volumes").items() {
        let say = |lines: &[(&str, &str, &str)], out: &mut Vec<String>| {
            for (_, said, words) in lines.iter().filter(|(field, ..)| volume.at(field).has()) {
                out.push(format!("{}.{said}: {words}", volume.path()));
            }
        };
        let (early, late) = OLD_VOLUMES.split_at(7);
        say(early, out);
        claim(&volume.down(&["ephemeral", "volumeClaimTemplate", "spec"]), out);
        say(late, out);
        say(&[RBD], out);
    }
}

fn repeated(list: &At<'_>, name: &str, out: &mut Vec<String>) {
    let mut seen: Vec<&str> = Vec::new();
    for one in list.items().map(|item| item.at(name)) {
        if seen.contains(&one.text()) {
            out.push(format!("{}: duplicate {name} {}", one.path(), quoted(one.text())));
        }
        seen.push(one.text());
    }
}

fn app_armor(notes: &At<'_>, spec: &At<'_>, container: &At<'_>, out: &mut Vec<String>) {
    let note = notes.key(&format!("{}{}", prepare::APP_ARMOR, container.str("name")));
    if !note.has() || !container.at("securityContext").get("appArmorProfile").is_null() {
        return;
    }
    let whole = spec.at("securityContext").at("appArmorProfile");
    let meant = prepare::profile(note.text()).unwrap_or_else(|| json!(null));
    if !whole.has() || !same(whole.value(), &meant) {
        out.push(format!(
            "{}: deprecated since v1.30; use the \"appArmorProfile\" field instead",
            note.path()
        ));
    }
}

/// A variable that is defined again without a look at what it was.
fn environment(variables: &At<'_>, out: &mut Vec<String>) {
    let mut seen: Vec<&str> = Vec::new();
    for variable in variables.items() {
        let (name, value) = (variable.str("name"), variable.str("value"));
        if !seen.contains(&name) {
            seen.push(name);
            continue;
        }
        let reference = format!("$({name})");
        if variable.at("valueFrom").has() || value == reference || !value.contains(&reference) {
            let words = "which may be dropped when using apply";
            out.push(format!("{}: hides previous definition of {}, {words}", variable.path(), quoted(name)));
        }
    }
}

fn ports(spec: &At<'_>, out: &mut Vec<String>) {
    let all: Vec<At<'_>> = containers_of(spec)
        .into_iter()
        .flat_map(|container| {
            let ports = container.at("ports");
            ports.items().collect::<Vec<_>>()
        })
        .collect();
    for (index, port) in all.iter().enumerate() {
        let (address, host) = (port.str("hostIP"), port.int("hostPort"));
        if !address.is_empty() && host == 0 {
            let said = format!(
                "{{Name:{} HostPort:0 ContainerPort:{} Protocol:{} HostIP:{address}}}",
                port.str("name"),
                port.int("containerPort"),
                port.str("protocol")
            );
            out.push(format!("{}: hostIP set without hostPort: {said}", port.path()));
        }
        let same_port = |other: &&At<'_>| {
            other.int("containerPort") == port.int("containerPort")
                && other.str("protocol") == port.str("protocol")
        };
        for other in all[..index].iter().filter(same_port) {
            let (other_address, other_host) = (other.str("hostIP"), other.int("hostPort"));
            let words = if address == other_address && host == other_host {
                "duplicate port definition"
            } else if host == 0 || other_host == 0 {
                "overlapping port definition"
            } else if host == other_host && address.is_empty() != other_address.is_empty() {
                "dangerously ambiguous port definition"
            } else {
                continue;
            };
            out.push(format!("{}: {words} with {}", port.path(), other.path()));
        }
    }
    for (index, port) in all.iter().enumerate().filter(|(_, port)| !port.str("name").is_empty()) {
        let name = port.str("name");
        if let Some(first) = all[..index].iter().find(|other| other.str("name") == name).map(At::path) {
            let what = format!("{}: duplicate port name {} with {first}", port.path(), quoted(name));
            out.push(format!("{what}, services and probes that select ports by name will use {first}"));
        }
    }
}
