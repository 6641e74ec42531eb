//! What only the restricted standard refuses.

use super::{
    Object, Pod, Value, Verdict, added, container_words, field, listed, listed_capabilities, many, objects,
    seccomp, seccomp_type, security, sorted, text,
};

pub(super) fn few_capabilities(pod: &Pod<'_>) -> Verdict {
    if pod.windows() {
        return None;
    }
    let names = pod.which(|container| !listed_capabilities(container, "drop").contains(&"ALL"));
    let who = container_words(&names);
    let kept =
        (!names.is_empty()).then(|| format!("{who} must set securityContext.capabilities.drop=[\"ALL\"]"));
    let details: Vec<String> = kept.into_iter().chain(added(pod, &["NET_BIND_SERVICE"])).collect();
    (!details.is_empty()).then(|| ("unrestricted capabilities", details.join("; ")))
}

pub(super) fn proc_mount_always(pod: &Pod<'_>) -> Verdict {
    let bad = |container: &Object| {
        field(security(container), "procMount")
            .as_str()
            .filter(|mount| *mount != "Default")
            .map(str::to_owned)
    };
    let names = pod.which(|container| bad(container).is_some());
    let all = sorted(pod.containers.iter().copied().filter_map(bad).collect());
    let detail =
        format!("{} must not set securityContext.procMount to {}", container_words(&names), listed(&all));
    (!names.is_empty()).then_some(("procMount", detail))
}

pub(super) fn seccomp_restricted(pod: &Pod<'_>) -> Verdict {
    if pod.windows() {
        return None;
    }
    let bad = seccomp(&Pod {
        notes: pod.notes,
        spec: pod.spec,
        containers: pod.containers.clone(),
        minor: u32::MAX,
    });
    if bad.is_some() {
        return bad;
    }
    let missing = pod.which(|container| seccomp_type(container).is_none());
    if seccomp_type(pod.spec).is_some() || missing.is_empty() {
        return None;
    }
    let who = container_words(&missing);
    let detail = format!(
        "pod or {who} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\""
    );
    Some(("seccompProfile", detail))
}

pub(super) fn escalation(pod: &Pod<'_>) -> Verdict {
    if pod.windows() {
        return None;
    }
    let names =
        pod.which(|container| field(security(container), "allowPrivilegeEscalation") != &Value::Bool(false));
    let detail =
        format!("{} must set securityContext.allowPrivilegeEscalation=false", container_words(&names));
    (!names.is_empty()).then_some(("allowPrivilegeEscalation != false", detail))
}

const GOOD_VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

const BAD_VOLUMES: [&str; 21] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
];

pub(super) fn volumes(pod: &Pod<'_>) -> Verdict {
    let bad = |volume: &&Object| !GOOD_VOLUMES.iter().any(|kind| volume.contains_key(*kind));
    let names: Vec<&str> =
        objects(pod.spec, "volumes").filter(bad).map(|volume| text(volume, "name")).collect();
    let kinds = objects(pod.spec, "volumes").filter(bad).map(|volume| {
        let kind = BAD_VOLUMES.iter().find(|kind| volume.contains_key(**kind));
        (*kind.unwrap_or(&"unknown")).to_owned()
    });
    let kinds = sorted(kinds.collect());
    let uses = if names.len() == 1 { "uses" } else { "use" };
    let what = many("restricted volume type", "restricted volume types", &kinds);
    let detail = format!("{} {uses} {what}", many("volume", "volumes", &names));
    (!names.is_empty()).then_some(("restricted volume types", detail))
}

pub(super) fn non_root(pod: &Pod<'_>) -> Verdict {
    const SHORT: &str = "runAsNonRoot != true";
    if pod.own_users() {
        return None;
    }
    let says = |holder| field(security(holder), "runAsNonRoot").as_bool();
    let root = |holder| says(holder) == Some(false);
    if let Some(setters) = Pod::setters(root(pod.spec), &pod.which(root)) {
        return Some((SHORT, format!("{setters} must not set securityContext.runAsNonRoot=false")));
    }
    let silent = pod.which(|container| says(container).is_none());
    if says(pod.spec) == Some(true) || silent.is_empty() {
        return None;
    }
    Some((SHORT, format!("pod or {} must set securityContext.runAsNonRoot=true", container_words(&silent))))
}

pub(super) fn user(pod: &Pod<'_>) -> Verdict {
    if pod.own_users() {
        return None;
    }
    let root = |holder| field(security(holder), "runAsUser").as_i64() == Some(0);
    let setters = Pod::setters(root(pod.spec), &pod.which(root))?;
    Some(("runAsUser=0", format!("{setters} must not set runAsUser=0")))
}
