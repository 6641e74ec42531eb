use super::*;

fn resource(group: &str, resource: &str, kind: &str) -> ResourceType {
    let (group, resource, kind) = (group.to_owned(), resource.to_owned(), kind.to_owned());
    ResourceType { group, version: "v1".to_owned(), resource, kind, namespaced: true }
}

fn known() -> Vec<Named> {
    [
        ("", "configmaps", "ConfigMap"),
        ("", "services", "Service"),
        ("", "secrets", "Secret"),
        ("apps", "deployments", "Deployment"),
        ("example.com", "configs", "CM"),
        ("serving.knative.dev", "services", "Service"),
    ]
    .map(|(group, plural, kind)| Named::from(resource(group, plural, kind)))
    .to_vec()
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn group_resource_and_version_as_go_writes_them() {
    let (pods, deployments) = (resource("", "pods", "Pod"), resource("apps", "deployments", "Deployment"));
    assert_eq!((pods.group_resource(), pods.api_version()), ("pods".into(), "v1".into()));
    assert_eq!(
        (deployments.group_resource(), deployments.api_version()),
        ("deployments.apps".into(), "apps/v1".into())
    );
}

#[test]
fn keys_are_written_with_and_without_namespace() {
    let key = |namespace: Option<&str>| ObjectKey {
        resource: "configmaps".into(),
        namespace: namespace.map(str::to_owned),
        name: "a".into(),
    };
    assert_eq!(key(Some("n")).to_string(), "configmaps/n/a");
    assert_eq!(key(None).to_string(), "configmaps/a");
    assert_eq!(serde_json::to_string(&key(None)).unwrap(), r#"{"resource":"configmaps","name":"a"}"#);
}

#[test]
fn every_name_kubectl_takes_finds_its_type() {
    let known = known();
    for typed in [
        "deployments",
        "deployment",
        "Deployment",
        "deploy",
        "deployments.apps",
        "deployment.apps",
        "deployments.v1.apps",
        "DEPLOY",
    ] {
        assert_eq!(lookup(typed, &known).unwrap().resource.resource, "deployments", "{typed}");
    }
    for typed in ["deployments.batch", "deployments.v2.apps", "deplo", "", ".apps"] {
        assert!(lookup(typed, &known).is_err(), "{typed}");
    }
}

#[test]
fn a_name_of_several_types_means_the_servers_first() {
    let known = known();
    assert_eq!(lookup("services", &known).unwrap().resource.group, "");
    assert_eq!(lookup("service.serving.knative.dev", &known).unwrap().resource.group, "serving.knative.dev");
    assert_eq!(
        lookup("cm", &known).unwrap().resource.group,
        "example.com",
        "a kind goes before a short name"
    );
}

#[test]
fn an_unknown_name_brings_those_that_look_alike() {
    let error = lookup("secert", &known()).unwrap_err();
    assert_eq!(error.to_string(), r#"no resource type is called "secert"; did you mean secrets?"#);
    assert_eq!(lookup("zebra", &known()).unwrap_err().to_string(), r#"no resource type is called "zebra""#);
}

#[test]
fn words_of_a_command_line_name_objects() {
    let known = known();
    let read = |text: &str| -> Vec<(String, Option<String>)> {
        objects(&words(text), &known)
            .unwrap()
            .into_iter()
            .map(|(kind, name)| (kind.group_resource(), name))
            .collect()
    };
    let cm = |name: Option<&str>| ("configmaps".to_owned(), name.map(str::to_owned));
    assert_eq!(read("configmap/a"), [cm(Some("a"))]);
    assert_eq!(read("configmaps a b"), [cm(Some("a")), cm(Some("b"))]);
    assert_eq!(read("configmaps,secrets")[1], ("secrets".to_owned(), None));
    assert_eq!(read("deploy/web configmaps/a")[1], cm(Some("a")));
    for bad in ["configmaps/a b", "configmaps/", "/a", "configmaps/a/b"] {
        assert!(objects(&words(bad), &known).is_err(), "{bad}");
    }
    assert!(objects(&[], &known).is_err());
}
