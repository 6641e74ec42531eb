//! Webhooks that a real server would have asked about a write. Nobody is called: the client is told who was passed by, and
//! it is counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use daytwo_core::json::Meta;
use daytwo_core::webhook::{Webhook, Write};
use serde_json::Value;

use super::Inner;
use crate::ask::Object;
use crate::kinds::{Kinds, Resource, TableId};
use crate::store::Store;

const GROUP: &str = "admissionregistration.k8s.io";
const CONFIGURATIONS: [&str; 2] = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"];

/// The webhooks of the cluster, and how often each was passed by.
#[derive(Debug, Default)]
pub(crate) struct Webhooks {
    /// As the configurations have them; nothing before they are asked for, and after one of them was written.
    known: Option<Arc<Known>>,
    passed: BTreeMap<PassedBy, u64>,
}

#[derive(Debug, Default)]
struct Known {
    webhooks: Vec<Webhook>,
    /// Configurations that cannot be read.
    unread: Vec<String>,
}

/// What stands for the webhooks of a configuration that cannot be read.
const UNREAD: &str = "(cannot be read)";

/// A webhook that was not called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PassedBy {
    /// Its configuration, as `validatingwebhookconfigurations.admissionregistration.k8s.io/name`.
    pub configuration: String,
    /// Its own name, or that its configuration cannot be read.
    pub name: String,
    /// Whether it has match conditions, by which it might not have been called anyway.
    pub conditions: bool,
}

impl Webhooks {
    /// The objects of a table were written.
    pub(super) fn written(&mut self, kinds: &Kinds, table: TableId) {
        if CONFIGURATIONS.iter().any(|plural| kinds.table_of(GROUP, plural) == Some(table)) {
            self.known = None;
        }
    }

    /// Who was passed by, and how often.
    pub(super) fn passed(&self) -> &BTreeMap<PassedBy, u64> {
        &self.passed
    }

    fn known(&mut self, store: &Store, kinds: &Kinds) -> Arc<Known> {
        let known = self.known.get_or_insert_with(|| {
            let mut known = Known::default();
            for plural in CONFIGURATIONS {
                let Some(table) = kinds.table_of(GROUP, plural) else { continue };
                let resource = format!("{plural}.{GROUP}");
                for stored in store.range(table, None, None) {
                    match Webhook::all_of(&resource, stored.name(), &stored.json()) {
                        Ok(Some(webhooks)) => known.webhooks.extend(webhooks),
                        Ok(None) | Err(_) => known.unread.push(format!("{resource}/{}", stored.name())),
                    }
                }
            }
            known.into()
        });
        Arc::clone(known)
    }

    fn count(&mut self, configuration: &str, name: &str, conditions: bool) {
        let (configuration, name) = (configuration.to_owned(), name.to_owned());
        *self.passed.entry(PassedBy { configuration, name, conditions }).or_default() += 1;
    }
}

/// A write that was allowed by all who are here.
pub(super) struct Shown<'a> {
    pub(super) resource: &'a Resource,
    pub(super) subresource: Option<&'a str>,
    pub(super) operation: &'a str,
    pub(super) namespace: Option<&'a str>,
    pub(super) dry_run: bool,
    /// The object as it is to be, and as it is.
    pub(super) objects: [Option<&'a Object>; 2],
}

/// Tells the client of those who would have been asked about a write.
pub(super) fn pass_by(inner: &mut Inner, shown: &Shown<'_>, warnings: &mut Vec<String>) {
    let known = inner.webhooks.known(&inner.store, &inner.kinds);
    let kind = &shown.resource.kind;
    let write =
        Write { subresource: shown.subresource.unwrap_or_default(), ..Write::of(kind, shown.operation) };
    let serves = |version: &str| inner.kinds.find(&kind.group, version, &kind.resource).is_some();
    let chosen = |webhook: &&Webhook| {
        let mut objects = shown.objects.iter().flatten();
        webhook.matches(&write, serves)
            && in_namespace(inner, webhook, shown)
            && objects.any(|object| chooses(webhook, object))
    };
    let passed: Vec<&Webhook> = known.webhooks.iter().filter(chosen).collect();
    for webhook in passed {
        let unless = if webhook.conditions { ", nor were its conditions looked at" } else { "" };
        let of = called(&webhook.configuration);
        warnings.push(format!("the webhook {:?} of {of} was not called{unless}", webhook.name));
        if !shown.dry_run {
            inner.webhooks.count(&webhook.configuration, &webhook.name, webhook.conditions);
        }
    }
    for configuration in known.unread.iter().filter(|_| kind.group != GROUP) {
        let of = called(configuration);
        warnings.push(format!("{of} cannot be read: whom a server would have called is not known"));
        if !shown.dry_run {
            inner.webhooks.count(configuration, UNREAD, false);
        }
    }
}

/// A configuration as people call it: `validatingwebhookconfigurations "name"`.
fn called(configuration: &str) -> String {
    let (resource, name) = configuration.split_once('/').unwrap_or_default();
    format!("{} {name:?}", resource.split('.').next().unwrap_or_default())
}

/// Whether it is asked about objects of the namespace. A namespace's own labels count for itself.
fn in_namespace(inner: &Inner, webhook: &Webhook, shown: &Shown<'_>) -> bool {
    if webhook.namespaces.is_empty() {
        return true;
    }
    if shown.resource.kind.is("", "namespaces") {
        let object = shown.objects.iter().flatten().next();
        return object.is_some_and(|object| webhook.namespaces.matches(|label| of(object, label)));
    }
    let Some(namespace) = shown.namespace else { return true };
    let Some(table) = inner.kinds.table_of("", "namespaces") else { return false };
    inner.store.get(table, namespace).is_some_and(|stored| {
        let json = stored.json();
        let labels = Meta::labels_of(&json).unwrap_or_default();
        webhook.namespaces.matches_json(labels).unwrap_or(false)
    })
}

fn chooses(webhook: &Webhook, object: &Object) -> bool {
    webhook.objects.matches(|label| of(object, label))
}

/// A label of an object.
fn of<'a>(object: &'a Object, label: &str) -> Option<std::borrow::Cow<'a, str>> {
    let labels = object.get("metadata")?.get("labels")?;
    labels.get(label).and_then(Value::as_str).map(Into::into)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use daytwo_engine::Clock;
    use serde_json::{Value, json};

    use crate::Twin;
    use crate::api::{Call, Caller, Settings};
    use crate::open::Loader;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> jiff::Timestamp {
            "2026-05-04T10:00:00Z".parse().unwrap()
        }
    }

    const MAPS: &str = "/api/v1/namespaces/default/configmaps";

    /// What a client is warned of.
    fn warned(twin: &Twin, method: &str, path: &str, query: &str, body: &str) -> Vec<String> {
        let call = Call::new(method, path, query, "application/json", Caller::admin(), Fixed.now()).unwrap();
        let said = twin.api().call(&call, body.as_bytes());
        assert!(said.outcome.is_ok(), "{:?}", said.outcome);
        said.warnings
    }

    #[test]
    fn who_would_have_been_asked_is_told_and_counted() {
        let twin = Twin::empty(Arc::new(Fixed)).unwrap();
        let map = |name: &str, label: &str| {
            format!(r#"{{"metadata": {{"name": "{name}", "labels": {{"tier": "{label}"}}}}}}"#)
        };
        assert_eq!(warned(&twin, "POST", MAPS, "", &map("before", "front")), [""; 0]);
        let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
        let configuration = r#"{"metadata": {"name": "policy"}, "webhooks": [{
            "name": "front.policy.io", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "clientConfig": {"url": "https://policy.invalid"},
            "objectSelector": {"matchLabels": {"tier": "front"}},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}},
            "rules": [{"operations": ["CREATE", "DELETE"], "apiGroups": [""], "apiVersions": ["*"],
                "resources": ["configmaps"]}]
        }]}"#;
        assert_eq!(warned(&twin, "POST", path, "", configuration), [""; 0]);
        let told =
            "the webhook \"front.policy.io\" of validatingwebhookconfigurations \"policy\" was not called";
        assert_eq!(warned(&twin, "POST", MAPS, "", &map("back", "back")), [""; 0]);
        assert_eq!(warned(&twin, "POST", MAPS, "", &map("front", "front")), [told]);
        assert_eq!(warned(&twin, "POST", MAPS, "dryRun=All", &map("dry", "front")), [told]);
        let other = MAPS.replace("default", "kube-public");
        assert_eq!(warned(&twin, "POST", &other, "", &map("front", "front")), [""; 0]);
        assert_eq!(warned(&twin, "PUT", &format!("{MAPS}/front"), "", &map("front", "front")), [""; 0]);
        assert_eq!(warned(&twin, "DELETE", &format!("{MAPS}/front"), "", ""), [told]);
        let passed = twin.api().passed_by();
        let [(webhook, times)] = passed.as_slice() else { panic!("{passed:?}") };
        assert_eq!((webhook.name.as_str(), *times), ("front.policy.io", 2));

        warned(&twin, "DELETE", &format!("{path}/policy"), "", "");
        assert_eq!(warned(&twin, "POST", MAPS, "", &map("after", "front")), [""; 0]);
    }

    #[test]
    fn of_an_eviction_the_eviction_is_shown_and_not_the_pod() {
        let twin = Twin::empty(Arc::new(Fixed)).unwrap();
        let path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
        let configuration = r#"{"metadata": {"name": "guard"}, "webhooks": [{
            "name": "pods.guard.io", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "clientConfig": {"url": "https://guard.invalid"}, "objectSelector": {"matchLabels": {"app": "a"}},
            "rules": [{"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods/*"]}]
        }, {
            "name": "evictions.guard.io", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "clientConfig": {"url": "https://guard.invalid"},
            "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods/eviction"]}]
        }]}"#;
        warned(&twin, "POST", path, "", configuration);
        let pods = "/api/v1/namespaces/default/pods";
        let pod = r#"{"metadata": {"name": "p", "labels": {"app": "a"}},
            "spec": {"containers": [{"name": "c", "image": "i"}]}}"#;
        let told = |name: &str| {
            format!("the webhook {name:?} of validatingwebhookconfigurations \"guard\" was not called")
        };
        assert_eq!(warned(&twin, "POST", pods, "", pod), [told("pods.guard.io")]);
        let eviction = r#"{"metadata": {"name": "p"}}"#;
        assert_eq!(
            warned(&twin, "POST", &format!("{pods}/p/eviction"), "", eviction),
            [told("evictions.guard.io")]
        );
    }

    #[test]
    fn a_configuration_that_cannot_be_read_is_told_of_and_not_passed_over() {
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "odd"},
            "webhooks": [{"name": "w.odd.io", "objectSelector": {"matchExpressions": [{"key": "a", "operator": "Odd"}]}}],
        });
        let Value::Object(configuration) = configuration else { panic!("an object") };
        let mut loader = Loader::default();
        loader.object(configuration);
        let twin =
            Twin::of(loader.finish("odd".to_owned(), None, 1), Settings::new(Arc::new(Fixed))).unwrap();
        let namespace = r#"{"metadata": {"name": "a"}}"#;
        let told = warned(&twin, "POST", "/api/v1/namespaces", "", namespace);
        assert_eq!(
            told,
            [
                "validatingwebhookconfigurations \"odd\" cannot be read: whom a server would have called is not known"
            ]
        );
        assert_eq!(twin.api().passed_by()[0].0.name, super::UNREAD);
    }
}
