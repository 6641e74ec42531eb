//! Validation: what an object's fields must hold, and what of it may not change; by kind, with the real server's words.
//!
//! It refuses to look at other objects: that is admission's. What is not checked is listed in `unchecked.txt`.

mod autoscaling;
mod certificates;
mod config;
mod events;
mod flowcontrol;
mod jobs;
pub(super) mod metadata;
mod misc;
mod networking;
mod nodes;
pub(super) mod pod;
mod quotas;
mod rbac;
pub(super) mod resources;
pub(super) mod selector;
mod services;
mod storage;
mod table;
mod volumes;
mod webhooks;
mod workloads;

pub(super) use services::{cluster_addresses, external, health_checked};

use daytwo_core::resource::ResourceType;

use super::kinds::Kind;
use super::look::{At, Faults, field};
use crate::ask::Object;

/// One write, as validation sees it.
pub(super) struct Case<'a> {
    pub kind: &'static Kind,
    /// At the version the client wrote.
    pub resource: &'a ResourceType,
    pub namespaced: bool,
    pub new: &'a Object,
    pub old: Option<&'a Object>,
    pub subresource: Option<&'a str>,
}

impl<'a> Case<'a> {
    /// A field of the object itself.
    pub fn at(&self, name: &str) -> At<'a> {
        At::top(self.new, name)
    }

    /// What stood there before; nothing at a creation.
    pub fn was(&self, name: &str) -> At<'a> {
        match self.old {
            Some(old) => At::top(old, name),
            None => At::top(self.new, "").called(name),
        }
    }

    pub fn updates(&self) -> bool {
        self.old.is_some()
    }

    fn text(&self, name: &str) -> &'a str {
        field(self.new, name).as_str().unwrap_or("")
    }

    /// What most kinds check of the metadata when the object itself is written: at an update, what may not change; else all.
    fn written(&self, out: &mut Faults) {
        if self.updates() { self.metadata_update(out) } else { self.metadata(out) }
    }
}

/// What is wrong with an object, in the order the real server says it.
pub(super) fn check(case: &Case<'_>) -> Faults {
    let mut out = Faults::new();
    if case.updates() {
        case.any_metadata(super::words::segment, &mut out);
        case.any_metadata_update(&mut out);
        by_kind(case, &mut out);
        return out;
    }
    by_kind(case, &mut out);
    if out.is_empty() {
        case.any_metadata(super::words::segment, &mut out);
    }
    out
}

/// The same of metadata alone, for kinds whose fields others check.
pub(super) fn metadata_only(case: &Case<'_>) -> Faults {
    let mut out = Faults::new();
    case.any_metadata(super::words::subdomain, &mut out);
    if case.updates() {
        case.any_metadata_update(&mut out);
    }
    out
}

fn by_kind(case: &Case<'_>, out: &mut Faults) {
    match (case.kind.resource, case.subresource) {
        ("pods", sub) => pod::pod(case, sub, out),
        ("podtemplates", _) => pod::pod_template(case, out),
        ("services", None) => services::service(case, out),
        ("services", _) => services::status(case, out),
        ("endpoints", _) => networking::endpoints(case, out),
        ("namespaces", sub) => config::namespace(case, sub, out),
        ("nodes", sub) => nodes::node(case, sub, out),
        ("persistentvolumes", sub) => volumes::volume(case, sub, out),
        ("persistentvolumeclaims", sub) => volumes::claim(case, sub, out),
        ("configmaps", _) => config::config_map(case, out),
        ("secrets", _) => config::secret(case, out),
        ("serviceaccounts", _) => config::service_account(case, out),
        ("events" | "events.events.k8s.io", _) => events::event(case, out),
        ("limitranges", _) => quotas::limit_range(case, out),
        ("resourcequotas", sub) => quotas::resource_quota(case, sub, out),
        ("replicationcontrollers", sub) => workloads::replication_controller(case, sub, out),
        ("deployments.apps", sub) => workloads::deployment(case, sub, out),
        ("replicasets.apps", sub) => workloads::replica_set(case, sub, out),
        ("statefulsets.apps", sub) => workloads::stateful_set(case, sub, out),
        ("daemonsets.apps", sub) => workloads::daemon_set(case, sub, out),
        ("controllerrevisions.apps", _) => workloads::controller_revision(case, out),
        ("jobs.batch", sub) => jobs::job(case, sub, out),
        ("cronjobs.batch", sub) => jobs::cron_job(case, sub, out),
        ("horizontalpodautoscalers.autoscaling", sub) => autoscaling::autoscaler(case, sub, out),
        ("poddisruptionbudgets.policy", sub) => misc::budget(case, sub, out),
        _ => by_other_kind(case, out),
    }
}

fn by_other_kind(case: &Case<'_>, out: &mut Faults) {
    match (case.kind.resource, case.subresource) {
        ("roles.rbac.authorization.k8s.io", _) => rbac::role(case, true, out),
        ("clusterroles.rbac.authorization.k8s.io", _) => rbac::role(case, false, out),
        ("rolebindings.rbac.authorization.k8s.io", _) => rbac::binding(case, true, out),
        ("clusterrolebindings.rbac.authorization.k8s.io", _) => rbac::binding(case, false, out),
        ("ingresses.networking.k8s.io", sub) => networking::ingress(case, sub, out),
        ("ingressclasses.networking.k8s.io", _) => networking::ingress_class(case, out),
        ("networkpolicies.networking.k8s.io", _) => networking::policy(case, out),
        ("servicecidrs.networking.k8s.io", sub) => networking::service_range(case, sub, out),
        ("ipaddresses.networking.k8s.io", _) => networking::ip_address(case, out),
        ("endpointslices.discovery.k8s.io", _) => networking::endpoint_slice(case, out),
        ("leases.coordination.k8s.io", _) => misc::lease(case, out),
        ("priorityclasses.scheduling.k8s.io", _) => misc::priority_class(case, out),
        ("runtimeclasses.node.k8s.io", _) => misc::runtime_class(case, out),
        ("storageclasses.storage.k8s.io", _) => storage::class(case, out),
        ("csidrivers.storage.k8s.io", _) => storage::driver(case, out),
        ("csinodes.storage.k8s.io", _) => storage::node(case, out),
        ("csistoragecapacities.storage.k8s.io", _) => storage::capacity(case, out),
        ("volumeattachments.storage.k8s.io", sub) => storage::attachment(case, sub, out),
        ("volumeattributesclasses.storage.k8s.io", _) => storage::attributes_class(case, out),
        ("certificatesigningrequests.certificates.k8s.io", sub) => certificates::request(case, sub, out),
        ("validatingwebhookconfigurations.admissionregistration.k8s.io", _) => {
            webhooks::webhooks(case, false, out);
        }
        ("mutatingwebhookconfigurations.admissionregistration.k8s.io", _) => {
            webhooks::webhooks(case, true, out);
        }
        ("flowschemas.flowcontrol.apiserver.k8s.io", sub) => flowcontrol::schema(case, sub, out),
        ("prioritylevelconfigurations.flowcontrol.apiserver.k8s.io", sub) => {
            flowcontrol::level(case, sub, out);
        }
        ("apiservices.apiregistration.k8s.io", sub) => misc::api_service(case, sub, out),
        _ => case.written(out),
    }
}
