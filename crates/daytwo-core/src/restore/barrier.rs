//! What stands in front of a cluster's store and refuses objects one after another for one reason: an admission
//! webhook, a policy, a quota. Named once, it tells more than 4,000 failures.
//!
//! It is read out of the server's own messages. It refuses to guess: a message of another form names no barrier.

use std::collections::BTreeMap;

use super::Failed;
use super::tally::MOST_NAMED;
use crate::finding::{Finding, Severity};

/// Who refuses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Barrier {
    /// A webhook that does not answer, and may not be passed by.
    SilentWebhook(String),
    /// A webhook that denies.
    Webhook(String),
    /// A ValidatingAdmissionPolicy.
    Policy(String),
    /// The Pod Security level of a namespace.
    PodSecurity(String),
    /// A ResourceQuota, by namespace and name.
    Quota(String, String),
}

impl Barrier {
    /// The barrier that refused an object, where the server's message names one. Forms of messages: apiserver
    /// `pkg/admission/plugin/webhook/errors/statuserror.go`, `pkg/util/webhook/webhook.go`,
    /// `pkg/admission/plugin/policy/validating/dispatcher.go`, `pkg/admission/plugin/resourcequota/controller.go`;
    /// pod-security-admission `admission/admission.go` (Kubernetes 1.36).
    pub fn of(failed: &Failed) -> Option<Self> {
        let message = failed.message.as_str();
        let namespace = || failed.object.namespace.clone().unwrap_or_default();
        if let Some(name) = silent_webhook(message) {
            return Some(Self::SilentWebhook(name.to_owned()));
        }
        if let Some((name, rest)) = named(message, "admission webhook \"", '"')
            && rest.starts_with(" denied the request")
        {
            return Some(Self::Webhook(name.to_owned()));
        }
        if let Some((name, rest)) = named(message, "ValidatingAdmissionPolicy '", '\'')
            && rest.contains(" denied request")
        {
            return Some(Self::Policy(name.to_owned()));
        }
        if let Some((name, _)) = named(message, "exceeded quota: ", ',') {
            return Some(Self::Quota(namespace(), name.to_owned()));
        }
        if let Some((name, _)) = named(message, "failed quota: ", ':') {
            return Some(Self::Quota(namespace(), name.to_owned()));
        }
        message.contains("violates PodSecurity \"").then(|| Self::PodSecurity(namespace()))
    }

    /// A finding's id.
    fn id(&self) -> &'static str {
        match self {
            Self::SilentWebhook(_) | Self::Webhook(_) => "restore-webhook-refuses",
            Self::Policy(_) | Self::PodSecurity(_) => "restore-policy-refuses",
            Self::Quota(..) => "restore-quota-refuses",
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::SilentWebhook(name) | Self::Webhook(name) => format!("admission webhook {name}"),
            Self::Policy(name) => {
                format!("validatingadmissionpolicies.admissionregistration.k8s.io/{name}")
            }
            Self::PodSecurity(namespace) => format!("namespaces/{namespace}"),
            Self::Quota(namespace, name) => format!("resourcequotas/{namespace}/{name}"),
        }
    }

    fn remedy(&self) -> &'static str {
        match self {
            Self::SilentWebhook(_) => {
                "bring back what answers for it, or take its configuration away until that is back; then restore again"
            }
            Self::Webhook(_) => {
                "see what it asks for, or take its configuration away for the restore; then restore again"
            }
            Self::Policy(_) => {
                "see what it asks for, or take its binding away for the restore; then restore again"
            }
            Self::PodSecurity(_) => "let the namespace enforce a level that takes them; then restore again",
            Self::Quota(..) => "raise it, or make room; then restore again",
        }
    }

    /// The command that shows it.
    pub(super) fn command(&self) -> String {
        match self {
            Self::SilentWebhook(name) | Self::Webhook(name) => format!(
                "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations \
                 -o custom-columns='KIND:.kind,NAME:.metadata.name,WEBHOOKS:.webhooks[*].name' | grep {name}"
            ),
            Self::Policy(name) => format!("kubectl get validatingadmissionpolicy {name} -o yaml"),
            Self::PodSecurity(namespace) => format!("kubectl get namespace {namespace} --show-labels"),
            Self::Quota(namespace, name) => {
                format!("kubectl describe resourcequota {name} --namespace {namespace}")
            }
        }
    }

    fn does(&self) -> &'static str {
        match self {
            Self::SilentWebhook(_) => "it does not answer, and the server refused for that",
            Self::Webhook(_) | Self::Policy(_) => "it denied",
            Self::PodSecurity(_) => "the Pod Security level that it enforces refused",
            Self::Quota(..) => "it refused",
        }
    }
}

impl std::fmt::Display for Barrier {
    /// As in `admission webhook w.example.com: it denied`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.subject(), self.does())
    }
}

/// The webhook that the server could not call, by what the server said.
pub fn silent_webhook(message: &str) -> Option<&str> {
    named(message, "failed calling webhook \"", '"').map(|(name, _)| name)
}

/// The webhook that cannot be asked without being told to act, by what the server said of a dry run.
pub fn acting_webhook(message: &str) -> Option<&str> {
    let (name, rest) = named(message, "admission webhook \"", '"')?;
    rest.starts_with(" does not support dry run").then_some(name)
}

/// What stands between `before` and `end`, and what follows.
pub(super) fn named<'a>(message: &'a str, before: &str, end: char) -> Option<(&'a str, &'a str)> {
    let (_, rest) = message.split_once(before)?;
    rest.split_once(end).filter(|(name, _)| !name.is_empty())
}

/// A finding for each barrier that refused any of `failures`.
pub(super) fn findings(failures: &[Failed]) -> Vec<Finding> {
    let mut refused: BTreeMap<Barrier, (u64, &Failed)> = BTreeMap::new();
    for failed in failures {
        if let Some(barrier) = Barrier::of(failed) {
            refused.entry(barrier).or_insert((0, failed)).0 += 1;
        }
    }
    // What is beyond the list is counted and not known.
    let least = if failures.len() >= MOST_NAMED { "at least " } else { "" };
    let finding = |(barrier, (count, first)): (Barrier, (u64, &Failed))| {
        let objects = if count == 1 { "object" } else { "objects" };
        Finding {
            id: barrier.id().to_owned(),
            severity: Severity::Warning,
            subject: barrier.subject(),
            evidence: format!("{} {least}{count} {objects}, the first is {}", barrier.does(), first.object),
            breaks: "they are not restored".to_owned(),
            remedy: barrier.remedy().to_owned(),
            command: Some(barrier.command()),
        }
    };
    refused.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::ObjectKey;

    fn failed(name: &str, code: u16, message: &str) -> Failed {
        let object =
            ObjectKey { resource: "configmaps".into(), namespace: Some("a".into()), name: name.into() };
        Failed { object, code: Some(code), reason: String::new(), message: message.into(), next: None }
    }

    #[test]
    fn a_server_s_message_names_what_refused() {
        for (code, message, barrier) in [
            (
                500,
                "Internal error occurred: failed calling webhook \"w.x.io\": failed to call webhook: Post \"https://w\": EOF",
                Some(Barrier::SilentWebhook("w.x.io".into())),
            ),
            (
                403,
                "admission webhook \"w.x.io\" denied the request: no",
                Some(Barrier::Webhook("w.x.io".into())),
            ),
            (
                422,
                "configmaps \"m\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
                Some(Barrier::Policy("p".into())),
            ),
            (
                403,
                "pods \"m\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2",
                Some(Barrier::Quota("a".into(), "q".into())),
            ),
            (
                403,
                "pods \"m\" is forbidden: failed quota: q: must specify limits.cpu for: c",
                Some(Barrier::Quota("a".into(), "q".into())),
            ),
            (
                403,
                "pods \"m\" is forbidden: violates PodSecurity \"restricted:latest\": privileged",
                Some(Barrier::PodSecurity("a".into())),
            ),
            (400, "admission webhook \"w.x.io\" does not support dry run", None),
            (403, "configmaps is forbidden: User \"x\" cannot create resource", None),
        ] {
            assert_eq!(Barrier::of(&failed("m", code, message)), barrier, "{message}");
        }
        assert_eq!(acting_webhook("admission webhook \"w.x.io\" does not support dry run"), Some("w.x.io"));
    }

    #[test]
    fn a_barrier_that_refuses_many_objects_is_one_finding_with_their_number() {
        let message = "admission webhook \"w.x.io\" denied the request: no";
        let failures = [failed("b", 400, message), failed("a", 400, message), failed("c", 422, "too long")];
        let findings = findings(&failures);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].id, "restore-webhook-refuses");
        assert_eq!(findings[0].evidence, "it denied 2 objects, the first is configmaps/a/b");
        assert!(findings[0].command.as_ref().unwrap().ends_with("| grep w.x.io"));
    }
}
