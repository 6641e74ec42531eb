//! Answers of a real kube-apiserver 1.36.3, kept in `seen/`: each line is a change to a definition, and what was said of
//! it. Read as the API would have: defaults first.

use daytwo_core::resource::ResourceType;

use super::*;
use crate::definitions::tests::{ask, cases, causes, object, seen_causes, seen_warnings};

fn kind() -> ResourceType {
    ResourceType {
        group: "apiextensions.k8s.io".into(),
        version: "v1".into(),
        resource: "customresourcedefinitions".into(),
        kind: "CustomResourceDefinition".into(),
        namespaced: false,
    }
}

/// The defaults that these cases need, of bodies that are not in normal form, as `crate::form::default` wants them.
fn default(object: &mut Object) {
    let stored = storage_version(object).filter(|_| stored_versions(object).is_empty());
    if let Some(Value::Object(spec)) = object.get_mut("spec") {
        if let Some(Value::Object(names)) = spec.get_mut("names") {
            let kind = text(names, "kind");
            if text(names, "singular").is_empty() && !kind.is_empty() {
                names.insert("singular".into(), kind.to_lowercase().into());
            }
            if text(names, "listKind").is_empty() && !kind.is_empty() {
                names.insert("listKind".into(), format!("{kind}List").into());
            }
        }
        if spec.get("conversion").is_none_or(Value::is_null) {
            spec.insert("conversion".into(), json!({"strategy": "None"}));
        }
        let service =
            spec.get_mut("conversion").and_then(|all| all.pointer_mut("/webhook/clientConfig/service"));
        if let Some(Value::Object(service)) = service {
            service.entry("port").or_insert(443.into());
        }
    }
    if let Some(stored) = stored {
        let status = object.entry("status").or_insert_with(|| json!({}));
        status["storedVersions"] = json!([stored]);
    }
}

fn bars() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "bars.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "bars", "kind": "Bar"}, "versions": [{
            "name": "v1", "served": true, "storage": true,
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": {}}}}},
        }]},
    })
}

/// What a case differs in from the real answer.
fn compare(case: &Value, answer: &(Result<Object>, Vec<String>)) -> Option<String> {
    let code = case["code"].as_u64().unwrap();
    let differs = match &answer.0 {
        Ok(object) => {
            let generation = &case["answer"]["metadata"]["generation"];
            let same = &object["metadata"]["generation"] == generation
                && object["status"] == case["answer"]["status"];
            let warned = seen_warnings(case);
            (code >= 300 || !same || warned != answer.1)
                .then(|| format!("was taken, {:?} {}", answer.1, object["status"]))
        }
        Err(status) => {
            let (got, wanted) = (causes(status), seen_causes(case));
            (code != u64::from(status.code) || got != wanted).then(|| format!("got {got:#?}"))
        }
    };
    differs.map(|differs| format!("{}: {differs}\n   not {code} {:#?}", case["case"], seen_causes(case)))
}

/// What the twin does otherwise, and says so: it counts no costs, and knows no functions by name.
const OTHERWISE: [&str; 1] = ["cel func"];

/// Refused while it is read, or warned of there, which is another module's.
const READING: [&str; 5] = ["unknown", "unknown strict", "wrong type", "wrong type2", "wrong type3"];

#[test]
fn a_definition_is_taken_or_refused_as_the_server_does() {
    let mut differ = Vec::new();
    for case in cases(include_str!("../seen/definitions.jsonl")) {
        let name = case["case"].as_str().unwrap();
        if OTHERWISE.contains(&name) || READING.contains(&name) {
            continue;
        }
        let mut body = bars();
        json_patch::merge(&mut body, &case["change"]);
        let answer = ask(&kind(), None, |ask| {
            let mut body = object(&body);
            default(&mut body);
            create(&mut body, Vec::new(), ask).map(|()| body)
        });
        differ.extend(compare(&case, &answer));
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn a_definition_changes_as_the_server_lets_it() {
    let old: Value = serde_json::from_str(include_str!("../seen/foos-kept.json")).unwrap();
    let mut differ = Vec::new();
    for case in cases(include_str!("../seen/defupdates.jsonl")) {
        let mut new = old.clone();
        json_patch::merge(&mut new, &case["change"]);
        let subresource = (case["status"] == true).then_some("status");
        let answer = ask(&kind(), subresource, |ask| {
            let mut new = object(&new);
            default(&mut new);
            update(&mut new, &object(&old), Vec::new(), ask).map(|()| new)
        });
        differ.extend(compare(&case, &answer));
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

fn established_names(names: Value) -> Value {
    let mut body = bars();
    body["spec"]["names"] = names;
    let mut body = object(&body);
    default(&mut body);
    let foos = ["foos", "foo", "fo"];
    established(&mut body, "2026-01-01T00:00:00Z".parse().unwrap(), &|group, name| {
        assert_eq!(group, "example.com");
        match name {
            Taken::Resource(name) => foos.contains(&name),
            Taken::Kind(name) => ["Foo", "FooList"].contains(&name),
        }
    });
    body["status"].clone()
}

/// The answers are a real server's, where `foos` were there already.
#[test]
fn names_that_another_definition_has_are_not_accepted() {
    let reason = |status: &Value| {
        let condition = &status["conditions"][0];
        (condition["reason"].clone(), condition["message"].clone(), status["acceptedNames"].clone())
    };
    let good = established_names(json!({"plural": "bars", "kind": "Bar"}));
    let time = "2026-01-01T00:00:00Z";
    assert_eq!(
        good["conditions"],
        json!([
            {"type": "NamesAccepted", "status": "True", "lastTransitionTime": time, "reason": "NoConflicts", "message": "no conflicts found"},
            {"type": "Established", "status": "True", "lastTransitionTime": time, "reason": "InitialNamesAccepted", "message": "the initial names have been accepted"},
        ])
    );
    assert_eq!(
        good["acceptedNames"],
        json!({"plural": "bars", "singular": "bar", "kind": "Bar", "listKind": "BarList"})
    );
    let short = established_names(json!({"plural": "foos3", "kind": "Foo3", "shortNames": ["fo", "foo"]}));
    assert_eq!(
        reason(&short),
        (
            "ShortNamesConflict".into(),
            "[\"fo\" is already in use, \"foo\" is already in use]".into(),
            json!({"plural": "foos3", "singular": "foo3", "kind": "Foo3", "listKind": "Foo3List"})
        )
    );
    let kind = established_names(json!({"plural": "foos2", "kind": "Foo"}));
    assert_eq!(
        reason(&kind),
        (
            "ListKindConflict".into(),
            "\"FooList\" is already in use".into(),
            json!({"plural": "foos2", "kind": ""})
        )
    );
    assert_eq!(kind["conditions"][1]["reason"], "NotAccepted");
}

#[test]
fn a_group_of_the_community_needs_an_approval() {
    let mut body = bars();
    body["spec"]["group"] = "foo.k8s.io".into();
    body["metadata"]["annotations"] = json!({"api-approved.kubernetes.io": "unapproved, x"});
    let mut body = object(&body);
    default(&mut body);
    established(&mut body, "2026-01-01T00:00:00Z".parse().unwrap(), &|_, _| false);
    let condition = &body["status"]["conditions"][2];
    assert_eq!(
        (&condition["status"], &condition["reason"]),
        (&json!("False"), &json!("UnapprovedAnnotation"))
    );
    assert_eq!(condition["message"], "not approved: \"unapproved, x\"");
}
