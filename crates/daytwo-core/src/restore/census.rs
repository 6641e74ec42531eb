//! What a backup holds that decides over other objects, gathered in one pass before any object is judged.
//!
//! A claim keeps its volume if the backup brings the volume; Endpoints are a controller's if their Service selects
//! pods; a custom resource can be written if its definition comes first. It refuses to keep objects: of each it
//! remembers names.

use std::collections::{BTreeMap, BTreeSet};

use super::order::{Traits, Wave, may_hold, wave};
use super::{Fixed, Request, Source, Target};
use crate::filter::{Choice, Filter};
use crate::json::{JsonError, Meta, find, text_at};
use crate::resource::{ObjectKey, ResourceType};

mod classes;
mod definitions;
mod elsewhere;
mod facts;

use definitions::Definition;
pub use elsewhere::{DataElsewhere, Volumes};
pub use facts::drivers_of;

const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";
const STORAGE_CLASSES: &str = "storageclasses.storage.k8s.io";
const PRIORITY_CLASSES: &str = "priorityclasses.scheduling.k8s.io";
const RUNTIME_CLASSES: &str = "runtimeclasses.node.k8s.io";
const INGRESS_CLASSES: &str = "ingressclasses.networking.k8s.io";

/// What a backup holds, as far as a request asks for it.
#[derive(Debug, Default)]
pub struct Census {
    kinds: BTreeMap<String, KindCensus>,
    related: BTreeMap<String, ResourceType>,
    /// Objects noted, and for each resource the number of the last, counted from 0.
    noted: u64,
    last: BTreeMap<String, u64>,
    /// Resources of which objects have owners.
    owned: BTreeSet<String>,
    claims: BTreeMap<(String, String), Option<String>>,
    services: BTreeMap<(String, String), Fixed>,
    volumes: BTreeMap<String, Related>,
    wanted_volumes: BTreeSet<String>,
    definitions: BTreeMap<String, (Definition, Related)>,
    wanted_definitions: BTreeSet<String>,
    namespaces: BTreeSet<String>,
    needed_namespaces: BTreeSet<String>,
    selecting: BTreeSet<(String, String)>,
    classes: BTreeSet<(String, String)>,
    needed_classes: BTreeMap<(&'static str, String), (u64, ObjectKey)>,
    elsewhere: DataElsewhere,
    facts: facts::Facts,
}

#[derive(Debug)]
struct KindCensus {
    kind: ResourceType,
    count: u64,
    /// By namespace in the backup; the empty name stands for cluster-scoped.
    namespaces: BTreeMap<String, u64>,
}

/// Whether an object that others need comes with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Related {
    /// The request asks for it by itself.
    Asked,
    /// It comes if something that is restored needs it.
    IfWanted,
    /// The request excludes it.
    Never,
}

impl Census {
    /// A census of a backup whose volumes' data lies where `elsewhere` says.
    pub fn new(elsewhere: DataElsewhere) -> Self {
        Self { elsewhere, ..Self::default() }
    }

    /// Counts `source` in.
    ///
    /// # Errors
    /// Its bytes are no JSON object with metadata.
    pub fn note(&mut self, request: &Request, source: &Source<'_>) -> Result<(), JsonError> {
        let resource = source.resource.group_resource();
        match self.last.get_mut(&resource) {
            Some(last) => *last = self.noted,
            None => {
                self.last.insert(resource.clone(), self.noted);
            }
        }
        self.noted += 1;
        let meta = Meta::of_prefix(source.bytes)?;
        let asked = by_filter(request, &resource, source, &meta);
        if matches!(resource.as_str(), "persistentvolumes" | DEFINITIONS | "namespaces")
            && !self.related.contains_key(&resource)
        {
            self.related.insert(resource.clone(), source.resource.clone());
        }
        match resource.as_str() {
            "persistentvolumes" => {
                self.volumes.insert(source.name.to_owned(), related(request, source, asked));
            }
            DEFINITIONS => {
                let definition = Definition::read(source.bytes)?;
                self.definitions
                    .insert(source.name.to_owned(), (definition, related(request, source, asked)));
            }
            "namespaces" => {
                self.namespaces.insert(source.name.to_owned());
            }
            _ => {}
        }
        self.facts.note(&resource, source, meta.labels, asked)?;
        if asked {
            self.take(&resource, source)?;
            if meta.owner_references.is_some() && !self.owned.contains(&resource) {
                self.owned.insert(resource.clone());
            }
            // What cannot be changed as asked is counted as failed when it is judged.
            let changed = request.changes.apply(source, &resource, false);
            let bytes = changed.as_ref().map_or(source.bytes, |changed| &changed.bytes);
            self.note_asked(&resource, &Source { bytes, ..*source })?;
        }
        Ok(())
    }

    /// Counts an object that stays behind, so that those after it keep their numbers.
    pub fn pass(&mut self) {
        self.noted += 1;
    }

    /// Takes custom resources for what they will be in `target`, where that serves them at other versions only.
    pub(super) fn settle(&mut self, target: &Target) {
        for kind in self.kinds.values_mut() {
            if let Some(conversion) = target.conversion(&kind.kind) {
                kind.kind = conversion.to().as_ref().clone();
            }
        }
    }

    fn take(&mut self, resource: &str, source: &Source<'_>) -> Result<(), JsonError> {
        let kind = self.kinds.entry(resource.to_owned()).or_insert_with(|| KindCensus {
            kind: source.resource.clone(),
            count: 0,
            namespaces: BTreeMap::new(),
        });
        kind.count += 1;
        let namespace = source.namespace.unwrap_or_default();
        match kind.namespaces.get_mut(namespace) {
            Some(count) => *count += 1,
            None => {
                kind.namespaces.insert(namespace.to_owned(), 1);
                if !namespace.is_empty() {
                    self.needed_namespaces.insert(namespace.to_owned());
                }
            }
        }
        if wave(resource, Traits::default()) == Wave::CustomResources {
            self.wanted_definitions.insert(resource.to_owned());
        }
        Ok(())
    }

    fn note_asked(&mut self, resource: &str, source: &Source<'_>) -> Result<(), JsonError> {
        let bytes = source.bytes;
        match resource {
            "persistentvolumeclaims" => {
                let volume = text_at(bytes, &["spec", "volumeName"])?.map(|name| name.into_owned());
                self.wanted_volumes.extend(volume.clone());
                let key = (source.namespace.unwrap_or_default().to_owned(), source.name.to_owned());
                self.claims.insert(key, volume);
                self.need(STORAGE_CLASSES, source, bytes, &["spec", "storageClassName"])
            }
            "services" => {
                let selector = find(bytes, &["spec", "selector"])?;
                if selector.is_some_and(|span| bytes[span].len() > 2) {
                    let key = (source.namespace.unwrap_or_default().to_owned(), source.name.to_owned());
                    self.selecting.insert(key);
                }
                let fixed = Fixed::of(bytes)?;
                if !fixed.is_empty() {
                    let key = (source.namespace.unwrap_or_default().to_owned(), source.name.to_owned());
                    self.services.insert(key, fixed);
                }
                Ok(())
            }
            STORAGE_CLASSES | PRIORITY_CLASSES | RUNTIME_CLASSES | INGRESS_CLASSES => {
                self.classes.insert((resource.to_owned(), source.name.to_owned()));
                Ok(())
            }
            "ingresses.networking.k8s.io" => {
                self.need(INGRESS_CLASSES, source, bytes, &["spec", "ingressClassName"])
            }
            "pods" => self.need_of_pod(source, &["spec"]),
            "cronjobs.batch" => {
                self.need_of_pod(source, &["spec", "jobTemplate", "spec", "template", "spec"])
            }
            "statefulsets.apps" => {
                self.need_of_pod(source, &["spec", "template", "spec"])?;
                self.need_of_claim_templates(source)
            }
            "deployments.apps"
            | "daemonsets.apps"
            | "replicasets.apps"
            | "jobs.batch"
            | "replicationcontrollers" => self.need_of_pod(source, &["spec", "template", "spec"]),
            _ => Ok(()),
        }
    }

    /// Whether `request` asks for the object, by itself or because something that it asks for needs it: a claim its
    /// volume, a custom resource its definition, an object its namespace.
    pub(super) fn asked(
        &self,
        request: &Request,
        resource: &str,
        source: &Source<'_>,
        meta: &Meta<'_>,
    ) -> bool {
        if by_filter(request, resource, source, meta) {
            return true;
        }
        match resource {
            "persistentvolumes" => {
                self.wanted_volumes.contains(source.name)
                    && self.volumes.get(source.name).is_some_and(|related| *related == Related::IfWanted)
            }
            DEFINITIONS => {
                self.wanted_definitions.contains(source.name)
                    && self
                        .definitions
                        .get(source.name)
                        .is_some_and(|(_, related)| *related == Related::IfWanted)
            }
            "namespaces" => self.needed_namespaces.contains(source.name),
            _ => false,
        }
    }

    /// Whether the backup brings a volume into the cluster.
    pub fn brings_volume(&self, name: &str) -> bool {
        match self.volumes.get(name) {
            Some(Related::Asked) => true,
            Some(Related::IfWanted) => self.wanted_volumes.contains(name),
            Some(Related::Never) | None => false,
        }
    }

    /// Whether the backup brings the definition of `resource` at `version`.
    pub fn defines(&self, resource: &str, version: &str) -> bool {
        self.definitions.get(resource).is_some_and(|(definition, related)| {
            *related != Related::Never && definition.served.iter().any(|served| served == version)
        })
    }

    /// Namespace and name, in the backup, of the Service that converts `resource` from `version` to what is stored.
    pub(super) fn converter(&self, resource: &str, version: &str) -> Option<(&str, &str)> {
        let (definition, related) = self.definitions.get(resource)?;
        definition.converter(version).filter(|_| *related != Related::Never)
    }

    pub(super) fn brings_class(&self, class: &(String, String)) -> bool {
        self.classes.contains(class)
    }

    /// Whether the Service of this name selects pods, so that its endpoints are made by a controller.
    pub(super) fn selects_pods(&self, namespace: &str, service: &str) -> bool {
        self.selecting.contains(&(namespace.to_owned(), service.to_owned()))
    }

    pub(super) fn data_elsewhere(&self, namespace: &str, claim: &str) -> bool {
        self.elsewhere.of_claim(namespace, claim)
    }

    pub(super) fn volume_data_elsewhere(&self, volume: &str) -> bool {
        self.elsewhere.of_volume(volume)
    }

    /// The volume a claim was bound to.
    pub(super) fn claim_volume(&self, namespace: &str, name: &str) -> Option<&str> {
        self.claims.get(&(namespace.to_owned(), name.to_owned()))?.as_deref()
    }

    pub(super) fn has_claim(&self, namespace: &str, name: &str) -> bool {
        self.claims.contains_key(&(namespace.to_owned(), name.to_owned()))
    }

    /// The claims asked for: namespace and name in the backup, and the volume.
    pub fn claims(&self) -> impl Iterator<Item = (&str, &str, Option<&str>)> {
        self.claims
            .iter()
            .map(|((namespace, name), volume)| (namespace.as_str(), name.as_str(), volume.as_deref()))
    }

    /// The types asked for of which objects have owners.
    pub fn owned(&self) -> impl Iterator<Item = &ResourceType> {
        self.owned.iter().filter_map(|resource| self.kinds.get(resource)).map(|census| &census.kind)
    }

    /// The Services asked for that have addresses or node ports: namespace and name in the backup, and those.
    pub fn services(&self) -> impl Iterator<Item = (&str, &str, &Fixed)> {
        self.services.iter().map(|((namespace, name), fixed)| (namespace.as_str(), name.as_str(), fixed))
    }

    /// The resources asked for, each with its type and number of objects.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &ResourceType, u64)> {
        self.kinds.iter().map(|(resource, census)| (resource.as_str(), &census.kind, census.count))
    }

    /// The types that a wave may hold objects of, those included that only come with others.
    pub fn kinds_of(&self, wave: Wave) -> Vec<ResourceType> {
        let comes = |name: &str| match name {
            "persistentvolumes" => self.volumes.keys().any(|volume| self.brings_volume(volume)),
            DEFINITIONS => self.definitions().next().is_some(),
            _ => self.needed_namespaces.iter().any(|needed| self.namespaces.contains(needed)),
        };
        let related = self.related.iter().filter(|(name, _)| comes(name));
        let mut kinds: BTreeMap<&str, &ResourceType> =
            related.map(|(name, kind)| (name.as_str(), kind)).collect();
        kinds.extend(self.resources().map(|(name, kind, _)| (name, kind)));
        kinds.into_iter().filter(|(name, _)| may_hold(wave, name)).map(|(_, kind)| kind.clone()).collect()
    }

    /// The number of the last object, in the order they were noted, that `wave` may hold; `None` if there is none.
    pub fn last_of(&self, wave: Wave) -> Option<u64> {
        self.last.iter().filter(|(resource, _)| may_hold(wave, resource)).map(|(_, last)| *last).max()
    }

    /// The namespaces, in the backup, that have objects of `resource`; empty for cluster-scoped resources.
    pub fn namespaces_of(&self, resource: &str) -> impl Iterator<Item = &str> {
        self.kinds
            .get(resource)
            .into_iter()
            .flat_map(|census| census.namespaces.keys())
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    /// The namespaces, in the backup, that objects asked for live in.
    pub fn namespaces_needed(&self) -> impl Iterator<Item = &str> {
        self.needed_namespaces.iter().map(String::as_str)
    }

    pub(super) fn needs_namespace(&self, name: &str) -> bool {
        self.needed_namespaces.contains(name)
    }

    /// Whether the backup holds the Namespace object itself.
    pub fn has_namespace(&self, name: &str) -> bool {
        self.namespaces.contains(name)
    }

    /// The names of the definitions that the restore brings, those only that objects asked for need included.
    pub fn definitions(&self) -> impl Iterator<Item = &str> {
        self.definitions
            .iter()
            .filter(|(name, (_, related))| match related {
                Related::Asked => true,
                Related::IfWanted => self.wanted_definitions.contains(*name),
                Related::Never => false,
            })
            .map(|(name, _)| name.as_str())
    }

    /// The classes that objects asked for name: (resource, name), how many name it, and the first of them.
    pub fn classes_needed(&self) -> impl Iterator<Item = ((&str, &str), (u64, &ObjectKey))> {
        self.needed_classes
            .iter()
            .map(|((class, name), (count, first))| ((*class, name.as_str()), (*count, first)))
    }
}

/// Whether the filter takes the object by itself. Volumes and definitions that it would bring along for what it might
/// take are left to the census, which knows what it does take.
fn by_filter(request: &Request, resource: &str, source: &Source<'_>, meta: &Meta<'_>) -> bool {
    let filter = &request.filter;
    let take = |filter: &Filter| {
        filter.resource(source.resource) == Choice::Take
            && filter.object(source.resource, meta, source.bytes) == Choice::Take
    };
    match resource {
        // By default a filter leaves out what controllers make of these.
        "endpoints" | "endpointslices.discovery.k8s.io"
            if request.include_derived && filter.include_resources.is_empty() =>
        {
            take(&Filter { include_resources: vec![resource.to_owned()], ..filter.clone() })
        }
        "persistentvolumes" | DEFINITIONS if filter.include_cluster_resources.is_none() => {
            take(&Filter { include_cluster_resources: Some(filter.all_namespaces()), ..filter.clone() })
        }
        _ => take(filter),
    }
}

/// How a cluster-scoped object stands to the request if something else needs it.
fn related(request: &Request, source: &Source<'_>, asked: bool) -> Related {
    if asked {
        return Related::Asked;
    }
    let filter = &request.filter;
    let excluded = Filter {
        include_resources: vec!["*".to_owned()],
        exclude_resources: filter.exclude_resources.clone(),
        ..Filter::default()
    };
    let never =
        filter.include_cluster_resources == Some(false) || excluded.resource(source.resource) != Choice::Take;
    if never { Related::Never } else { Related::IfWanted }
}
