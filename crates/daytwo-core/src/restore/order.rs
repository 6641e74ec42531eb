//! The order in which a restore writes: what others rest on comes first.
//!
//! Objects are put into waves; within a wave they are written in parallel, and no wave starts before the one
//! before it ended. Two places of the order are choices:
//!
//! * Custom resources come after configuration and before workloads. An operator that starts finds its resources
//!   there, and what owns workloads is there before them.
//! * ReplicaSets and ControllerRevisions that a controller owns come before their owners, which adopt them: the
//!   revision history survives. Owners first would make new ones at once.

use serde::{Deserialize, Serialize};

/// A wave, in the order of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Wave {
    /// CustomResourceDefinitions.
    Definitions,
    /// Namespaces.
    Namespaces,
    /// Classes and drivers that others name: storage, priority, runtime, ingress; flow control.
    Classes,
    /// PersistentVolumes.
    Volumes,
    /// PersistentVolumeClaims.
    Claims,
    /// ServiceAccounts, Roles and ClusterRoles.
    Accounts,
    /// RoleBindings and ClusterRoleBindings.
    Bindings,
    /// Secrets, ConfigMaps, NetworkPolicies (before any pod, or workloads would run open), and every other
    /// built-in kind that this list does not name.
    Config,
    /// Services with an address or a node port of their own.
    FixedServices,
    /// Services that get theirs from the server: after those that would otherwise find them taken.
    Services,
    /// Endpoints, EndpointSlices and Ingresses: a controller removes Endpoints without a Service.
    Endpoints,
    /// Resources of every group that Kubernetes itself does not define.
    CustomResources,
    /// Pods: those that no controller owns, and where asked for those that one will adopt, which would otherwise
    /// make its own.
    Pods,
    /// ReplicaSets and ControllerRevisions that a controller will adopt.
    Revisions,
    /// Deployments, StatefulSets, DaemonSets, Jobs, CronJobs, autoscalers.
    Workloads,
    /// Custom resources that the server can store only once a conversion webhook answers, which is a workload.
    Converted,
    /// ResourceQuotas, LimitRanges and admission policies: after what they would refuse.
    Limits,
    /// Admission webhooks and APIServices.
    Webhooks,
}

impl Wave {
    /// All waves in the order of writing.
    pub const ALL: [Wave; 18] = [
        Wave::Definitions,
        Wave::Namespaces,
        Wave::Classes,
        Wave::Volumes,
        Wave::Claims,
        Wave::Accounts,
        Wave::Bindings,
        Wave::Config,
        Wave::FixedServices,
        Wave::Services,
        Wave::Endpoints,
        Wave::CustomResources,
        Wave::Pods,
        Wave::Revisions,
        Wave::Workloads,
        Wave::Converted,
        Wave::Limits,
        Wave::Webhooks,
    ];

    /// What a person calls it.
    pub fn name(self) -> &'static str {
        match self {
            Wave::Definitions => "definitions",
            Wave::Namespaces => "namespaces",
            Wave::Classes => "classes",
            Wave::Volumes => "volumes",
            Wave::Claims => "claims",
            Wave::Accounts => "accounts and roles",
            Wave::Bindings => "role bindings",
            Wave::Config => "configuration",
            Wave::FixedServices => "services with fixed addresses",
            Wave::Services => "services",
            Wave::Endpoints => "endpoints",
            Wave::CustomResources => "custom resources",
            Wave::Revisions => "revisions",
            Wave::Pods => "pods",
            Wave::Workloads => "workloads",
            Wave::Converted => "converted custom resources",
            Wave::Limits => "limits",
            Wave::Webhooks => "webhooks",
        }
    }
}

impl std::fmt::Display for Wave {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The parts of an object that decide its wave beside its resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traits {
    /// A Service that asks for an address or a node port.
    pub fixed_address: bool,
    /// An owner is marked as its controller.
    pub controlled: bool,
    /// A custom resource that a webhook has to convert before it is stored.
    pub converted: bool,
}

/// The wave of an object of `resource` (as in `deployments.apps`).
pub fn wave(resource: &str, traits: Traits) -> Wave {
    match resource {
        "customresourcedefinitions.apiextensions.k8s.io" => Wave::Definitions,
        "namespaces" => Wave::Namespaces,
        "storageclasses.storage.k8s.io"
        | "csidrivers.storage.k8s.io"
        | "volumeattributesclasses.storage.k8s.io"
        | "priorityclasses.scheduling.k8s.io"
        | "runtimeclasses.node.k8s.io"
        | "ingressclasses.networking.k8s.io"
        | "deviceclasses.resource.k8s.io"
        | "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"
        | "flowschemas.flowcontrol.apiserver.k8s.io" => Wave::Classes,
        "persistentvolumes" => Wave::Volumes,
        "persistentvolumeclaims" => Wave::Claims,
        "serviceaccounts" | "roles.rbac.authorization.k8s.io" | "clusterroles.rbac.authorization.k8s.io" => {
            Wave::Accounts
        }
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
            Wave::Bindings
        }
        "services" if traits.fixed_address => Wave::FixedServices,
        "services" => Wave::Services,
        "endpoints"
        | "endpointslices.discovery.k8s.io"
        | "ingresses.networking.k8s.io"
        | "ingresses.extensions" => Wave::Endpoints,
        "replicasets.apps" | "controllerrevisions.apps" if traits.controlled => Wave::Revisions,
        "pods" => Wave::Pods,
        "replicationcontrollers" => Wave::Workloads,
        "resourcequotas" | "limitranges" => Wave::Limits,
        _ => match by_group(resource) {
            Wave::CustomResources if traits.converted => Wave::Converted,
            wave => wave,
        },
    }
}

/// Whether any object of `resource` belongs to `wave`.
pub fn may_hold(which: Wave, resource: &str) -> bool {
    let traits = Traits::default();
    [
        traits,
        Traits { fixed_address: true, ..traits },
        Traits { controlled: true, ..traits },
        Traits { converted: true, ..traits },
    ]
    .into_iter()
    .any(|traits| wave(resource, traits) == which)
}

fn by_group(resource: &str) -> Wave {
    match group(resource) {
        "apps" | "batch" | "autoscaling" => Wave::Workloads,
        "apiregistration.k8s.io" => Wave::Webhooks,
        "admissionregistration.k8s.io" if resource.contains("webhook") => Wave::Webhooks,
        "admissionregistration.k8s.io" => Wave::Limits,
        group if built_in(group) => Wave::Config,
        _ => Wave::CustomResources,
    }
}

/// The API group in `deployments.apps`; empty for the core group.
pub fn group(resource: &str) -> &str {
    resource.split_once('.').map_or("", |(_, group)| group)
}

/// Whether kube-apiserver itself serves `group` (Kubernetes 1.20 to 1.37: the groups of `k8s.io/api`, and those of
/// `apiextensions-apiserver` and `kube-aggregator`).
pub fn built_in(group: &str) -> bool {
    matches!(
        group,
        "" | "admissionregistration.k8s.io"
            | "apiextensions.k8s.io"
            | "apiregistration.k8s.io"
            | "apps"
            | "authentication.k8s.io"
            | "authorization.k8s.io"
            | "autoscaling"
            | "batch"
            | "certificates.k8s.io"
            | "coordination.k8s.io"
            | "discovery.k8s.io"
            | "events.k8s.io"
            | "extensions"
            | "flowcontrol.apiserver.k8s.io"
            | "imagepolicy.k8s.io"
            | "internal.apiserver.k8s.io"
            | "networking.k8s.io"
            | "node.k8s.io"
            | "policy"
            | "rbac.authorization.k8s.io"
            | "resource.k8s.io"
            | "scheduling.k8s.io"
            | "storage.k8s.io"
            | "storagemigration.k8s.io"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(resource: &str) -> Wave {
        wave(resource, Traits::default())
    }

    #[test]
    fn network_policies_come_before_any_pod_or_workloads_run_open() {
        let policies = of("networkpolicies.networking.k8s.io");
        for later in ["pods", "deployments.apps", "jobs.batch", "replicasets.apps", "replicationcontrollers"]
        {
            assert!(policies < of(later), "{later}");
        }
        assert!(policies < wave("replicasets.apps", Traits { controlled: true, ..Traits::default() }));
    }

    #[test]
    fn quotas_limits_and_admission_policies_come_after_what_they_would_refuse() {
        for last in [
            "resourcequotas",
            "limitranges",
            "validatingadmissionpolicies.admissionregistration.k8s.io",
            "validatingadmissionpolicybindings.admissionregistration.k8s.io",
            "mutatingadmissionpolicies.admissionregistration.k8s.io",
        ] {
            for earlier in
                ["pods", "deployments.apps", "widgets.example.com", "persistentvolumeclaims", "services"]
            {
                assert!(of(last) > of(earlier), "{last} {earlier}");
            }
        }
    }

    #[test]
    fn webhooks_and_api_services_are_the_last() {
        for resource in [
            "validatingwebhookconfigurations.admissionregistration.k8s.io",
            "mutatingwebhookconfigurations.admissionregistration.k8s.io",
            "apiservices.apiregistration.k8s.io",
        ] {
            assert_eq!(of(resource), *Wave::ALL.last().unwrap(), "{resource}");
        }
    }

    #[test]
    fn a_fixed_address_is_taken_before_the_server_hands_it_out() {
        let fixed = wave("services", Traits { fixed_address: true, ..Traits::default() });
        assert!(fixed < of("services"));
    }

    #[test]
    fn children_of_a_controller_come_before_it_and_are_adopted() {
        let controlled = Traits { controlled: true, ..Traits::default() };
        assert!(wave("replicasets.apps", controlled) < of("deployments.apps"));
        assert!(wave("controllerrevisions.apps", controlled) < of("statefulsets.apps"));
    }

    #[test]
    fn pods_come_before_what_would_make_its_own() {
        let controlled = Traits { controlled: true, ..Traits::default() };
        assert!(wave("pods", controlled) < wave("replicasets.apps", controlled));
        assert!(wave("pods", controlled) < of("statefulsets.apps"));
    }

    #[test]
    fn what_a_webhook_converts_comes_after_the_workloads_that_answer_for_it() {
        let converted = Traits { converted: true, ..Traits::default() };
        assert!(wave("widgets.example.com", converted) > of("deployments.apps"));
        assert_eq!(wave("deployments.apps", converted), Wave::Workloads);
        assert!(may_hold(Wave::Converted, "widgets.example.com"));
    }

    #[test]
    fn endpoints_come_after_their_service_or_a_controller_removes_them() {
        assert!(of("endpoints") > of("services"));
        assert!(of("endpointslices.discovery.k8s.io") > of("services"));
    }

    #[test]
    fn what_is_bound_comes_after_what_it_is_bound_to() {
        assert!(of("persistentvolumes") < of("persistentvolumeclaims"));
        assert!(
            of("clusterroles.rbac.authorization.k8s.io")
                < of("clusterrolebindings.rbac.authorization.k8s.io")
        );
        assert!(of("serviceaccounts") < of("secrets"));
    }

    #[test]
    fn a_group_nobody_knows_is_a_custom_resource() {
        assert_eq!(of("widgets.example.com"), Wave::CustomResources);
        assert_eq!(of("networkpolicies.crd.projectcalico.org"), Wave::CustomResources);
        assert_eq!(of("leases.coordination.k8s.io"), Wave::Config);
    }

    #[test]
    fn a_resource_of_two_waves_is_looked_for_in_both() {
        assert!(may_hold(Wave::Services, "services") && may_hold(Wave::FixedServices, "services"));
        assert!(
            may_hold(Wave::Revisions, "replicasets.apps") && may_hold(Wave::Workloads, "replicasets.apps")
        );
        assert!(!may_hold(Wave::Pods, "services"));
    }

    #[test]
    fn the_list_of_waves_is_whole_and_sorted() {
        assert!(Wave::ALL.is_sorted());
        assert_eq!(Wave::ALL.len(), Wave::Webhooks as usize + 1);
    }
}
