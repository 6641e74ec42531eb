//! Names of a mapped namespace inside other objects: subjects of bindings, the Services behind webhooks, APIServices
//! and conversions, the claim of a volume. It refuses to rewrite text whose meaning it does not know: what still
//! names the old namespace is listed instead.

use memchr::memmem;

use super::{NamespaceMapping, Source};
use crate::json::{Change, Edits, find, quote, string};

/// Adds the edits that move `source` and what it refers to into the mapped namespaces.
pub(super) fn map<'f>(
    mapping: &'f NamespaceMapping,
    source: &Source<'_>,
    resource: &str,
    edits: &mut Edits<'f>,
) {
    if mapping.is_empty() {
        return;
    }
    if let Some(to) = source.namespace.and_then(|namespace| mapping.mapped(namespace)) {
        edits.set_str(&["metadata", "namespace"], to);
    }
    match resource {
        "namespaces" => {
            if let Some(to) = mapping.mapped(source.name) {
                edits.set_str(&["metadata", "name"], to);
                edits.replace(&["metadata", "labels", "kubernetes.io/metadata.name"], move |_| text(to));
            }
        }
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
            edits.each_element(&["subjects"], move |subject| map_subject(mapping, subject));
        }
        "validatingwebhookconfigurations.admissionregistration.k8s.io"
        | "mutatingwebhookconfigurations.admissionregistration.k8s.io" => {
            let path = &["clientConfig", "service", "namespace"];
            edits.each_element(&["webhooks"], move |webhook| map_at(mapping, webhook, path));
        }
        "apiservices.apiregistration.k8s.io" => map_path(mapping, edits, &["spec", "service", "namespace"]),
        "customresourcedefinitions.apiextensions.k8s.io" => {
            map_path(
                mapping,
                edits,
                &["spec", "conversion", "webhook", "clientConfig", "service", "namespace"],
            );
        }
        "persistentvolumes" => map_path(mapping, edits, &["spec", "claimRef", "namespace"]),
        "persistentvolumeclaims" => map_path(mapping, edits, &["spec", "dataSourceRef", "namespace"]),
        _ => {}
    }
}

/// The old namespaces that the edited object still names in a way that reads like a reference.
pub(super) fn unmapped(mapping: &NamespaceMapping, body: &[u8]) -> Vec<String> {
    let names = |from: &str| {
        // Most objects name it nowhere.
        if memmem::find(body, from.as_bytes()).is_none() {
            return false;
        }
        let quoted = quote(from);
        [
            format!("\"namespace\":{quoted}"),
            format!("\"kubernetes.io/metadata.name\":{quoted}"),
            format!(".{from}.svc"),
            format!("system:serviceaccount:{from}:"),
            format!("system:serviceaccounts:{from}\""),
        ]
        .iter()
        .any(|pattern| memmem::find(body, pattern.as_bytes()).is_some())
    };
    mapping.iter().filter(|(from, to)| from != to && names(from)).map(|(from, _)| from.to_owned()).collect()
}

fn map_path<'f>(mapping: &'f NamespaceMapping, edits: &mut Edits<'f>, path: &[&str]) {
    edits.replace(path, move |value| {
        match string(value).as_deref().and_then(|namespace| mapping.mapped(namespace)) {
            Some(to) => text(to),
            None => Change::Keep,
        }
    });
}

/// Maps the namespace at `path` of one element.
fn map_at(mapping: &NamespaceMapping, element: &[u8], path: &[&str]) -> Change {
    let namespace = find(element, path).ok().flatten().and_then(|span| string(&element[span]));
    match namespace.as_deref().and_then(|namespace| mapping.mapped(namespace)) {
        Some(to) => set(element, path, to),
        None => Change::Keep,
    }
}

/// Maps a ServiceAccount as such, as the user of its name, and the group of a namespace's ServiceAccounts.
fn map_subject(mapping: &NamespaceMapping, subject: &[u8]) -> Change {
    let at = |key: &str| find(subject, &[key]).ok().flatten().and_then(|span| string(&subject[span]));
    let name = at("name").unwrap_or_default();
    match at("kind").as_deref() {
        Some("User") => {
            let user = name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
            match user.and_then(|(namespace, account)| Some((mapping.mapped(namespace)?, account))) {
                Some((to, account)) => {
                    set(subject, &["name"], &format!("system:serviceaccount:{to}:{account}"))
                }
                None => Change::Keep,
            }
        }
        Some("Group") => {
            match name.strip_prefix("system:serviceaccounts:").and_then(|from| mapping.mapped(from)) {
                Some(to) => set(subject, &["name"], &format!("system:serviceaccounts:{to}")),
                None => Change::Keep,
            }
        }
        _ => map_at(mapping, subject, &["namespace"]),
    }
}

fn set(element: &[u8], path: &[&str], to: &str) -> Change {
    let mut edits = Edits::new();
    edits.set_str(path, to);
    edits.apply(element).map_or(Change::Keep, Change::With)
}

fn text(to: &str) -> Change {
    Change::With(quote(to).into_bytes())
}
