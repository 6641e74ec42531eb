//! What a namespace mapping does to names: two objects that become one, and namespaces it maps for nothing. Names that
//! are too long do not come this far: a mapping that holds any is refused when it is read.

use std::collections::BTreeSet;

use super::{Few, finding};
use crate::finding::{Finding, Severity};
use crate::resource::ObjectKey;
use crate::restore::{Census, Request};

/// Names that two objects of the backup would have.
#[derive(Debug, Default)]
pub(super) struct Doubles {
    /// The namespaces of the cluster that objects of several come into.
    merged: BTreeSet<String>,
    names: BTreeSet<ObjectKey>,
    doubles: Few,
}

impl Doubles {
    pub(super) fn new(census: &Census, request: &Request) -> Self {
        let needed = census.namespaces_needed();
        let mapped = needed.filter_map(|namespace| request.namespace_mapping.mapped(namespace));
        // Where its own objects are mapped elsewhere, nothing is merged.
        let own = |to: &&str| census.needs_namespace(to) && request.namespace_mapping.mapped(to).is_none();
        Self { merged: mapped.filter(own).map(str::to_owned).collect(), ..Self::default() }
    }

    /// Looks at an object that the restore wants, by its name in the cluster.
    pub(super) fn take(&mut self, key: &ObjectKey) {
        if !key.namespace.as_ref().is_some_and(|namespace| self.merged.contains(namespace)) {
            return;
        }
        if !self.names.insert(key.clone()) {
            self.doubles.add(|| key.to_string());
        }
    }

    pub(super) fn findings(&self, census: &Census, request: &Request, findings: &mut Vec<Finding>) {
        if !self.doubles.is_empty() {
            findings.push(finding(
                "restore-names-double",
                self.doubles.first().to_owned(),
                format!(
                    "{} names are those of two objects of the backup: {}",
                    self.doubles.count, self.doubles
                ),
                "of the two only the first is created; the other counts as differing",
                "map the namespaces to different ones, or restore them one after the other",
                None,
            ));
        }
        for (from, to) in request.namespace_mapping.iter() {
            if !census.needs_namespace(from) && !census.has_namespace(from) {
                findings.push(Finding {
                    severity: Severity::Info,
                    ..finding(
                        "restore-mapping-unused",
                        format!("namespaces/{from}"),
                        format!("it is mapped to {to}; the restore has nothing of it"),
                        "nothing is restored into that namespace",
                        "look whether the name is spelled as in the backup",
                        None,
                    )
                });
            }
        }
    }
}
