//! What the standards "baseline" and "restricted" refuse (`k8s.io/pod-security-admission/policy`, v0.36).

mod restricted;

use restricted::{
    escalation, few_capabilities, non_root, proc_mount_always, seccomp_restricted, user, volumes,
};

use serde_json::Value;

use crate::ask::Object;
use crate::field::quoted;
use crate::rules::admit::objects;
use crate::rules::edit::{inner, text};
use crate::rules::look::field;

/// A pod, as it is looked at.
struct Pod<'a> {
    notes: &'a Object,
    spec: &'a Object,
    containers: Vec<&'a Object>,
    /// The minor version whose standard is asked for.
    minor: u32,
}

/// Why not: in short, and in detail.
type Verdict = Option<(&'static str, String)>;

type Check = fn(&Pod<'_>) -> Verdict;

/// One line a check: the version it begins with, whether only the restricted standard has it, and whether the restricted
/// one has another in its place from a version on. In the order the server asks.
const CHECKS: &[(u32, bool, Option<u32>, Check)] = &[
    (0, false, None, app_armor),
    (0, false, Some(22), capabilities),
    (0, false, None, host_namespaces),
    (0, false, Some(0), host_paths),
    (0, false, None, host_ports),
    (34, false, None, probe_hosts),
    (0, false, None, privileged),
    (0, false, Some(35), proc_mount),
    (0, false, None, se_linux),
    (0, false, Some(19), seccomp),
    (0, false, None, sysctls),
    (0, false, None, host_process),
    (8, true, None, escalation),
    (22, true, None, few_capabilities),
    (35, true, None, proc_mount_always),
    (0, true, None, volumes),
    (0, true, None, non_root),
    (23, true, None, user),
    (19, true, None, seccomp_restricted),
];

/// What a pod violates, if anything.
pub(super) fn violations(
    restricted: bool,
    minor: Option<u32>,
    meta: &Object,
    spec: &Object,
) -> Option<String> {
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let containers = lists.into_iter().flat_map(|list| objects(spec, list)).collect();
    let minor = minor.unwrap_or(u32::MAX);
    let pod = Pod { notes: inner(meta, "annotations"), spec, containers, minor };
    let asked = CHECKS.iter().filter(|(since, only, replaced, _)| {
        *since <= minor && (restricted || !only) && !(restricted && replaced.is_some_and(|by| by <= minor))
    });
    let found: Vec<String> = asked
        .filter_map(|(_, _, _, check)| check(&pod))
        .map(
            |(short, detail)| {
                if detail.is_empty() { short.to_owned() } else { format!("{short} ({detail})") }
            },
        )
        .collect();
    (!found.is_empty()).then(|| found.join(", "))
}

fn many<T: AsRef<str>>(one: &str, more: &str, names: &[T]) -> String {
    let names_quoted: Vec<String> = names.iter().map(|name| format!("\"{}\"", name.as_ref())).collect();
    format!("{} {}", if names.len() == 1 { one } else { more }, names_quoted.join(", "))
}

fn container_words(names: &[&str]) -> String {
    many("container", "containers", names)
}

fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let all: Vec<String> = names.iter().map(|name| format!("\"{}\"", name.as_ref())).collect();
    all.join(", ")
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names.dedup();
    names
}

fn security(holder: &Object) -> &Object {
    inner(holder, "securityContext")
}

impl<'a> Pod<'a> {
    /// The names of containers that a question is true of.
    fn which(&self, bad: impl Fn(&'a Object) -> bool) -> Vec<&'a str> {
        self.containers
            .iter()
            .filter(|container| bad(container))
            .map(|container| text(container, "name"))
            .collect()
    }

    /// The pod, if so, and containers, in words.
    fn setters(pod: bool, containers: &[&str]) -> Option<String> {
        match (pod, containers) {
            (false, []) => None,
            (true, []) => Some("pod".to_owned()),
            (false, names) => Some(container_words(names)),
            (true, names) => Some(format!("pod and {}", container_words(names))),
        }
    }

    fn windows(&self) -> bool {
        self.minor >= 25 && text(inner(self.spec, "os"), "name") == "windows"
    }

    /// Whether it has users of its own, which makes root harmless.
    fn own_users(&self) -> bool {
        self.minor >= 35 && field(self.spec, "hostUsers") == &Value::Bool(false)
    }
}

fn app_armor(pod: &Pod<'_>) -> Verdict {
    let bad = |holder: &Object| {
        let kind = field(inner(security(holder), "appArmorProfile"), "type").as_str()?;
        (!matches!(kind, "RuntimeDefault" | "Localhost")).then(|| kind.to_owned())
    };
    let names = pod.which(|container| bad(container).is_some());
    let values = sorted(pod.containers.iter().copied().chain([pod.spec]).filter_map(bad).collect());
    let allowed =
        |value: &str| value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
    let notes = pod.notes.iter().filter_map(|(key, value)| Some((key, value.as_str()?)));
    let notes =
        notes.filter(|(key, value)| key.starts_with(crate::rules::prepare::APP_ARMOR) && !allowed(value));
    let notes = sorted(notes.map(|(key, value)| format!("{key}={}", quoted(value))).collect());
    let mut setters: Vec<String> = Pod::setters(bad(pod.spec).is_some(), &names).into_iter().collect();
    if !notes.is_empty() {
        setters.push(if notes.len() == 1 { "annotation" } else { "annotations" }.to_owned());
    }
    let all: Vec<String> = values.into_iter().chain(notes).collect();
    let short = if all.len() == 1 { "forbidden AppArmor profile" } else { "forbidden AppArmor profiles" };
    let detail = format!("{} must not set AppArmor profile type to {}", setters.join(" and "), listed(&all));
    (!setters.is_empty()).then_some((short, detail))
}

const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

fn listed_capabilities<'a>(container: &'a Object, list: &str) -> Vec<&'a str> {
    let all = field(inner(security(container), "capabilities"), list).as_array();
    all.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Who adds capabilities beyond some, in words.
fn added(pod: &Pod<'_>, allowed: &[&str]) -> Option<String> {
    let beyond = |container| -> Vec<String> {
        let all = listed_capabilities(container, "add").into_iter();
        all.filter(|one| !allowed.contains(one)).map(str::to_owned).collect()
    };
    let names = pod.which(|container| !beyond(container).is_empty());
    let all = sorted(pod.containers.iter().copied().flat_map(beyond).collect());
    let who = container_words(&names);
    (!names.is_empty())
        .then(|| format!("{who} must not include {} in securityContext.capabilities.add", listed(&all)))
}

fn capabilities(pod: &Pod<'_>) -> Verdict {
    Some(("non-default capabilities", added(pod, &CAPABILITIES)?))
}

fn host_namespaces(pod: &Pod<'_>) -> Verdict {
    let set = |name: &&str| field(pod.spec, name) == &Value::Bool(true);
    let all: Vec<String> = ["hostNetwork", "hostPID", "hostIPC"]
        .iter()
        .filter(|name| set(name))
        .map(|name| format!("{name}=true"))
        .collect();
    (!all.is_empty()).then(|| ("host namespaces", all.join(", ")))
}

fn host_paths(pod: &Pod<'_>) -> Verdict {
    let volumes = objects(pod.spec, "volumes").filter(|volume| volume.contains_key("hostPath"));
    let names: Vec<&str> = volumes.map(|volume| text(volume, "name")).collect();
    (!names.is_empty()).then(|| ("hostPath volumes", many("volume", "volumes", &names)))
}

fn host_ports(pod: &Pod<'_>) -> Verdict {
    let ports = |container| -> Vec<String> {
        let all = objects(container, "ports").filter_map(|port| field(port, "hostPort").as_i64());
        all.filter(|port| *port != 0).map(|port| port.to_string()).collect()
    };
    let names = pod.which(|container| !ports(container).is_empty());
    let all = sorted(pod.containers.iter().copied().flat_map(ports).collect());
    let uses = if names.len() == 1 { "uses" } else { "use" };
    let what = if all.len() == 1 { "hostPort" } else { "hostPorts" };
    (!names.is_empty())
        .then(|| ("hostPort", format!("{} {uses} {what} {}", container_words(&names), all.join(", "))))
}

fn probe_hosts(pod: &Pod<'_>) -> Verdict {
    let hosts = |container: &Object| -> Vec<String> {
        let life = inner(container, "lifecycle");
        let probes = ["livenessProbe", "readinessProbe", "startupProbe"].map(|name| inner(container, name));
        let hooks = ["postStart", "preStop"].map(|name| inner(life, name));
        let handlers = probes.into_iter().chain(hooks);
        let hosts = handlers
            .flat_map(|one| ["httpGet", "tcpSocket"].map(|name| text(inner(one, name), "host").to_owned()));
        hosts.filter(|host| !host.is_empty()).collect()
    };
    let mut names = pod.which(|container| !hosts(container).is_empty());
    names.sort_unstable();
    let all = sorted(pod.containers.iter().copied().flat_map(hosts).collect());
    let uses = if names.len() == 1 { "uses" } else { "use" };
    let what = many("probe or lifecycle host", "probe or lifecycle hosts", &all);
    (!names.is_empty())
        .then(|| ("probe or lifecycle host", format!("{} {uses} {what}", container_words(&names))))
}

fn privileged(pod: &Pod<'_>) -> Verdict {
    let names = pod.which(|container| field(security(container), "privileged") == &Value::Bool(true));
    let detail = format!("{} must not set securityContext.privileged=true", container_words(&names));
    (!names.is_empty()).then_some(("privileged", detail))
}

fn proc_mount(pod: &Pod<'_>) -> Verdict {
    if pod.own_users() { None } else { proc_mount_always(pod) }
}

fn se_linux(pod: &Pod<'_>) -> Verdict {
    let options = |holder| inner(security(holder), "seLinuxOptions");
    let allowed = |kind: &str| {
        matches!(kind, "" | "container_t" | "container_init_t" | "container_kvm_t")
            || (pod.minor >= 31 && kind == "container_engine_t")
    };
    let set = |holder, name| !text(options(holder), name).is_empty();
    let bad = |holder| !allowed(text(options(holder), "type")) || set(holder, "user") || set(holder, "role");
    let holders = || pod.containers.iter().copied().chain([pod.spec]);
    let setters = Pod::setters(bad(pod.spec), &pod.which(bad))?;
    let types = sorted(
        holders().map(|one| text(options(one), "type").to_owned()).filter(|kind| !allowed(kind)).collect(),
    );
    let mut data = Vec::new();
    if !types.is_empty() {
        data.push(many("type", "types", &types));
    }
    for name in ["user", "role"].into_iter().filter(|name| holders().any(|one| set(one, name))) {
        data.push(format!("{name} may not be set"));
    }
    Some((
        "seLinuxOptions",
        format!("{setters} set forbidden securityContext.seLinuxOptions: {}", data.join("; ")),
    ))
}

fn seccomp_type(holder: &Object) -> Option<&str> {
    field(inner(security(holder), "seccompProfile"), "type").as_str()
}

fn seccomp(pod: &Pod<'_>) -> Verdict {
    if pod.minor < 19 {
        return seccomp_notes(pod);
    }
    let bad =
        |holder| seccomp_type(holder).is_some_and(|kind| !matches!(kind, "Localhost" | "RuntimeDefault"));
    let setters = Pod::setters(bad(pod.spec), &pod.which(bad))?;
    let holders = pod.containers.iter().copied().chain([pod.spec]).filter(|holder| bad(holder));
    let all = sorted(holders.filter_map(seccomp_type).map(str::to_owned).collect());
    Some((
        "seccompProfile",
        format!("{setters} must not set securityContext.seccompProfile.type to {}", listed(&all)),
    ))
}

fn seccomp_notes(pod: &Pod<'_>) -> Verdict {
    let of = |container: &&Object| {
        format!("container.seccomp.security.alpha.kubernetes.io/{}", text(container, "name"))
    };
    let keys = ["seccomp.security.alpha.kubernetes.io/pod".to_owned()]
        .into_iter()
        .chain(pod.containers.iter().map(of));
    let allowed = |value: &str| {
        matches!(value, "runtime/default" | "docker/default") || value.starts_with("localhost/")
    };
    let bad = keys
        .filter_map(|key| Some((field(pod.notes, &key).as_str()?, key)))
        .filter(|(value, _)| !allowed(value));
    let all = sorted(bad.map(|(value, key)| format!("{key}={}", quoted(value))).collect());
    let what = if all.len() == 1 { "annotation" } else { "annotations" };
    (!all.is_empty()).then(|| ("seccompProfile", format!("forbidden {what} {}", all.join(", "))))
}

/// Sysctls that touch nobody else, and the version that found so.
const SYSCTLS: [(&str, u32); 12] = [
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
];

fn sysctls(pod: &Pod<'_>) -> Verdict {
    let known = |name: &str| SYSCTLS.iter().any(|(known, since)| *known == name && *since <= pod.minor);
    let names = objects(security(pod.spec), "sysctls").map(|one| text(one, "name"));
    let bad: Vec<&str> = names.filter(|name| !known(name)).collect();
    (!bad.is_empty()).then(|| ("forbidden sysctls", bad.join(", ")))
}

fn host_process(pod: &Pod<'_>) -> Verdict {
    let bad = |holder| field(inner(security(holder), "windowsOptions"), "hostProcess") == &Value::Bool(true);
    let setters = Pod::setters(bad(pod.spec), &pod.which(bad))?;
    Some(("hostProcess", format!("{setters} must not set securityContext.windowsOptions.hostProcess=true")))
}
