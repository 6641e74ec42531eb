//! What backups leave out unless asked for: what a restore must never bring back and nobody wants on record.
//!
//! Nodes, pods and volume snapshots stay: they say how the site stood, and the restore knows what it never
//! creates. Resources that cannot be listed (reviews, bindings) need no row.

use crate::json::{Meta, elements, find, string};
use crate::resource::ResourceType;

/// One row of [`DEFAULTS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// `plural.group`; `*.group` stands for a whole group.
    pub resource: &'static str,
    /// Which of its objects.
    pub objects: Objects,
    /// Why nobody misses them.
    pub why: &'static str,
}

/// Which objects of a resource a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objects {
    /// All of them.
    All,
    /// Those of one namespace.
    InNamespace(&'static str),
    /// The one of this namespace and name.
    Named(&'static str, &'static str),
    /// Those that carry the label, with one of the values; with any value where none is given.
    Labelled(&'static str, &'static [&'static str]),
    /// Those that carry the annotation.
    Annotated(&'static str),
    /// Those whose every field was written by this manager (`metadata.managedFields`).
    WrittenBy(&'static str),
}

const fn row(resource: &'static str, objects: Objects, why: &'static str) -> LeftOut {
    LeftOut { resource, objects, why }
}

const LOG: &str =
    "events are a log that expires by itself; restored ones would tell of what did not happen there";
const COMPUTED: &str = "computed at each request, stored nowhere";
const BY_KUBELET: &str = "each kubelet and driver reports it anew";
const BY_CONTROLLER: &str = "a controller derives it from Services and pods, and makes it anew";
const BY_SERVER: &str = "the API server makes it itself";
const BY_AGENT: &str = "the network agent of each node derives it from pods";
const HEARTBEAT: &str = "a sign of life that is seconds old; its holder renews it";
const RUN: &str = "a run of Velero, which reads it from its bucket again; a restored one would be run";

/// What is left out unless `include_resources` names it or holds `*`, and why.
pub const DEFAULTS: &[LeftOut] = &[
    row("events", Objects::All, LOG),
    row("events.events.k8s.io", Objects::All, LOG),
    row("componentstatuses", Objects::All, COMPUTED),
    row("*.metrics.k8s.io", Objects::All, COMPUTED),
    row("*.custom.metrics.k8s.io", Objects::All, COMPUTED),
    row("*.external.metrics.k8s.io", Objects::All, COMPUTED),
    row("leases.coordination.k8s.io", Objects::InNamespace("kube-node-lease"), HEARTBEAT),
    row("leases.coordination.k8s.io", Objects::Labelled("apiserver.kubernetes.io/identity", &[]), HEARTBEAT),
    row("leasecandidates.coordination.k8s.io", Objects::All, HEARTBEAT),
    row("endpoints", Objects::Named("default", "kubernetes"), BY_SERVER),
    row(
        "endpoints",
        Objects::Labelled("endpoints.kubernetes.io/managed-by", &["endpoint-controller"]),
        BY_CONTROLLER,
    ),
    row("endpoints", Objects::Annotated("endpoints.kubernetes.io/last-change-trigger-time"), BY_CONTROLLER),
    row("endpoints", Objects::WrittenBy("kube-controller-manager"), BY_CONTROLLER),
    row("endpointslices.discovery.k8s.io", Objects::Named("default", "kubernetes"), BY_SERVER),
    row(
        "endpointslices.discovery.k8s.io",
        Objects::Labelled(
            "endpointslice.kubernetes.io/managed-by",
            &["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"],
        ),
        BY_CONTROLLER,
    ),
    row(
        "ipaddresses.networking.k8s.io",
        Objects::All,
        "the API server makes one with each Service; one that is there first makes the Service fail",
    ),
    row(
        "apiservices.apiregistration.k8s.io",
        Objects::Labelled("kube-aggregator.kubernetes.io/automanaged", &[]),
        BY_SERVER,
    ),
    row("storageversions.internal.apiserver.k8s.io", Objects::All, BY_SERVER),
    row(
        "certificatesigningrequests.certificates.k8s.io",
        Objects::All,
        "a request that expires within a day; a restored approved one would be signed again",
    ),
    row("csinodes.storage.k8s.io", Objects::All, BY_KUBELET),
    row("csistoragecapacities.storage.k8s.io", Objects::All, BY_KUBELET),
    row("resourceslices.resource.k8s.io", Objects::All, BY_KUBELET),
    row(
        "volumeattachments.storage.k8s.io",
        Objects::All,
        "which volume hangs on which node now; a restored one would attach it there",
    ),
    row("ciliumendpoints.cilium.io", Objects::All, BY_AGENT),
    row("ciliumendpointslices.cilium.io", Objects::All, BY_AGENT),
    row("backups.velero.io", Objects::All, RUN),
    row("restores.velero.io", Objects::All, RUN),
    row("deletebackuprequests.velero.io", Objects::All, RUN),
    row("downloadrequests.velero.io", Objects::All, RUN),
    row("serverstatusrequests.velero.io", Objects::All, RUN),
    row("podvolumebackups.velero.io", Objects::All, RUN),
    row("podvolumerestores.velero.io", Objects::All, RUN),
    row("datauploads.velero.io", Objects::All, RUN),
    row("datadownloads.velero.io", Objects::All, RUN),
    row("backuprepositories.velero.io", Objects::All, RUN),
    row("resticrepositories.velero.io", Objects::All, RUN),
];

impl LeftOut {
    fn is_of(&self, resource: &ResourceType) -> bool {
        match self.resource.strip_prefix("*.") {
            Some(group) => group == resource.group,
            None => match self.resource.split_once('.') {
                Some((plural, group)) => resource.is(group, plural),
                None => resource.is("", self.resource),
            },
        }
    }

    pub(super) fn whole_group(&self, group: &str) -> bool {
        self.resource.strip_prefix("*.") == Some(group)
    }

    fn holds(&self, meta: &Meta) -> bool {
        match self.objects {
            Objects::All => true,
            Objects::InNamespace(namespace) => meta.namespace.as_deref() == Some(namespace),
            Objects::Named(namespace, name) => {
                meta.namespace.as_deref() == Some(namespace) && meta.name == name
            }
            Objects::Labelled(label, values) => match meta.label(label) {
                Ok(Some(value)) => values.is_empty() || values.contains(&&*value),
                Ok(None) | Err(_) => false,
            },
            Objects::Annotated(annotation) => matches!(meta.annotation(annotation), Ok(Some(_))),
            Objects::WrittenBy(manager) => written_by(meta, manager),
        }
    }
}

/// Why objects of this type are left out, or this one if `meta` is given; `None` if they are not. Filters aside: for
/// those who must not touch what backups do not hold.
pub fn left_out_by_default(resource: &ResourceType, meta: Option<&Meta>) -> Option<&'static str> {
    whole(resource).or_else(|| object(resource, meta?))
}

pub(super) fn whole(resource: &ResourceType) -> Option<&'static str> {
    let row = DEFAULTS.iter().find(|row| row.objects == Objects::All && row.is_of(resource));
    row.map(|row| row.why)
}

pub(super) fn object(resource: &ResourceType, meta: &Meta) -> Option<&'static str> {
    // Runs for every object of a backup: only four resources have rows about single objects.
    if !matches!(&*resource.resource, "leases" | "endpoints" | "endpointslices" | "apiservices") {
        return None;
    }
    let mut rows = DEFAULTS.iter().filter(|row| row.objects != Objects::All && row.is_of(resource));
    rows.find(|row| row.holds(meta)).map(|row| row.why)
}

fn written_by(meta: &Meta, manager: &str) -> bool {
    let Some(managed) = meta.managed_fields else { return false };
    let mut any = false;
    for entry in elements(managed) {
        let Ok(entry) = entry else { return false };
        let entry = &managed[entry];
        let Ok(Some(span)) = find(entry, &["manager"]) else { return false };
        if string(&entry[span]).as_deref() != Some(manager) {
            return false;
        }
        any = true;
    }
    any
}
