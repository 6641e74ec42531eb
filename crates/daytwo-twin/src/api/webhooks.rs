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
    known: Option<Arc<[Webhook]>>,
    passed: BTreeMap<PassedBy, u64>,
}

/// A webhook that was not called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PassedBy {
    /// Its configuration, as `validatingwebhookconfigurations.admissionregistration.k8s.io/name`.
    pub configuration: String,
    /// Its own name.
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

    fn known(&mut self, store: &Store, kinds: &Kinds) -> Arc<[Webhook]> {
        let known = self.known.get_or_insert_with(|| {
            let mut all = Vec::new();
            for plural in CONFIGURATIONS {
                let Some(table) = kinds.table_of(GROUP, plural) else { continue };
                let resource = format!("{plural}.{GROUP}");
                for stored in store.range(table, None, None) {
                    if let Ok(Some(webhooks)) = Webhook::all_of(&resource, stored.name(), &stored.json()) {
                        all.extend(webhooks);
                    }
                }
            }
            all.into()
        });
        Arc::clone(known)
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
    if known.is_empty() {
        return;
    }
    let kind = &shown.resource.kind;
    let write =
        Write { subresource: shown.subresource.unwrap_or_default(), ..Write::of(kind, shown.operation) };
    let serves = |version: &str| inner.kinds.find(&kind.group, version, &kind.resource).is_some();
    let mut passed = Vec::new();
    for webhook in known.iter().filter(|webhook| webhook.matches(&write, serves)) {
        let objects = shown.objects.iter().flatten();
        if in_namespace(inner, webhook, shown) && objects.clone().any(|object| chooses(webhook, object)) {
            passed.push(webhook);
        }
    }
    for webhook in passed {
        let (plural, configuration) = webhook.configuration.split_once('/').unwrap_or_default();
        let plural = plural.split('.').next().unwrap_or_default();
        let unless = if webhook.conditions { ", nor were its conditions looked at" } else { "" };
        warnings.push(format!(
            "the webhook {:?} of {plural} {configuration:?} was not called{unless}",
            webhook.name
        ));
        if !shown.dry_run {
            let passed = PassedBy {
                configuration: webhook.configuration.clone(),
                name: webhook.name.clone(),
                conditions: webhook.conditions,
            };
            *inner.webhooks.passed.entry(passed).or_default() += 1;
        }
    }
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
    use crate::Twin;
    use crate::api::{Call, Caller};
    use daytwo_engine::Clock;
    use std::sync::Arc;

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
}
