//! What a restore knows of the cluster it writes into, and what that cluster lacks.
//!
//! It refuses to guess: what may not be listed is told apart from what is not there, and nothing is said to lack for it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Census, Existing, Ground, Request};
use crate::finding::{Finding, Severity};
use crate::resource::{ObjectKey, ResourceType};

/// A resource that the cluster serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedKind {
    /// Its kind.
    pub kind: String,
    /// Every version it is served at, the preferred one first.
    pub versions: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Whether its status is written by itself (`/status`).
    pub status: bool,
}

/// A PersistentVolume of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VolumeState {
    /// Namespace and name of the claim it is bound to or reserved for.
    pub claim: Option<(String, String)>,
    /// Its storage class; empty where it has none.
    pub class: String,
    /// Whether its claim is gone: it is not given to a new one by itself.
    pub released: bool,
}

impl VolumeState {
    /// Whether a claim of this name may have it.
    pub fn is_for(&self, namespace: &str, name: &str) -> bool {
        self.claim.as_ref().is_none_or(|(at, claim)| at == namespace && claim == name)
    }
}

/// What was seen of the cluster.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// By resource, as in `deployments.apps`.
    pub served: BTreeMap<String, ServedKind>,
    /// Its namespaces, and whether each is being deleted.
    pub namespaces: BTreeMap<String, bool>,
    /// Its nodes.
    pub nodes: BTreeSet<String>,
    /// Its PersistentVolumes.
    pub volumes: BTreeMap<String, VolumeState>,
    /// Addresses and node ports of its Services, as [`super::Fixed`] spells them, each with the Service that has it: namespace
    /// and name.
    pub fixed: BTreeMap<String, (String, String)>,
    /// Objects that others name as their class: resource (`storageclasses.storage.k8s.io`) and name.
    pub classes: BTreeSet<(String, String)>,
    /// Resources that were looked for and that the caller may not list: of these nothing is known.
    pub unlisted: BTreeSet<String>,
    /// Custom resources of which the cluster's definition says that all versions have the same fields (conversion
    /// strategy `None`), and the versions that it names; looked for only where the backup holds one at a version that is
    /// not served.
    pub alike: BTreeMap<String, BTreeSet<String>>,
    /// The same, of which a webhook converts the versions.
    pub by_webhook: BTreeSet<String>,
    /// What is seen for the pre-flight alone.
    pub ground: Ground,
}

impl Target {
    /// Whether objects of `resource` can be written at `version`.
    pub fn serves(&self, resource: &str, version: &str) -> bool {
        self.served.get(resource).is_some_and(|kind| kind.versions.iter().any(|served| served == version))
    }

    /// The type of `resource`, at the version that the cluster prefers.
    pub fn kind(&self, resource: &str) -> Option<ResourceType> {
        let served = self.served.get(resource)?;
        let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
        Some(ResourceType {
            group: group.to_owned(),
            version: served.versions.first()?.clone(),
            resource: plural.to_owned(),
            kind: served.kind.clone(),
            namespaced: served.namespaced,
        })
    }

    /// What the cluster lacks of what the backup's objects need: kinds, classes, usable namespaces, free volumes.
    pub fn lacks(&self, census: &Census, request: &Request) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.kinds(census, request, &mut findings);
        self.classes(census, &mut findings);
        self.namespaces(census, request, &mut findings);
        self.volumes(census, request, &mut findings);
        findings
    }

    /// Whether objects of `resource` at `version` can be written once the definitions that come with them are there.
    pub(super) fn will_serve(
        &self,
        census: &Census,
        request: &Request,
        resource: &str,
        version: &str,
    ) -> bool {
        // A definition that is kept as it is serves what it served.
        let kept = self.served.contains_key(resource) && request.existing == Existing::Keep;
        self.serves(resource, version) || (census.defines(resource, version) && !kept)
    }

    fn kinds(&self, census: &Census, request: &Request, findings: &mut Vec<Finding>) {
        for (resource, kind, count) in census.resources() {
            if self.will_serve(census, request, resource, &kind.version) {
                continue;
            }
            let at = kind.api_version();
            let served = self.served.get(resource).map(|served| served.versions.join(", "));
            let evidence = match served {
                Some(versions) => {
                    format!("the backup has {count} at {at}; the cluster serves {versions}")
                }
                None => format!("the backup has {count} at {at}; the cluster does not serve the kind"),
            };
            let brought = self.served.contains_key(resource) && census.defines(resource, &kind.version);
            let (remedy, command) = match self.ground.definitions.get(resource) {
                _ if brought => {
                    let remedy = "restore the backup's definition over the cluster's with --existing update";
                    (remedy.to_owned(), None)
                }
                Some(definition) => definition.remedy(resource, &kind.version),
                None => (self.instead(kind), None),
            };
            let what = format!("{count} {resource} cannot be restored");
            findings.push(finding("restore-kind-not-served", resource, evidence, what, remedy, command));
        }
    }

    fn classes(&self, census: &Census, findings: &mut Vec<Finding>) {
        for ((resource, name), (count, first)) in census.classes_needed() {
            let key = (resource.to_owned(), name.to_owned());
            if self.classes.contains(&key) || census.brings_class(&key) || self.unlisted.contains(resource) {
                continue;
            }
            let what = match resource {
                "storageclasses.storage.k8s.io" => "claims of this class get no volume",
                "ingressclasses.networking.k8s.io" => "no controller takes these Ingresses",
                _ => "the server refuses pods of this class",
            };
            let evidence = format!("{count} objects name it, the first is {first}");
            let remedy = "create it, or restore it too".to_owned();
            let subject = format!("{resource}/{name}");
            findings.push(finding(
                "restore-class-missing",
                &subject,
                evidence,
                what.to_owned(),
                remedy,
                None,
            ));
        }
    }

    fn namespaces(&self, census: &Census, request: &Request, findings: &mut Vec<Finding>) {
        for namespace in census.namespaces_needed() {
            let to = request.namespace_mapping.map(namespace);
            if self.namespaces.get(to) == Some(&true) {
                findings.push(finding(
                    "restore-namespace-terminating",
                    &format!("namespaces/{to}"),
                    "it is being deleted".to_owned(),
                    "the server refuses every new object in it".to_owned(),
                    "wait until it is gone, then restore".to_owned(),
                    Some(format!("kubectl get namespace {to} -o jsonpath='{{.status.conditions}}'")),
                ));
            }
            if let Some(source) = request
                .namespace_mapping
                .mapped(namespace)
                .filter(|to| census.needs_namespace(to) && request.namespace_mapping.mapped(to).is_none())
            {
                findings.push(finding(
                    "restore-namespaces-merge",
                    &format!("namespaces/{source}"),
                    format!("the backup has objects of {namespace}, mapped to it, and of its own"),
                    "of two objects of one name only the first is created".to_owned(),
                    format!("map {source} too, or exclude it"),
                    None,
                ));
            }
        }
    }

    fn volumes(&self, census: &Census, request: &Request, findings: &mut Vec<Finding>) {
        for (namespace, name, volume) in census.claims() {
            let to = request.namespace_mapping.map(namespace);
            let Some((volume, live)) = volume.and_then(|volume| self.volumes.get_key_value(volume)) else {
                continue;
            };
            if live.released && live.claim.is_some() && live.is_for(to, name) {
                let key = ObjectKey {
                    resource: "persistentvolumeclaims".to_owned(),
                    namespace: Some(to.to_owned()),
                    name: name.to_owned(),
                };
                findings.push(finding(
                    "restore-volume-released",
                    &format!("persistentvolumes/{volume}"),
                    format!("it still names the deleted claim {to}/{name} by its UID"),
                    format!("{key} is not bound to it until that is taken out"),
                    "take the old claim's UID out of the volume once you know that its data is the right one".to_owned(),
                    Some(format!(
                        "kubectl patch persistentvolume {volume} --type=json -p \
                         '[{{\"op\":\"remove\",\"path\":\"/spec/claimRef/uid\"}},{{\"op\":\"remove\",\"path\":\"/spec/claimRef/resourceVersion\"}}]'"
                    )),
                ));
            }
        }
    }
}

fn finding(
    id: &str,
    subject: &str,
    evidence: String,
    breaks: String,
    remedy: String,
    command: Option<String>,
) -> Finding {
    Finding {
        id: id.to_owned(),
        severity: Severity::Warning,
        subject: subject.to_owned(),
        evidence,
        breaks,
        remedy,
        command,
    }
}
