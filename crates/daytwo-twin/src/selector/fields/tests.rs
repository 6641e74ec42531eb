use super::*;
use serde_json::json;

fn kind(group: &str, kind: &str, namespaced: bool) -> ResourceType {
    let resource = format!("{}s", kind.to_lowercase());
    ResourceType { group: group.into(), version: "v1".into(), resource, kind: kind.into(), namespaced }
}

fn said(of: &ResourceType, selectable: Option<&[String]>, text: &str) -> String {
    let checked = FieldSelector::parse(text).and_then(|mut selector| selector.check(of, selectable));
    checked.err().map(|status| status.message).unwrap_or_default()
}

/// Every answer is a real server's of 1.36.3; `""` where it took the selector.
#[test]
fn selectors_are_refused_in_the_servers_words() {
    let pod = kind("", "Pod", true);
    let cases = [
        ("x=y", "field label not supported: x"),
        ("metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'"),
        ("metadata.name=a\\b", "invalid field selector: invalid escape sequence: \\b"),
        ("metadata.name=a=b", "invalid field selector: unescaped character in value: 61"),
        ("metadata.name=\\", "invalid field selector: invalid escape sequence: \\"),
        ("spec.nodeName=a,x!=1", "field label not supported: x"),
        ("metadata.name=x,", ""),
        ("=x", "field label not supported: "),
        ("spec.host=x", ""),
        ("metadata.name==", ""),
        ("!a=b", "field label not supported: !a"),
        ("metadata.name = a", "field label not supported: metadata.name "),
    ];
    for (text, words) in cases {
        assert_eq!(said(&pod, None, text), words, "{text}");
    }
    let plain = "\"x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"";
    assert_eq!(said(&kind("", "ConfigMap", true), None, "x=y"), plain);
    assert_eq!(said(&kind("apps", "ReplicaSet", true), None, "x=y"), plain);
    assert_eq!(said(&kind("batch", "Job", true), None, "x=y"), "field label \"x\" not supported for Job");
    let slice = said(&kind("resource.k8s.io", "ResourceSlice", false), None, "x=y");
    assert_eq!(slice, "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: x");
    let node = said(&kind("", "Node", false), None, "metadata.namespace=y");
    assert_eq!(node, "field label not supported: metadata.namespace");
    let custom = (kind("example.com", "Foo", true), ["spec.color".to_owned()]);
    assert_eq!(said(&custom.0, Some(&custom.1), "spec.color=red"), "");
    assert_eq!(said(&custom.0, Some(&custom.1), ".spec.color=red"), "field label not supported: .spec.color");
}

#[test]
fn objects_match_by_what_the_server_compares() {
    let object = |json: Value| json.as_object().unwrap().clone();
    let matches = |of: &ResourceType, text: &str, value: Value| {
        let mut selector = FieldSelector::parse(text).unwrap();
        selector.check(of, None).unwrap();
        selector.matches(of, &object(value))
    };
    let pod = kind("", "Pod", true);
    let running = json!({"metadata": {"name": "a,b"}, "spec": {"nodeName": "n"}, "status": {"phase": "Running", "podIPs": [{"ip": "::1"}]}});
    for (text, holds) in [
        ("status.phase=Running,spec.nodeName!=m", true),
        ("spec.host=n", true),
        ("spec.hostNetwork=false", true),
        ("status.podIP=::1", true),
        ("metadata.name=a\\,b", true),
        ("status.nominatedNodeName=", true),
        ("status.phase!=Running", false),
    ] {
        assert_eq!(matches(&pod, text, running.clone()), holds, "{text}");
    }
    assert!(matches(&kind("batch", "Job", true), "status.successful=0", json!({})));
    assert!(matches(
        &kind("", "Node", false),
        "spec.unschedulable=true",
        json!({"spec": {"unschedulable": true}})
    ));
    let event = json!({"reportingComponent": "kubelet", "involvedObject": {"name": "x"}});
    assert!(matches(&kind("", "Event", true), "source=kubelet,involvedObject.name=x", event));
    assert_eq!(FieldSelector::parse("a!=b,metadata.name=n").unwrap().name(), Some("n"));
}
