//! What a person asked to have changed, on an object of the backup. It refuses to change what the cluster has fixed: the
//! class of a volume that is there.

use std::borrow::Cow;

use super::super::changes::Changed;
use super::super::{Fixed, Rules, Source, Unfit};
use crate::finding::{Finding, Severity};
use crate::json::{JsonError, find, text_at};

impl Rules {
    /// `source` as it is to be here, but for its namespace and annotations.
    ///
    /// # Errors
    /// It is not JSON, or a rule cannot be applied to it.
    pub(in crate::restore) fn changed<'a>(&self, source: &Source<'a>) -> Result<Changed<'a>, Unfit> {
        if self.request.changes.is_empty() {
            return Ok(Changed { bytes: Cow::Borrowed(source.bytes), by: Vec::new() });
        }
        let resource = source.resource.group_resource();
        let keeps_class = self.keeps_class(source, &resource)?;
        self.request.changes.apply(source, &resource, keeps_class)
    }

    /// What of the changes asked for `source` has, by the flags' words.
    ///
    /// # Errors
    /// As of [`Rules::prepare`].
    pub(in crate::restore) fn changed_by(
        &self,
        source: &Source<'_>,
    ) -> Result<Vec<Cow<'static, str>>, Unfit> {
        let changes = &self.request.changes;
        let changed = self.changed(source)?;
        let mut by = changed.by;
        if !changes.annotations.is_empty() {
            by.push("set-annotation".into());
        }
        if source.resource.is("", "services") {
            let fixed = Fixed::of(&changed.bytes)?;
            if changes.new_node_ports && !fixed.ports.is_empty() {
                by.push("preserve-node-ports=false".into());
            }
            if changes.new_cluster_ips && !fixed.addresses.is_empty() {
                by.push("preserve-cluster-ips=false".into());
            }
        }
        Ok(by)
    }

    /// What was asked for and cannot be.
    pub(in crate::restore) fn impossible(&self) -> Vec<Finding> {
        let apart = |resource: &&str| self.target.served.get(*resource).is_some_and(|served| !served.status);
        let finding = |resource: &str| Finding {
            id: "restore-status-impossible".to_owned(),
            severity: Severity::Warning,
            subject: resource.to_owned(),
            evidence: "--restore-status names it, and its kind has no status of its own".to_owned(),
            breaks: "its objects get no status back".to_owned(),
            remedy: "leave it out of --restore-status".to_owned(),
            command: None,
        };
        self.request.changes.status.named().filter(apart).map(finding).collect()
    }

    /// How to let go of a CronJob that was suspended on the way.
    pub(super) fn release(&self, source: &Source<'_>, changed: &Changed<'_>) -> Option<String> {
        // A rule that follows may have let it go.
        let suspended = find(&changed.bytes, &["spec", "suspend"]).ok().flatten();
        let suspended = suspended.is_some_and(|span| &changed.bytes[span] == b"true");
        (suspended && changed.by.iter().any(|by| by == "suspend-cronjobs")).then(|| {
            let namespace = self.request.namespace_mapping.map(source.namespace.unwrap_or_default());
            format!(
                "is suspended, as asked; to let it go: kubectl patch cronjob {} -n {namespace} -p \
                 '{{\"spec\":{{\"suspend\":false}}}}'",
                source.name
            )
        })
    }

    /// Whether a volume, or the claim of one, is there with the class that the backup names: the two must stay alike, and
    /// a volume that is there is not changed.
    fn keeps_class(&self, source: &Source<'_>, resource: &str) -> Result<bool, JsonError> {
        let namespace = source.namespace.unwrap_or_default();
        let to = self.request.namespace_mapping.map(namespace);
        let volume = match resource {
            "persistentvolumes" => Some(source.name),
            "persistentvolumeclaims" if !self.empties(to, source.name) => {
                self.census.claim_volume(namespace, source.name)
            }
            _ => None,
        };
        let Some(live) = volume.and_then(|volume| self.target.volumes.get(volume)) else { return Ok(false) };
        let class = text_at(source.bytes, &["spec", "storageClassName"])?;
        Ok(class.unwrap_or_default() == live.class)
    }
}
