//! Pods that the level of their namespace refuses. It refuses to repeat every check for every pod: each is named with
//! the first that it fails.

use std::collections::BTreeMap;

use super::pod::{Makes, Pod};
use super::security::{Enforced, Level};
use super::{Few, finding};
use crate::finding::Finding;
use crate::resource::ObjectKey;
use crate::restore::Target;

/// What is refused, by namespace.
#[derive(Debug, Default)]
pub(super) struct Refused(BTreeMap<String, Both>);

#[derive(Debug)]
struct Both {
    enforced: Enforced,
    objects: Few,
    workloads: Few,
    /// Whether one of them is not even baseline.
    privileged: bool,
}

impl Refused {
    /// Looks at a pod or a template.
    pub(super) fn take(&mut self, enforced: Enforced, server: u32, pod: &Pod, key: &ObjectKey, makes: Makes) {
        let violations = enforced.refuses(server, pod);
        let Some(first) = violations.first() else { return };
        let namespace = key.namespace.clone().unwrap_or_default();
        let both = self.0.entry(namespace).or_insert_with(|| Both {
            enforced,
            objects: Few::default(),
            workloads: Few::default(),
            privileged: false,
        });
        let baseline = Enforced { level: Level::Baseline, ..enforced };
        both.privileged |= enforced.level == Level::Baseline || !baseline.refuses(server, pod).is_empty();
        let few = if makes == Makes::Itself { &mut both.objects } else { &mut both.workloads };
        few.add(|| {
            let more = match violations.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{key} fails {} ({}){more}", first.check, first.what)
        });
    }

    pub(super) fn findings(&self, target: &Target, findings: &mut Vec<Finding>) {
        for (namespace, both) in &self.0 {
            let enforced = both.enforced;
            let minor = enforced.minor.map(|minor| format!(" as of 1.{minor}")).unwrap_or_default();
            let enforces = format!("it enforces {}{minor}", enforced.level.name());
            let cases = [
                (&both.objects, "restore-pod-security", "the server refuses these pods"),
                (
                    &both.workloads,
                    "restore-pod-security-pods",
                    "the workloads are created, and their pods refused",
                ),
            ];
            for (few, id, breaks) in cases.into_iter().filter(|(few, ..)| !few.is_empty()) {
                let enough = if both.privileged { Level::Privileged } else { Level::Baseline };
                let command = format!(
                    "kubectl label namespace {namespace} --overwrite pod-security.kubernetes.io/enforce={}",
                    enough.name()
                );
                findings.push(finding(
                    id,
                    format!("namespaces/{namespace}"),
                    format!("{enforces}, which {} do not meet: {few}", few.count),
                    breaks,
                    "change them so that they meet it, or let the namespace enforce less",
                    target.namespaces.contains_key(namespace).then_some(command),
                ));
            }
        }
    }
}
