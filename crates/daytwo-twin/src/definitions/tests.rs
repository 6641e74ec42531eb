//! Answers of a real kube-apiserver 1.36.3, kept beside the code in `seen/`, one line each; what they cannot see is what
//! nobody asked it. Errors of metadata are another module's and left out of the comparison.

use std::sync::Arc;

use daytwo_core::resource::ResourceType;
use serde_json::json;

use super::*;
use crate::ask::{Around, Ask};
use crate::chance::Chance;

pub(super) struct Nothing;

impl Around for Nothing {
    fn get(&self, _: &str, _: &str, _: Option<&str>, _: &str) -> Option<Arc<Object>> {
        None
    }

    fn list(&self, _: &str, _: &str, _: Option<&str>) -> Vec<Arc<Object>> {
        Vec::new()
    }
}

/// Asks as a client would; gives what it is told and warned of.
pub(super) fn ask<T>(
    kind: &ResourceType,
    subresource: Option<&str>,
    what: impl FnOnce(&mut Ask<'_>) -> T,
) -> (T, Vec<String>) {
    let (mut chance, mut warnings) = (Chance::new(1), Vec::new());
    let told = what(&mut Ask {
        kind,
        subresource,
        namespace: Some("default"),
        user: "admin",
        now: "2026-01-01T00:00:00Z".parse().unwrap(),
        dry_run: false,
        around: &Nothing,
        chance: &mut chance,
        warnings: &mut warnings,
    });
    warnings.sort();
    (told, warnings)
}

pub(super) fn object(value: &Value) -> Object {
    value.as_object().unwrap().clone()
}

/// The causes of an answer, sorted, without those of metadata.
pub(super) fn causes(status: &Status) -> Vec<(String, String)> {
    let list = status.details.get("causes").and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |cause: &Value, name: &str| cause[name].as_str().unwrap().to_owned();
    let mut causes: Vec<_> =
        list.iter().map(|cause| (text(cause, "field"), text(cause, "message"))).collect();
    causes.sort();
    causes
}

pub(super) fn seen_causes(case: &Value) -> Vec<(String, String)> {
    let list = case["causes"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut causes: Vec<_> = list.iter().map(|cause| (text(&cause[0]), text(&cause[1]))).collect();
    causes.retain(|(field, _)| !field.starts_with("metadata.finalizers"));
    causes.sort();
    causes
}

pub(super) fn seen_warnings(case: &Value) -> Vec<String> {
    let list = case["warnings"].as_array().cloned().unwrap_or_default();
    list.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

pub(super) fn cases(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A number as Go reads it back.
pub(super) fn written(mut value: Value) -> String {
    deep::read_numbers(&mut value);
    deep::write_numbers(&mut value);
    deep::json(&value)
}

pub(super) fn foos() -> Definition {
    Definition::of(&object(&serde_json::from_str(include_str!("seen/foos.json")).unwrap())).unwrap()
}

fn rats() -> Definition {
    let mut read: Value = serde_json::from_str(include_str!("seen/rats.json")).unwrap();
    read["spec"]["names"]["singular"] = "rat".into();
    Definition::of(&object(&read)).unwrap()
}

fn create(definition: &Definition, body: &Value, unknown: Unknown) -> (Result<Object>, Vec<String>) {
    let kind = definition.resource("v1");
    ask(&kind, None, |ask| {
        let mut object = definition.decode("v1", object(body), unknown, ask.warnings)?;
        object["metadata"]["namespace"] = "default".into();
        definition.create("v1", &mut object, Vec::new(), ask)?;
        Ok(object)
    })
}

/// Compares an answer with a real one; what differs.
pub(super) fn compare(case: &Value, answer: &(Result<Object>, Vec<String>)) -> Option<String> {
    let (code, wanted) = (&case["code"], &case["answer"]);
    let (told, warnings) = answer;
    let differs = match told {
        Ok(object) => {
            let mut object = object.clone();
            if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
                for name in ["uid", "creationTimestamp", "resourceVersion", "managedFields"] {
                    metadata.shift_remove(name);
                }
            }
            let (code, wanted) = (code.as_u64().unwrap(), written(wanted.clone()));
            let got = deep::json(&Value::Object(object));
            (code >= 300 || got != wanted)
                .then(|| format!("got {got}\n   not {code} {wanted} {}", case["causes"]))
        }
        Err(status) if case.get("causes").is_none() => {
            let same = *code == status.code && case["message"] == status.message.as_str();
            (!same)
                .then(|| format!("got {} {}\n   not {code} {}", status.code, status.message, case["message"]))
        }
        Err(status) => {
            let (got, wanted) = (causes(status), seen_causes(case));
            (*code != status.code || got != wanted)
                .then(|| format!("got {got:#?}\n   not {code} {wanted:#?}"))
        }
    };
    let warned = seen_warnings(case);
    let differs =
        differs.or_else(|| (*warnings != warned).then(|| format!("warned {warnings:?}\n   not {warned:?}")));
    differs.map(|differs| format!("{}: {differs}", case["case"]))
}

#[test]
fn a_custom_resource_is_created_as_the_server_creates_it() {
    let definition = foos();
    let mut differ = Vec::new();
    for case in cases(include_str!("seen/objects.jsonl")) {
        // Refused before any definition is asked, or for its metadata alone.
        if matches!(case["case"].as_str(), Some("ver" | "fin")) {
            continue;
        }
        let unknown = if case["strict"] == true { Unknown::Strict } else { Unknown::Warn };
        differ.extend(compare(&case, &create(&definition, &case["change"], unknown)));
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn what_did_not_change_is_not_blamed_on_an_update() {
    let definition = rats();
    let kind = definition.resource("v1");
    let base: Value = serde_json::from_str(include_str!("seen/rat.json")).unwrap();
    let mut differ = Vec::new();
    for case in cases(include_str!("seen/updates.jsonl")) {
        if case["create"] == true {
            let metadata = json!({"name": "n"});
            let body = json!({"apiVersion": "example.com/v1", "kind": "Rat", "metadata": metadata, "spec": case["change"]});
            differ.extend(compare(&case, &create(&definition, &body, Unknown::Warn)));
            continue;
        }
        let metadata = json!({"name": "r", "namespace": "default", "generation": 1});
        let old = json!({"apiVersion": "example.com/v1", "kind": "Rat", "metadata": metadata, "spec": base});
        let mut new = old.clone();
        json_patch::merge(&mut new["spec"], &case["change"]);
        let answer = ask(&kind, None, |ask| {
            let mut new = definition.decode("v1", object(&new), Unknown::Warn, ask.warnings)?;
            definition.update("v1", &mut new, &object(&old), Vec::new(), ask)?;
            Ok(new)
        });
        differ.extend(compare(&case, &answer));
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

fn foo(spec: &Value, status: &Value) -> Object {
    let metadata = json!({"name": "u1", "namespace": "default", "generation": 3, "labels": {"q": "r"}, "resourceVersion": "5"});
    let mut foo = json!({"apiVersion": "example.com/v1", "kind": "Foo", "metadata": metadata, "spec": spec});
    if !status.is_null() {
        foo["status"] = status.clone();
    }
    object(&foo)
}

/// The answers are a real server's.
#[test]
fn the_status_is_written_through_its_subresource_only() {
    let definition = foos();
    let kind = definition.resource("v1");
    let old = foo(&json!({"color": "red", "ndef": "x"}), &json!({"s": "ab"}));
    let update = |new: Value, subresource: Option<&str>| {
        ask(&kind, subresource, |ask| {
            let mut new = object(&new);
            definition.update("v1", &mut new, &old, Vec::new(), ask).map(|()| new)
        })
        .0
    };
    let mut new = Value::Object(old.clone());
    new["status"] = json!({"s": "zz"});
    assert_eq!(update(new.clone(), None).unwrap(), old, "the object's own path leaves the status");
    new["status"] = json!({"s": "zz", "replicas": 3});
    new["spec"]["color"] = "blue".into();
    new["metadata"]["labels"] = json!({"s": "t"});
    let written = update(new.clone(), Some("status")).unwrap();
    assert_eq!(written, foo(&json!({"color": "red", "ndef": "x"}), &json!({"s": "zz", "replicas": 3})));
    new["status"] = "x".into();
    let refused = update(new, Some("status")).unwrap_err();
    let unchecked = "Invalid value: null: some validation rules were not checked because the object was invalid; correct \
        the existing errors to complete validation";
    let words = |field: &str, message: &str| (field.to_owned(), message.to_owned());
    assert_eq!(
        causes(&refused),
        [
            words(
                ".status.replicas",
                "Invalid value: 0: .status.replicas accessor error: x is of the type string, expected map[string]interface{}"
            ),
            words(
                ".status.selector",
                "Invalid value: \"\": .status.selector accessor error: x is of the type string, expected map[string]interface{}"
            ),
            words("<nil>", unchecked),
            words("status", "Invalid value: \"string\":  in body must be of type object: \"string\""),
        ]
    );
}

/// The answers are a real server's.
#[test]
fn the_scale_is_a_view_of_the_object() {
    let definition = foos();
    let without = foo(&json!({"color": "red"}), &json!({"replicas": 3, "selector": "a=b"}));
    let refused = definition.read_scale("v1", &without).unwrap_err();
    assert_eq!(
        refused.message,
        "Internal error occurred: the spec replicas field \".spec.replicas\" does not exist"
    );
    let asked = json!({"spec": {"replicas": 4}, "metadata": {"resourceVersion": "7"}});
    let with = definition.with_scale("v1", &without, &object(&asked)).unwrap();
    assert_eq!((&with["spec"]["replicas"], &with["metadata"]["resourceVersion"]), (&json!(4), &json!("7")));
    let scale = definition.read_scale("v1", &with).unwrap();
    assert_eq!(
        Value::Object(scale),
        json!({
            "kind": "Scale", "apiVersion": "autoscaling/v1",
            "metadata": {"name": "u1", "namespace": "default", "resourceVersion": "7"},
            "spec": {"replicas": 4}, "status": {"replicas": 3, "selector": "a=b"},
        })
    );
    assert_eq!(definition.read_scale("v2", &with).unwrap_err().code, 404);
}

/// The answers are a real server's: a version shows only the storage version's defaults, of what it knows.
#[test]
fn versions_differ_by_what_they_know() {
    let definition = foos();
    let kept = foo(&json!({"color": "red", "ndef": "x", "replicas": 2}), &Value::Null);
    let served = definition.served("v2", &kept).unwrap();
    assert_eq!(
        (&served["apiVersion"], &served["spec"]),
        (&json!("example.com/v2"), &json!({"color": "red"}))
    );
    let mut warnings = Vec::new();
    let decoded = definition.decode("v2", served, Unknown::Warn, &mut warnings).unwrap();
    assert_eq!(decoded["spec"], json!({"color": "red", "other": "o"}));
    let stored = definition.stored(decoded);
    assert_eq!(
        (&stored["apiVersion"], &stored["spec"]),
        (&json!("example.com/v1"), &json!({"color": "red", "ndef": "x"})),
        "with the defaults that a server would fill in each time it reads"
    );
    assert_eq!(definition.served("v1", &stored).unwrap()["spec"], json!({"color": "red", "ndef": "x"}));
    assert_eq!(
        definition.version("v2").unwrap().deprecation.as_deref(),
        Some("example.com/v2 Foo is deprecated")
    );
    assert_eq!(definition.selectable("v1"), ["spec.color"]);
    assert_eq!(definition.served("v3", &stored).unwrap_err().code, 404);
}

/// A definition is shared by all requests.
#[test]
fn a_definition_can_be_shared() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&foos());
}

#[test]
fn a_body_ten_thousand_deep_is_taken_where_unknown_fields_are_kept() {
    let text = format!(
        r#"{{"apiVersion":"example.com/v1","kind":"Foo","metadata":{{"name":"d"}},"spec":{{"any":{}1{}}}}}"#,
        r#"{"a":["#.repeat(4_990),
        "]}".repeat(4_990)
    );
    let definition = foos();
    let Value::Object(body) = crate::body::read(text.as_bytes()).unwrap().value else { panic!("an object") };
    let kind = definition.resource("v1");
    let (created, _) = ask(&kind, None, |ask| {
        let mut object = definition.decode("v1", body, Unknown::Strict, ask.warnings)?;
        definition.create("v1", &mut object, Vec::new(), ask)?;
        let mut new = definition.served("v1", &object)?;
        definition.update("v1", &mut new, &object, Vec::new(), ask)?;
        assert_eq!(new["metadata"]["generation"], 1);
        new.into_iter().for_each(|(_, value)| deep::discard(value));
        Ok::<_, Status>(object)
    });
    let created = definition.stored(created.unwrap());
    created.into_iter().for_each(|(_, value)| deep::discard(value));
}
