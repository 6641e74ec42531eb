//! What a person asks to have changed on the way: storage classes, images, annotations, CronJobs, whatever rules of
//! theirs say. It is part of the request, so that a resumed run and a saved plan change the same.
//!
//! It decides what an object is to be here, and an object is compared as that: restoring twice changes nothing. It
//! refuses to change who an object is; namespaces are mapped elsewhere.

mod annotations;
mod classes;
mod images;
pub(super) mod modifiers;
mod status;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use annotations::{AnnotationError, Annotations};
pub use classes::{ClassError, ClassMapping};
pub use images::{ImageError, ImageMapping};
pub use modifiers::{Modifiers, ModifiersError};
pub use status::StatusChoice;

use super::Source;
use crate::json::{Edits, JsonError, find};

/// What is changed on the way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Changes {
    /// Storage classes that claims and volumes name instead.
    #[serde(skip_serializing_if = "ClassMapping::is_empty")]
    pub storage_classes: ClassMapping,
    /// Images that pods run instead.
    #[serde(skip_serializing_if = "ImageMapping::is_empty")]
    pub images: ImageMapping,
    /// Rules of the user's.
    #[serde(skip_serializing_if = "Modifiers::is_empty")]
    pub modifiers: Modifiers,
    /// Annotations of every object.
    #[serde(skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
    /// CronJobs start nothing until somebody lets them.
    #[serde(skip_serializing_if = "is_false")]
    pub suspend_cronjobs: bool,
    /// Services get node ports as the cluster gives them.
    #[serde(skip_serializing_if = "is_false")]
    pub new_node_ports: bool,
    /// Services get cluster IPs as the cluster gives them.
    #[serde(skip_serializing_if = "is_false")]
    pub new_cluster_ips: bool,
    /// What gets its status back.
    #[serde(skip_serializing_if = "StatusChoice::is_default")]
    pub status: StatusChoice,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(set: &bool) -> bool {
    !set
}

/// Why an object cannot be made what it is to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is not JSON.
    #[error("its JSON in the backup cannot be read: {0}")]
    Json(#[from] JsonError),
    /// A rule that is about it cannot be applied to it.
    #[error("rule {rule} of the resource modifiers cannot be applied to it: {why}")]
    Rule {
        /// Which, counted from 1.
        rule: usize,
        /// Why not; it quotes no values.
        why: String,
    },
}

impl Unfit {
    /// The reason in one word, as servers give it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Json(_) => "Corrupt",
            Self::Rule { .. } => "RuleNotApplied",
        }
    }
}

/// An object as it is to be here, but for its namespace and annotations.
#[derive(Debug)]
pub(super) struct Changed<'a> {
    /// Its JSON.
    pub bytes: Cow<'a, [u8]>,
    /// What changed it, by the flags' words.
    pub by: Vec<Cow<'static, str>>,
}

impl Changes {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// `source`, one of `resource`, as it is to be. `keeps_class` tells that its volume is there with the class that
    /// the backup names.
    ///
    /// # Errors
    /// It is not JSON, or a rule cannot be applied to it.
    pub(super) fn apply<'a>(
        &self,
        source: &Source<'a>,
        resource: &str,
        keeps_class: bool,
    ) -> Result<Changed<'a>, Unfit> {
        let mut changed = Changed { bytes: Cow::Borrowed(source.bytes), by: Vec::new() };
        if !self.storage_classes.is_empty() && !keeps_class {
            let mut edits = Edits::new();
            self.storage_classes.edit(resource, &mut edits);
            changed.edit(&edits, "storage-class-mapping")?;
        }
        if !self.images.is_empty() {
            let mut edits = Edits::new();
            self.images.edit(resource, &mut edits);
            changed.edit(&edits, "image-mapping")?;
        }
        if self.suspends(resource, &changed.bytes)? {
            let mut edits = Edits::new();
            edits.set(&["spec", "suspend"], "true");
            changed.edit(&edits, "suspend-cronjobs")?;
        }
        if !self.modifiers.is_empty() {
            let now = Source { bytes: &changed.bytes, ..*source };
            if let Some(applied) = self.modifiers.apply(&now, resource)? {
                changed.bytes = Cow::Owned(applied.bytes);
                changed.by.extend(applied.rules.into_iter().map(|rule| Cow::Owned(rule_name(rule))));
            }
        }
        Ok(changed)
    }

    /// Whether `object` is a CronJob that is suspended and was not.
    pub(super) fn suspends(&self, resource: &str, object: &[u8]) -> Result<bool, JsonError> {
        if !self.suspend_cronjobs || resource != "cronjobs.batch" {
            return Ok(false);
        }
        Ok(find(object, &["spec", "suspend"])?.is_none_or(|span| &object[span] != b"true"))
    }

    /// What was asked for, by the flags' words, each with no object yet: what changes nothing is seen by its count.
    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        let asked = [
            ("storage-class-mapping", !self.storage_classes.is_empty()),
            ("image-mapping", !self.images.is_empty()),
            ("set-annotation", !self.annotations.is_empty()),
            ("suspend-cronjobs", self.suspend_cronjobs),
            ("preserve-node-ports=false", self.new_node_ports),
            ("preserve-cluster-ips=false", self.new_cluster_ips),
        ];
        let flags = asked.into_iter().filter(|(_, asked)| *asked).map(|(flag, _)| flag.to_owned());
        let rules = (1..=self.modifiers.len()).map(rule_name);
        flags.chain(rules).map(|what| (what, 0)).collect()
    }
}

impl Changed<'_> {
    fn edit(&mut self, edits: &Edits<'_>, by: &'static str) -> Result<(), JsonError> {
        if edits.is_empty() {
            return Ok(());
        }
        let edited = edits.apply(&self.bytes)?;
        if edited != *self.bytes {
            self.bytes = Cow::Owned(edited);
            self.by.push(Cow::Borrowed(by));
        }
        Ok(())
    }
}

fn rule_name(rule: usize) -> String {
    format!("resource-modifiers rule {rule}")
}

#[cfg(test)]
mod tests;
