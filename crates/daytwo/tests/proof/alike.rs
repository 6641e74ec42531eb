//! Objects without what a server alone decides, so that those of two places can be compared field by field.

use std::collections::BTreeMap;

use serde_json::Value;

/// By key: without UID, version, generation and times; where one object names another's UID, that one's key stands.
pub fn alike(objects: Vec<(String, Value)>) -> BTreeMap<String, Value> {
    let uids: Vec<(String, String)> = objects
        .iter()
        .filter_map(|(key, object)| Some((object["metadata"]["uid"].as_str()?.to_owned(), key.clone())))
        .collect();
    let plain = |(key, mut object): (String, Value)| {
        let meta = object["metadata"].as_object_mut().unwrap();
        for volatile in ["uid", "resourceVersion", "creationTimestamp", "generation"] {
            meta.remove(volatile);
        }
        for entry in meta.get_mut("managedFields").and_then(Value::as_array_mut).into_iter().flatten() {
            entry.as_object_mut().unwrap().remove("time");
        }
        let mut text = object.to_string();
        for (uid, named) in &uids {
            text = text.replace(uid, named);
        }
        (key, serde_json::from_str(&text).unwrap())
    };
    objects.into_iter().map(plain).collect()
}
