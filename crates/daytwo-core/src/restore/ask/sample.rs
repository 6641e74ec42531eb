//! Chooses which objects stand for the others when a server is asked: by kind and namespace, and by the labels that
//! webhooks choose by. It refuses to evaluate what else a webhook may look at (`matchConditions`, namespaces): a sample
//! with one object more costs less than one that misses a webhook.

use std::collections::BTreeSet;

use super::Scope;
use crate::json::JsonError;
use crate::resource::ObjectKey;
use crate::webhook::{Webhook, Write};

/// Chooses the objects that the server is asked about.
#[derive(Debug)]
pub struct Sampler {
    scope: Scope,
    webhooks: Vec<Webhook>,
    seen: BTreeSet<(String, Option<String>, Option<usize>)>,
}

impl Sampler {
    /// Of `webhooks`, those that choose by labels are followed.
    pub fn new(scope: Scope, mut webhooks: Vec<Webhook>) -> Self {
        webhooks.retain(|webhook| !webhook.objects.is_empty());
        Self { scope, webhooks, seen: BTreeSet::new() }
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
        for (at, webhook) in self.webhooks.iter().enumerate() {
            if looks_at(webhook, &object.resource) && webhook.objects.matches_json(labels)? {
                takes |= self.seen.insert(place(Some(at)));
            }
        }
        Ok(takes)
    }
}

/// Whether a webhook is asked about creating objects of a resource.
fn looks_at(webhook: &Webhook, resource: &str) -> bool {
    let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
    webhook.may_match(&Write {
        group,
        version: "",
        resource: plural,
        subresource: "",
        namespaced: true,
        operation: "CREATE",
    })
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
        let webhooks = Webhook::all_of(
            "validatingwebhookconfigurations",
            "w",
            br#"{"webhooks":[
                {"name":"all","rules":[{"operations":["*"],"apiGroups":["*"],"resources":["*/*"]}],"objectSelector":{}},
                {"name":"some","rules":[{"operations":["CREATE"],"apiGroups":["apps"],"resources":["deployments"]}],
                 "objectSelector":{"matchLabels":{"mesh":"on"},"matchExpressions":[{"key":"tier","operator":"NotIn","values":["db"]}]}},
                {"name":"later","rules":[{"operations":["UPDATE"],"apiGroups":["*"],"resources":["*"]}],
                 "objectSelector":{"matchExpressions":[{"key":"app","operator":"Exists"}]}}]}"#,
        );
        let mut sampler = Sampler::new(Scope::Sample, webhooks.unwrap().unwrap());
        assert_eq!(sampler.webhooks.len(), 2);
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
