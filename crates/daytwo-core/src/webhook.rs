//! Admission webhooks, and which writes the API server shows to them.
//!
//! Matching is that of `k8s.io/apiserver/pkg/admission/plugin/webhook/predicates` of Kubernetes 1.36. It refuses to call
//! anybody, and to evaluate match conditions (CEL): a webhook that has any may be shown less.

use serde::Deserialize;

use crate::json::{JsonError, find, nullable};
use crate::resource::ResourceType;
use crate::selector::Selector;

/// One webhook.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// The configuration it stands in, as `validatingwebhookconfigurations.admissionregistration.k8s.io/name`.
    pub configuration: String,
    /// Its own name.
    pub name: String,
    /// Namespace and name of the Service that answers for it; nothing where that is a URL.
    pub service: Option<(String, String)>,
    /// Whether what it cannot be asked about is refused.
    pub refuses: bool,
    /// The namespaces, by their labels, of whose objects it is asked.
    pub namespaces: Selector,
    /// The objects, by their labels, that it is asked about.
    pub objects: Selector,
    /// Whether there are match conditions.
    pub conditions: bool,
    rules: Vec<Rule>,
    equivalent: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Written {
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

/// A write, as far as webhooks tell writes apart.
#[derive(Debug, Clone, Copy)]
pub struct Write<'a> {
    /// The API group; empty for the core's.
    pub group: &'a str,
    /// The version it is written at.
    pub version: &'a str,
    /// The plural.
    pub resource: &'a str,
    /// The subresource; empty for the object itself.
    pub subresource: &'a str,
    /// Whether such objects are in namespaces.
    pub namespaced: bool,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: &'a str,
}

impl<'a> Write<'a> {
    /// A write of a whole object.
    pub fn of(kind: &'a ResourceType, operation: &'a str) -> Write<'a> {
        Write {
            group: &kind.group,
            version: &kind.version,
            resource: &kind.resource,
            subresource: "",
            namespaced: kind.namespaced,
            operation,
        }
    }
}

impl Webhook {
    /// The webhooks of a configuration. `None` where it cannot be read.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn all_of(
        resource: &str,
        name: &str,
        configuration: &[u8],
    ) -> Result<Option<Vec<Webhook>>, JsonError> {
        let Some(span) = find(configuration, &["webhooks"])? else { return Ok(Some(Vec::new())) };
        let Ok(all) = serde_json::from_slice::<Option<Vec<Written>>>(&configuration[span]) else {
            return Ok(None);
        };
        let mut webhooks = Vec::new();
        for written in all.unwrap_or_default() {
            let selector = |json: Option<Box<serde_json::value::RawValue>>| match json {
                Some(json) => Selector::of_json(json.get().as_bytes()),
                None => Some(Selector::default()),
            };
            let (Some(namespaces), Some(objects)) =
                (selector(written.namespace_selector), selector(written.object_selector))
            else {
                return Ok(None);
            };
            webhooks.push(Webhook {
                configuration: format!("{resource}/{name}"),
                name: written.name,
                service: written.client_config.service.map(|service| (service.namespace, service.name)),
                refuses: written.failure_policy.as_deref() != Some("Ignore"),
                namespaces,
                objects,
                conditions: !written.match_conditions.is_empty(),
                rules: written.rules,
                equivalent: written.match_policy.as_deref() != Some("Exact"),
            });
        }
        Ok(Some(webhooks))
    }

    /// Whether its rules name the write. `serves` says whether the resource is served at a version, to which the server
    /// would convert.
    pub fn matches(&self, write: &Write<'_>, serves: impl Fn(&str) -> bool) -> bool {
        if exempt(write) {
            return false;
        }
        self.rules.iter().any(|rule| {
            let scope = match rule.scope.as_deref() {
                Some("Namespaced") => write.namespaced,
                Some("Cluster") => !write.namespaced,
                _ => true,
            };
            let other_version = || self.equivalent && rule.api_versions.iter().any(|version| serves(version));
            scope && rule.names(write) && (is(&rule.api_versions, write.version) || other_version())
        })
    }

    /// Whether its rules may name the write, at whatever version and scope.
    pub fn may_match(&self, write: &Write<'_>) -> bool {
        !exempt(write) && self.rules.iter().any(|rule| rule.names(write))
    }
}

impl Rule {
    fn names(&self, write: &Write<'_>) -> bool {
        let part = |listed: &str, one: &str| listed == "*" || listed == one;
        is(&self.operations, write.operation)
            && is(&self.api_groups, write.group)
            && self.resources.iter().any(|listed| {
                let (resource, subresource) = listed.split_once('/').unwrap_or((listed, ""));
                part(resource, write.resource) && part(subresource, write.subresource)
            })
    }
}

fn is(listed: &[String], one: &str) -> bool {
    listed.iter().any(|it| it == "*" || it == one)
}

/// Webhooks are never asked about admission itself.
fn exempt(write: &Write<'_>) -> bool {
    write.group == "admissionregistration.k8s.io"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_named_with_its_subresource_or_without() {
        let asked = |resources: &str, resource: &str, subresource: &str| {
            let json = format!(
                r#"{{"webhooks": [{{"name": "w", "rules": [{{"operations": ["*"], "apiGroups": [""],
                    "apiVersions": ["v1"], "resources": ["{resources}"]}}]}}]}}"#
            );
            let all =
                Webhook::all_of("validatingwebhookconfigurations", "c", json.as_bytes()).unwrap().unwrap();
            let write = Write {
                group: "",
                version: "v1",
                resource,
                subresource,
                namespaced: true,
                operation: "CREATE",
            };
            all[0].matches(&write, |_| false)
        };
        // As `matcher_test.go` of the predicates has it.
        assert!(asked("*", "pods", "") && !asked("*", "pods", "eviction"));
        assert!(asked("*/*", "pods", "") && asked("*/*", "pods", "eviction"));
        assert!(asked("pods/*", "pods", "") && asked("pods/*", "pods", "eviction"));
        assert!(!asked("pods/*", "nodes", ""));
        assert!(asked("*/scale", "deployments", "scale") && !asked("*/scale", "deployments", ""));
        assert!(asked("pods/eviction", "pods", "eviction") && !asked("pods/eviction", "pods", ""));
    }
}
