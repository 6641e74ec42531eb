//! CSI drivers that restored volumes need and the cluster does not have. It refuses to judge a provisioner of which the
//! backup does not show that it is a CSI driver.

use std::collections::BTreeMap;

use super::{Few, finding};
use crate::finding::Finding;
use crate::json::{JsonError, elements, find, text_at};
use crate::resource::ObjectKey;
use crate::restore::{Census, Source, Target};

const STORAGE_CLASSES: &str = "storageclasses.storage.k8s.io";

/// What names drivers that are missing, by driver; and claims that ask for no class where there is no default.
#[derive(Debug, Default)]
pub(super) struct Missing {
    drivers: BTreeMap<String, Few>,
    classless: Few,
}

impl Missing {
    /// Looks at an object that is going to be created.
    pub(super) fn take(
        &mut self,
        (census, target): (&Census, &Target),
        source: &Source<'_>,
        key: &ObjectKey,
    ) -> Result<(), JsonError> {
        let object = source.bytes;
        match key.resource.as_str() {
            "persistentvolumes" => {
                let driver = text_at(object, &["spec", "csi", "driver"])?;
                self.driver(census, target, driver.as_deref(), key);
            }
            STORAGE_CLASSES => {
                let driver = text_at(object, &["provisioner"])?;
                self.driver(census, target, driver.as_deref().filter(|it| census.knows_driver(it)), key);
            }
            "persistentvolumeclaims" => {
                self.classless((census, target), object, key)?;
                let class = text_at(object, &["spec", "storageClassName"])?;
                let live = class.and_then(|class| target.ground.provisioners.get(&*class));
                self.driver(
                    census,
                    target,
                    live.filter(|it| census.knows_driver(it)).map(String::as_str),
                    key,
                );
            }
            "statefulsets.apps" => {
                let Some(span) = find(object, &["spec", "volumeClaimTemplates"])? else { return Ok(()) };
                let templates = &object[span];
                let of = source.namespace.unwrap_or_default();
                for template in elements(templates).filter(|_| templates.starts_with(b"[")) {
                    let template = &templates[template?];
                    let name = text_at(template, &["metadata", "name"])?.unwrap_or_default();
                    // Where the backup has the claims, none is made of the template.
                    if !census.has_claim(of, &format!("{name}-{}-0", source.name)) {
                        self.classless((census, target), template, key)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Looks at a claim, or at what claims are made of.
    fn classless(
        &mut self,
        (census, target): (&Census, &Target),
        claim: &[u8],
        key: &ObjectKey,
    ) -> Result<(), JsonError> {
        let old = ["metadata", "annotations", "volume.beta.kubernetes.io/storage-class"];
        // A class that is empty is a choice: no volume is to be made.
        let chosen = find(claim, &["spec", "storageClassName"])?.is_some()
            || text_at(claim, &["spec", "volumeName"])?.is_some()
            || find(claim, &old)?.is_some();
        if !chosen && target.ground.default_class == Some(false) && !census.brings_default_class() {
            self.classless.add(|| key.to_string());
        }
        Ok(())
    }

    /// Looks at a driver that something names.
    pub(super) fn driver(&mut self, census: &Census, target: &Target, name: Option<&str>, key: &ObjectKey) {
        let (Some(name), Some(drivers)) = (name, &target.ground.drivers) else { return };
        if !name.is_empty() && !drivers.contains(name) && !census.brings_driver(name) {
            self.drivers.entry(name.to_owned()).or_default().add(|| key.to_string());
        }
    }

    pub(super) fn findings(&self, findings: &mut Vec<Finding>) {
        for (driver, few) in &self.drivers {
            findings.push(finding(
                "restore-csi-driver-missing",
                format!("csidrivers.storage.k8s.io/{driver}"),
                format!("{} objects name it, no node has it: {few}", few.count),
                "they are created; nothing makes, attaches or mounts their volumes",
                "install the driver, or restore what installs it first",
                Some("kubectl get csidrivers,csinodes -o wide".to_owned()),
            ));
        }
        if !self.classless.is_empty() {
            findings.push(finding(
                "restore-default-class-missing",
                self.classless.first().to_owned(),
                format!(
                    "{} claims name no class, and no StorageClass is the default: {}",
                    self.classless.count, self.classless
                ),
                "they are created, and wait for a volume",
                "make a StorageClass the default",
                Some(
                    "kubectl annotate storageclass CLASS storageclass.kubernetes.io/is-default-class=true"
                        .to_owned(),
                ),
            ));
        }
    }
}
