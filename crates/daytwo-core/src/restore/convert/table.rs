//! Which versions move to which: what Kubernetes stopped serving, and where its objects went.
//!
//! From <https://kubernetes.io/docs/reference/using-api/deprecation-guide/> and the conversion code of kubernetes v1.36.3
//! (`pkg/apis/<group>/<version>`), apiextensions-apiserver and kube-aggregator v0.36.3; autoscaling v2beta1 and v2beta2
//! from v1.34.4, batch/v2alpha1 and scheduling/v1alpha1 from v1.20 and v1.25.16. It refuses to name a move that none of
//! them makes.

use super::draft::Draft;
use super::{
    Unconvertible, admission, autoscaling, claims, classes, definitions, disruption, endpoints, flow,
    ingress, roles, workloads,
};

/// Makes the edits that a move needs, but for the version.
pub(super) type Shape = fn(&mut Draft<'_>) -> Result<(), Unconvertible>;

/// One move.
#[derive(Debug)]
pub(super) struct Move {
    resources: &'static [&'static str],
    from: (&'static str, &'static [&'static str]),
    /// Group and version.
    pub to: (&'static str, &'static str),
    /// What changes beside the version; `None` where nothing does.
    pub shape: Option<Shape>,
    /// Whether fields are named alike, so that who manages them holds on.
    pub alike: bool,
}

impl PartialEq for Move {
    fn eq(&self, other: &Self) -> bool {
        (self.resources, self.from, self.to) == (other.resources, other.from, other.to)
    }
}

impl Eq for Move {}

/// A move of which the fields stay as they are.
const fn renamed(
    resources: &'static [&'static str],
    from: (&'static str, &'static [&'static str]),
    to: (&'static str, &'static str),
) -> Move {
    Move { resources, from, to, shape: None, alike: true }
}

/// A move that adds or takes away, and names fields alike.
const fn alike(
    resources: &'static [&'static str],
    from: (&'static str, &'static [&'static str]),
    to: (&'static str, &'static str),
    shape: Shape,
) -> Move {
    Move { resources, from, to, shape: Some(shape), alike: true }
}

/// A move that renames fields.
const fn reshaped(
    resources: &'static [&'static str],
    from: (&'static str, &'static [&'static str]),
    to: (&'static str, &'static str),
    shape: Shape,
) -> Move {
    Move { resources, from, to, shape: Some(shape), alike: false }
}

const EXTENSIONS: (&str, &[&str]) = ("extensions", &["v1beta1"]);
const OLD_APPS: (&str, &[&str]) = ("apps", &["v1beta1", "v1beta2"]);
const APPS: (&str, &str) = ("apps", "v1");
const NETWORKING: (&str, &str) = ("networking.k8s.io", "v1");
const ADMISSION: &str = "admissionregistration.k8s.io";
const RBAC: &str = "rbac.authorization.k8s.io";
const FLOW: &str = "flowcontrol.apiserver.k8s.io";
const DRA: &str = "resource.k8s.io";
const POLICIES: &[&str] = &["validatingadmissionpolicies", "validatingadmissionpolicybindings"];
const MUTATING: &[&str] = &["mutatingadmissionpolicies", "mutatingadmissionpolicybindings"];
const BINDINGS: &[&str] = &["rolebindings", "clusterrolebindings"];
const CLAIMS: &[&str] = &["deviceclasses", "resourceclaims", "resourceclaimtemplates"];

/// All moves; of those from one version the first that the cluster can take counts.
static MOVES: &[Move] = &[
    alike(&["deployments"], EXTENSIONS, APPS, workloads::deployment),
    alike(&["deployments"], OLD_APPS, APPS, workloads::deployment),
    alike(&["daemonsets"], EXTENSIONS, APPS, workloads::daemon_set),
    alike(&["daemonsets"], OLD_APPS, APPS, workloads::daemon_set),
    alike(&["replicasets"], EXTENSIONS, APPS, workloads::replica_set),
    alike(&["replicasets"], OLD_APPS, APPS, workloads::replica_set),
    alike(&["statefulsets"], OLD_APPS, APPS, workloads::stateful_set),
    renamed(&["controllerrevisions"], OLD_APPS, APPS),
    renamed(&["networkpolicies"], EXTENSIONS, NETWORKING),
    reshaped(&["ingresses"], EXTENSIONS, NETWORKING, ingress::ingress),
    reshaped(&["ingresses"], ("networking.k8s.io", &["v1beta1"]), NETWORKING, ingress::ingress),
    alike(&["ingressclasses"], ("networking.k8s.io", &["v1beta1"]), NETWORKING, ingress::class),
    renamed(&["servicecidrs"], ("networking.k8s.io", &["v1alpha1", "v1beta1"]), NETWORKING),
    renamed(&["servicecidrs"], ("networking.k8s.io", &["v1alpha1"]), ("networking.k8s.io", "v1beta1")),
    alike(&["poddisruptionbudgets"], ("policy", &["v1beta1"]), ("policy", "v1"), disruption::budget),
    renamed(&["cronjobs"], ("batch", &["v2alpha1", "v1beta1"]), ("batch", "v1")),
    renamed(&["cronjobs"], ("batch", &["v2alpha1"]), ("batch", "v1beta1")),
    renamed(&["horizontalpodautoscalers"], ("autoscaling", &["v2beta2"]), ("autoscaling", "v2")),
    reshaped(
        &["horizontalpodautoscalers"],
        ("autoscaling", &["v2beta1"]),
        ("autoscaling", "v2"),
        autoscaling::autoscaler,
    ),
    renamed(&["roles", "clusterroles"], (RBAC, &["v1alpha1", "v1beta1"]), (RBAC, "v1")),
    renamed(BINDINGS, (RBAC, &["v1beta1"]), (RBAC, "v1")),
    alike(BINDINGS, (RBAC, &["v1alpha1"]), (RBAC, "v1"), roles::binding),
    renamed(&["storageclasses", "csidrivers"], ("storage.k8s.io", &["v1beta1"]), ("storage.k8s.io", "v1")),
    renamed(
        &["volumeattributesclasses"],
        ("storage.k8s.io", &["v1alpha1", "v1beta1"]),
        ("storage.k8s.io", "v1"),
    ),
    renamed(&["volumeattributesclasses"], ("storage.k8s.io", &["v1alpha1"]), ("storage.k8s.io", "v1beta1")),
    renamed(
        &["priorityclasses"],
        ("scheduling.k8s.io", &["v1alpha1", "v1beta1"]),
        ("scheduling.k8s.io", "v1"),
    ),
    renamed(&["runtimeclasses"], ("node.k8s.io", &["v1beta1"]), ("node.k8s.io", "v1")),
    reshaped(&["runtimeclasses"], ("node.k8s.io", &["v1alpha1"]), ("node.k8s.io", "v1"), classes::runtime),
    alike(
        &["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
        (ADMISSION, &["v1beta1"]),
        (ADMISSION, "v1"),
        admission::webhooks,
    ),
    renamed(POLICIES, (ADMISSION, &["v1alpha1", "v1beta1"]), (ADMISSION, "v1")),
    renamed(POLICIES, (ADMISSION, &["v1alpha1"]), (ADMISSION, "v1beta1")),
    renamed(MUTATING, (ADMISSION, &["v1alpha1", "v1beta1"]), (ADMISSION, "v1")),
    renamed(MUTATING, (ADMISSION, &["v1alpha1"]), (ADMISSION, "v1beta1")),
    reshaped(
        &["customresourcedefinitions"],
        ("apiextensions.k8s.io", &["v1beta1"]),
        ("apiextensions.k8s.io", "v1"),
        definitions::definition,
    ),
    renamed(&["apiservices"], ("apiregistration.k8s.io", &["v1beta1"]), ("apiregistration.k8s.io", "v1")),
    renamed(&["leases"], ("coordination.k8s.io", &["v1beta1"]), ("coordination.k8s.io", "v1")),
    reshaped(
        &["endpointslices"],
        ("discovery.k8s.io", &["v1beta1"]),
        ("discovery.k8s.io", "v1"),
        endpoints::slice,
    ),
    renamed(&["flowschemas"], (FLOW, &["v1alpha1", "v1beta1", "v1beta2", "v1beta3"]), (FLOW, "v1")),
    renamed(&["flowschemas"], (FLOW, &["v1alpha1", "v1beta1", "v1beta2"]), (FLOW, "v1beta3")),
    alike(&["prioritylevelconfigurations"], (FLOW, &["v1beta3"]), (FLOW, "v1"), flow::marked_level),
    reshaped(
        &["prioritylevelconfigurations"],
        (FLOW, &["v1alpha1", "v1beta1", "v1beta2"]),
        (FLOW, "v1"),
        flow::level,
    ),
    reshaped(
        &["prioritylevelconfigurations"],
        (FLOW, &["v1alpha1", "v1beta1", "v1beta2"]),
        (FLOW, "v1beta3"),
        flow::level,
    ),
    renamed(CLAIMS, (DRA, &["v1beta2"]), (DRA, "v1")),
    renamed(&["deviceclasses"], (DRA, &["v1beta1"]), (DRA, "v1")),
    renamed(&["deviceclasses"], (DRA, &["v1beta1"]), (DRA, "v1beta2")),
    reshaped(&["resourceclaims"], (DRA, &["v1beta1"]), (DRA, "v1"), claims::claim),
    reshaped(&["resourceclaims"], (DRA, &["v1beta1"]), (DRA, "v1beta2"), claims::claim),
    reshaped(&["resourceclaimtemplates"], (DRA, &["v1beta1"]), (DRA, "v1"), claims::template),
    reshaped(&["resourceclaimtemplates"], (DRA, &["v1beta1"]), (DRA, "v1beta2"), claims::template),
];

/// The moves from `resource` of `group` at `version`, the best first.
pub(super) fn moves<'a>(
    group: &'a str,
    version: &'a str,
    resource: &'a str,
) -> impl Iterator<Item = &'static Move> + 'a {
    MOVES.iter().filter(move |known| {
        known.from.0 == group && known.from.1.contains(&version) && known.resources.contains(&resource)
    })
}

/// A move of `resource` out of `group`.
pub(super) fn of_group(group: &str, resource: &str) -> Option<&'static Move> {
    MOVES
        .iter()
        .find(|known| known.from.0 == group && known.to.0 != group && known.resources.contains(&resource))
}

/// Where a kind went that left its group: group and version.
pub(super) fn of_kind(group: &str, kind: &str) -> Option<(&'static str, &'static str)> {
    match (group, kind) {
        ("extensions", "Deployment" | "DaemonSet" | "ReplicaSet") => Some(APPS),
        ("extensions", "Ingress" | "NetworkPolicy") => Some(NETWORKING),
        _ => None,
    }
}

/// What took the place of a kind that Kubernetes removed for good.
pub(super) fn instead(group: &str, resource: &str) -> Option<&'static str> {
    match (group, resource) {
        ("policy" | "extensions", "podsecuritypolicies") => Some(
            "Kubernetes 1.25 removed the kind: say with Pod Security levels, labels of the namespaces, what they allowed",
        ),
        ("settings.k8s.io", "podpresets") => Some(
            "Kubernetes 1.20 removed the kind: a mutating admission policy or webhook does what they did",
        ),
        ("auditregistration.k8s.io", "auditsinks") => Some(
            "Kubernetes 1.19 removed the kind: give the API server an audit webhook in its configuration",
        ),
        ("extensions", "thirdpartyresources") => {
            Some("Kubernetes 1.8 removed the kind: define the kind by a CustomResourceDefinition")
        }
        _ => None,
    }
}
