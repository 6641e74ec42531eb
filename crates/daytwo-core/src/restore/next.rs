//! What a person does next about an object that was refused: one command, chosen by what the server said. It refuses
//! to guess at a cure: where the reason is not known, the object is tried once more, by itself.

use super::{Existing, Failed, Request, Webhooks};

/// The command for `failed`, out of a restore of `request`.
pub fn command(failed: &Failed, request: &Request) -> String {
    let said = failed.message.as_str();
    let resource = &failed.object.resource;
    let scope = failed.object.namespace.as_deref().map(|name| format!(" -n {name}")).unwrap_or_default();
    if failed.reason == "Corrupt" {
        return format!("daytwo backup verify {}", request.backup);
    }
    if said.contains("exceeded quota") || said.contains("failed quota") {
        return format!("kubectl describe resourcequota{scope}");
    }
    // `plugin/pkg/admission/limitranger/admission.go` of Kubernetes 1.36.
    if ["minimum ", "maximum "].iter().any(|bound| said.contains(bound)) && said.contains(" usage per ") {
        return format!("kubectl describe limitrange{scope}");
    }
    if said.contains("violates PodSecurity") {
        let namespace = failed.object.namespace.as_deref().unwrap_or_default();
        return format!("kubectl get namespace {namespace} --show-labels");
    }
    if let Some(policy) = quoted_after(said, "ValidatingAdmissionPolicy '", '\'') {
        return format!("kubectl describe validatingadmissionpolicy {policy}");
    }
    if said.contains("admission webhook \"") || said.contains("calling webhook \"") {
        return "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations".to_owned();
    }
    match failed.code {
        Some(401 | 403) => {
            let verb = quoted_after(said, "cannot ", ' ').unwrap_or("create");
            format!("kubectl auth can-i {verb} {resource}{scope}")
        }
        Some(400 | 413 | 422) => show(failed, request),
        _ if failed.reason == "RuleNotApplied" || !is_plain(request) => show(failed, request),
        _ => again(failed, request),
    }
}

/// Whether [`again`] says all that was asked for: what it leaves out would be restored otherwise.
fn is_plain(request: &Request) -> bool {
    request.changes.is_empty()
        && request.filter.selector.is_none()
        && !request.include_derived
        && request.webhooks == Webhooks::default()
}

/// Shows the object as the backup holds it.
fn show(failed: &Failed, request: &Request) -> String {
    let scope = source(failed, request).map(|name| format!(" -n {name}")).unwrap_or_default();
    let Failed { object, .. } = failed;
    format!(
        "daytwo backup get {} {}/{}{scope} -o yaml{}",
        request.backup,
        object.resource,
        object.name,
        at(request)
    )
}

/// Where the backup lies.
fn at(request: &Request) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/:._-@+=,~".contains(&byte);
    match request.location.as_str() {
        "" => String::new(),
        location if location.bytes().all(plain) => format!(" --location {location}"),
        location => format!(" --location '{}'", location.replace('\'', "'\\''")),
    }
}

/// The restore of the object's kind in its namespace.
fn again(failed: &Failed, request: &Request) -> String {
    let mut command = format!("daytwo restore create --from {}", request.backup);
    if let Some(from) = source(failed, request) {
        command.push_str(&format!(" --include-namespaces {from}"));
        if let Some(to) = request.namespace_mapping.mapped(from) {
            command.push_str(&format!(" --namespace-mapping {from}:{to}"));
        }
    }
    command.push_str(&format!(" --include-resources {}", failed.object.resource));
    match request.existing {
        Existing::Keep => {}
        Existing::Update => command.push_str(" --existing update"),
        Existing::Replace => command.push_str(" --existing replace"),
    }
    if request.empty_volumes {
        command.push_str(" --empty-volumes");
    }
    command.push_str(&at(request));
    command
}

/// The object's namespace in the backup.
fn source<'a>(failed: &'a Failed, request: &'a Request) -> Option<&'a str> {
    let namespace = failed.object.namespace.as_deref()?;
    let mapped = request.namespace_mapping.iter().find(|(_, to)| *to == namespace);
    Some(mapped.map_or(namespace, |(from, _)| from))
}

fn quoted_after<'a>(text: &'a str, before: &str, end: char) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(&rest[..rest.find(end)?]).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::ObjectKey;
    use crate::restore::NamespaceMapping;

    #[test]
    fn what_cannot_be_said_again_whole_is_shown_instead() {
        let object = ObjectKey { resource: "pods".into(), namespace: Some("a".into()), name: "p".into() };
        let failed =
            Failed { object, code: Some(409), reason: "Conflict".into(), message: String::new(), next: None };
        let plain = Request { backup: "b".into(), location: "s3://x/y z".into(), ..Request::default() };
        let again = "daytwo restore create --from b --include-namespaces a --include-resources pods --location 's3://x/y z'";
        assert_eq!(command(&failed, &plain), again);
        let show = "daytwo backup get b pods/p -n a -o yaml --location 's3://x/y z'";
        let ruled = Failed { reason: "RuleNotApplied".into(), code: None, ..failed.clone() };
        assert_eq!(command(&ruled, &plain), show);
        let mut derived = plain.clone();
        derived.include_derived = true;
        let mut parked = plain.clone();
        parked.webhooks = Webhooks::Parked;
        let mut suspended = plain;
        suspended.changes.suspend_cronjobs = true;
        for request in [derived, parked, suspended] {
            assert_eq!(command(&failed, &request), show);
        }
    }

    fn next(code: Option<u16>, reason: &str, message: &str) -> String {
        let object = ObjectKey {
            resource: "deployments.apps".into(),
            namespace: Some("b".into()),
            name: "web".into(),
        };
        let failed = Failed { object, code, reason: reason.into(), message: message.into(), next: None };
        let request = Request {
            backup: "nightly".into(),
            namespace_mapping: NamespaceMapping::parse(["a:b"]).unwrap(),
            existing: Existing::Update,
            ..Request::default()
        };
        command(&failed, &request)
    }

    #[test]
    fn a_known_reason_leads_to_where_it_is_looked_at() {
        let cases = [
            (
                Some(403),
                "deployments.apps is forbidden: User \"u\" cannot patch resource \"deployments\" in API group \"apps\"",
                "kubectl auth can-i patch deployments.apps -n b",
            ),
            (
                Some(403),
                "pods \"web\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1",
                "kubectl describe resourcequota -n b",
            ),
            (
                Some(403),
                "pods \"web\" is forbidden: maximum cpu usage per Container is 1, but limit is 2",
                "kubectl describe limitrange -n b",
            ),
            (
                Some(403),
                "pods \"web\" is forbidden: violates PodSecurity \"restricted:latest\": privileged",
                "kubectl get namespace b --show-labels",
            ),
            (
                Some(422),
                "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'no-latest' with binding 'b' denied request: no",
                "kubectl describe validatingadmissionpolicy no-latest",
            ),
            (
                Some(500),
                "Internal error occurred: failed calling webhook \"w.x.io\": connection refused",
                "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
            ),
            (
                Some(422),
                "spec.selector: Invalid value: field is immutable",
                "daytwo backup get nightly deployments.apps/web -n a -o yaml",
            ),
        ];
        for (code, message, command) in cases {
            assert_eq!(next(code, "X", message), command, "{message}");
        }
        assert_eq!(next(None, "Corrupt", "no JSON"), "daytwo backup verify nightly");
    }

    #[test]
    fn what_is_not_known_is_tried_once_more_by_itself_as_it_was_asked_for() {
        let again = "daytwo restore create --from nightly --include-namespaces a --namespace-mapping a:b --include-resources deployments.apps --existing update";
        assert_eq!(next(Some(409), "Conflict", "changed"), again);
        assert_eq!(next(None, "", "nothing within 60 s"), again);
    }
}
