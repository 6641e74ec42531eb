//! Reads custom resource definitions as they pass, so that a kind defined a moment ago is not missed.
//!
//! Discovery lags behind the definitions; the cut's revision does not.

use daytwo_core::resource::ResourceType;
use serde::Deserialize;

use crate::discovery::Served;

/// The resource that holds definitions.
pub(super) const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// What a definition says that reading its objects needs.
pub(super) struct Definition {
    /// The resource it defines, at its storage version where that is served.
    pub served: Served,
    /// The version its objects are stored at.
    pub storage: String,
}

#[derive(Deserialize)]
struct Crd {
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Spec {
    group: String,
    names: Names,
    scope: String,
    versions: Vec<Version>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Names {
    plural: String,
    kind: String,
    #[serde(default)]
    singular: String,
    #[serde(default)]
    short_names: Vec<String>,
}

#[derive(Deserialize)]
struct Version {
    name: String,
    served: bool,
    storage: bool,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    r#type: String,
    status: String,
}

impl Definition {
    /// Reads a definition; `None` where its objects are not served (not established, or no version served).
    pub fn read(object: &[u8]) -> Option<Self> {
        let crd: Crd = serde_json::from_slice(object).ok()?;
        let established =
            |condition: &Condition| condition.r#type == "Established" && condition.status == "True";
        if !crd.status.conditions.iter().any(established) {
            return None;
        }
        let storage = crd.spec.versions.iter().find(|version| version.storage)?.name.clone();
        let mut served: Vec<String> = crd
            .spec
            .versions
            .into_iter()
            .filter(|version| version.served)
            .map(|version| version.name)
            .collect();
        served.sort_by_key(|version| *version != storage);
        if served.is_empty() {
            return None;
        }
        let version = served.remove(0);
        let Names { plural, kind, singular, short_names } = crd.spec.names;
        let namespaced = crd.spec.scope == "Namespaced";
        let kind = ResourceType { group: crd.spec.group, version, resource: plural, kind, namespaced };
        let verbs = vec!["list".to_owned()];
        let other_versions = served;
        let (status, aggregated) = (false, false);
        let served = Served { kind, other_versions, verbs, short_names, singular, status, aggregated };
        Some(Self { served, storage })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_established_definition_is_read_at_its_storage_version() {
        let crd =
            br#"{"spec":{"group":"x.io","names":{"plural":"ws","kind":"W"},"scope":"Namespaced","versions":[
            {"name":"v1","served":true,"storage":false},{"name":"v2","served":true,"storage":true}]},
            "status":{"conditions":[{"type":"Established","status":"True"}]}}"#;
        let definition = Definition::read(crd).unwrap();
        assert_eq!(definition.served.kind.version, "v2");
        assert_eq!(definition.served.other_versions, ["v1"]);
        assert!(definition.served.kind.namespaced);
    }

    #[test]
    fn a_definition_not_established_has_no_objects() {
        let crd =
            br#"{"spec":{"group":"x.io","names":{"plural":"ws","kind":"W"},"scope":"Cluster","versions":[
            {"name":"v1","served":true,"storage":true}]},"status":{}}"#;
        assert!(Definition::read(crd).is_none());
    }
}
