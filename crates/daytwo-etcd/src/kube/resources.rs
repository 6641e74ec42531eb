//! The resources that a store has: those built into Kubernetes 1.33 to 1.37, and those that the store's own
//! CustomResourceDefinitions define. So `deploy` is understood from the file alone.
//!
//! Names as discovery gives them; folders from `pkg/kubeapiserver/default_storage_factory_builder.go` of Kubernetes v1.36
//! (`SpecialDefaultResourcePrefixes`). A test compares both with a real API server.

use std::collections::HashMap;
use std::ops::ControlFlow;

use serde_json::Value;

use super::Objects;
use super::keys::{Place, Prefix};
use crate::{Result, Store, keyspace};

/// group, preferred version, folder where it is not the plural, `n` in namespaces or `c` in none, kind, plural, singular
/// where it is not the kind in small letters, short names.
const BUILT_IN: &str = "
- v1 - n ConfigMap configmaps - cm
- v1 services/endpoints n Endpoints endpoints - ep
- v1 - n Event events - ev
- v1 - n LimitRange limitranges - limits
- v1 - c Namespace namespaces - ns
- v1 minions c Node nodes - no
- v1 - n PersistentVolumeClaim persistentvolumeclaims - pvc
- v1 - c PersistentVolume persistentvolumes - pv
- v1 - n Pod pods - po
- v1 - n PodTemplate podtemplates -
- v1 controllers n ReplicationController replicationcontrollers - rc
- v1 - n ResourceQuota resourcequotas - quota
- v1 - n Secret secrets -
- v1 - n ServiceAccount serviceaccounts - sa
- v1 services/specs n Service services - svc
apps v1 - n ControllerRevision controllerrevisions -
apps v1 - n DaemonSet daemonsets - ds
apps v1 - n Deployment deployments - deploy
apps v1 - n ReplicaSet replicasets - rs
apps v1 - n StatefulSet statefulsets - sts
batch v1 - n CronJob cronjobs - cj
batch v1 - n Job jobs -
autoscaling v2 - n HorizontalPodAutoscaler horizontalpodautoscalers - hpa
networking.k8s.io v1 - c IngressClass ingressclasses -
networking.k8s.io v1 ingress n Ingress ingresses - ing
networking.k8s.io v1 - c IPAddress ipaddresses - ip
networking.k8s.io v1 - n NetworkPolicy networkpolicies - netpol
networking.k8s.io v1 - c ServiceCIDR servicecidrs -
policy v1 - n PodDisruptionBudget poddisruptionbudgets - pdb
rbac.authorization.k8s.io v1 - c ClusterRoleBinding clusterrolebindings -
rbac.authorization.k8s.io v1 - c ClusterRole clusterroles -
rbac.authorization.k8s.io v1 - n RoleBinding rolebindings -
rbac.authorization.k8s.io v1 - n Role roles -
storage.k8s.io v1 - c CSIDriver csidrivers -
storage.k8s.io v1 - c CSINode csinodes -
storage.k8s.io v1 - n CSIStorageCapacity csistoragecapacities -
storage.k8s.io v1 - c StorageClass storageclasses - sc
storage.k8s.io v1 - c VolumeAttachment volumeattachments -
storage.k8s.io v1 - c VolumeAttributesClass volumeattributesclasses - vac
admissionregistration.k8s.io v1 - c MutatingAdmissionPolicy mutatingadmissionpolicies -
admissionregistration.k8s.io v1 - c MutatingAdmissionPolicyBinding mutatingadmissionpolicybindings -
admissionregistration.k8s.io v1 - c MutatingWebhookConfiguration mutatingwebhookconfigurations -
admissionregistration.k8s.io v1 - c ValidatingAdmissionPolicy validatingadmissionpolicies -
admissionregistration.k8s.io v1 - c ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings -
admissionregistration.k8s.io v1 - c ValidatingWebhookConfiguration validatingwebhookconfigurations -
apiextensions.k8s.io v1 apiextensions.k8s.io/customresourcedefinitions c CustomResourceDefinition customresourcedefinitions - crd,crds
apiregistration.k8s.io v1 apiregistration.k8s.io/apiservices c APIService apiservices -
certificates.k8s.io v1 - c CertificateSigningRequest certificatesigningrequests - csr
certificates.k8s.io v1beta1 - c ClusterTrustBundle clustertrustbundles -
certificates.k8s.io v1beta1 - n PodCertificateRequest podcertificaterequests -
coordination.k8s.io v1 - n Lease leases -
coordination.k8s.io v1beta1 - n LeaseCandidate leasecandidates -
discovery.k8s.io v1 - n EndpointSlice endpointslices -
flowcontrol.apiserver.k8s.io v1 - c FlowSchema flowschemas -
flowcontrol.apiserver.k8s.io v1 - c PriorityLevelConfiguration prioritylevelconfigurations -
internal.apiserver.k8s.io v1alpha1 - c StorageVersion storageversions -
lifecycle.k8s.io v1alpha1 - n Eviction evictions -
lifecycle.k8s.io v1alpha1 - n EvictionRequest evictionrequests -
node.k8s.io v1 - c RuntimeClass runtimeclasses -
resource.k8s.io v1 - c DeviceClass deviceclasses -
resource.k8s.io v1beta2 - c DeviceTaintRule devicetaintrules -
resource.k8s.io v1 - n ResourceClaim resourceclaims -
resource.k8s.io v1 - n ResourceClaimTemplate resourceclaimtemplates -
resource.k8s.io v1alpha3 - c ResourcePoolStatusRequest resourcepoolstatusrequests -
resource.k8s.io v1 - c ResourceSlice resourceslices -
scheduling.k8s.io v1alpha3 - n CompositePodGroup compositepodgroups -
scheduling.k8s.io v1beta1 - n PodGroup podgroups -
scheduling.k8s.io v1 - c PriorityClass priorityclasses - pc
scheduling.k8s.io v1beta1 - n Workload workloads -
storagemigration.k8s.io v1 - c StorageVersionMigration storageversionmigrations -
";

/// One resource of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Empty for the core's.
    pub group: String,
    /// The version that discovery prefers; objects may be stored at another.
    pub version: String,
    /// As `Deployment`.
    pub kind: String,
    /// As `deployments`.
    pub plural: String,
    /// As `deployment`.
    pub singular: String,
    /// As `deploy`.
    pub short_names: Vec<String>,
    /// Whether its objects stand in namespaces.
    pub namespaced: bool,
    /// Whether a CustomResourceDefinition defines it.
    pub custom: bool,
    folder: String,
}

impl Resource {
    /// Where its objects are below the prefix, such as `services/specs`.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// As kubectl prints it: `deployments.apps`, `pods`.
    pub fn full_name(&self) -> String {
        match self.group.is_empty() {
            true => self.plural.clone(),
            false => format!("{}.{}", self.plural, self.group),
        }
    }

    fn built_in(line: &str) -> Option<Resource> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [group, version, folder, scope, kind, plural, singular, rest @ ..] = words.as_slice() else {
            return None;
        };
        let owned = |word: &str, or: &str| if word == "-" { or.to_owned() } else { word.to_owned() };
        Some(Resource {
            group: owned(group, ""),
            version: (*version).to_owned(),
            kind: (*kind).to_owned(),
            plural: (*plural).to_owned(),
            singular: owned(singular, &kind.to_lowercase()),
            short_names: rest.iter().flat_map(|names| names.split(',')).map(str::to_owned).collect(),
            namespaced: *scope == "n",
            custom: false,
            folder: owned(folder, plural),
        })
    }

    /// From a definition at `v1`.
    fn defined(definition: &Value) -> Option<Resource> {
        let spec = &definition["spec"];
        let names = &spec["names"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let (group, kind, plural) = (text(&spec["group"])?, text(&names["kind"])?, text(&names["plural"])?);
        let versions = spec["versions"].as_array()?;
        let served = versions.iter().find(|version| version["served"] == true).or(versions.first())?;
        Some(Resource {
            version: text(&served["name"])?,
            singular: text(&names["singular"]).unwrap_or_else(|| kind.to_lowercase()),
            short_names: names["shortNames"].as_array().into_iter().flatten().filter_map(text).collect(),
            namespaced: spec["scope"] == "Namespaced",
            custom: true,
            folder: format!("{group}/{plural}"),
            group,
            kind,
            plural,
        })
    }
}

/// What resources there are.
#[derive(Debug, Clone)]
pub struct Catalogue {
    resources: Vec<Resource>,
    /// Their places in `resources`.
    by_folder: HashMap<String, usize>,
}

impl Catalogue {
    /// Those of Kubernetes itself.
    pub fn built_in() -> Self {
        let mut catalogue = Self { resources: Vec::new(), by_folder: HashMap::new() };
        BUILT_IN.lines().filter_map(Resource::built_in).for_each(|resource| catalogue.add(resource));
        catalogue
    }

    fn add(&mut self, resource: Resource) {
        self.by_folder.entry(resource.folder.clone()).or_insert(self.resources.len());
        self.resources.push(resource);
    }

    /// Those of Kubernetes, and those that the definitions in the store at the revision `at` define. Definitions that
    /// cannot be read are passed over: their objects are still found by their keys.
    ///
    /// # Errors
    /// Those of [`keyspace::list`].
    pub fn of(store: &dyn Store, objects: &Objects, at: Option<i64>) -> Result<Self> {
        let mut catalogue = Self::built_in();
        let mut found = Vec::new();
        let Some(definitions) = catalogue.find("crd") else { return Ok(catalogue) };
        let keys = objects.prefix().keys(definitions, None);
        keyspace::list(store, &keys, at, &mut |record| {
            found.extend(objects.show(record).ok().and_then(|shown| Resource::defined(&shown.object)));
            ControlFlow::Continue(())
        })?;
        found.sort_by(|a, b| (&a.group, &a.plural).cmp(&(&b.group, &b.plural)));
        found.into_iter().for_each(|resource| catalogue.add(resource));
        Ok(catalogue)
    }

    /// All of them, Kubernetes' own first.
    pub fn all(&self) -> &[Resource] {
        &self.resources
    }

    /// The resource a person means, as kubectl understands it: plural, singular, short name or kind, in any case, with a
    /// group or a version and a group behind it (`deploy`, `Deployment.apps`, `deployments.v1.apps`). Where two resources
    /// have the name, Kubernetes' own comes first.
    pub fn find(&self, asked: &str) -> Option<&Resource> {
        let asked = asked.to_lowercase();
        let (name, group) =
            asked.split_once('.').map_or((asked.as_str(), None), |(name, group)| (name, Some(group)));
        let named = |resource: &&Resource| {
            resource.plural == name
                || resource.singular == name
                || resource.kind.to_lowercase() == name
                || resource.short_names.iter().any(|short| short == name)
        };
        let grouped = |resource: &Resource| {
            group.is_none_or(|group| {
                // Events of both groups are the same objects.
                group == resource.group
                    || group
                        .split_once('.')
                        .is_some_and(|(version, rest)| version.starts_with('v') && rest == resource.group)
                    || (resource.group.is_empty() && group.starts_with('v') && !group.contains('.'))
                    || (resource.plural == "events" && group == "events.k8s.io")
            })
        };
        self.resources.iter().filter(named).find(|resource| grouped(resource))
    }

    /// The resource of a kind.
    pub fn of_kind(&self, group: &str, kind: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.group == group && resource.kind == kind)
    }

    /// The resource whose folder this is.
    pub(super) fn at(&self, folder: &str) -> Option<&Resource> {
        self.resources.get(*self.by_folder.get(folder)?)
    }

    /// What a key stands for, by [`Prefix::place`].
    pub fn place<'a>(&'a self, prefix: &Prefix, key: &'a [u8]) -> Place<'a> {
        prefix.place(key, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_understood_as_kubectl_does() {
        let catalogue = Catalogue::built_in();
        for (asked, found) in [
            ("deploy", "deployments.apps"),
            ("Deployment.apps", "deployments.apps"),
            ("deployments.v1.apps", "deployments.apps"),
            ("po", "pods"),
            ("pods.v1", "pods"),
            ("ENDPOINTS", "endpoints"),
            ("events.events.k8s.io", "events"),
            ("crd", "customresourcedefinitions.apiextensions.k8s.io"),
        ] {
            assert_eq!(catalogue.find(asked).unwrap().full_name(), found, "{asked}");
        }
        assert!(catalogue.find("deploy.batch").is_none() && catalogue.find("gadgets").is_none());
    }

    #[test]
    fn every_line_is_a_resource_and_names_are_not_taken_twice() {
        let catalogue = Catalogue::built_in();
        assert_eq!(catalogue.all().len(), BUILT_IN.trim().lines().count());
        let mut names: Vec<&String> = catalogue
            .all()
            .iter()
            .flat_map(|resource| resource.short_names.iter().chain([&resource.plural, &resource.folder]))
            .collect();
        names.sort();
        names.dedup();
        assert!(names.len() >= catalogue.all().len());
    }

    #[test]
    fn a_definition_defines_a_resource() {
        let definition = serde_json::json!({"spec": {"group": "example.com", "scope": "Namespaced",
            "names": {"kind": "Gadget", "plural": "gadgets", "singular": "gadget", "shortNames": ["gd"]},
            "versions": [{"name": "v1alpha1", "served": false}, {"name": "v1", "served": true}]}});
        let mut catalogue = Catalogue::built_in();
        catalogue.add(Resource::defined(&definition).unwrap());
        let found = catalogue.find("gd.example.com").unwrap();
        assert_eq!(
            (found.version.as_str(), found.folder(), found.namespaced),
            ("v1", "example.com/gadgets", true)
        );
        let key = Prefix::default().key(found, Some("ns"), "a");
        assert!(
            matches!(catalogue.place(&Prefix::default(), &key), Place::Object(at) if at.known == Some(found))
        );
    }
}
