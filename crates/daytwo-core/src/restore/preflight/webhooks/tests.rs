use super::*;
use crate::resource::ResourceType;
use crate::restore::ServedKind;

fn hook(extra: &str, rule: &str) -> Hook {
    let json = format!(
        r#"{{"webhooks":[{{"name":"w.x.io","clientConfig":{{"service":{{"namespace":"ops","name":"hook"}}}}{extra},"rules":[{{{rule}}}]}}]}}"#
    );
    Hook::all_of("validatingwebhookconfigurations.admissionregistration.k8s.io", "v", json.as_bytes())
        .unwrap()
        .unwrap()
        .remove(0)
}

fn kind(group: &str, resource: &str, version: &str, namespaced: bool) -> ResourceType {
    ResourceType {
        group: group.into(),
        version: version.into(),
        resource: resource.into(),
        kind: String::new(),
        namespaced,
    }
}

#[test]
fn a_rule_matches_by_group_version_resource_and_scope() {
    let served = ServedKind {
        kind: "Deployment".into(),
        versions: vec!["v1".into(), "v1beta1".into()],
        namespaced: true,
        status: true,
    };
    let target = Target { served: [("deployments.apps".to_owned(), served)].into(), ..Target::default() };
    let maps = kind("", "configmaps", "v1", true);
    let deployments = kind("apps", "deployments", "v1", true);
    let concerns = |extra: &str, rule: &str, kind: &ResourceType| hook(extra, rule).concerns(&target, kind);
    let of = |operation: &str, group: &str, version: &str, resource: &str| {
        format!(
            r#""operations":["{operation}"],"apiGroups":["{group}"],"apiVersions":["{version}"],"resources":["{resource}"]"#
        )
    };
    assert!(concerns("", &of("*", "*", "*", "*"), &maps));
    assert!(concerns("", &of("CREATE", "", "v1", "configmaps"), &maps));
    assert!(concerns("", &of("CREATE", "", "v1", "*/*"), &maps));
    assert!(!concerns("", &of("DELETE", "", "v1", "configmaps"), &maps));
    assert!(!concerns("", &of("CREATE", "", "v1", "configmaps/status"), &maps));
    assert!(!concerns("", &of("CREATE", "apps", "v1", "configmaps"), &maps));
    assert!(!concerns("", &(of("*", "*", "*", "*") + r#","scope":"Cluster""#), &maps));
    // Another version of the same is converted, unless only the very same is asked for.
    assert!(concerns("", &of("CREATE", "apps", "v1beta1", "deployments"), &deployments));
    assert!(!concerns(
        r#","matchPolicy":"Exact""#,
        &of("CREATE", "apps", "v1beta1", "deployments"),
        &deployments
    ));
    let admission = kind("admissionregistration.k8s.io", "validatingadmissionpolicies", "v1", false);
    assert!(!concerns("", &of("*", "*", "*", "*"), &admission), "nobody is asked about admission itself");
}

#[test]
fn only_what_a_service_answers_for_and_must_answer_is_a_lock() {
    let all = |json: &str| Hook::all_of("r", "n", json.as_bytes()).unwrap().map(|hooks| hooks.len());
    let of = |fields: &str| format!(r#"{{"webhooks":[{{"name":"w",{fields}}}]}}"#);
    let service = r#""clientConfig":{"service":{"namespace":"a","name":"b"}}"#;
    assert_eq!(all(&of(service)), Some(1), "Fail is the default");
    assert_eq!(all(&of(&format!(r#"{service},"failurePolicy":"Ignore""#))), Some(0));
    assert_eq!(all(&of(r#""clientConfig":{"url":"https://x"}"#)), Some(0));
    assert_eq!(all("{}"), Some(0));
    assert_eq!(
        all(&of(&format!(
            r#"{service},"objectSelector":{{"matchExpressions":[{{"key":"a","operator":"Odd"}}]}}"#
        ))),
        None
    );
}
