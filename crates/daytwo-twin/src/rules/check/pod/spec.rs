//! The spec of a pod: the order of the whole, and its simple fields.

use serde_json::{Value, json};

use super::{Setting, affinity, containers, scheduling, security, sources, windows};
use crate::rules::check::metadata::labels;
use crate::rules::check::resources;
use crate::rules::check::table::{chosen, needed};
use crate::rules::look::{At, Faults};
use crate::rules::words;

/// All of a pod's spec.
pub(super) fn spec(spec: &At<'_>, setting: &Setting<'_>, out: &mut Faults) {
    if !spec.at("terminationGracePeriodSeconds").has() {
        out.push(spec.at("terminationGracePeriodSeconds").required(""));
    }
    let volumes = sources::volumes(&spec.at("volumes"), setting, out);
    claims(spec, setting, out);
    containers::all(spec, &volumes, setting, out);
    resources::pod_level(spec, setting, out);
    host_network(spec, setting, out);
    restart_policy(&spec.at("restartPolicy"), out);
    needed(&spec.at("dnsPolicy"), &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"], out);
    labels(&spec.at("nodeSelector"), out);
    security::pod(spec, setting, out);
    affinity::affinity(&spec.at("affinity"), setting, out);
    dns(spec, out);
    for gate in spec.at("readinessGates").items() {
        words::formed(&gate.at("conditionType"), words::qualified, out);
    }
    gates(&spec.at("schedulingGates"), out);
    scheduling::spread(&spec.at("topologySpreadConstraints"), setting, out);
    windows::host_process(spec, out);
    host_users(spec, setting, out);
    host_name(spec, out);
    names(spec, out);
    scheduling::tolerations(&spec.at("tolerations"), out);
    for alias in spec.at("hostAliases").items() {
        words::legacy_address(&alias.at("ip"), &[], out);
        alias.at("hostnames").items().for_each(|name| words::formed(&name, words::subdomain, out));
    }
    words::formed_if(&spec.at("priorityClassName"), words::subdomain, out);
    if spec.at("runtimeClassName").has() {
        words::formed(&spec.at("runtimeClassName"), words::subdomain, out);
    }
    chosen(&spec.at("preemptionPolicy"), &["PreemptLowerPriority", "Never"], out);
    if spec.at("overhead").has() {
        resources::limits_only(&spec.at("overhead"), setting, out);
    }
    windows::system(spec, out);
    file_references(spec, out);
}

fn names(spec: &At<'_>, out: &mut Faults) {
    words::formed_if(&spec.at("serviceAccountName"), words::subdomain, out);
    words::formed_if(&spec.at("nodeName"), words::subdomain, out);
    let deadline = spec.at("activeDeadlineSeconds");
    if deadline.number().is_some_and(|seconds| !(1..=i64::from(i32::MAX)).contains(&seconds)) {
        out.push(deadline.invalid(words::between(1, i64::from(i32::MAX))));
    }
    words::formed_if(&spec.at("hostname"), words::label, out);
    words::formed_if(&spec.at("subdomain"), words::label, out);
}

fn restart_policy(place: &At<'_>, out: &mut Faults) {
    needed(place, &["Always", "OnFailure", "Never"], out);
}

fn claims(spec: &At<'_>, setting: &Setting<'_>, out: &mut Faults) {
    let mirror =
        setting.meta.is_some_and(|meta| meta["annotations"].get("kubernetes.io/config.mirror").is_some());
    let mut seen: Vec<&str> = Vec::new();
    for claim in spec.at("resourceClaims").items() {
        if mirror {
            out.push(At::new(&Value::Null, "").forbidden("static pods do not support resource claims"));
            continue;
        }
        let name = claim.at("name");
        if name.empty() {
            out.push(name.required(""));
        } else if seen.contains(&name.text()) {
            out.push(name.duplicate());
        } else {
            words::formed(&name, words::label, out);
            seen.push(name.text());
        }
        let (own, template) = (claim.at("resourceClaimName"), claim.at("resourceClaimTemplateName"));
        let whole = || claim.with(&Value::Null);
        if own.has() && template.has() {
            let words = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified";
            out.push(whole().invalid_as(words::shown("PodResourceClaim", claim.value()), words));
        }
        if !own.has() && !template.has() {
            let words = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`";
            out.push(whole().invalid_as(words::shown("PodResourceClaim", claim.value()), words));
        }
        for name in [own, template] {
            if name.has() {
                words::formed(&name, words::subdomain, out);
            }
        }
    }
}

fn host_network(spec: &At<'_>, setting: &Setting<'_>, out: &mut Faults) {
    if !spec.flag("hostNetwork") {
        return;
    }
    for container in spec.at("containers").items() {
        for port in container.at("ports").items() {
            let (host, own) = (port.int("hostPort"), port.int("containerPort"));
            if (setting.is_pod() || host != 0) && host != own {
                let words = "must match `containerPort` when `hostNetwork` is true";
                out.push(port.at("hostPort").invalid_as(host, words));
            }
        }
    }
}

fn dns(spec: &At<'_>, out: &mut Faults) {
    let config = spec.at("dnsConfig");
    let servers = config.at("nameservers");
    if spec.str("dnsPolicy") == "None" {
        if !config.has() {
            return out.push(config.required("must provide `dnsConfig` when `dnsPolicy` is None"));
        }
        if servers.empty() {
            let words = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return out.push(servers.required(words));
        }
    }
    if servers.len() > 3 {
        out.push(servers.invalid("must not have more than 3 nameservers"));
    }
    servers.items().for_each(|server| words::legacy_address(&server, &[], out));
    let searches = config.at("searches");
    if searches.len() > 32 {
        out.push(searches.invalid("must not have more than 32 search paths"));
    }
    let length: usize = searches.values().map(|search| search.as_str().map_or(0, str::len) + 1).sum();
    if length.saturating_sub(1) > 2048 {
        let words = "must not have more than 2048 characters (including spaces) in the search list";
        out.push(searches.invalid(words));
    }
    for search in searches.items().filter(|search| search.text() != ".") {
        let text = json!(search.text().strip_suffix('.').unwrap_or(search.text()));
        words::formed(&search.with(&text), words::subdomain_underscore, out);
    }
    for option in config.at("options").items() {
        if option.str("name").is_empty() {
            out.push(option.required("must not be empty"));
        }
    }
}

fn gates(place: &At<'_>, out: &mut Faults) {
    let mut seen: Vec<&str> = Vec::new();
    for gate in place.items() {
        let name = gate.at("name").called(gate.path());
        out.extend(
            words::qualified(name.text()).into_iter().map(|words| name.invalid_as(name.text(), words)),
        );
        if seen.contains(&name.text()) {
            out.push(name.duplicate());
        }
        seen.push(name.text());
    }
}

fn host_users(spec: &At<'_>, setting: &Setting<'_>, out: &mut Faults) {
    if spec.get("hostUsers") != &Value::Bool(false) {
        return;
    }
    let shares = |spec: &At<'_>, name: &str| spec.get("hostUsers") == &Value::Bool(false) && spec.flag(name);
    if spec.flag("hostNetwork") && !setting.was(|old| shares(old, "hostNetwork")) {
        out.push(spec.at("hostNetwork").forbidden("when `hostUsers` is false"));
    }
    for (name, shown) in [("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        if spec.flag(name) {
            out.push(spec.shown(name, shown).forbidden("when `hostUsers` is false"));
        }
    }
    for container in containers::everyone(spec) {
        if !container.at("volumeDevices").empty() {
            out.push(container.at("volumeDevices").forbidden("when `hostUsers` is false"));
        }
    }
}

fn host_name(spec: &At<'_>, out: &mut Faults) {
    let name = spec.at("hostnameOverride");
    if !name.has() {
        return;
    }
    if spec.flag("setHostnameAsFQDN") {
        out.push(name.forbidden("may not be specified when setHostnameAsFQDN is true"));
    }
    if spec.flag("hostNetwork") {
        out.push(name.forbidden("may not be specified when hostNetwork is true"));
    }
    if name.text().len() > 64 {
        out.push(name.too_long(64));
    }
    words::formed(&name, words::subdomain, out);
}

/// Variables that come from files name a volume that is an emptyDir.
fn file_references(spec: &At<'_>, out: &mut Faults) {
    for container in containers::everyone(spec) {
        for variable in container.at("env").items() {
            let file = variable.at("valueFrom").at("fileKeyRef");
            if !file.has() {
                continue;
            }
            let name = file.at("volumeName");
            let volume = spec.at("volumes").items().find(|volume| volume.str("name") == name.text());
            match volume {
                None => out.push(name.with(&json!(name.text())).unknown()),
                Some(volume) if !volume.at("emptyDir").has() => {
                    out.push(name.invalid("referenced volume must be of type emptyDir"));
                }
                Some(_) => {}
            }
        }
    }
}
