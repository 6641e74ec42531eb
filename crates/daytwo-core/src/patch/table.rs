//! Which lists of built-in kinds a strategic merge patch merges, and by which key: the tags `patchStrategy` and
//! `patchMergeKey` of the types of Kubernetes 1.36 (`types.go` below `k8s.io/api` v0.36.3, `k8s.io/apimachinery` v0.36.3
//! and `k8s.io/kube-aggregator` v0.36.3). What stands inside a list that is replaced is left out: no patch gets there.
//! It refuses kinds that kube-apiserver does not serve itself.

use crate::restore::order::built_in;

/// The fields of a map that are not merged as any other.
#[derive(Debug)]
pub struct Fields(&'static [(&'static str, Field)]);

/// How a patch of a field is merged with what is there.
#[derive(Debug)]
pub enum Field {
    /// A map, by its fields.
    Map(&'static Fields),
    /// A map that a patch replaces.
    Whole,
    /// A list of maps told apart by a key, and the fields of those.
    Keyed(&'static str, &'static Fields),
    /// A list of scalars, each of which it has once.
    Set,
}

use Field::{Keyed, Map, Set, Whole};

impl Fields {
    /// None: maps merge, lists are replaced.
    pub const NONE: Fields = Fields(&[]);

    /// How `name` is merged; `None` where as any other field.
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, field)| field)
    }
}

/// The fields of objects of `kind` in `group`, whatever the version; `None` of custom resources.
pub fn fields(group: &str, kind: &str) -> Option<&'static Fields> {
    if !built_in(group) {
        return None;
    }
    Some(match (group, kind) {
        ("", "Pod") => &POD,
        ("", "PodTemplate") => &POD_TEMPLATE_OBJECT,
        ("", "ReplicationController")
        | ("apps", "DaemonSet" | "Deployment" | "ReplicaSet" | "StatefulSet")
        | ("batch", "Job") => &WORKLOAD,
        ("batch", "CronJob") => &CRON_JOB,
        ("", "Service") => &SERVICE,
        ("", "ServiceAccount") => &SERVICE_ACCOUNT,
        ("", "Node") => &NODE,
        ("", "ComponentStatus") => &CONDITIONED_ITSELF,
        (
            "admissionregistration.k8s.io",
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
        ) => &WEBHOOKS,
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy") => &MUTATING_POLICY,
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => &VALIDATING_POLICY,
        ("policy", "PodDisruptionBudget") => &BUDGET,
        ("storage.k8s.io", "CSINode") => &CSI_NODE,
        ("resource.k8s.io", "ResourceClaim") => &RESOURCE_CLAIM,
        ("resource.k8s.io", "ResourceClaimTemplate") => &RESOURCE_CLAIM_TEMPLATE,
        ("", "Namespace" | "PersistentVolumeClaim")
        | ("apiregistration.k8s.io", "APIService")
        | ("autoscaling", "HorizontalPodAutoscaler")
        | ("flowcontrol.apiserver.k8s.io", "FlowSchema" | "PriorityLevelConfiguration")
        | ("networking.k8s.io", "ServiceCIDR") => &CONDITIONED,
        _ => &OBJECT,
    })
}

const METADATA: Fields = Fields(&[("ownerReferences", Keyed("uid", &Fields::NONE)), ("finalizers", Set)]);

const OBJECT: Fields = Fields(&[("metadata", Map(&METADATA))]);

const CONDITIONS: Fields = Fields(&[("conditions", Keyed("type", &Fields::NONE))]);

const CONDITIONED: Fields = Fields(&[("metadata", Map(&METADATA)), ("status", Map(&CONDITIONS))]);

const CONDITIONED_ITSELF: Fields =
    Fields(&[("metadata", Map(&METADATA)), ("conditions", Keyed("type", &Fields::NONE))]);

const CONTAINER: Fields = Fields(&[
    ("env", Keyed("name", &Fields::NONE)),
    ("ports", Keyed("containerPort", &Fields::NONE)),
    ("volumeMounts", Keyed("mountPath", &Fields::NONE)),
    ("volumeDevices", Keyed("devicePath", &Fields::NONE)),
]);

const VOLUME: Fields = Fields(&[("ephemeral", Map(&Fields(&[("volumeClaimTemplate", Map(&OBJECT))])))]);

const POD_SPEC: Fields = Fields(&[
    ("containers", Keyed("name", &CONTAINER)),
    ("initContainers", Keyed("name", &CONTAINER)),
    ("ephemeralContainers", Keyed("name", &CONTAINER)),
    ("volumes", Keyed("name", &VOLUME)),
    ("imagePullSecrets", Keyed("name", &Fields::NONE)),
    ("hostAliases", Keyed("ip", &Fields::NONE)),
    ("topologySpreadConstraints", Keyed("topologyKey", &Fields::NONE)),
    ("schedulingGates", Keyed("name", &Fields::NONE)),
    ("resourceClaims", Keyed("name", &Fields::NONE)),
]);

const POD_STATUS: Fields = Fields(&[
    ("conditions", Keyed("type", &Fields::NONE)),
    ("hostIPs", Keyed("ip", &Fields::NONE)),
    ("podIPs", Keyed("ip", &Fields::NONE)),
    ("resourceClaimStatuses", Keyed("name", &Fields::NONE)),
]);

const POD: Fields =
    Fields(&[("metadata", Map(&METADATA)), ("spec", Map(&POD_SPEC)), ("status", Map(&POD_STATUS))]);

const POD_TEMPLATE: Fields = Fields(&[("metadata", Map(&METADATA)), ("spec", Map(&POD_SPEC))]);

const POD_TEMPLATE_OBJECT: Fields = Fields(&[("metadata", Map(&METADATA)), ("template", Map(&POD_TEMPLATE))]);

const WORKLOAD: Fields = Fields(&[
    ("metadata", Map(&METADATA)),
    ("spec", Map(&Fields(&[("template", Map(&POD_TEMPLATE))]))),
    ("status", Map(&CONDITIONS)),
]);

const JOB_TEMPLATE: Fields =
    Fields(&[("metadata", Map(&METADATA)), ("spec", Map(&Fields(&[("template", Map(&POD_TEMPLATE))])))]);

const CRON_JOB: Fields =
    Fields(&[("metadata", Map(&METADATA)), ("spec", Map(&Fields(&[("jobTemplate", Map(&JOB_TEMPLATE))])))]);

const SERVICE: Fields = Fields(&[
    ("metadata", Map(&METADATA)),
    ("spec", Map(&Fields(&[("ports", Keyed("port", &Fields::NONE))]))),
    ("status", Map(&CONDITIONS)),
]);

const SERVICE_ACCOUNT: Fields =
    Fields(&[("metadata", Map(&METADATA)), ("secrets", Keyed("name", &Fields::NONE))]);

const NODE: Fields = Fields(&[
    ("metadata", Map(&METADATA)),
    ("spec", Map(&Fields(&[("podCIDRs", Set)]))),
    (
        "status",
        Map(&Fields(&[
            ("conditions", Keyed("type", &Fields::NONE)),
            ("addresses", Keyed("type", &Fields::NONE)),
        ])),
    ),
]);

const MATCH_CONDITIONS: Fields = Fields(&[("matchConditions", Keyed("name", &Fields::NONE))]);

const WEBHOOKS: Fields =
    Fields(&[("metadata", Map(&METADATA)), ("webhooks", Keyed("name", &MATCH_CONDITIONS))]);

const MUTATING_POLICY: Fields = Fields(&[("metadata", Map(&METADATA)), ("spec", Map(&MATCH_CONDITIONS))]);

const VALIDATING_POLICY: Fields = Fields(&[
    ("metadata", Map(&METADATA)),
    (
        "spec",
        Map(&Fields(&[
            ("matchConditions", Keyed("name", &Fields::NONE)),
            ("variables", Keyed("name", &Fields::NONE)),
        ])),
    ),
]);

const BUDGET: Fields = Fields(&[
    ("metadata", Map(&METADATA)),
    ("spec", Map(&Fields(&[("selector", Whole)]))),
    ("status", Map(&CONDITIONS)),
]);

const CSI_NODE: Fields = Fields(&[
    ("metadata", Map(&METADATA)),
    ("spec", Map(&Fields(&[("drivers", Keyed("name", &Fields::NONE))]))),
]);

const RESOURCE_CLAIM: Fields = Fields(&[
    ("metadata", Map(&METADATA)),
    ("status", Map(&Fields(&[("reservedFor", Keyed("uid", &Fields::NONE))]))),
]);

const RESOURCE_CLAIM_TEMPLATE: Fields = Fields(&[("metadata", Map(&METADATA)), ("spec", Map(&OBJECT))]);

#[cfg(test)]
mod tests {
    use super::*;

    /// Group, kind, path, strategy and key of every such tag that a patch can get to, read by reflection from the
    /// types of k8s.io/api v0.36.3.
    const TAGS: &str = include_str!("table/tags.txt");

    fn find<'f>(fields: &'f Fields, path: &str) -> Option<&'f Field> {
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        match (fields.get(first)?, rest) {
            (field, None) => Some(field),
            (Map(inside) | Keyed(_, inside), Some(rest)) => find(inside, rest),
            _ => None,
        }
    }

    #[test]
    fn every_tag_of_kubernetes_is_in_the_table() {
        for line in TAGS.lines() {
            let parts: Vec<&str> = line.split(' ').collect();
            let group = if parts[0] == "core" { "" } else { parts[0] };
            // Never stored.
            if matches!(parts[1], "Binding" | "Eviction" | "PodStatusResult") {
                continue;
            }
            let field = find(fields(group, parts[1]).unwrap(), parts[2]);
            let as_told = match (field, parts[3], parts.get(4)) {
                (Some(Keyed(key, _)), "merge" | "merge,retainKeys", Some(told)) => key == told,
                (Some(Set), "merge", None) | (Some(Whole), "replace", None) => true,
                // What is retained is told by the patch.
                (None | Some(Map(_)), "retainKeys", None) => true,
                _ => false,
            };
            assert!(as_told, "{line}: {field:?}");
        }
    }

    #[test]
    fn nothing_is_in_the_table_that_has_no_tag() {
        fn paths(fields: &Fields, before: &str, all: &mut Vec<String>) {
            for (name, field) in fields.0 {
                let path = format!("{before}{name}");
                match field {
                    Map(inside) => paths(inside, &format!("{path}."), all),
                    Keyed(_, inside) => {
                        all.push(path.clone());
                        paths(inside, &format!("{path}."), all);
                    }
                    Whole | Set => all.push(path),
                }
            }
        }
        let tags: Vec<Vec<&str>> = TAGS.lines().map(|line| line.split(' ').collect()).collect();
        for tag in &tags {
            let group = if tag[0] == "core" { "" } else { tag[0] };
            let mut all = Vec::new();
            paths(fields(group, tag[1]).unwrap(), "", &mut all);
            for path in all {
                let known = tags.iter().any(|other| other[..3] == [tag[0], tag[1], path.as_str()]);
                assert!(known, "{} {} {path}", tag[0], tag[1]);
            }
        }
    }

    #[test]
    fn custom_resources_have_none() {
        assert!(fields("x.io", "Pod").is_none());
    }
}
