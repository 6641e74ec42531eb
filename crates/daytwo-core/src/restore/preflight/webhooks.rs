//! Admission webhooks of the cluster that nobody answers for, and what they would refuse.
//!
//! Matching is that of `k8s.io/apiserver/pkg/admission/plugin/webhook/predicates` of Kubernetes 1.36. It refuses to
//! evaluate match conditions (CEL): a webhook that has any may refuse less than is said.

use serde::Deserialize;

use super::pod::{Makes, nullable};
use super::{Few, finding};
use crate::finding::Finding;
use crate::json::{JsonError, find};
use crate::resource::ObjectKey;
use crate::restore::{Action, Source, Target};
use crate::selector::Selector;

/// A webhook whose failure refuses the write.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The configuration it stands in, as `validatingwebhookconfigurations.admissionregistration.k8s.io/name`.
    pub configuration: String,
    /// Its own name.
    pub name: String,
    /// Namespace and name of the Service that answers for it.
    pub service: (String, String),
    /// Why it does not answer; to be filled in by who looked.
    pub why: String,
    rules: Vec<Rule>,
    equivalent: bool,
    namespaces: Selector,
    objects: Selector,
    conditions: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Webhook {
    name: String,
    failure_policy: Option<String>,
    match_policy: Option<String>,
    #[serde(deserialize_with = "nullable")]
    client_config: ClientConfig,
    #[serde(deserialize_with = "nullable")]
    rules: Vec<Rule>,
    namespace_selector: Option<Box<serde_json::value::RawValue>>,
    object_selector: Option<Box<serde_json::value::RawValue>>,
    #[serde(deserialize_with = "nullable")]
    match_conditions: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ClientConfig {
    service: Option<Service>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Service {
    namespace: String,
    name: String,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Rule {
    #[serde(deserialize_with = "nullable")]
    operations: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    api_groups: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    api_versions: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    resources: Vec<String>,
    scope: Option<String>,
}

/// What is going to be written, as far as webhooks tell writes apart.
struct Write<'a> {
    group: &'a str,
    version: &'a str,
    resource: &'a str,
    namespaced: bool,
    operation: &'a str,
}

impl Hook {
    /// The webhooks of a configuration that refuse what they cannot be asked about and that a Service answers for; those
    /// at a URL are nobody's to look at. `None` where the configuration cannot be read.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn all_of(resource: &str, name: &str, configuration: &[u8]) -> Result<Option<Vec<Hook>>, JsonError> {
        let Some(span) = find(configuration, &["webhooks"])? else { return Ok(Some(Vec::new())) };
        let Ok(webhooks) = serde_json::from_slice::<Option<Vec<Webhook>>>(&configuration[span]) else {
            return Ok(None);
        };
        let mut hooks = Vec::new();
        for webhook in webhooks.unwrap_or_default() {
            if webhook.failure_policy.as_deref() == Some("Ignore") {
                continue;
            }
            let Some(service) = webhook.client_config.service else { continue };
            let selector = |json: Option<Box<serde_json::value::RawValue>>| match json {
                Some(json) => Selector::of_json(json.get().as_bytes()),
                None => Some(Selector::default()),
            };
            let (Some(namespaces), Some(objects)) =
                (selector(webhook.namespace_selector), selector(webhook.object_selector))
            else {
                return Ok(None);
            };
            hooks.push(Hook {
                configuration: format!("{resource}/{name}"),
                name: webhook.name,
                service: (service.namespace, service.name),
                why: String::new(),
                rules: webhook.rules,
                equivalent: webhook.match_policy.as_deref() != Some("Exact"),
                namespaces,
                objects,
                conditions: !webhook.match_conditions.is_empty(),
            });
        }
        Ok(Some(hooks))
    }

    /// Whether it is asked about creating or updating objects of this type, whatever they hold.
    pub fn concerns(&self, target: &Target, kind: &crate::resource::ResourceType) -> bool {
        ["CREATE", "UPDATE"].into_iter().any(|operation| {
            self.matches(
                target,
                &Write {
                    group: &kind.group,
                    version: &kind.version,
                    resource: &kind.resource,
                    namespaced: kind.namespaced,
                    operation,
                },
            )
        })
    }

    fn matches(&self, target: &Target, write: &Write<'_>) -> bool {
        if exempt(write) {
            return false;
        }
        let is = |listed: &[String], one: &str| listed.iter().any(|it| it == "*" || it == one);
        self.rules.iter().any(|rule| {
            let scope = match rule.scope.as_deref() {
                Some("Namespaced") => write.namespaced,
                Some("Cluster") => !write.namespaced,
                _ => true,
            };
            scope
                && is(&rule.operations, write.operation)
                && is(&rule.api_groups, write.group)
                && (is(&rule.api_versions, write.version) || self.other_version(target, rule, write))
                // `*/*` is every resource with its subresources.
                && rule.resources.iter().any(|it| it == "*/*" || it == "*" || it == write.resource || it.strip_suffix("/*") == Some(write.resource))
        })
    }

    /// Whether a rule names another version at which the resource is served, to which the server converts.
    fn other_version(&self, target: &Target, rule: &Rule, write: &Write<'_>) -> bool {
        let resource = match write.group {
            "" => write.resource.to_owned(),
            group => format!("{}.{group}", write.resource),
        };
        self.equivalent && rule.api_versions.iter().any(|version| target.serves(&resource, version))
    }
}

/// Webhooks are never asked about admission itself.
fn exempt(write: &Write<'_>) -> bool {
    write.group == "admissionregistration.k8s.io"
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
        let kind = source.resource;
        let write = Write {
            group: &kind.group,
            version: &kind.version,
            resource: &kind.resource,
            namespaced: kind.namespaced,
            operation,
        };
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
        let write =
            Write { group: "", version: "v1", resource: "pods", namespaced: true, operation: "CREATE" };
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
                Some(namespace) => hook.namespaces.matches(|label| namespace.get(label)),
                None => true,
            };
            if hook.matches(target, write) && in_namespace() && hook.objects.matches_json(labels.own)? {
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
            let may = if hook.conditions { " unless its conditions let them pass" } else { "" };
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
            let (resource, name) = hook.configuration.split_once('/').unwrap_or_default();
            let short = resource.split('.').next().unwrap_or_default();
            findings.push(finding(
                "restore-webhook-dead",
                format!("{} {}", hook.configuration, hook.name),
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
