//! Which objects of a backup a restore writes, which it passes over, and why.
//!
//! It refuses to bring back what a server, a node or a controller makes by itself: written by hand such objects
//! collide with their maker (an IPAddress made before its Service makes the Service fail), or pretend something that
//! is not so (a Node, a lease, a signing request).

use std::collections::{BTreeMap, BTreeSet};

use super::content::Lost;
use super::order::{self, Traits, Wave, wave};
use super::skip::{Skip, by_name, by_resource};
use super::{Census, Existing, Request, Target, Unfit, parked};
use crate::json::{JsonError, Meta, elements, find, text_at};
use crate::resource::{ObjectKey, ResourceType};

/// An object of a backup.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Its type, at the version its bytes are in.
    pub resource: &'a ResourceType,
    /// Its namespace in the backup; `None` for cluster-scoped objects.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// Its JSON.
    pub bytes: &'a [u8],
}

impl std::fmt::Debug for Source<'_> {
    /// Without its bytes: it may be a Secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let namespace = self.namespace.unwrap_or_default();
        write!(
            f,
            "Source({}/{namespace}/{}, {} bytes)",
            self.resource.group_resource(),
            self.name,
            self.bytes.len()
        )
    }
}

/// What becomes of an object of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The request does not ask for it.
    NotAsked,
    /// It is passed over.
    Skip(Skip),
    /// It is written in this wave, unless it is there.
    Take(Wave),
}

/// Judges and prepares objects; made once for a run.
#[derive(Debug)]
pub struct Rules {
    pub(super) request: Request,
    pub(super) census: Census,
    pub(super) target: Target,
    /// Claims that will not get the volume they had, by namespace and name in the cluster.
    emptied: BTreeSet<(String, String)>,
    /// Services whose address or ports another has, or which are to get new ones, by namespace and name in the cluster.
    moved: BTreeMap<(String, String), Lost>,
}

impl Rules {
    /// The rules for `request`, given what the backup holds and what was seen of the cluster.
    pub fn new(request: Request, mut census: Census, target: Target) -> Self {
        census.settle(&target);
        let emptied = census
            .claims()
            .filter_map(|(namespace, name, volume)| {
                let volume = volume?;
                let to = request.namespace_mapping.map(namespace);
                let kept = match target.volumes.get(volume) {
                    Some(live) => live.is_for(to, name),
                    // It may be there: a claim that waits for it is better than one with an empty volume.
                    None if target.unlisted.contains("persistentvolumes") => true,
                    None => census.brings_volume(volume) && !census.data_elsewhere(namespace, name),
                };
                (!kept).then(|| (to.to_owned(), name.to_owned()))
            })
            .collect();
        let moved = census
            .services()
            .filter_map(|(namespace, name, fixed)| {
                let to = (request.namespace_mapping.map(namespace).to_owned(), name.to_owned());
                let taken = |what: &[String]| {
                    what.iter().any(|one| target.fixed.get(one).is_some_and(|holder| *holder != to))
                };
                let new = |asked: bool, what: &[String]| (asked && !what.is_empty()) || taken(what);
                let address = new(request.changes.new_cluster_ips, &fixed.addresses);
                let ports = new(request.changes.new_node_ports, &fixed.ports);
                (address || ports).then_some((to, Lost { volume: false, address, ports }))
            })
            .collect();
        Self { request, census, target, emptied, moved }
    }

    /// What was asked for.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// What the backup holds.
    pub fn census(&self) -> &Census {
        &self.census
    }

    /// What was seen of the cluster.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The object's name in the cluster.
    pub fn key(&self, source: &Source<'_>) -> ObjectKey {
        let resource = source.resource.group_resource();
        let map = |name: &str| self.request.namespace_mapping.map(name).to_owned();
        let name = if resource == "namespaces" { map(source.name) } else { source.name.to_owned() };
        ObjectKey { resource, namespace: source.namespace.map(map), name }
    }

    /// Whether a claim, by its name in the cluster, will not get the volume it had.
    pub(super) fn empties(&self, namespace: &str, name: &str) -> bool {
        self.emptied.contains(&(namespace.to_owned(), name.to_owned()))
    }

    /// What an object, by its name in the cluster, will not get back.
    pub(super) fn lost(&self, resource: &str, namespace: &str, name: &str) -> Lost {
        match resource {
            "persistentvolumeclaims" => Lost { volume: self.empties(namespace, name), ..Lost::default() },
            "services" => {
                self.moved.get(&(namespace.to_owned(), name.to_owned())).copied().unwrap_or_default()
            }
            _ => Lost::default(),
        }
    }

    /// What becomes of an object of `resource` that is there and differs. A volume or a claim is left as it is: what is
    /// bound must not be bound anew. What holds others is not deleted, as they would go with it.
    pub fn existing(&self, resource: &str) -> Existing {
        match (resource, self.request.existing) {
            ("persistentvolumes" | "persistentvolumeclaims", _) => Existing::Keep,
            ("namespaces" | "customresourcedefinitions.apiextensions.k8s.io", Existing::Replace) => {
                Existing::Update
            }
            (_, existing) => existing,
        }
    }

    /// The resource of `kind` in `group`: of the cluster's, or of those that the backup defines; at a version that is
    /// served.
    pub fn resource_of(&self, group: &str, kind: &str) -> Option<ResourceType> {
        let is = |resource: &str| order::group(resource) == group;
        let mut served = self.target.served.iter();
        let here = served.find(|(resource, served)| served.kind == kind && is(resource));
        let here = here.and_then(|(resource, _)| self.target.kind(resource));
        here.or_else(|| {
            let mut known = self.census.resources().map(|(_, known, _)| known);
            known.find(|known| known.group == group && known.kind == kind).cloned()
        })
    }

    /// What becomes of `source`.
    ///
    /// # Errors
    /// Its bytes are no JSON object with metadata.
    pub fn judge(&self, source: &Source<'_>) -> Result<Verdict, JsonError> {
        let meta = Meta::of_prefix(source.bytes)?;
        let resource = source.resource.group_resource();
        if !self.census.asked(&self.request, &resource, source, &meta) {
            return Ok(Verdict::NotAsked);
        }
        if let Some(skip) = self.skip(&resource, source, &meta)? {
            return Ok(Verdict::Skip(skip));
        }
        let traits = Traits {
            fixed_address: resource == "services" && has_address(source.bytes)?,
            controlled: controller(&meta)?.is_some(),
            converted: self.converter(&resource, &source.resource.version).is_some(),
        };
        Ok(Verdict::Take(wave(&resource, traits)))
    }

    pub(super) fn skip(
        &self,
        resource: &str,
        source: &Source<'_>,
        meta: &Meta<'_>,
    ) -> Result<Option<Skip>, JsonError> {
        if let Some(skip) = by_resource(resource).or_else(|| by_name(resource, source)) {
            return Ok(Some(skip));
        }
        if meta.deletion_timestamp {
            return Ok(Some(Skip::Terminating));
        }
        if let Some(skip) = self.by_content(resource, source, meta)? {
            return Ok(Some(skip));
        }
        let served = self.serves(resource, &source.resource.version);
        Ok((!served).then_some(Skip::NotServed))
    }

    fn by_content(
        &self,
        resource: &str,
        source: &Source<'_>,
        meta: &Meta<'_>,
    ) -> Result<Option<Skip>, JsonError> {
        let is = |key: &str, value: &str| Ok::<_, JsonError>(meta.annotation(key)?.as_deref() == Some(value));
        let skip = match resource {
            "pods" if meta.annotation("kubernetes.io/config.mirror")?.is_some() => Some(Skip::NodeState),
            "pods" if self.remade(meta)? => Some(Skip::ControllerMakes),
            "pods" => {
                let phase = text_at(source.bytes, &["status", "phase"])?;
                matches!(phase.as_deref(), Some("Succeeded" | "Failed")).then_some(Skip::FinishedPod)
            }
            "endpoints" if self.request.include_derived => None,
            "endpointslices.discovery.k8s.io" if self.request.include_derived => None,
            "endpoints" => self.derived_endpoints(source, meta)?.then_some(Skip::ControllerMakes),
            "endpointslices.discovery.k8s.io" => derived_slice(meta)?.then_some(Skip::ControllerMakes),
            "resourceclaims.resource.k8s.io" => {
                meta.annotation("resource.kubernetes.io/pod-claim-name")?.map(|_| Skip::ControllerMakes)
            }
            "apiservices.apiregistration.k8s.io" => {
                meta.label("kube-aggregator.kubernetes.io/automanaged")?.map(|_| Skip::ServerKeeps)
            }
            _ if resource.ends_with(".rbac.authorization.k8s.io") => {
                let bootstrap = meta.label("kubernetes.io/bootstrapping")?.is_some();
                let kept = !is("rbac.authorization.kubernetes.io/autoupdate", "false")?;
                (bootstrap && kept).then_some(Skip::ServerKeeps)
            }
            _ if resource.ends_with(".flowcontrol.apiserver.k8s.io") => {
                is("apf.kubernetes.io/autoupdate-spec", "true")?.then_some(Skip::ServerKeeps)
            }
            "persistentvolumes" if !self.target.volumes.contains_key(source.name) => {
                self.volume_elsewhere(source)?.then_some(Skip::DataElsewhere)
            }
            "persistentvolumeclaims" if !self.request.empty_volumes => {
                let namespace = source.namespace.unwrap_or_default();
                let lies = self.census.data_elsewhere(namespace, source.name);
                (lies && self.empties_or_absent(namespace, source.name)).then_some(Skip::DataElsewhere)
            }
            _ => None,
        };
        Ok(skip)
    }

    /// Whether a pod's controller makes it again. Pods of Jobs it makes in any case: it knows its own by a UID.
    fn remade(&self, meta: &Meta<'_>) -> Result<bool, JsonError> {
        let controller = controller(meta)?;
        Ok(controller.is_some_and(|(kind, _)| !self.request.include_derived || kind == "Job"))
    }

    /// Whether a controller writes `source` too, and may have been faster: what it made of it stands.
    ///
    /// # Errors
    /// Its bytes are no JSON object with metadata.
    pub fn derived(&self, source: &Source<'_>) -> Result<bool, JsonError> {
        if !self.request.include_derived {
            return Ok(false);
        }
        let meta = Meta::of_prefix(source.bytes)?;
        match source.resource.group_resource().as_str() {
            "pods" => Ok(controller(&meta)?.is_some()),
            "endpoints" => self.derived_endpoints(source, &meta),
            "endpointslices.discovery.k8s.io" => derived_slice(&meta),
            _ => Ok(false),
        }
    }

    /// The Service, as `namespace/name` in the cluster, without which no object of `resource` can be written at
    /// `version`: it converts it to the version that is stored.
    pub fn converter(&self, resource: &str, version: &str) -> Option<String> {
        let (namespace, name) = self.census.converter(resource, version)?;
        Some(format!("{}/{name}", self.request.namespace_mapping.map(namespace)))
    }

    /// Whether `source` is a webhook configuration that is written parked.
    ///
    /// # Errors
    /// Its bytes are not JSON.
    pub fn parks(&self, source: &Source<'_>) -> Result<bool, JsonError> {
        parked::parks(&self.request, source)
    }

    /// Whether the claim would be made without its data: the volume it had is not in the cluster.
    fn empties_or_absent(&self, namespace: &str, name: &str) -> bool {
        let to = self.request.namespace_mapping.map(namespace);
        match self.census.claim_volume(namespace, name) {
            Some(volume) => !self.target.volumes.get(volume).is_some_and(|live| live.is_for(to, name)),
            None => true,
        }
    }

    /// Whether a volume's data was copied elsewhere: the disk it names may be gone, and its claim is not made.
    fn volume_elsewhere(&self, source: &Source<'_>) -> Result<bool, JsonError> {
        let namespace = text_at(source.bytes, &["spec", "claimRef", "namespace"])?;
        let name = text_at(source.bytes, &["spec", "claimRef", "name"])?;
        let claim = namespace.zip(name);
        Ok(claim.is_some_and(|(namespace, name)| self.census.data_elsewhere(&namespace, &name))
            || self.census.volume_data_elsewhere(source.name))
    }

    fn derived_endpoints(&self, source: &Source<'_>, meta: &Meta<'_>) -> Result<bool, JsonError> {
        if meta.label("endpoints.kubernetes.io/managed-by")?.is_some_and(|by| by == "endpoint-controller") {
            return Ok(true);
        }
        Ok(self.census.selects_pods(source.namespace.unwrap_or_default(), source.name))
    }

    /// Whether the cluster serves the type, or will once the backup's definitions are there.
    fn serves(&self, resource: &str, version: &str) -> bool {
        self.target.will_serve(&self.census, &self.request, resource, version)
    }

    /// The Services, as `namespace/name` in the cluster, without which the webhooks in `source` refuse every write.
    ///
    /// # Errors
    /// Its bytes are not JSON, or it cannot be changed as asked.
    pub fn backends(&self, source: &Source<'_>) -> Result<Vec<String>, Unfit> {
        let changed = self.changed(source)?;
        let source = Source { bytes: &changed.bytes, ..*source };
        let mut services = Vec::new();
        for webhook in parked::webhooks(source.bytes)? {
            if !parked::refuses(webhook)? {
                continue;
            }
            services.extend(self.backend(webhook)?);
        }
        Ok(services)
    }

    /// The Service behind one webhook of the backup, as `namespace/name` in the cluster; `None` where it is called by a
    /// URL.
    ///
    /// # Errors
    /// It is not JSON.
    fn backend(&self, webhook: &[u8]) -> Result<Option<String>, JsonError> {
        let namespace = text_at(webhook, &["clientConfig", "service", "namespace"])?;
        let name = text_at(webhook, &["clientConfig", "service", "name"])?;
        Ok(namespace
            .zip(name)
            .map(|(namespace, name)| format!("{}/{name}", self.request.namespace_mapping.map(&namespace))))
    }
}

fn derived_slice(meta: &Meta<'_>) -> Result<bool, JsonError> {
    let by = meta.label("endpointslice.kubernetes.io/managed-by")?;
    Ok(by.is_some_and(|by| by.ends_with("-controller.k8s.io")))
}

/// The owner marked as controller: its kind and name.
pub(super) fn controller(meta: &Meta<'_>) -> Result<Option<(String, String)>, JsonError> {
    let Some(owners) = meta.owner_references else { return Ok(None) };
    for owner in elements(owners) {
        let owner = &owners[owner?];
        let marked = find(owner, &["controller"])?.is_some_and(|span| &owner[span] == b"true");
        if marked {
            let part = |key| Ok::<_, JsonError>(text_at(owner, &[key])?.unwrap_or_default().into_owned());
            return Ok(Some((part("kind")?, part("name")?)));
        }
    }
    Ok(None)
}

/// Whether a Service asks for an address or a node port of its own.
fn has_address(service: &[u8]) -> Result<bool, JsonError> {
    if text_at(service, &["spec", "clusterIP"])?.is_some_and(|address| address != "None") {
        return Ok(true);
    }
    let Some(ports) = find(service, &["spec", "ports"])? else { return Ok(false) };
    let ports = &service[ports];
    if !ports.starts_with(b"[") {
        return Ok(false);
    }
    for port in elements(ports) {
        if find(&ports[port?], &["nodePort"])?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
