//! Which objects a server is asked about before a restore (a create with `dryRun=All`), and what cannot be asked.
//!
//! Webhooks, quotas and Pod Security are the server's own to judge. Mostly one object of a kind and namespace tells for
//! all; a webhook that chooses objects by their labels is asked about one that it chooses. It refuses to take for fine
//! what was not asked: that is counted, with the reason.

use serde::{Deserialize, Serialize};

use super::Failed;
use super::barrier::{Barrier, named};
use crate::finding::{Finding, Severity};
use crate::resource::ObjectKey;

mod sample;

pub use sample::Sampler;

/// How many objects the server is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// The first of each kind in each namespace, and the first that each webhook chooses by its labels.
    Sample,
    /// Every object that would be created.
    All,
}

/// Why the server cannot be asked about an object yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "why", content = "webhook", rename_all = "camelCase")]
pub enum Unasked {
    /// Its namespace is not there.
    NamespaceMissing,
    /// Its kind is not defined.
    KindMissing,
    /// It needs an object that the restore makes before it.
    NeedsEarlier,
    /// There is one of its name by now, or none could be seen.
    Exists,
    /// A webhook acts outside the cluster, and cannot leave that out.
    WebhookActs(String),
}

/// What asking came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// About how many.
    pub scope: Scope,
    /// Objects that would be created.
    pub objects: u64,
    /// Those of them that the server would take.
    pub taken: u64,
    /// Those that it refuses.
    pub refused: u64,
    /// Those that it cannot be asked about.
    pub not_asked: Vec<NotAsked>,
}

/// Objects that the server cannot be asked about, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotAsked {
    /// The reason.
    #[serde(flatten)]
    pub why: Unasked,
    /// How many.
    pub count: u64,
    /// One of them.
    pub first: ObjectKey,
}

impl Asked {
    /// Nothing asked yet.
    pub fn new(scope: Scope) -> Self {
        Self { scope, objects: 0, taken: 0, refused: 0, not_asked: Vec::new() }
    }

    /// Counts an object that the server cannot be asked about.
    pub fn passed_over(&mut self, object: &ObjectKey, why: Unasked) {
        match self.not_asked.iter_mut().find(|group| group.why == why) {
            Some(group) => {
                group.count += 1;
                if *object < group.first {
                    group.first = object.clone();
                }
            }
            None => self.not_asked.push(NotAsked { why, count: 1, first: object.clone() }),
        }
    }

    /// Puts the reasons in order, whatever the order of the answers was.
    pub fn sort(&mut self) {
        self.not_asked.sort_by(|a, b| a.why.cmp(&b.why));
    }

    /// Objects that it could not be asked about.
    pub fn unasked(&self) -> u64 {
        self.not_asked.iter().map(|group| group.count).sum()
    }

    /// A finding for each reason.
    pub fn findings(&self) -> Vec<Finding> {
        self.not_asked.iter().map(NotAsked::finding).collect()
    }
}

impl NotAsked {
    fn finding(&self) -> Finding {
        let namespace = self.first.namespace.as_deref().unwrap_or_default();
        let (because, remedy, command) = match &self.why {
            Unasked::NamespaceMissing => (
                "their namespaces are not there yet".to_owned(),
                "make the namespaces, with their labels, and ask again",
                Some(format!("kubectl create namespace {namespace}")),
            ),
            Unasked::KindMissing => (
                "their kinds are not defined yet".to_owned(),
                "restore the definitions first (--include-resources customresourcedefinitions), and ask again",
                None,
            ),
            Unasked::NeedsEarlier => (
                "they need objects that are restored before them and are not there yet".to_owned(),
                "restore those first (such as --include-resources serviceaccounts), and ask again",
                None,
            ),
            Unasked::Exists => (
                "there are objects of their names, which were not seen when it was planned".to_owned(),
                "see that the caller may list them, and plan again",
                Some(format!("kubectl auth can-i list {} --all-namespaces", self.first.resource)),
            ),
            Unasked::WebhookActs(name) => (
                format!("the admission webhook {name} acts outside the cluster and cannot leave that out"),
                "see what it asks for",
                Some(Barrier::Webhook(name.clone()).command()),
            ),
        };
        let count = if self.count == 1 { "1 object".to_owned() } else { format!("{} objects", self.count) };
        Finding {
            id: "restore-not-asked".to_owned(),
            severity: Severity::Warning,
            subject: self.first.to_string(),
            evidence: format!(
                "the server could not be asked about it, nor others, {count} in all: {because}"
            ),
            breaks: "whether it takes them is known only once they are restored".to_owned(),
            remedy: remedy.to_owned(),
            command,
        }
    }
}

/// The object that the server lacks for `failed`, by its message: by kind, and in the namespace of `failed` where the
/// kind has one. Forms of messages: apiserver `errors.NewNotFound`, and the admission plugins `serviceaccount`,
/// `priority` and `runtimeclass` of Kubernetes 1.36.
pub fn lacking(failed: &Failed) -> Option<ObjectKey> {
    let message = failed.message.as_str();
    let by = [
        ("namespaces \"", "namespaces", false),
        ("serviceaccount \"", "serviceaccounts", true),
        ("serviceaccounts \"", "serviceaccounts", true),
        ("RuntimeClass \"", "runtimeclasses.node.k8s.io", false),
        ("clusterroles.rbac.authorization.k8s.io \"", "clusterroles.rbac.authorization.k8s.io", false),
        (" roles.rbac.authorization.k8s.io \"", "roles.rbac.authorization.k8s.io", true),
        // Of a role that is not there the server says so by the name of the binding's resource.
        (" rolebindings.rbac.authorization.k8s.io \"", "roles.rbac.authorization.k8s.io", true),
        (
            " clusterrolebindings.rbac.authorization.k8s.io \"",
            "clusterroles.rbac.authorization.k8s.io",
            false,
        ),
    ];
    // So that what begins the message is found by what stands before it too.
    let padded = format!(" {message}");
    let quoted = by.into_iter().find_map(|(before, resource, namespaced)| {
        let (name, rest) = named(&padded, before, '"')?;
        rest.starts_with(" not found").then(|| (resource, namespaced, name.to_owned()))
    });
    let (resource, namespaced, name) = quoted.or_else(|| {
        let (name, rest) = named(message, "no PriorityClass with name ", ' ')?;
        let resource = "priorityclasses.scheduling.k8s.io";
        rest.starts_with("was found").then(|| (resource, false, name.to_owned()))
    })?;
    let namespace = failed.object.namespace.clone().filter(|_| namespaced);
    Some(ObjectKey { resource: resource.to_owned(), namespace, name })
}

/// Resources of which the server may say, by [`lacking`], that one is not there.
pub fn may_be_lacking(resource: &str) -> bool {
    matches!(
        resource,
        "serviceaccounts"
            | "runtimeclasses.node.k8s.io"
            | "priorityclasses.scheduling.k8s.io"
            | "roles.rbac.authorization.k8s.io"
            | "clusterroles.rbac.authorization.k8s.io"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(resource: &str, namespace: &str, name: &str) -> ObjectKey {
        let namespace = Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty());
        ObjectKey { resource: resource.into(), namespace, name: name.into() }
    }

    #[test]
    fn what_a_server_lacks_for_an_object_is_read_out_of_its_message() {
        let lacks = |code, message: &str| {
            let object = key("pods", "a", "p");
            lacking(&Failed {
                object,
                code: Some(code),
                reason: String::new(),
                message: message.into(),
                next: None,
            })
        };
        for (code, message, expected) in [
            (404, "namespaces \"a\" not found", Some(key("namespaces", "", "a"))),
            (
                403,
                "pods \"p\" is forbidden: error looking up service account a/web: serviceaccount \"web\" not found",
                Some(key("serviceaccounts", "a", "web")),
            ),
            (
                403,
                "pods \"p\" is forbidden: no PriorityClass with name high was found",
                Some(key("priorityclasses.scheduling.k8s.io", "", "high")),
            ),
            (
                403,
                "pods \"p\" is forbidden: pod rejected: RuntimeClass \"vm\" not found",
                Some(key("runtimeclasses.node.k8s.io", "", "vm")),
            ),
            (
                404,
                "clusterroles.rbac.authorization.k8s.io \"c\" not found",
                Some(key("clusterroles.rbac.authorization.k8s.io", "", "c")),
            ),
            (
                404,
                "rolebindings.rbac.authorization.k8s.io \"r\" not found",
                Some(key("roles.rbac.authorization.k8s.io", "a", "r")),
            ),
            (403, "pods \"p\" is forbidden: exceeded quota: q, requested: pods=1", None),
        ] {
            assert_eq!(lacks(code, message), expected, "{message}");
        }
    }

    #[test]
    fn what_was_not_asked_is_counted_by_reason_with_one_that_does_not_depend_on_the_order_of_answers() {
        let mut asked = Asked::new(Scope::All);
        asked.passed_over(&key("pods", "b", "p"), Unasked::KindMissing);
        asked.passed_over(&key("pods", "b", "p"), Unasked::NamespaceMissing);
        asked.passed_over(&key("pods", "a", "p"), Unasked::NamespaceMissing);
        asked.sort();
        assert_eq!(asked.unasked(), 3);
        let findings = asked.findings();
        assert_eq!(findings[0].subject, "pods/a/p");
        assert!(findings[0].evidence.contains("2 objects in all"), "{}", findings[0].evidence);
        assert_eq!(findings[0].command.as_deref(), Some("kubectl create namespace a"));
    }
}
