//! What would go wrong with a restore in this cluster, found from lists before anything is written: addresses that are
//! taken, quotas and limits that refuse, pod security, webhooks nobody answers for, drivers that are missing.
//!
//! [`Ground`] is what was seen for it, [`Forecast`] takes in the objects that are going to be written, one by one, and
//! gives findings. It refuses to keep objects, to judge what was not seen, and to count what is there already. What
//! only the server can say (the answer of a webhook, an admission policy) is not foreseen here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::rules::controller;
use super::{Action, Census, Rules, Source};
use crate::finding::{Finding, Severity};
use crate::json::{JsonError, Meta, find, text_at};
use crate::resource::ObjectKey;

mod drivers;
mod few;
mod limits;
mod names;
mod pod;
mod quantity;
mod quota;
mod refused;
mod security;
mod services;
mod version;
mod webhooks;

use few::Few;
pub use limits::LimitRange;
pub use quota::Quota;
pub use services::outside;
pub use version::Definition;
pub use webhooks::Hook;

/// What was seen of the cluster for the pre-flight alone. What was not looked at is empty, or `None`.
#[derive(Debug, Clone, Default)]
pub struct Ground {
    /// The server's version, as `v1.36.3`.
    pub version: String,
    /// The labels of the namespaces that objects go to, as JSON.
    pub labels: BTreeMap<String, Vec<u8>>,
    /// ResourceQuotas, by namespace.
    pub quotas: BTreeMap<String, Vec<Quota>>,
    /// LimitRanges, by namespace.
    pub ranges: BTreeMap<String, Vec<LimitRange>>,
    /// Addresses outside the cluster that Services have, as [`outside`] spells them, each with the Service.
    pub outside: BTreeMap<String, (String, String)>,
    /// CSI drivers that have an object or run on a node.
    pub drivers: Option<BTreeSet<String>>,
    /// StorageClasses, and who provisions for them.
    pub provisioners: BTreeMap<String, String>,
    /// Whether a StorageClass is the default.
    pub default_class: Option<bool>,
    /// Webhooks that refuse what they cannot be asked about, and that nobody answers for.
    pub hooks: Vec<Hook>,
    /// CustomResourceDefinitions whose objects the cluster does not take at the backup's version, by their names.
    pub definitions: BTreeMap<String, Definition>,
    /// What may not be looked at, or is not understood, and why.
    pub unseen: Vec<String>,
}

/// Takes in what is going to be written, and tells what would go wrong.
#[derive(Debug)]
pub(super) struct Forecast<'a> {
    rules: &'a Rules,
    services: services::Clashes,
    demand: quota::Demand,
    limits: limits::Refused,
    security: refused::Refused,
    drivers: drivers::Missing,
    webhooks: webhooks::Refused,
    doubles: names::Doubles,
}

/// The labels that a namespace is going to have.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamespaceLabels<'a> {
    name: &'a str,
    json: Option<&'a [u8]>,
}

impl<'a> NamespaceLabels<'a> {
    /// The value of one.
    fn get(self, label: &str) -> Option<Cow<'a, str>> {
        // The server sets it by the name, whatever the backup's object says.
        if label == "kubernetes.io/metadata.name" {
            return Some(Cow::Borrowed(self.name));
        }
        let json = self.json?;
        find(json, &[label]).ok().flatten().and_then(|span| crate::json::string(&json[span]))
    }
}

impl<'a> Forecast<'a> {
    pub(super) fn new(rules: &'a Rules) -> Self {
        Self {
            rules,
            services: services::Clashes::default(),
            demand: quota::Demand::default(),
            limits: limits::Refused::default(),
            security: refused::Refused::default(),
            drivers: drivers::Missing::default(),
            webhooks: webhooks::Refused::default(),
            doubles: names::Doubles::new(rules.census(), rules.request()),
        }
    }

    /// Looks at an object that the restore wants in the cluster, whatever is there.
    pub(super) fn want(&mut self, key: &ObjectKey) {
        self.doubles.take(key);
    }

    /// Looks at an object that is going to be written.
    ///
    /// # Errors
    /// It is not JSON.
    pub(super) fn write(
        &mut self,
        source: &Source<'_>,
        key: &ObjectKey,
        action: Action,
    ) -> Result<(), JsonError> {
        let (census, target) = (self.rules.census(), self.rules.target());
        let namespace = key.namespace.as_deref();
        if !target.ground.hooks.is_empty() {
            let own = Meta::of_prefix(source.bytes)?.labels;
            let of = match namespace {
                None if key.resource == "namespaces" => Some(NamespaceLabels { name: &key.name, json: own }),
                None => None,
                Some(namespace) => Some(namespace_labels(self.rules, namespace)),
            };
            let labels = webhooks::Labels { own, namespace: of };
            self.webhooks.take(target, source, key, action, &labels)?;
        }
        if action == Action::Created {
            if key.resource == "services" {
                let changes = &self.rules.request().changes;
                self.services.take((target, changes), source.bytes, key)?;
            }
            self.drivers.take((census, target), source, key)?;
        }
        let Some(namespace) = namespace else { return Ok(()) };
        let ranges = of_namespace(&target.ground.ranges, namespace);
        let quotas = of_namespace(&target.ground.quotas, namespace);
        if action == Action::Created {
            if !quotas.is_empty() {
                self.demand.take(quotas, &quota::charge(&key.resource, source.bytes)?, key);
            }
            if !ranges.is_empty() && key.resource == "persistentvolumeclaims" {
                self.limits.take_claim(ranges, &limits::of_claim(source.bytes)?, key);
            }
        }
        // What a pod may change while it runs, none of this looks at.
        let runs = key.resource == "pods" && action == Action::Updated;
        if pod::place(&key.resource).is_some() && !runs {
            self.pods(source, key, action, namespace)?;
        }
        Ok(())
    }

    /// Looks at a pod, or at what pods are going to be made of.
    fn pods(
        &mut self,
        source: &Source<'_>,
        key: &ObjectKey,
        action: Action,
        namespace: &str,
    ) -> Result<(), JsonError> {
        let rules = self.rules;
        let (census, target) = (rules.census(), rules.target());
        let labels = namespace_labels(rules, namespace);
        let enforced = security::Enforced::of(|label| labels.get(label));
        let ranges = of_namespace(&target.ground.ranges, namespace);
        let quotas = of_namespace(&target.ground.quotas, namespace);
        let csi =
            target.ground.drivers.is_some() && memchr::memmem::find(source.bytes, b"\"csi\":").is_some();
        let secured = enforced.level > security::Level::Privileged;
        if !secured && ranges.is_empty() && quotas.is_empty() && !csi && target.ground.hooks.is_empty() {
            return Ok(());
        }
        // Its pods are its Deployment's, which is looked at itself.
        if key.resource == "replicasets.apps"
            && controller(&Meta::of_prefix(source.bytes)?)?.is_some_and(|(kind, _)| kind == "Deployment")
        {
            return Ok(());
        }
        let makes = pod::makes(&key.resource, source.bytes)?;
        if !target.ground.hooks.is_empty()
            && let Some(at) = pod::place(&key.resource)
        {
            let own = match find(source.bytes, at)? {
                Some(span) => Meta::labels_of(&source.bytes[span])?,
                None => None,
            };
            let labels = webhooks::Labels { own, namespace: Some(labels) };
            self.webhooks.take_pods(target, key, makes, &labels)?;
        }
        let Some(mut pod) = pod::read(&key.resource, source.bytes)? else { return Ok(()) };
        if makes != pod::Makes::Pods(0) && secured {
            let server = version::minor(&target.ground.version).unwrap_or(u32::MAX);
            self.security.take(enforced, server, &pod, key, makes);
        }
        for volume in &pod.spec.volumes {
            let driver = volume.csi.as_ref().map(|csi| csi.driver.as_str());
            self.drivers.driver(census, target, driver, key);
        }
        ranges.iter().for_each(|range| range.fill(&mut pod.spec));
        if makes != pod::Makes::Pods(0) {
            self.limits.take(ranges, &pod.spec, key, makes);
        }
        if action == Action::Created {
            self.demand.take_pod(quotas, &pod, key, makes);
        }
        Ok(())
    }

    /// What would go wrong.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let rules = self.rules;
        let (census, target) = (rules.census(), rules.target());
        let mut findings = Vec::new();
        findings.extend(version::finding(census.server(), &target.ground.version));
        self.doubles.findings(census, rules.request(), &mut findings);
        self.drivers.findings(&mut findings);
        self.services.findings(&mut findings);
        self.demand.findings(&mut findings);
        self.limits.findings(&mut findings);
        self.security.findings(target, &mut findings);
        self.webhooks.findings(target, &mut findings);
        findings.extend(unseen(&target.ground));
        findings
    }
}

fn of_namespace<'a, T>(all: &'a BTreeMap<String, Vec<T>>, namespace: &str) -> &'a [T] {
    all.get(namespace).map_or(&[], Vec::as_slice)
}

/// The labels that the namespace `to` is going to have: those of the cluster's where it is kept, else the backup's.
fn namespace_labels<'a>(rules: &'a Rules, to: &'a str) -> NamespaceLabels<'a> {
    let (census, target) = (rules.census(), rules.target());
    let mut mapping = rules.request().namespace_mapping.iter();
    let from =
        mapping.find(|(from, mapped)| *mapped == to && census.has_namespace(from)).map(|(from, _)| from);
    let brought = || census.namespace_labels(from.unwrap_or(to));
    let live = target.ground.labels.get(to).map(Vec::as_slice);
    let kept = rules.existing("namespaces") == super::Existing::Keep;
    let json = match (live, kept) {
        (Some(live), true) => Some(live),
        (Some(live), false) => brought().or(Some(live)),
        (None, _) => brought(),
    };
    NamespaceLabels { name: to, json }
}

/// What was not looked at is not healthy: it is not known.
fn unseen(ground: &Ground) -> Option<Finding> {
    let mut few = Few::default();
    ground.unseen.iter().for_each(|one| few.add(|| one.clone()));
    (!few.is_empty()).then(|| {
        finding(
            "restore-not-foreseen",
            "the pre-flight".to_owned(),
            few.to_string(),
            "what they would refuse or lack is not known before each object is tried",
            "allow the caller to list them",
            Some("kubectl auth can-i --list".to_owned()),
        )
    })
}

/// A warning.
fn finding(
    id: &str,
    subject: String,
    evidence: String,
    breaks: &str,
    remedy: &str,
    command: Option<String>,
) -> Finding {
    Finding {
        id: id.to_owned(),
        severity: Severity::Warning,
        subject,
        evidence,
        breaks: breaks.to_owned(),
        remedy: remedy.to_owned(),
        command,
    }
}

/// Whether a StorageClass is marked as the default.
///
/// # Errors
/// It is not JSON.
pub fn is_default_class(class: &[u8]) -> Result<bool, JsonError> {
    for key in
        ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"]
    {
        if text_at(class, &["metadata", "annotations", key])?.as_deref() == Some("true") {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Census {
    /// Whether anything asked for is a pod or makes pods.
    pub fn has_pods(&self) -> bool {
        self.resources().any(|(resource, ..)| pod::place(resource).is_some())
    }
}

#[cfg(test)]
mod tests;
