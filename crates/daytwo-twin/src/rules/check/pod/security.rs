//! Security settings of pods and containers, and the annotations that came before them.

use serde_json::{Value, json};

use super::{Setting, containers, windows};
use crate::rules::check::table::{chosen, descending, exactly, identity};
use crate::rules::look::{At, Faults, below};
use crate::rules::words;

const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
const APPARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// A pod's `securityContext`.
pub(super) fn pod(spec: &At<'_>, setting: &Setting<'_>, out: &mut Faults) {
    let place = spec.at("securityContext");
    for name in ["fsGroup", "runAsUser", "runAsGroup"] {
        identity(&place.at(name), out);
    }
    place.at("supplementalGroups").items().for_each(|group| identity(&group, out));
    if spec.flag("shareProcessNamespace") && spec.flag("hostPID") {
        let words = "ShareProcessNamespace and HostPID cannot both be enabled";
        out.push(place.shown("", "shareProcessNamespace").invalid_as(true, words));
    }
    sysctls(spec, setting, out);
    chosen(&place.at("fsGroupChangePolicy"), &["Always", "OnRootMismatch"], out);
    seccomp(&place.at("seccompProfile"), out);
    windows::options(&place.at("windowsOptions"), out);
    apparmor(&place.at("appArmorProfile"), out);
    chosen(&place.at("supplementalGroupsPolicy"), &["Merge", "Strict"], out);
    chosen(&place.at("seLinuxChangePolicy"), &["MountOption", "Recursive"], out);
}

fn shares_host(name: &str, spec: &At<'_>) -> Option<&'static str> {
    let ipc = ["kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue."];
    if spec.flag("hostNetwork") && name.starts_with("net.") {
        return Some("may not be specified when 'hostNetwork' is true");
    }
    let in_ipc = ipc.iter().any(|prefix| name.starts_with(prefix));
    (spec.flag("hostIPC") && in_ipc).then_some("may not be specified when 'hostIPC' is true")
}

fn sysctls(spec: &At<'_>, setting: &Setting<'_>, out: &mut Faults) {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let part = |part: &str| {
        let bytes = part.as_bytes();
        let edges = bytes.first().copied().is_some_and(plain) && bytes.last().copied().is_some_and(plain);
        edges && bytes.iter().all(|&byte| plain(byte) || byte == b'-' || byte == b'_')
    };
    let shared_before = setting.was(|old| {
        old.at("securityContext")
            .at("sysctls")
            .items()
            .any(|sysctl| shares_host(sysctl.str("name"), old).is_some())
    });
    let mut seen: Vec<&str> = Vec::new();
    for sysctl in spec.at("securityContext").at("sysctls").items() {
        let name = sysctl.at("name");
        if name.empty() {
            out.push(name.required(""));
        } else if name.text().len() > 253 || !name.text().split(['.', '/']).all(part) {
            out.push(name.invalid(
                "must have at most 253 characters and match regex \
                 ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$",
            ));
        } else if seen.contains(&name.text()) {
            out.push(name.duplicate());
        }
        let dotted = name.text().replace('/', ".");
        if let Some(words) = shares_host(&dotted, spec).filter(|_| !shared_before) {
            out.push(name.invalid(words));
        }
        seen.push(name.text());
    }
}

/// A container's `securityContext`.
pub(super) fn container(place: &At<'_>, host_users: bool, out: &mut Faults) {
    if !place.has() {
        return;
    }
    identity(&place.at("runAsUser"), out);
    identity(&place.at("runAsGroup"), out);
    let mount = place.at("procMount");
    chosen(&mount, &["Default", "Unmasked"], out);
    if host_users && mount.text() == "Unmasked" {
        out.push(mount.invalid("`hostUsers` must be false to use `Unmasked`"));
    }
    seccomp(&place.at("seccompProfile"), out);
    if place.get("allowPrivilegeEscalation") == &Value::Bool(false) {
        let said = || words::shown("SecurityContext", place.value());
        if place.flag("privileged") {
            let words = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
            out.push(place.invalid_as(said(), words));
        }
        for _ in place.at("capabilities").at("add").values().filter(|name| *name == "CAP_SYS_ADMIN") {
            let words = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
            out.push(place.invalid_as(said(), words));
        }
    }
    windows::options(&place.at("windowsOptions"), out);
    apparmor(&place.at("appArmorProfile"), out);
}

fn seccomp(place: &At<'_>, out: &mut Faults) {
    if !place.has() {
        return;
    }
    let (kind, profile) = (place.at("type"), place.at("localhostProfile"));
    if kind.empty() {
        out.push(kind.required("type is required when seccompProfile is set"));
    } else {
        exactly(&kind, &["Localhost", "RuntimeDefault", "Unconfined"], out);
    }
    if kind.text() != "Localhost" {
        if profile.has() {
            let said = words::shown("SeccompProfile", place.value());
            out.push(profile.invalid_as(said, "can only be set when seccomp type is Localhost"));
        }
    } else if profile.has() {
        descending(&profile, out);
    } else {
        out.push(profile.required("must be set when seccomp type is Localhost"));
    }
}

fn apparmor(place: &At<'_>, out: &mut Faults) {
    if !place.has() {
        return;
    }
    let (kind, profile) = (place.at("type"), place.at("localhostProfile"));
    match kind.text() {
        "Localhost" if !profile.has() => {
            out.push(profile.required("must be set when AppArmor type is Localhost"));
        }
        "Localhost" => {
            if profile.text().trim() != profile.text() {
                out.push(profile.invalid("must not be padded with whitespace"));
            } else if profile.empty() {
                out.push(profile.required("must be set when AppArmor type is Localhost"));
            }
            if profile.text().len() > 4095 {
                out.push(profile.too_long(4095));
            }
        }
        "RuntimeDefault" | "Unconfined" => {
            if profile.has() {
                out.push(profile.invalid("can only be set when AppArmor type is Localhost"));
            }
        }
        "" => out.push(kind.required("type is required when appArmorProfile is set")),
        _ => out.push(kind.unsupported(&["Localhost", "RuntimeDefault", "Unconfined"])),
    }
}

/// Annotations for seccomp and AppArmor.
pub(super) fn annotations(place: &At<'_>, spec: &At<'_>, out: &mut Faults) {
    for (key, note) in place.entries() {
        if key == SECCOMP_POD || key.starts_with(SECCOMP_CONTAINER) {
            seccomp_note(&note.called(format!("{}.{key}", place.path())), out);
        }
    }
    for (key, note) in place.entries() {
        let Some(name) = key.strip_prefix(APPARMOR) else { continue };
        if !containers::everyone(spec).iter().any(|container| container.str("name") == name) {
            out.push(note.invalid_as(name, "container not found"));
        }
        let profile = note.text();
        if !matches!(profile, "" | "runtime/default" | "unconfined") && !profile.starts_with("localhost/") {
            out.push(
                note.invalid(format!("invalid AppArmor profile name: {}", crate::field::quoted(profile))),
            );
        }
    }
}

fn seccomp_note(note: &At<'_>, out: &mut Faults) {
    match note.text() {
        "runtime/default" | "docker/default" | "unconfined" => {}
        profile => match profile.strip_prefix("localhost/") {
            Some(path) => descending(&note.with(&json!(path)), out),
            None => out.push(note.invalid("must be a valid seccomp profile")),
        },
    }
}

/// Where both an annotation and a field speak, they say the same.
pub(super) fn annotations_match(notes: &At<'_>, spec: &At<'_>, out: &mut Faults) {
    let context = spec.at("securityContext");
    agree(notes, SECCOMP_POD, &context.at("seccompProfile"), "seccomp", out);
    for container in containers::everyone(spec) {
        let key = format!("{SECCOMP_CONTAINER}{}", container.str("name"));
        agree(notes, &key, &container.at("securityContext").at("seccompProfile"), "seccomp", out);
    }
    if spec.get("os").get("name").is_some_and(|name| name == "windows") {
        return;
    }
    for container in containers::everyone(spec) {
        let key = format!("{APPARMOR}{}", container.str("name"));
        let own = container.at("securityContext").at("appArmorProfile");
        let profile = if own.has() { own.value() } else { below(context.value(), "appArmorProfile") };
        agree(notes, &key, &own.with(profile), "apparmor", out);
    }
}

fn agree(notes: &At<'_>, key: &str, profile: &At<'_>, what: &str, out: &mut Faults) {
    let Some(note) = notes.get(key).as_str().filter(|_| profile.has()) else { return };
    let agrees = match profile.str("type") {
        "Unconfined" => note == "unconfined",
        "RuntimeDefault" => note == "runtime/default" || (what == "seccomp" && note == "docker/default"),
        "Localhost" => note.starts_with("localhost/"),
        _ => return,
    };
    if !agrees {
        out.push(profile.at("type").forbidden(format!("{what} type in annotation and field must match")));
    } else if profile.str("type") == "Localhost" {
        let named = profile.get("localhostProfile").as_str();
        if named.is_none() || note.strip_prefix("localhost/") != named {
            let words = format!("{what} profile in annotation and field must match");
            out.push(profile.at("localhostProfile").forbidden(words));
        }
    }
}
