//! What every namespace has: a default ServiceAccount, and the authority that signs for the API server
//! (`pkg/controller/serviceaccount`, `pkg/controller/certificates/rootcacertpublisher`, v1.36).

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::meta_of as meta;
use crate::api::{Inner, Settings};
use crate::ask::Object;
use crate::store::{Stored, key};

/// The ConfigMap with the authority's certificate.
const ROOT: &str = "kube-root-ca.crt";

/// What the publisher says of it, in its words.
const DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

/// Gives a new namespace what every one has.
pub(super) fn in_namespace(inner: &mut Inner, settings: &Settings, namespace: &str) {
    account(inner, settings, namespace);
    root(inner, settings, namespace);
}

/// A default account that is deleted is made again, while its namespace lives.
pub(super) fn again(inner: &mut Inner, settings: &Settings, last: &Arc<Stored>) {
    let Some(namespace) = last.namespace().filter(|_| last.name() == "default") else { return };
    let alive = inner
        .kinds
        .table_of("", "namespaces")
        .and_then(|table| inner.store.get(table, namespace))
        .is_some_and(|stored| !meta::deleting(&stored.object()));
    if alive {
        account(inner, settings, namespace);
    }
}

fn account(inner: &mut Inner, settings: &Settings, namespace: &str) {
    make(inner, settings, "ServiceAccount", "serviceaccounts", namespace, "default", json!({}));
}

/// Publishes the authority in `kube-system`, from where every namespace gets it.
pub(super) fn publish(inner: &mut Inner, settings: &Settings, authority: &str) {
    let rest = json!({"data": {"ca.crt": authority}});
    make(inner, settings, "ConfigMap", "configmaps", "kube-system", ROOT, rest);
}

/// The authority is that of `kube-system`, where it was published already; a twin that has none there publishes none.
fn root(inner: &mut Inner, settings: &Settings, namespace: &str) {
    let Some(table) = inner.kinds.table_of("", "configmaps") else { return };
    let Some(known) = inner.store.get(table, &key(Some("kube-system"), ROOT)).map(|stored| stored.object())
    else {
        return;
    };
    let rest = json!({"data": known.get("data").cloned().unwrap_or_default()});
    make(inner, settings, "ConfigMap", "configmaps", namespace, ROOT, rest);
}

fn make(
    inner: &mut Inner,
    settings: &Settings,
    kind: &str,
    resource: &str,
    namespace: &str,
    name: &str,
    rest: Value,
) {
    let Some(table) = inner.kinds.table_of("", resource) else { return };
    let key = key(Some(namespace), name);
    if inner.store.get(table, &key).is_some() {
        return;
    }
    let mut object = Object::new();
    object.insert("kind".into(), kind.into());
    object.insert("apiVersion".into(), "v1".into());
    meta::set(&mut object, "name", Some(name.into()));
    meta::set(&mut object, "namespace", Some(namespace.into()));
    meta::set(&mut object, "uid", Some(inner.chance.uuid().into()));
    meta::set(&mut object, "creationTimestamp", Some(meta::time(settings.clock.now())));
    if name == ROOT {
        meta::set(&mut object, "annotations", Some(json!({"kubernetes.io/description": DESCRIPTION})));
    }
    if let Value::Object(rest) = rest {
        object.extend(rest);
    }
    inner.store.put(table, &key, object);
}
