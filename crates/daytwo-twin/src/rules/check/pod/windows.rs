//! What differs for Windows.

use serde_json::Value;

use super::containers::everyone;
use crate::rules::check::table::exactly;
use crate::rules::look::{At, Faults};
use crate::rules::words;

/// `windowsOptions`.
pub(super) fn options(place: &At<'_>, out: &mut Faults) {
    let (name, spec) = (place.at("gmsaCredentialSpecName"), place.at("gmsaCredentialSpec"));
    if name.has() {
        words::formed(&name, words::subdomain, out);
    }
    if spec.has() && spec.empty() {
        out.push(spec.invalid("gmsaCredentialSpec cannot be an empty string"));
    } else if spec.text().len() > 64 << 10 {
        out.push(spec.invalid("gmsaCredentialSpec size must be under 64 KiB"));
    }
    let user = place.at("runAsUserName");
    if user.has() {
        user_name(&user, out);
    }
}

fn user_name(place: &At<'_>, out: &mut Faults) {
    let text = place.text();
    let whole = if text.is_empty() {
        Some("runAsUserName cannot be an empty string")
    } else if text.chars().any(|one| one.is_ascii_control()) {
        Some("runAsUserName cannot contain control characters")
    } else if text.matches('\\').count() > 1 {
        Some("runAsUserName cannot contain more than one backslash")
    } else {
        None
    };
    if let Some(words) = whole {
        return out.push(place.invalid(words));
    }
    let (domain, user) = text.split_once('\\').map_or((None, text), |(domain, user)| (Some(domain), user));
    if domain.is_some_and(|domain| domain.len() >= 256) {
        out.push(place.invalid("runAsUserName's Domain length must be under 256 characters"));
    }
    if domain.is_some_and(|domain| !net_bios(domain) && !dns(domain)) {
        out.push(place.invalid("runAsUserName's Domain doesn't match the NetBios nor the DNS format"));
    }
    if user.is_empty() {
        out.push(place.invalid("runAsUserName's User cannot be empty"));
    } else if user.len() > 104 {
        out.push(place.invalid("runAsUserName's User length must not be longer than 104 characters"));
    }
    if !user.is_empty() && user.chars().all(|one| one == '.' || one == ' ') {
        out.push(place.invalid("runAsUserName's User cannot contain only periods or spaces"));
    }
    if user.chars().any(|one| "\"/\\:;|=,+*?<>@[]".contains(one)) {
        let words = "runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]";
        out.push(place.invalid(words));
    }
}

fn net_bios(domain: &str) -> bool {
    let length = domain.chars().count();
    (1..=15).contains(&length)
        && !domain.starts_with('.')
        && !domain.chars().any(|one| "\\/:*?\"<>|".contains(one))
}

fn dns(domain: &str) -> bool {
    domain.split('.').all(|part| {
        let bytes = part.as_bytes();
        let edges = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        (1..=63).contains(&bytes.len())
            && edges(bytes.first())
            && edges(bytes.last())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    })
}

/// Containers that run as processes of the host: all or none.
pub(super) fn host_process(spec: &At<'_>, out: &mut Faults) {
    let of =
        |place: &At<'_>| place.down(&["securityContext", "windowsOptions", "hostProcess"]).value().as_bool();
    let pod = of(spec);
    let all = everyone(spec);
    let mut hosted = 0;
    for container in &all {
        let own = of(container);
        if let (Some(pod), Some(own)) = (pod, own)
            && pod != own
        {
            let words = format!("pod hostProcess value must be identical if both are specified, was {pod}");
            let place = container.down(&["securityContext", "windowsOptions", "hostProcess"]);
            out.push(place.invalid(words));
        }
        hosted += usize::from(own.or(pod) == Some(true));
    }
    if hosted == 0 {
        return;
    }
    if hosted != all.len() {
        let words =
            "If pod contains any hostProcess containers then all containers must be HostProcess containers";
        out.push(spec.invalid_as("", words));
    }
    if !spec.flag("hostNetwork") {
        let words = "hostNetwork must be true if pod contains any hostProcess containers";
        out.push(spec.at("hostNetwork").invalid_as(false, words));
    }
}

/// `os`, and what one system cannot have of the other's.
pub(super) fn system(spec: &At<'_>, out: &mut Faults) {
    let os = spec.at("os");
    if !os.has() {
        return;
    }
    match os.str("name") {
        "" => out.push(os.at("name").required("")),
        "linux" => linux(spec, out),
        "windows" => windows(spec, out),
        _ => exactly(&os.at("name").called(os.path()), &["linux", "windows"], out),
    }
}

fn linux(spec: &At<'_>, out: &mut Faults) {
    let own = std::iter::once(spec.clone()).chain(everyone(spec));
    for place in own.map(|place| place.at("securityContext").at("windowsOptions")).filter(At::has) {
        out.push(place.forbidden("windows options cannot be set for a linux pod"));
    }
}

fn windows(spec: &At<'_>, out: &mut Faults) {
    const WORDS: &str = "cannot be set for a windows pod";
    let context = spec.at("securityContext");
    let pod: [(bool, &str); 15] = [
        (true, "appArmorProfile"),
        (true, "seLinuxOptions"),
        (false, "hostUsers"),
        (false, "hostPID"),
        (false, "hostIPC"),
        (true, "seccompProfile"),
        (true, "fsGroup"),
        (true, "fsGroupChangePolicy"),
        (true, "sysctls"),
        (false, "shareProcessNamespace"),
        (true, "runAsUser"),
        (true, "runAsGroup"),
        (true, "supplementalGroups"),
        (true, "supplementalGroupsPolicy"),
        (true, "seLinuxChangePolicy"),
    ];
    for (inside, name) in pod {
        let place = if inside { context.at(name) } else { spec.at(name) };
        let off = matches!(name, "hostPID" | "hostIPC") && place.value() == &Value::Bool(false);
        if place.has() && !off {
            out.push(place.forbidden(WORDS));
        }
    }
    const CONTAINER: [&str; 10] = [
        "appArmorProfile",
        "seLinuxOptions",
        "seccompProfile",
        "capabilities",
        "readOnlyRootFilesystem",
        "privileged",
        "allowPrivilegeEscalation",
        "procMount",
        "runAsUser",
        "runAsGroup",
    ];
    for container in everyone(spec) {
        for place in CONTAINER.iter().map(|name| container.at("securityContext").at(name)).filter(At::has) {
            out.push(place.forbidden(WORDS));
        }
    }
}
