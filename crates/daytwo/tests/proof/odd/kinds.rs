//! The kinds that a cluster serves, and all of its objects.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use testbed::{Api, until};

const PATIENCE: Duration = Duration::from_secs(60);

/// A kind that can be listed and created.
#[derive(Debug, Clone)]
pub struct Kind {
    pub api_version: String,
    pub kind: String,
    pub plural: String,
    pub namespaced: bool,
}

impl Kind {
    pub fn collection(&self, namespace: Option<&str>) -> String {
        let root = if self.api_version == "v1" { "/api/v1" } else { &format!("/apis/{}", self.api_version) };
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.plural),
            None => format!("{root}/{}", self.plural),
        }
    }

    /// Its API group; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

/// The kinds of a cluster, the preferred version of each first.
#[derive(Debug)]
pub struct Kinds(Vec<Kind>);

impl Kinds {
    pub fn of(api: &mut Api) -> Kinds {
        let mut versions = vec!["v1".to_owned()];
        for group in api.get("/apis").unwrap()["groups"].as_array().unwrap() {
            versions.push(group["preferredVersion"]["groupVersion"].as_str().unwrap().to_owned());
            for version in group["versions"].as_array().unwrap() {
                let version = version["groupVersion"].as_str().unwrap();
                if versions.iter().all(|known| known != version) {
                    versions.push(version.to_owned());
                }
            }
        }
        let mut kinds = Vec::new();
        for version in versions {
            let path = if version == "v1" { "/api/v1".to_owned() } else { format!("/apis/{version}") };
            // Nobody may be there to answer for it.
            let Ok(list) = api.get(&path) else { continue };
            for resource in list["resources"].as_array().unwrap() {
                let verbs = resource["verbs"].as_array().unwrap();
                let can = |verb: &str| verbs.iter().any(|known| known == verb);
                let plural = resource["name"].as_str().unwrap();
                if can("list") && can("get") && !plural.contains('/') && plural != "componentstatuses" {
                    kinds.push(Kind {
                        api_version: version.clone(),
                        kind: resource["kind"].as_str().unwrap().to_owned(),
                        plural: plural.to_owned(),
                        namespaced: resource["namespaced"] == true,
                    });
                }
            }
        }
        Kinds(kinds)
    }

    /// The kind by its name and version; it may have been defined just now.
    pub fn kind(&mut self, api: &mut Api, api_version: &str, kind: &str) -> Kind {
        self.find(api, kind, |known| known.kind == kind && known.api_version == api_version)
    }

    /// The path of the object `KIND/NAMESPACE/NAME` or `KIND/NAME`.
    pub fn path(&mut self, api: &mut Api, key: &str) -> String {
        let (kind, rest) = key.split_once('/').unwrap();
        let kind = self.find(api, kind, |known| known.kind == kind);
        let (namespace, name) = rest.split_once('/').map_or((None, rest), |(one, two)| (Some(one), two));
        format!("{}/{name}", kind.collection(namespace))
    }

    fn find(&mut self, api: &mut Api, what: &str, is: impl Fn(&Kind) -> bool) -> Kind {
        if let Some(kind) = self.0.iter().find(|kind| is(kind)) {
            return kind.clone();
        }
        until(PATIENCE, &format!("the kind {what} to be served"), || {
            *self = Kinds::of(api);
            Ok(self.0.iter().find(|kind| is(kind)).cloned())
        })
        .unwrap()
    }

    /// Each kind once, at its preferred version.
    fn once(&self) -> Vec<&Kind> {
        let mut once: Vec<&Kind> = Vec::new();
        for kind in &self.0 {
            if once.iter().all(|known| (known.group(), &known.plural) != (kind.group(), &kind.plural)) {
                once.push(kind);
            }
        }
        once
    }
}

/// `KIND/NAMESPACE/NAME`, or `KIND/NAME`.
pub fn key(object: &Value) -> String {
    let part = |path: &str| object.pointer(path).and_then(Value::as_str);
    let (kind, name) = (part("/kind").unwrap(), part("/metadata/name").unwrap());
    match part("/metadata/namespace") {
        Some(namespace) => format!("{kind}/{namespace}/{name}"),
        None => format!("{kind}/{name}"),
    }
}

/// An object, with the path it has.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub path: String,
    pub value: Value,
}

/// Every object of the cluster but events and what is Velero's own, by its key.
pub fn all(api: &mut Api) -> BTreeMap<String, Found> {
    let kinds = Kinds::of(api);
    let mut all = BTreeMap::new();
    for kind in kinds.once() {
        if kind.kind == "Event" || kind.group() == "velero.io" {
            continue;
        }
        let path = kind.collection(None);
        let list =
            until(PATIENCE, &format!("{path} to be listed"), || match api.request("GET", &path, b"")? {
                // Its definition was deleted meanwhile.
                answer if answer.status == 404 => Ok(Some(Value::Null)),
                // It was made just now.
                answer if answer.status == 429 => Ok(None),
                _ => api.get(&path).map(Some),
            })
            .unwrap();
        for mut value in list["items"].as_array().cloned().unwrap_or_default() {
            value["apiVersion"] = kind.api_version.clone().into();
            value["kind"] = kind.kind.clone().into();
            let path = {
                let metadata = &value["metadata"];
                let collection = kind.collection(metadata["namespace"].as_str());
                format!("{collection}/{}", metadata["name"].as_str().unwrap())
            };
            all.insert(key(&value), Found { path, value });
        }
    }
    all.retain(|key, _| {
        !key.contains("/velero/") && !key.ends_with("/velero") && !key.ends_with(".velero.io")
    });
    all
}
