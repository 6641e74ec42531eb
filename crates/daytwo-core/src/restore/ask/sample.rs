//! Chooses which objects stand for the others when a server is asked: by kind and namespace, and by the labels that
//! webhooks choose by. It refuses to evaluate what else a webhook may look at (`matchConditions`, namespaces): a sample
//! with one object more costs less than one that misses a webhook.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Scope;
use crate::json::JsonError;
use crate::resource::ObjectKey;
use crate::selector::Selector;

/// Chooses the objects that the server is asked about.
#[derive(Debug)]
pub struct Sampler {
    scope: Scope,
    hooks: Vec<Listener>,
    seen: BTreeSet<(String, Option<String>, Option<usize>)>,
}

impl Sampler {
    /// For webhooks that choose by labels, [`Listener`].
    pub fn new(scope: Scope, hooks: Vec<Listener>) -> Self {
        Self { scope, hooks, seen: BTreeSet::new() }
    }

    /// Whether the server is asked about `object`, which has these `labels`.
    ///
    /// # Errors
    /// The labels are not an object of strings.
    pub fn takes(&mut self, object: &ObjectKey, labels: Option<&[u8]>) -> Result<bool, JsonError> {
        if self.scope == Scope::All {
            return Ok(true);
        }
        let place = |hook| (object.resource.clone(), object.namespace.clone(), hook);
        let mut takes = self.seen.insert(place(None));
        for (at, hook) in self.hooks.iter().enumerate() {
            if hook.looks_at(&object.resource) && hook.chooses.matches_json(labels)? {
                takes |= self.seen.insert(place(Some(at)));
            }
        }
        Ok(takes)
    }
}

/// A webhook that chooses what it is asked about by labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Listener {
    rules: Vec<HookRule>,
    chooses: Selector,
}

impl Listener {
    /// Those of a webhook configuration that are asked about creates and have an `objectSelector`; what cannot be read
    /// is left out. Fields: `admissionregistration.k8s.io/v1`.
    pub fn of(configuration: &[u8]) -> Vec<Self> {
        let Ok(configuration) = serde_json::from_slice::<Configuration>(configuration) else {
            return Vec::new();
        };
        let hook = |webhook: Webhook| {
            let chooses = webhook.object_selector.selector()?;
            (!chooses.is_empty()).then_some(Self { rules: webhook.rules, chooses })
        };
        configuration.webhooks.into_iter().filter_map(hook).collect()
    }

    fn looks_at(&self, resource: &str) -> bool {
        let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
        let is = |list: &[String], what: &[&str]| list.iter().any(|one| what.contains(&one.as_str()));
        self.rules.iter().any(|rule| {
            is(&rule.operations, &["*", "CREATE"])
                && is(&rule.api_groups, &["*", group])
                && is(&rule.resources, &["*", "*/*", plural])
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Configuration {
    webhooks: Vec<Webhook>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Webhook {
    rules: Vec<HookRule>,
    object_selector: LabelSelector,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct HookRule {
    operations: Vec<String>,
    api_groups: Vec<String>,
    resources: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LabelSelector {
    match_labels: BTreeMap<String, String>,
    match_expressions: Vec<Expression>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Expression {
    key: String,
    operator: String,
    values: Vec<String>,
}

impl LabelSelector {
    /// The same as text, which a [`Selector`] is read from.
    fn selector(&self) -> Option<Selector> {
        let labels = self.match_labels.iter().map(|(key, value)| Some(format!("{key}={value}")));
        let expressions = self.match_expressions.iter().map(|Expression { key, operator, values }| {
            let values = values.join(",");
            Some(match operator.as_str() {
                "Exists" => key.clone(),
                "DoesNotExist" => format!("!{key}"),
                "In" => format!("{key} in ({values})"),
                "NotIn" => format!("{key} notin ({values})"),
                _ => return None,
            })
        });
        let text: Option<Vec<String>> = labels.chain(expressions).collect();
        text?.join(",").parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(resource: &str, namespace: &str, name: &str) -> ObjectKey {
        let namespace = Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty());
        ObjectKey { resource: resource.into(), namespace, name: name.into() }
    }

    #[test]
    fn a_sample_has_one_of_each_kind_and_namespace_and_one_that_each_webhook_chooses() {
        let hooks = Listener::of(
            br#"{"webhooks":[
                {"name":"all","rules":[{"operations":["*"],"apiGroups":["*"],"resources":["*/*"]}],"objectSelector":{}},
                {"name":"some","rules":[{"operations":["CREATE"],"apiGroups":["apps"],"resources":["deployments"]}],
                 "objectSelector":{"matchLabels":{"mesh":"on"},"matchExpressions":[{"key":"tier","operator":"NotIn","values":["db"]}]}},
                {"name":"later","rules":[{"operations":["UPDATE"],"apiGroups":["*"],"resources":["*"]}],
                 "objectSelector":{"matchExpressions":[{"key":"app","operator":"Exists"}]}}]}"#,
        );
        assert_eq!(hooks.len(), 2);
        let mut sampler = Sampler::new(Scope::Sample, hooks);
        let mesh: &[u8] = br#"{"mesh":"on","app":"a"}"#;
        let mut takes = |resource, namespace, name, labels| {
            sampler.takes(&key(resource, namespace, name), labels).unwrap()
        };
        assert!(takes("deployments.apps", "a", "1", None));
        assert!(!takes("deployments.apps", "a", "2", None));
        assert!(takes("deployments.apps", "b", "2", None));
        assert!(takes("deployments.apps", "a", "3", Some(mesh)));
        assert!(!takes("deployments.apps", "a", "4", Some(mesh)));
        assert!(!takes("deployments.apps", "a", "5", Some(br#"{"mesh":"on","tier":"db"}"#)));
        assert!(takes("configmaps", "a", "1", Some(mesh)));
        assert!(!takes("configmaps", "a", "2", Some(mesh)));
        assert!(takes("clusterroles.rbac.authorization.k8s.io", "", "1", None));
        let mut all = Sampler::new(Scope::All, Vec::new());
        assert!((0..2).all(|_| all.takes(&key("configmaps", "a", "1"), None).unwrap()));
    }
}
