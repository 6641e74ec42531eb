//! Checks of single containers. It refuses to look at the pod around them.

use super::super::pod::{Container, Handler, Pod, SecurityContext};
use super::those;

/// The capabilities that a container runtime gives by itself.
const USUAL: [&str; 13] = [
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

fn set(container: &Container, bad: impl Fn(&SecurityContext) -> bool) -> bool {
    container.security_context.as_ref().is_some_and(bad)
}

pub(super) fn privileged(pod: &Pod) -> Option<String> {
    those(pod, |container| set(container, |context| context.privileged), "is privileged")
}

pub(super) fn capabilities_baseline(pod: &Pod) -> Option<String> {
    let adds = |context: &SecurityContext| {
        let capabilities = context.capabilities.as_ref();
        capabilities.is_some_and(|it| it.add.iter().any(|one| !USUAL.contains(&one.as_str())))
    };
    those(pod, |container| set(container, adds), "adds capabilities beyond the usual ones")
}

pub(super) fn capabilities_restricted(pod: &Pod) -> Option<String> {
    let drops = |context: &SecurityContext| {
        let capabilities = context.capabilities.as_ref();
        capabilities.is_some_and(|it| it.drop.iter().any(|one| one == "ALL"))
    };
    let adds = |context: &SecurityContext| {
        let capabilities = context.capabilities.as_ref();
        capabilities.is_some_and(|it| it.add.iter().any(|one| one != "NET_BIND_SERVICE"))
    };
    those(pod, |container| !set(container, drops), "does not drop ALL capabilities").or_else(|| {
        those(pod, |container| set(container, adds), "adds a capability other than NET_BIND_SERVICE")
    })
}

pub(super) fn host_ports(pod: &Pod) -> Option<String> {
    those(pod, |container| container.ports.iter().any(|port| port.host_port != 0), "has a hostPort")
}

pub(super) fn probe_hosts(pod: &Pod) -> Option<String> {
    let names = |handler: &Handler| !handler.http_get.host.is_empty() || !handler.tcp_socket.host.is_empty();
    let bad = |container: &Container| {
        [
            &container.liveness_probe,
            &container.readiness_probe,
            &container.startup_probe,
            &container.lifecycle.post_start,
            &container.lifecycle.pre_stop,
        ]
        .into_iter()
        .any(names)
    };
    those(pod, bad, "names a host in a probe or a lifecycle hook")
}

pub(super) fn proc_mount(pod: &Pod) -> Option<String> {
    let other =
        |context: &SecurityContext| context.proc_mount.as_ref().is_some_and(|mount| mount != "Default");
    those(pod, |container| set(container, other), "sets procMount")
}

pub(super) fn escalation(pod: &Pod) -> Option<String> {
    let forbids = |context: &SecurityContext| context.allow_privilege_escalation == Some(false);
    those(pod, |container| !set(container, forbids), "does not set allowPrivilegeEscalation to false")
}
