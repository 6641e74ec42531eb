//! What a backup shows of where it comes from, beside what is asked for: its server, its namespaces' labels, which
//! drivers it knew. It refuses to keep more of an object than that.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Census, STORAGE_CLASSES};
use crate::json::{JsonError, find, text_at};
use crate::restore::Source;
use crate::restore::preflight::is_default_class;

const DRIVERS: &str = "csidrivers.storage.k8s.io";
const CSI_NODES: &str = "csinodes.storage.k8s.io";

#[derive(Debug, Default)]
pub(super) struct Facts {
    server: String,
    /// Labels of namespaces, as JSON.
    labels: BTreeMap<String, Box<[u8]>>,
    /// Names of CSI drivers.
    drivers: BTreeSet<String>,
    brought_drivers: BTreeSet<String>,
    brought_default_class: bool,
}

impl Facts {
    /// Takes in one object, asked for or not.
    pub(super) fn note(
        &mut self,
        resource: &str,
        source: &Source<'_>,
        labels: Option<&[u8]>,
        asked: bool,
    ) -> Result<(), JsonError> {
        match resource {
            "namespaces" => {
                if let Some(labels) = labels {
                    self.labels.insert(source.name.to_owned(), labels.into());
                }
            }
            "persistentvolumes" => {
                if let Some(driver) = text_at(source.bytes, &["spec", "csi", "driver"])?
                    && !self.drivers.contains(&*driver)
                {
                    self.drivers.insert(driver.into_owned());
                }
            }
            DRIVERS => {
                self.drivers.insert(source.name.to_owned());
                if asked {
                    self.brought_drivers.insert(source.name.to_owned());
                }
            }
            CSI_NODES => self.drivers.extend(drivers_of(source.bytes)?),
            STORAGE_CLASSES if asked => self.brought_default_class |= is_default_class(source.bytes)?,
            _ => {}
        }
        Ok(())
    }
}

/// The drivers of a CSINode.
///
/// # Errors
/// It is not JSON.
pub fn drivers_of(node: &[u8]) -> Result<Vec<String>, JsonError> {
    #[derive(Deserialize)]
    struct Driver {
        name: String,
    }
    let Some(span) = find(node, &["spec", "drivers"])? else { return Ok(Vec::new()) };
    let drivers = serde_json::from_slice::<Option<Vec<Driver>>>(&node[span]).ok().flatten();
    Ok(drivers.unwrap_or_default().into_iter().map(|driver| driver.name).collect())
}

impl Census {
    /// The census of a backup that was made on a server of this version; empty where it does not say.
    #[must_use]
    pub fn made_on(mut self, version: &str) -> Self {
        version.clone_into(&mut self.facts.server);
        self
    }

    /// The version of the server that the backup was made on; empty where it does not say.
    pub fn server(&self) -> &str {
        &self.facts.server
    }

    /// The labels that a namespace has in the backup, as JSON.
    pub(in crate::restore) fn namespace_labels(&self, name: &str) -> Option<&[u8]> {
        self.facts.labels.get(name).map(|labels| &**labels)
    }

    /// Whether the backup shows `name` to be a CSI driver.
    pub(in crate::restore) fn knows_driver(&self, name: &str) -> bool {
        self.facts.drivers.contains(name)
    }

    /// Whether it shows any, and something asked for may need it.
    pub fn needs_drivers(&self) -> bool {
        let needs = |resource: &str| {
            matches!(resource, "persistentvolumes" | "persistentvolumeclaims" | STORAGE_CLASSES)
        };
        !self.facts.drivers.is_empty()
            && (self.has_pods() || self.resources().any(|(resource, ..)| needs(resource)))
    }

    /// Whether the restore brings the driver's object.
    pub(in crate::restore) fn brings_driver(&self, name: &str) -> bool {
        self.facts.brought_drivers.contains(name)
    }

    /// Whether the restore brings a StorageClass that is the default.
    pub(in crate::restore) fn brings_default_class(&self) -> bool {
        self.facts.brought_default_class
    }
}
