//! Loses everything that a cluster did not have at first.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use testbed::{Api, until};

use super::kinds::{Found, all};

const PATIENCE: Duration = Duration::from_secs(120);

/// Deletes what `first` does not have, and of what it has `changed`; returns once it is gone.
pub fn wipe(api: &mut Api, first: &BTreeMap<String, Found>, changed: &[&str]) {
    for key in changed {
        api.delete(&first[*key].path).unwrap();
    }
    until(PATIENCE, "everything to be gone", || {
        let mut left: Vec<(String, Found)> =
            all(api).into_iter().filter(|(key, _)| !first.contains_key(key)).collect();
        left.sort_by_key(|(key, _)| order(key));
        for (key, found) in &left {
            lose(api, key, found);
        }
        Ok(left.is_empty().then_some(()))
    })
    .unwrap();
}

/// What stands in the way of others goes first; what others are of goes last.
fn order(key: &str) -> u8 {
    match key.split('/').next().unwrap() {
        "APIService" => 0,
        kind if kind.contains("Webhook") || kind.contains("Admission") => 1,
        "Namespace" => 2,
        "CustomResourceDefinition" => 4,
        _ => 3,
    }
}

/// Deletes an object, whatever holds it. Others delete too: it may be gone by now.
fn lose(api: &mut Api, key: &str, found: &Found) {
    if found.value["metadata"]["deletionTimestamp"].is_null() {
        let _ = api.delete(&format!("{}?gracePeriodSeconds=0&propagationPolicy=Background", found.path));
    }
    let held = found.value["metadata"]["finalizers"].as_array().is_some_and(|held| !held.is_empty());
    if held && !key.starts_with("CustomResourceDefinition/") {
        let _ = api.patch(&found.path, &json!({ "metadata": { "finalizers": null } }));
    }
}
