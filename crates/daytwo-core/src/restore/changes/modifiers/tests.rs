#![expect(clippy::needless_pass_by_value, reason = "rules are written where they are used")]

use serde_json::json;

use super::*;
use crate::resource::ResourceType;

/// YAML is the caller's to read; JSON is YAML.
fn yaml(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn parse(rules: Value) -> Result<Modifiers, String> {
    let file = json!({ "version": "v1", "resourceModifierRules": rules });
    Modifiers::parse(file, &yaml).map_err(|error| error.to_string())
}

fn rule(group_resource: &str, patches: Value) -> Value {
    json!({ "conditions": { "groupResource": group_resource }, "patches": patches })
}

/// An object, and the rules that made it so.
type Made = (Value, Vec<usize>);

/// What the rules make of an object of `resource` called `shop/web`.
fn applied(rules: Value, resource: &str, object: Value) -> Result<Option<Made>, String> {
    let rules = parse(rules).unwrap();
    let kept: Modifiers = serde_json::from_str(&serde_json::to_string(&rules).unwrap()).unwrap();
    assert_eq!(kept, rules, "a plan keeps them");
    let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
    let kind = ResourceType {
        group: group.into(),
        version: "v1".into(),
        resource: plural.into(),
        kind: if plural == "deployments" { "Deployment".into() } else { "Pod".into() },
        namespaced: true,
    };
    let bytes = object.to_string();
    let source = Source { resource: &kind, namespace: Some("shop"), name: "web", bytes: bytes.as_bytes() };
    let applied = rules.apply(&source, resource).map_err(|error| error.to_string())?;
    Ok(applied.map(|applied| (serde_json::from_slice(&applied.bytes).unwrap(), applied.rules)))
}

fn deployment() -> Value {
    json!({
        "metadata": { "name": "web", "namespace": "shop", "labels": { "app": "web" } },
        "spec": { "replicas": 3, "template": { "spec": { "containers": [{ "name": "a", "image": "a:1" }] } } },
    })
}

/// What became of a deployment that one rule is about.
fn patched(patches: Value) -> Value {
    applied(json!([rule("deployments.apps", patches)]), "deployments.apps", deployment()).unwrap().unwrap().0
}

#[test]
fn a_json_patch_changes_an_object_operation_by_operation() {
    let after = patched(json!([
        { "operation": "replace", "path": "/spec/replicas", "value": "1" },
        { "operation": "add", "path": "/metadata/labels/tier", "value": "front" },
        { "operation": "copy", "from": "/spec/template/spec/containers/0", "path": "/spec/template/spec/containers/1" },
        { "operation": "replace", "path": "/spec/template/spec/containers/1/name", "value": "b" },
        { "operation": "move", "from": "/metadata/labels/app", "path": "/metadata/labels/name" },
        { "operation": "remove", "path": "/spec/template/spec/containers/0" },
    ]));
    assert_eq!(after["spec"]["replicas"], 1);
    assert_eq!(after["metadata"]["labels"], json!({ "tier": "front", "name": "web" }));
    assert_eq!(after["spec"]["template"]["spec"]["containers"], json!([{ "name": "b", "image": "a:1" }]));
}

#[test]
fn a_value_is_json_where_it_is_and_text_where_not() {
    let value = |text: &str| {
        patched(json!([{ "operation": "add", "path": "/spec/x", "value": text }]))["spec"]["x"].clone()
    };
    assert_eq!(value("1"), json!(1));
    assert_eq!(value("\"1\""), json!("1"));
    assert_eq!(value("true"), json!(true));
    assert_eq!(value("\"true\""), json!("true"));
    assert_eq!(value("null"), json!(null));
    assert_eq!(value("{\"a\":[1]}"), json!({ "a": [1] }));
    assert_eq!(value("1Gi"), json!("1Gi"));
    assert_eq!(value(""), json!(""));
    assert_eq!(value("say \"a\" and C:\\x"), json!("say \"a\" and C:\\x"));
    for odd in ["True", "{a}", "[a", "inf", "+1", "007", "\"a\"b\"", "123456789012345678901234567890"] {
        let patch = json!([{ "operation": "add", "path": "/spec/x", "value": odd }]);
        assert!(parse(json!([rule("pods", patch)])).unwrap_err().contains("looks like JSON"), "{odd}");
    }
}

#[test]
fn a_test_that_fails_leaves_the_object_to_the_next_rule() {
    let test = |image: &str| json!({ "operation": "test", "path": "/spec/template/spec/containers/0/image", "value": image });
    let replicas = |count: &str| json!({ "operation": "replace", "path": "/spec/replicas", "value": count });
    let rules = json!([
        rule("deployments.apps", json!([replicas("7"), test("b:1")])),
        rule("deployments.apps", json!([test("a:1"), replicas("9")])),
        rule(
            "deployments.apps",
            json!([{ "operation": "test", "path": "/no/such", "value": "x" }, replicas("8")])
        ),
    ]);
    let (after, by) = applied(rules, "deployments.apps", deployment()).unwrap().unwrap();
    assert_eq!((&after["spec"]["replicas"], by), (&json!(9), vec![2]));
}

#[test]
fn rules_are_about_what_their_conditions_name() {
    let about = |conditions: Value| {
        let rules = json!([{ "conditions": conditions, "mergePatches": [{ "patchData": "{\"x\":1}" }] }]);
        applied(rules, "deployments.apps", deployment()).unwrap().is_some()
    };
    let with = |mut more: Value| {
        more["groupResource"] = "deployments.apps".into();
        about(more)
    };
    for wide in ["deployments.apps", "*.apps", "*.*", "deploy*.apps", "{pods,deployments.apps}"] {
        assert!(about(json!({ "groupResource": wide })), "{wide}");
    }
    for other in ["*", "deployments", "pods", "*.batch", "apps"] {
        assert!(!about(json!({ "groupResource": other })), "{other}");
    }
    assert!(with(json!({ "resourceNameRegex": "e" })), "a pattern is found anywhere");
    assert!(with(json!({ "resourceNameRegex": "^w.b$" })));
    assert!(!with(json!({ "resourceNameRegex": "^e" })));
    assert!(with(json!({ "namespaces": ["other", "sh*"] })));
    assert!(!with(json!({ "namespaces": ["other"] })));
    assert!(with(json!({ "labelSelector": { "matchLabels": { "app": "web" } } })));
    assert!(!with(
        json!({ "labelSelector": { "matchExpressions": [{ "key": "app", "operator": "NotIn", "values": ["web"] }] } })
    ));
    assert!(with(
        json!({ "matches": [{ "path": "/spec/replicas", "value": "3" }, { "path": "/spec/none", "value": "null" }] })
    ));
    assert!(!with(json!({ "matches": [{ "path": "/spec/replicas", "value": "\"3\"" }] })));
    assert!(!with(json!({ "matches": [{ "path": "/spec/none", "value": "3" }] })));
}

#[test]
fn conditions_are_judged_before_any_rule_changed_the_object() {
    let replicas = |from: &str, to: &str| {
        let matches = [json!({ "path": "/spec/replicas", "value": from })];
        let patch = json!([{ "operation": "replace", "path": "/spec/replicas", "value": to }]);
        json!({ "conditions": { "groupResource": "deployments.apps", "matches": matches }, "patches": patch })
    };
    let rules = json!([replicas("3", "5"), replicas("5", "9"), replicas("3", "4")]);
    let (after, by) = applied(rules, "deployments.apps", deployment()).unwrap().unwrap();
    assert_eq!((&after["spec"]["replicas"], by), (&json!(4), vec![1, 3]));
}

#[test]
fn merge_and_strategic_patches_follow_one_another() {
    let rules = |kind: &str| {
        let first = r#"{"spec":{"template":{"spec":{"containers":[{"name":"b","image":"b:1"}]}}}}"#;
        let second = r#"{"metadata":{"labels":{"app":null}}}"#;
        json!([{ "conditions": { "groupResource": "deployments.apps" }, kind: [{ "patchData": first }, { "patchData": second }] }])
    };
    let containers = |kind: &str| {
        let (after, _) = applied(rules(kind), "deployments.apps", deployment()).unwrap().unwrap();
        assert_eq!(after["metadata"]["labels"], json!({}));
        after["spec"]["template"]["spec"]["containers"].as_array().unwrap().len()
    };
    assert_eq!((containers("mergePatches"), containers("strategicPatches")), (1, 2));
}

#[test]
fn an_object_that_no_rule_is_about_keeps_its_bytes() {
    assert_eq!(
        applied(
            json!([rule("pods", json!([{ "operation": "remove", "path": "/x" }]))]),
            "deployments.apps",
            deployment()
        ),
        Ok(None)
    );
}

#[test]
fn a_rule_that_cannot_be_applied_says_which_and_where_and_no_value() {
    let fails = |rules: Value, resource: &str, object: Value| applied(rules, resource, object).unwrap_err();
    let hidden = json!([{ "operation": "replace", "path": "/spec/none", "value": "hunter2" }]);
    let said = fails(json!([rule("deployments.apps", hidden)]), "deployments.apps", deployment());
    assert!(said.contains("rule 1") && said.contains("operation 1") && said.contains("/spec/none"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let strategic =
        json!([{ "conditions": { "groupResource": "*.*" }, "strategicPatches": [{ "patchData": "{}" }] }]);
    assert!(fails(strategic, "widgets.x.io", deployment()).contains("custom resource"));
    let renames = json!([{ "conditions": { "groupResource": "*.*" }, "mergePatches": [{ "patchData": "{\"metadata\":{\"name\":\"b\"}}" }] }]);
    assert!(fails(renames, "deployments.apps", deployment()).contains("change the object's name"));
    let mut large = deployment();
    large["spec"]["replicas"] = json!(0);
    let text = large.to_string().replace(r#""replicas":0"#, r#""replicas":123456789012345678901234567890"#);
    let kind = ResourceType {
        group: "apps".into(),
        version: "v1".into(),
        resource: "deployments".into(),
        kind: "Deployment".into(),
        namespaced: true,
    };
    let source = Source { resource: &kind, namespace: Some("shop"), name: "web", bytes: text.as_bytes() };
    let rules = parse(json!([rule("deployments.apps", json!([{ "operation": "remove", "path": "/spec" }]))]))
        .unwrap();
    assert!(rules.apply(&source, "deployments.apps").unwrap_err().to_string().contains("more digits"));
}

#[test]
fn a_file_that_cannot_be_meant_is_refused_with_the_rule_s_number() {
    let good = rule("pods", json!([{ "operation": "remove", "path": "/x" }]));
    let refused = |bad: Value| {
        let said = parse(json!([good, bad])).unwrap_err();
        assert!(said.starts_with("rule 2: "), "{said}");
        said
    };
    let patch = |operation: Value| refused(rule("pods", json!([operation])));
    assert!(patch(json!({ "operation": "merge", "path": "/x" })).contains("none of add"));
    assert!(patch(json!({ "operation": "remove", "path": "" })).contains("empty"));
    assert!(patch(json!({ "operation": "remove", "path": "x" })).contains("begins with '/'"));
    assert!(patch(json!({ "operation": "copy", "path": "/x" })).contains("empty"));
    assert!(patch(json!({ "operation": "remove", "path": "/metadata/name" })).contains("who the object is"));
    assert!(patch(json!({ "operation": "remove", "path": "/x", "vale": "1" })).contains("vale"));
    let conditions =
        |conditions: Value| refused(json!({ "conditions": conditions, "patches": good["patches"] }));
    assert!(conditions(json!({})).contains("groupResource"));
    assert!(conditions(json!({ "groupResource": "" })).contains("empty"));
    assert!(conditions(json!({ "groupResource": "p[" })).contains("bracket"));
    assert!(
        conditions(json!({ "groupResource": "pods", "resourceNameRegex": "(" }))
            .contains("regular expression")
    );
    assert!(conditions(json!({ "groupResource": "pods", "labelSelector": { "matchExpressions": [{ "key": "a", "operator": "In" }] } })).contains("labelSelector"));
    assert!(conditions(json!({ "groupResource": "pods", "matches": [{ "value": "1" }] })).contains("path"));
    let mut both = good.clone();
    both["mergePatches"] = json!([{ "patchData": "{}" }]);
    assert!(refused(both).contains("only one"));
    assert!(refused(json!({ "conditions": { "groupResource": "pods" } })).contains("needs one of"));
    assert!(
        refused(
            json!({ "conditions": { "groupResource": "pods" }, "mergePatches": [{ "patchData": "[]" }] })
        )
        .contains("no object")
    );
    assert!(
        refused(json!({ "conditions": { "groupResource": "pods" }, "mergePatches": [{ "patchData": "{" }] }))
            .contains("cannot be read")
    );
    assert!(refused(json!({ "conditions": { "groupResource": "widgets.x.io" }, "strategicPatches": [{ "patchData": "{}" }] })).contains("custom resources"));
    let file = |file: Value| Modifiers::parse(file, &yaml).unwrap_err().to_string();
    assert!(file(json!({ "version": "v2", "resourceModifierRules": [good] })).contains("v1 is read"));
    assert!(
        file(json!({ "version": "v1", "resourceModifierRules": [] })).contains("no resourceModifierRules")
    );
    assert!(file(json!({ "version": "v1" })).contains("resourceModifierRules"));
}

#[test]
fn values_of_secrets_do_not_get_into_plans() {
    let refused = |rule: Value| parse(json!([rule])).is_err_and(|why| why.contains("Secrets"));
    let patches = |operation: Value| rule("secrets", json!([operation]));
    assert!(refused(patches(
        json!({ "operation": "add", "path": "/data/password", "value": "aHVudGVyMg==" })
    )));
    assert!(refused(rule("*", json!([{ "operation": "replace", "path": "/stringData", "value": "{}" }]))));
    assert!(refused(rule(
        "{pods,secrets}",
        json!([{ "operation": "test", "path": "/data/a", "value": "x" }])
    )));
    let merge = |data: &str| json!({ "conditions": { "groupResource": "s*" }, "mergePatches": [{ "patchData": data }] });
    assert!(refused(merge(r#"{"data":{"a":"b"}}"#)));
    assert!(!refused(merge(r#"{"data":{"a":null},"metadata":{"labels":{"a":"b"}}}"#)));
    let matches = json!({ "conditions": { "groupResource": "secrets", "matches": [{ "path": "/data/a", "value": "x" }] }, "patches": [{ "operation": "remove", "path": "/data/a" }] });
    assert!(refused(matches));
    assert!(!refused(patches(json!({ "operation": "remove", "path": "/data/password" }))));
    assert!(!refused(patches(json!({ "operation": "move", "from": "/data/a", "path": "/data/b" }))));
    assert!(!refused(patches(json!({ "operation": "add", "path": "/metadata/labels/a", "value": "b" }))));
    assert!(!refused(rule("*", json!([{ "operation": "add", "path": "/spec/x", "value": "b" }]))));
    assert!(!refused(rule("*.apps", json!([{ "operation": "add", "path": "/data/a", "value": "b" }]))));
}

#[test]
fn velero_s_configmap_is_read_as_the_file_in_it() {
    let file = json!({ "version": "V1", "resourceModifierRules": [rule("pods", json!([{ "operation": "Remove", "path": "/x" }]))] });
    let map = json!({ "kind": "ConfigMap", "data": { "rules.yaml": file.to_string() } });
    assert_eq!(Modifiers::parse(map, &yaml), Modifiers::parse(file, &yaml));
    let empty = json!({ "kind": "ConfigMap", "data": {} });
    assert!(Modifiers::parse(empty, &yaml).is_err());
}
