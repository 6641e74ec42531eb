//! Rows as the real server printed them. The file holds what it answered in one run; the test `record` writes it anew.

use daytwo_core::resource::ResourceType;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Column, Form, Include, Printer};
use crate::ask::Object;

fn resource(group: &str, resource: &str, kind: &str) -> ResourceType {
    let [group, version, resource, kind] = [group, "v1", resource, kind].map(str::to_owned);
    ResourceType { group, version, resource, kind, namespaced: true }
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(fields) => fields,
        other => panic!("{other}"),
    }
}

fn table(printer: &Printer<'_>, include: Include, headed: bool, objects: &[Object]) -> Value {
    let mut out = Vec::new();
    let metadata = object(json!({"resourceVersion": "7"}));
    let form = Form { version: "v1", include, headed };
    printer.table(&mut out, form, &metadata, objects, Timestamp::UNIX_EPOCH);
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn every_row_is_as_it_was_seen() {
    let mut kinds = std::collections::BTreeSet::new();
    for line in include_str!("seen.jsonl").lines() {
        let seen: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| seen[name].as_str().unwrap();
        let kind = resource(text("group"), text("resource"), text("kind"));
        let printer = Printer::new(&kind, None);
        let cells = printer.cells(seen["object"].as_object().unwrap(), text("now").parse().unwrap());
        assert_eq!(Value::from(cells), seen["cells"], "{}", seen["object"]);
        kinds.insert(kind.group_resource());
    }
    assert!(kinds.len() > 60, "{kinds:?}");
}

#[test]
fn an_object_without_anything_prints_and_has_a_cell_for_each_column() {
    for line in include_str!("kinds.txt").lines().filter_map(|line| line.strip_prefix('[')) {
        for name in line.split(']').next().unwrap().split(", ") {
            let (group, kind) = name.split_once('/').unwrap_or(("", name));
            let printer = Printer::new(&resource(group, "", kind), None);
            let cells = printer.cells(&Object::new(), Timestamp::UNIX_EPOCH).len();
            // An address has an age and no column for it.
            let columns = printer.columns().len() + usize::from(kind == "IPAddress");
            assert_eq!(cells, columns, "{name}");
        }
    }
}

#[test]
fn a_row_says_of_its_object_what_was_asked_for() {
    let kind = resource("", "pods", "Pod");
    let printer = Printer::new(&kind, None);
    let pod = object(json!({
        "kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a", "uid": "1"}, "status": {"phase": "Failed"},
    }));
    let row = |include| table(&printer, include, true, std::slice::from_ref(&pod))["rows"][0].clone();
    assert_eq!(row(Include::None)["object"], Value::Null);
    assert_eq!(row(Include::Object)["object"], Value::Object(pod.clone()));
    let metadata = row(Include::Metadata);
    assert_eq!(
        metadata["object"],
        json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": {"name": "a", "uid": "1"}})
    );
    assert_eq!(metadata["conditions"][0]["reason"], "Failed");
    let shown = Printer::new(&kind, None).showing(|_| object(json!({"kind": "Other"})));
    assert_eq!(table(&shown, Include::Object, true, &[pod])["rows"][0]["object"], json!({"kind": "Other"}));
}

#[test]
fn a_table_says_columns_once_and_lists_nothing_as_the_server_does() {
    let pods = resource("", "pods", "Pod");
    let roles = resource("rbac.authorization.k8s.io", "roles", "Role");
    let apis = resource("apiregistration.k8s.io", "apiservices", "APIService");
    let empty = |kind, headed| table(&Printer::new(kind, None), Include::None, headed, &[]);
    assert_eq!(empty(&pods, true)["rows"], json!([]));
    assert_eq!(empty(&roles, true)["rows"], Value::Null);
    assert_eq!(empty(&roles, true)["columnDefinitions"][1]["name"], "Created At");
    assert_eq!(empty(&pods, false)["columnDefinitions"], Value::Null);
    assert_eq!(empty(&apis, false)["columnDefinitions"][1]["name"], "Service");
    assert_eq!(empty(&pods, true)["metadata"], json!({"resourceVersion": "7"}));
}

#[test]
fn the_end_of_initial_events_shows_its_metadata_whatever_was_asked_for() {
    let kind = resource("", "pods", "Pod");
    let bookmark = object(json!({"metadata": {"annotations": {"k8s.io/initial-events-end": "true"}}}));
    let table = table(&Printer::new(&kind, None), Include::None, true, &[bookmark]);
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    assert_eq!(table["rows"][0]["cells"][1], "0/0");
}

#[test]
fn flow_schemas_are_listed_in_the_order_they_are_tried() {
    let kind = resource("flowcontrol.apiserver.k8s.io", "flowschemas", "FlowSchema");
    let schema = |name: &str, precedence: i64| {
        object(json!({"metadata": {"name": name}, "spec": {"matchingPrecedence": precedence}}))
    };
    let table = table(
        &Printer::new(&kind, None),
        Include::None,
        true,
        &[schema("c", 9), schema("b", 9), schema("d", 1)],
    );
    let names: Vec<&Value> = table["rows"].as_array().unwrap().iter().map(|row| &row["cells"][0]).collect();
    assert_eq!(names, ["d", "b", "c"]);
}

#[test]
fn custom_resources_have_their_name_and_the_columns_of_their_definition() {
    let kind = resource("example.com", "things", "Thing");
    let columns =
        Column::all(&[json!({"name": "Size", "type": "integer", "jsonPath": ".spec.size", "priority": 1})]);
    let thing = object(json!({"metadata": {"name": "a"}, "spec": {"size": 3}}));
    let table = table(&Printer::new(&kind, Some(&columns)), Include::None, true, &[thing]);
    assert_eq!(table["rows"][0]["cells"], json!(["a", 3]));
    assert_eq!(
        table["columnDefinitions"][1],
        json!({"name": "Size", "type": "integer", "format": "", "priority": 1,
            "description": "Custom resource definition column (in JSONPath format): .spec.size"})
    );
}
