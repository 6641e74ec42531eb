//! Pods, and the templates that controllers make them from, as far as quotas, limits and security look at them. It
//! refuses to keep them: one is read, judged and dropped.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::quantity::Amounts;
use crate::json::{JsonError, find, nullable};

mod makes;
mod sum;

pub use makes::{Makes, makes};

/// A pod or a template.
#[derive(Debug)]
pub struct Pod {
    /// Its annotations.
    pub annotations: std::collections::BTreeMap<String, String>,
    /// What it runs.
    pub spec: Spec,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Whole {
    #[serde(deserialize_with = "nullable")]
    metadata: Metadata,
    #[serde(deserialize_with = "nullable")]
    spec: Spec,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    #[serde(deserialize_with = "nullable")]
    annotations: std::collections::BTreeMap<String, String>,
}

/// `spec` of a pod.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    #[serde(deserialize_with = "nullable")]
    pub containers: Vec<Container>,
    #[serde(deserialize_with = "nullable")]
    pub init_containers: Vec<Container>,
    #[serde(deserialize_with = "nullable")]
    pub volumes: Vec<Volume>,
    #[serde(deserialize_with = "nullable")]
    pub security_context: SecurityContext,
    #[serde(deserialize_with = "nullable")]
    pub host_network: bool,
    #[serde(rename = "hostPID", deserialize_with = "nullable")]
    pub host_pid: bool,
    #[serde(rename = "hostIPC", deserialize_with = "nullable")]
    pub host_ipc: bool,
    pub host_users: Option<bool>,
    #[serde(deserialize_with = "nullable")]
    pub os: Os,
    #[serde(deserialize_with = "nullable")]
    pub overhead: Amounts,
    #[serde(deserialize_with = "nullable")]
    pub resources: Resources,
    pub active_deadline_seconds: Option<i64>,
    #[serde(deserialize_with = "nullable")]
    pub priority_class_name: String,
    #[serde(deserialize_with = "nullable")]
    pub affinity: Affinity,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub struct Os {
    #[serde(deserialize_with = "nullable")]
    pub name: String,
}

/// A container, init or other.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    pub name: String,
    #[serde(deserialize_with = "nullable")]
    pub resources: Resources,
    #[serde(deserialize_with = "nullable")]
    pub ports: Vec<Port>,
    pub security_context: Option<SecurityContext>,
    #[serde(deserialize_with = "nullable")]
    pub restart_policy: String,
    #[serde(deserialize_with = "nullable")]
    pub liveness_probe: Handler,
    #[serde(deserialize_with = "nullable")]
    pub readiness_probe: Handler,
    #[serde(deserialize_with = "nullable")]
    pub startup_probe: Handler,
    #[serde(deserialize_with = "nullable")]
    pub lifecycle: Lifecycle,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub struct Resources {
    #[serde(deserialize_with = "nullable")]
    pub requests: Amounts,
    #[serde(deserialize_with = "nullable")]
    pub limits: Amounts,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Port {
    #[serde(deserialize_with = "nullable")]
    pub host_port: u32,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Lifecycle {
    #[serde(deserialize_with = "nullable")]
    pub post_start: Handler,
    #[serde(deserialize_with = "nullable")]
    pub pre_stop: Handler,
}

/// Whom a probe or a hook calls.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Handler {
    #[serde(deserialize_with = "nullable")]
    pub http_get: Called,
    #[serde(deserialize_with = "nullable")]
    pub tcp_socket: Called,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub struct Called {
    #[serde(deserialize_with = "nullable")]
    pub host: String,
}

/// A volume, with the sources that security tells apart.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Volume {
    pub name: String,
    pub host_path: Option<IgnoredAny>,
    pub config_map: Option<IgnoredAny>,
    pub csi: Option<Csi>,
    #[serde(rename = "downwardAPI")]
    pub downward_api: Option<IgnoredAny>,
    pub empty_dir: Option<IgnoredAny>,
    pub ephemeral: Option<IgnoredAny>,
    pub image: Option<IgnoredAny>,
    pub persistent_volume_claim: Option<IgnoredAny>,
    pub projected: Option<IgnoredAny>,
    pub secret: Option<IgnoredAny>,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub struct Csi {
    #[serde(deserialize_with = "nullable")]
    pub driver: String,
}

/// The security settings of a pod or a container.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct SecurityContext {
    pub allow_privilege_escalation: Option<bool>,
    #[serde(deserialize_with = "nullable")]
    pub privileged: bool,
    pub capabilities: Option<Capabilities>,
    pub proc_mount: Option<String>,
    pub run_as_non_root: Option<bool>,
    pub run_as_user: Option<i64>,
    pub se_linux_options: Option<SeLinux>,
    pub seccomp_profile: Option<Profile>,
    pub app_armor_profile: Option<Profile>,
    #[serde(deserialize_with = "nullable")]
    pub windows_options: Windows,
    #[serde(deserialize_with = "nullable")]
    pub sysctls: Vec<Sysctl>,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub struct Capabilities {
    #[serde(deserialize_with = "nullable")]
    pub add: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub drop: Vec<String>,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub struct SeLinux {
    #[serde(rename = "type", deserialize_with = "nullable")]
    pub of_type: String,
    #[serde(deserialize_with = "nullable")]
    pub user: String,
    #[serde(deserialize_with = "nullable")]
    pub role: String,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub struct Profile {
    #[serde(rename = "type", deserialize_with = "nullable")]
    pub of_type: String,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Windows {
    #[serde(deserialize_with = "nullable")]
    pub host_process: bool,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub struct Sysctl {
    pub name: String,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Affinity {
    #[serde(deserialize_with = "nullable")]
    pub pod_affinity: Terms,
    #[serde(deserialize_with = "nullable")]
    pub pod_anti_affinity: Terms,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub struct Terms {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution", deserialize_with = "nullable")]
    pub required: Vec<Term>,
    #[serde(rename = "preferredDuringSchedulingIgnoredDuringExecution", deserialize_with = "nullable")]
    pub preferred: Vec<Weighted>,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Weighted {
    pub pod_affinity_term: Term,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Term {
    #[serde(deserialize_with = "nullable")]
    pub namespaces: Vec<String>,
    pub namespace_selector: Option<IgnoredAny>,
}

/// Where an object of `resource` has its pod or its template; `None` for what makes no pods.
pub fn place(resource: &str) -> Option<&'static [&'static str]> {
    match resource {
        "pods" => Some(&[]),
        "deployments.apps"
        | "daemonsets.apps"
        | "replicasets.apps"
        | "statefulsets.apps"
        | "jobs.batch"
        | "replicationcontrollers" => Some(&["spec", "template"]),
        "cronjobs.batch" => Some(&["spec", "jobTemplate", "spec", "template"]),
        _ => None,
    }
}

/// The pod or template of an object of `resource`; `None` for what has none, and for what no server could read.
///
/// # Errors
/// It is not JSON up to there.
pub fn read(resource: &str, object: &[u8]) -> Result<Option<Pod>, JsonError> {
    let Some(path) = place(resource) else { return Ok(None) };
    let Some(span) = find(object, path)? else { return Ok(None) };
    let whole = serde_json::from_slice::<Whole>(&object[span]).ok();
    Ok(whole.map(|Whole { metadata, mut spec }| {
        // As the server does: a limit without a request is one.
        for container in spec.containers.iter_mut().chain(&mut spec.init_containers) {
            for (name, limit) in &container.resources.limits {
                container.resources.requests.entry(name.clone()).or_insert(*limit);
            }
        }
        Pod { annotations: metadata.annotations, spec }
    }))
}

#[cfg(test)]
mod tests;
