//! Checks of a pod together with its containers. It refuses to look at one container alone.

use super::super::pod::{Pod, Profile, SecurityContext, Volume};
use super::{containers, settings, those};

pub(super) fn host_namespaces(pod: &Pod) -> Option<String> {
    let spec = &pod.spec;
    let shared = [(spec.host_network, "hostNetwork"), (spec.host_pid, "hostPID"), (spec.host_ipc, "hostIPC")];
    let shared: Vec<&str> = shared.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
    (!shared.is_empty()).then(|| format!("the pod sets {}", shared.join(", ")))
}

pub(super) fn host_process(pod: &Pod) -> Option<String> {
    settings(pod, |context| context.windows_options.host_process, "is a host process of Windows")
}

fn volumes_that(pod: &Pod, bad: impl Fn(&Volume) -> bool, what: &str) -> Option<String> {
    let names: Vec<&str> =
        pod.spec.volumes.iter().filter(|one| bad(one)).map(|one| one.name.as_str()).collect();
    (!names.is_empty()).then(|| format!("volume {} {what}", names.join(", ")))
}

pub(super) fn host_paths(pod: &Pod) -> Option<String> {
    volumes_that(pod, |volume| volume.host_path.is_some(), "is a hostPath")
}

pub(super) fn volumes(pod: &Pod) -> Option<String> {
    let allowed = |volume: &Volume| {
        volume.config_map.is_some()
            || volume.csi.is_some()
            || volume.downward_api.is_some()
            || volume.empty_dir.is_some()
            || volume.ephemeral.is_some()
            || volume.image.is_some()
            || volume.persistent_volume_claim.is_some()
            || volume.projected.is_some()
            || volume.secret.is_some()
    };
    volumes_that(pod, |volume| !allowed(volume), "is of a type that is not allowed")
}

pub(super) fn app_armor(pod: &Pod) -> Option<String> {
    let other = |profile: &Profile| !matches!(profile.of_type.as_str(), "RuntimeDefault" | "Localhost");
    let bad = |context: &SecurityContext| context.app_armor_profile.as_ref().is_some_and(other);
    settings(pod, bad, "sets another AppArmor profile").or_else(|| {
        let bad = pod.annotations.iter().find(|(key, value)| {
            key.starts_with("container.apparmor.security.beta.kubernetes.io/")
                && !value.is_empty()
                && *value != "runtime/default"
                && !value.starts_with("localhost/")
        });
        bad.map(|(key, _)| format!("the annotation {key} sets another AppArmor profile"))
    })
}

pub(super) fn se_linux(pod: &Pod, minor: u32) -> Option<String> {
    let bad = |context: &SecurityContext| {
        context.se_linux_options.as_ref().is_some_and(|options| {
            let of_type = match options.of_type.as_str() {
                "" | "container_t" | "container_init_t" | "container_kvm_t" => true,
                "container_engine_t" => minor >= 31,
                _ => false,
            };
            !of_type || !options.user.is_empty() || !options.role.is_empty()
        })
    };
    settings(pod, bad, "sets other SELinux options")
}

pub(super) fn sysctls(pod: &Pod, minor: u32) -> Option<String> {
    let safe = |name: &str| match name {
        "kernel.shm_rmid_forced"
        | "net.ipv4.ip_local_port_range"
        | "net.ipv4.tcp_syncookies"
        | "net.ipv4.ping_group_range"
        | "net.ipv4.ip_unprivileged_port_start" => true,
        "net.ipv4.ip_local_reserved_ports" => minor >= 27,
        "net.ipv4.tcp_keepalive_time"
        | "net.ipv4.tcp_fin_timeout"
        | "net.ipv4.tcp_keepalive_intvl"
        | "net.ipv4.tcp_keepalive_probes" => minor >= 29,
        "net.ipv4.tcp_rmem" | "net.ipv4.tcp_wmem" => minor >= 32,
        _ => false,
    };
    let set = pod.spec.security_context.sysctls.iter().map(|sysctl| sysctl.name.as_str());
    let unsafe_ones: Vec<&str> = set.filter(|name| !safe(name)).collect();
    (!unsafe_ones.is_empty()).then(|| format!("the pod sets {}", unsafe_ones.join(", ")))
}

fn confined(profile: &Profile) -> bool {
    matches!(profile.of_type.as_str(), "RuntimeDefault" | "Localhost")
}

fn unconfined(context: &SecurityContext) -> bool {
    context.seccomp_profile.as_ref().is_some_and(|profile| !confined(profile))
}

pub(super) fn seccomp_baseline(pod: &Pod, minor: u32) -> Option<String> {
    if minor >= 19 {
        return settings(pod, unconfined, "sets another seccomp profile");
    }
    let bad = |key: &str| {
        pod.annotations.get(key).is_some_and(|value| {
            !matches!(value.as_str(), "runtime/default" | "docker/default")
                && !value.starts_with("localhost/")
        })
    };
    let of = |name: &str| format!("container.seccomp.security.alpha.kubernetes.io/{name}");
    let mut keys = containers(pod).map(|container| of(&container.name));
    let all = std::iter::once("seccomp.security.alpha.kubernetes.io/pod".to_owned()).chain(&mut keys);
    let key = all.into_iter().find(|key| bad(key))?;
    Some(format!("the annotation {key} sets another seccomp profile"))
}

pub(super) fn seccomp_restricted(pod: &Pod) -> Option<String> {
    settings(pod, unconfined, "sets another seccomp profile").or_else(|| {
        let by_pod = pod.spec.security_context.seccomp_profile.is_some();
        let open = |context: &SecurityContext| context.seccomp_profile.is_none();
        let what = "sets no seccomp profile, nor does the pod";
        those(pod, |one| !by_pod && one.security_context.as_ref().is_none_or(open), what)
    })
}

pub(super) fn non_root(pod: &Pod) -> Option<String> {
    let root = |context: &SecurityContext| context.run_as_non_root == Some(false);
    settings(pod, root, "sets runAsNonRoot to false").or_else(|| {
        let by_pod = pod.spec.security_context.run_as_non_root == Some(true);
        let open = |context: &SecurityContext| context.run_as_non_root.is_none();
        let what = "does not set runAsNonRoot, nor does the pod";
        those(pod, |one| !by_pod && one.security_context.as_ref().is_none_or(open), what)
    })
}

pub(super) fn user(pod: &Pod) -> Option<String> {
    settings(pod, |context| context.run_as_user == Some(0), "runs as user 0")
}
