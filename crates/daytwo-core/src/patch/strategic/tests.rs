use serde_json::Value;

use super::*;
use crate::patch::table;

/// Objects and patches with what `strategicpatch.StrategicMergePatch` of apimachinery v0.36.3 made of them, given the
/// types of k8s.io/api v0.36.3.
const CASES: &str = include_str!("cases.jsonl");

#[test]
fn a_patch_comes_to_what_it_comes_to_at_kubernetes() {
    let mut seen = 0;
    for line in CASES.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| case[key].as_str().unwrap();
        let fields = table::fields(text("group"), text("kind")).unwrap();
        let mut object = case["object"].clone();
        let done = apply(&mut object, &case["patch"], fields);
        match case.get("result") {
            Some(result) => assert_eq!((&object, done), (result, Ok(())), "{}", case["name"]),
            None => {
                assert!(done.is_err(), "{}: {object}", case["name"]);
                assert_eq!(object, case["object"], "{}: it was changed, and refused", case["name"]);
            }
        }
        seen += 1;
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn neither_directives_nor_nulls_stay() {
    let mut object = serde_json::json!({ "spec": {} });
    let patch = serde_json::json!({ "spec": {
        "tolerations": [{ "$patch": "replace" }, { "key": "a", "value": null }],
        "volumes": [{ "name": "v", "$retainKeys": ["name", "emptyDir"], "emptyDir": {} }],
        "affinity": { "$patch": "replace", "nodeAffinity": null },
    } });
    apply(&mut object, &patch, table::fields("", "Pod").unwrap()).unwrap();
    let left = serde_json::json!({ "spec": { "tolerations": [{ "key": "a" }], "volumes": [{ "name": "v", "emptyDir": {} }] } });
    assert_eq!(object, left);
}

#[test]
fn a_patch_that_is_no_object_is_refused() {
    let mut object = serde_json::json!({});
    let fields = table::fields("", "Pod").unwrap();
    assert_eq!(apply(&mut object, &serde_json::json!([]), fields), Err(StrategicError::NoObject));
}
