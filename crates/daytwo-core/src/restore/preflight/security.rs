//! The Pod Security Standards: whether a namespace that enforces one takes a pod.
//!
//! The checks are those of `k8s.io/pod-security-admission` 0.36.3 (`policy/check_*.go`), with the versions at which
//! each began and changed. It refuses to know what a server exempts by its own configuration (users, namespaces,
//! runtime classes, another default level): that is nowhere to be read.

use super::pod::{Container, Pod, SecurityContext};

mod container;
mod whole;

/// The newest minor whose checks are known.
const NEWEST: u32 = 36;

/// A level of the standards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything is taken.
    Privileged,
    /// Known ways to the node are not.
    Baseline,
    /// Only what is hardened is.
    Restricted,
}

/// What a namespace enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enforced {
    /// The level.
    pub level: Level,
    /// As of which minor of Kubernetes 1; `None` for the server's own.
    pub minor: Option<u32>,
}

/// A check that a pod does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The check's name, as in its source.
    pub check: &'static str,
    /// What is wrong.
    pub what: String,
}

impl Level {
    /// As the label spells it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Privileged => "privileged",
            Level::Baseline => "baseline",
            Level::Restricted => "restricted",
        }
    }
}

impl Enforced {
    /// What a namespace with these labels enforces; what cannot be read counts as the strictest, as the server has it
    /// (`api/helpers.go`, `PolicyToEvaluate`).
    pub fn of<'a>(label: impl Fn(&str) -> Option<std::borrow::Cow<'a, str>>) -> Self {
        let level = match label("pod-security.kubernetes.io/enforce").as_deref() {
            None | Some("privileged") => Level::Privileged,
            Some("baseline") => Level::Baseline,
            Some(_) => Level::Restricted,
        };
        let version = label("pod-security.kubernetes.io/enforce-version");
        let minor = version.as_deref().and_then(|version| version.strip_prefix("v1.")?.parse().ok());
        Self { level, minor }
    }

    /// The checks that `pod` does not pass on a server of the minor `server`, which knows none that are newer.
    pub fn refuses(self, server: u32, pod: &Pod) -> Vec<Violation> {
        let minor = self.minor.unwrap_or(server).min(server).min(NEWEST);
        let mut found = Vec::new();
        if self.level == Level::Privileged {
            return found;
        }
        let restricted = self.level == Level::Restricted;
        let mut judge = |check, what: Option<String>| {
            found.extend(what.map(|what| Violation { check, what }));
        };
        // A stricter check of the restricted level stands in for its like of the baseline.
        judge("appArmorProfile", whole::app_armor(pod));
        if !(restricted && minor >= 22) {
            judge("capabilities_baseline", container::capabilities_baseline(pod));
        }
        judge("hostNamespaces", whole::host_namespaces(pod));
        if !restricted {
            judge("hostPathVolumes", whole::host_paths(pod));
        }
        judge("hostPorts", container::host_ports(pod));
        if minor >= 34 {
            judge("hostProbesAndHostLifecycle", container::probe_hosts(pod));
        }
        judge("privileged", container::privileged(pod));
        if !(restricted && minor >= 35) {
            let relaxed = minor >= 35 && own_users(pod);
            judge("procMount", container::proc_mount(pod).filter(|_| !relaxed));
        }
        judge("seLinuxOptions", whole::se_linux(pod, minor));
        if !(restricted && minor >= 19) {
            judge("seccompProfile_baseline", whole::seccomp_baseline(pod, minor));
        }
        judge("sysctls", whole::sysctls(pod, minor));
        judge("windowsHostProcess", whole::host_process(pod));
        if restricted {
            hardened(pod, minor, &mut judge);
        }
        found
    }
}

/// The checks of the restricted level alone.
fn hardened(pod: &Pod, minor: u32, judge: &mut impl FnMut(&'static str, Option<String>)) {
    let windows = minor >= 25 && pod.spec.os.name == "windows";
    let relaxed = minor >= 35 && own_users(pod);
    if minor >= 8 && !windows {
        judge("allowPrivilegeEscalation", container::escalation(pod));
    }
    if minor >= 22 && !windows {
        judge("capabilities_restricted", container::capabilities_restricted(pod));
    }
    if minor >= 35 {
        judge("procMount_restricted", container::proc_mount(pod));
    }
    judge("restrictedVolumes", whole::volumes(pod));
    if !relaxed {
        judge("runAsNonRoot", whole::non_root(pod));
        if minor >= 23 {
            judge("runAsUser", whole::user(pod));
        }
    }
    if minor >= 19 && !windows {
        judge("seccompProfile_restricted", whole::seccomp_restricted(pod));
    }
}

/// Whether the pod has user IDs of its own, so that its root is nobody outside.
fn own_users(pod: &Pod) -> bool {
    pod.spec.host_users == Some(false)
}

/// Every container. Ephemeral ones are not restored.
fn containers(pod: &Pod) -> impl Iterator<Item = &Container> {
    pod.spec.init_containers.iter().chain(&pod.spec.containers)
}

/// The names of the containers for which `bad` holds, with what is asked of them; `None` if there are none.
fn those(pod: &Pod, bad: impl Fn(&Container) -> bool, what: &str) -> Option<String> {
    let names: Vec<&str> = containers(pod).filter(|one| bad(one)).map(|one| one.name.as_str()).collect();
    (!names.is_empty()).then(|| format!("container {} {what}", names.join(", ")))
}

/// As [`those`], for settings that the pod may have too.
fn settings(pod: &Pod, bad: impl Fn(&SecurityContext) -> bool, what: &str) -> Option<String> {
    if bad(&pod.spec.security_context) {
        return Some(format!("the pod {what}"));
    }
    those(pod, |container| container.security_context.as_ref().is_some_and(&bad), what)
}

#[cfg(test)]
mod tests;
