//! Admission webhooks of the cluster that nobody answers for, and what they would refuse.
//!
//! It refuses to evaluate match conditions (CEL): a webhook that has any may refuse less than is said.

use super::pod::Makes;
use super::{Few, finding};
use crate::finding::Finding;
use crate::json::JsonError;
use crate::resource::{ObjectKey, ResourceType};
use crate::restore::{Action, Source, Target};
use crate::webhook::{Webhook, Write};

/// A webhook whose failure refuses the write.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The webhook.
    pub webhook: Webhook,
    /// Namespace and name of the Service that answers for it.
    pub service: (String, String),
    /// Why it does not answer; to be filled in by who looked.
    pub why: String,
}

impl Hook {
    /// The webhooks of a configuration that refuse what they cannot be asked about and that a Service answers for; those
    /// at a URL are nobody's to look at. `None` where the configuration cannot be read.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn all_of(resource: &str, name: &str, configuration: &[u8]) -> Result<Option<Vec<Hook>>, JsonError> {
        let Some(all) = Webhook::all_of(resource, name, configuration)? else { return Ok(None) };
        let hooks = all.into_iter().filter(|webhook| webhook.refuses).filter_map(|webhook| {
            let service = webhook.service.clone()?;
            Some(Hook { webhook, service, why: String::new() })
        });
        Ok(Some(hooks.collect()))
    }

    /// Whether it is asked about creating or updating objects of this type, whatever they hold.
    pub fn concerns(&self, target: &Target, kind: &ResourceType) -> bool {
        ["CREATE", "UPDATE"].into_iter().any(|operation| self.matches(target, &Write::of(kind, operation)))
    }

    fn matches(&self, target: &Target, write: &Write<'_>) -> bool {
        let resource = match write.group {
            "" => write.resource.to_owned(),
            group => format!("{}.{group}", write.resource),
        };
        self.webhook.matches(write, |version| target.serves(&resource, version))
    }
}

/// What each hook would refuse, in the order of the hooks.
#[derive(Debug, Default)]
pub(super) struct Refused(Vec<Both>);

#[derive(Debug, Default, Clone)]
struct Both {
    objects: Few,
    workloads: Few,
}

/// The labels of an object and of its namespace.
pub(super) struct Labels<'a> {
    pub(super) own: Option<&'a [u8]>,
    /// Those of a Namespace itself are its own.
    pub(super) namespace: Option<super::NamespaceLabels<'a>>,
}

impl Refused {
    /// Looks at an object that is going to be created, or changed.
    pub(super) fn take(
        &mut self,
        target: &Target,
        source: &Source<'_>,
        key: &ObjectKey,
        action: Action,
        labels: &Labels<'_>,
    ) -> Result<(), JsonError> {
        let operation = if action == Action::Updated { "UPDATE" } else { "CREATE" };
        let write = Write::of(source.resource, operation);
        for index in self.asked(target, &write, labels)? {
            self.0[index].objects.add(|| key.to_string());
        }
        Ok(())
    }

    /// Looks at the pods that a workload makes.
    pub(super) fn take_pods(
        &mut self,
        target: &Target,
        key: &ObjectKey,
        makes: Makes,
        labels: &Labels<'_>,
    ) -> Result<(), JsonError> {
        if matches!(makes, Makes::Itself | Makes::Pods(0)) {
            return Ok(());
        }
        let write = Write {
            group: "",
            version: "v1",
            resource: "pods",
            subresource: "",
            namespaced: true,
            operation: "CREATE",
        };
        for index in self.asked(target, &write, labels)? {
            self.0[index].workloads.add(|| key.to_string());
        }
        Ok(())
    }

    fn asked(
        &mut self,
        target: &Target,
        write: &Write<'_>,
        labels: &Labels<'_>,
    ) -> Result<Vec<usize>, JsonError> {
        let hooks = &target.ground.hooks;
        self.0.resize(hooks.len(), Both::default());
        let mut asked = Vec::new();
        for (index, hook) in hooks.iter().enumerate() {
            let in_namespace = || match &labels.namespace {
                Some(namespace) => hook.webhook.namespaces.matches(|label| namespace.get(label)),
                None => true,
            };
            if hook.matches(target, write)
                && in_namespace()
                && hook.webhook.objects.matches_json(labels.own)?
            {
                asked.push(index);
            }
        }
        Ok(asked)
    }

    pub(super) fn findings(&self, target: &Target, findings: &mut Vec<Finding>) {
        for (hook, Both { objects, workloads }) in target.ground.hooks.iter().zip(&self.0) {
            if objects.is_empty() && workloads.is_empty() {
                continue;
            }
            let mut evidence = hook.why.clone();
            let may = if hook.webhook.conditions { " unless its conditions let them pass" } else { "" };
            if !objects.is_empty() {
                evidence.push_str(&format!(
                    "; {} objects are to be written that it is asked about{may}: {objects}",
                    objects.count
                ));
            }
            if !workloads.is_empty() {
                evidence.push_str(&format!(
                    "; it is asked about the pods of {} workloads{may}: {workloads}",
                    workloads.count
                ));
            }
            let breaks = match objects.is_empty() {
                false => "the server refuses every one of them",
                true => "the workloads are created, and their pods refused",
            };
            let (resource, name) = hook.webhook.configuration.split_once('/').unwrap_or_default();
            let short = resource.split('.').next().unwrap_or_default();
            findings.push(finding(
                "restore-webhook-dead",
                format!("{} {}", hook.webhook.configuration, hook.webhook.name),
                evidence,
                breaks,
                "bring its Service back first; or delete the configuration, and put it back once the Service answers",
                Some(format!("kubectl get {short} {name} -o yaml > {name}.yaml && kubectl delete {short} {name}")),
            ));
        }
    }
}

#[cfg(test)]
mod tests;
