//! Why an object is passed over, and the objects that are whatever they hold. It refuses to look into them: what
//! their content decides is judged with the rules.

use serde::{Deserialize, Serialize};

use super::Source;

/// Why an object is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Skip {
    /// The API server or kube-controller-manager keeps it by itself.
    ServerKeeps,
    /// It is the state of a node or of a driver on it, which reports it anew.
    NodeState,
    /// It records or asks for an act; writing it again would ask again, or claim what did not happen here.
    Act,
    /// Its controller makes it again.
    ControllerMakes,
    /// A pod that had ended: created, it would run again.
    FinishedPod,
    /// It was being deleted when the backup was made.
    Terminating,
    /// The data of the volume lies in a snapshot or a volume repository, which this restore does not read.
    DataElsewhere,
    /// The cluster does not serve its kind, or not at this version.
    NotServed,
    /// The cluster serves its kind at another version, which cannot express it.
    Inexpressible,
    /// The Service behind a webhook that would refuse every write without an answer has no ready endpoint.
    BackendNotReady,
    /// Its definition converts it by a webhook, which its version needs, and nothing answers for that.
    ConverterNotReady,
}

impl Skip {
    /// The reason in words, as in `57 objects: their controller makes them again`.
    pub fn text(self) -> &'static str {
        match self {
            Skip::ServerKeeps => "the server keeps it by itself",
            Skip::NodeState => "a node or its driver reports it anew",
            Skip::Act => "it records or asks for an act, which is not state",
            Skip::ControllerMakes => "its controller makes it again",
            Skip::FinishedPod => "the pod had ended and would run again",
            Skip::Terminating => "it was being deleted when the backup was made",
            Skip::DataElsewhere => "its data lies in a snapshot or a volume repository",
            Skip::NotServed => "the cluster does not serve this kind at this version",
            Skip::Inexpressible => "the version that the cluster serves cannot express it",
            Skip::BackendNotReady => "nothing answers for the webhook, which would then refuse every write",
            Skip::ConverterNotReady => {
                "nothing answers for the webhook that converts it to the version it is stored at"
            }
        }
    }

    /// Whether a person has to act: the cluster lacks something that the backup holds.
    pub fn is_loss(self) -> bool {
        matches!(
            self,
            Skip::DataElsewhere
                | Skip::NotServed
                | Skip::Inexpressible
                | Skip::BackendNotReady
                | Skip::ConverterNotReady
        )
    }

    /// How many objects a report names.
    pub(super) fn named(self) -> usize {
        if self.is_loss() { 1_000 } else { 20 }
    }
}

/// Resources of which nothing is written.
pub(super) fn by_resource(resource: &str) -> Option<Skip> {
    match resource {
        "ipaddresses.networking.k8s.io" | "componentstatuses" => Some(Skip::ServerKeeps),
        "nodes"
        | "csinodes.storage.k8s.io"
        | "csistoragecapacities.storage.k8s.io"
        | "volumeattachments.storage.k8s.io"
        | "resourceslices.resource.k8s.io"
        | "storageversions.internal.apiserver.k8s.io" => Some(Skip::NodeState),
        "events"
        | "events.events.k8s.io"
        | "bindings"
        | "certificatesigningrequests.certificates.k8s.io"
        | "podcertificaterequests.certificates.k8s.io"
        | "storageversionmigrations.storagemigration.k8s.io"
        | "backups.velero.io"
        | "restores.velero.io"
        | "deletebackuprequests.velero.io"
        | "downloadrequests.velero.io"
        | "serverstatusrequests.velero.io"
        | "podvolumebackups.velero.io"
        | "podvolumerestores.velero.io"
        | "datauploads.velero.io"
        | "datadownloads.velero.io"
        | "backuprepositories.velero.io"
        | "resticrepositories.velero.io" => Some(Skip::Act),
        _ => None,
    }
}

/// Objects that the server makes, by their names.
pub(super) fn by_name(resource: &str, source: &Source<'_>) -> Option<Skip> {
    let kept = match (resource, source.namespace, source.name) {
        ("configmaps", _, "kube-root-ca.crt")
        | (
            "configmaps",
            Some("kube-system"),
            "extension-apiserver-authentication" | "kube-apiserver-legacy-service-account-token-tracking",
        )
        | ("services" | "endpoints" | "endpointslices.discovery.k8s.io", Some("default"), "kubernetes")
        | ("servicecidrs.networking.k8s.io", _, "kubernetes")
        | ("priorityclasses.scheduling.k8s.io", _, "system-node-critical" | "system-cluster-critical") => {
            true
        }
        ("leases.coordination.k8s.io", Some("kube-system"), name) => name.starts_with("apiserver-"),
        _ => false,
    };
    kept.then_some(Skip::ServerKeeps)
}
