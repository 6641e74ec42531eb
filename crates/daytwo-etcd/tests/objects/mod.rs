//! Compares what an API server lists with what its etcd's file says, field by field.
#![allow(dead_code, reason = "each test uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use daytwo_etcd::bolt::Map;
use daytwo_etcd::kube::{Catalogue, Gvk, NotShown, Objects, Place};
use daytwo_etcd::mvcc::Backend;
use daytwo_etcd::{Store as _, keyspace};
use serde_json::Value;
use testbed::ControlPlane;

/// The first place where they differ.
pub fn difference(path: &str, ours: &Value, theirs: &Value) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            keys.find_map(|key| match (a.get(key), b.get(key)) {
                (Some(one), Some(two)) => difference(&format!("{path}.{key}"), one, two),
                (one, two) => Some(format!("{path}.{key}: {one:?} where Kubernetes has {two:?}")),
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(at, (one, two))| difference(&format!("{path}[{at}]"), one, two))
        }
        _ if ours == theirs => None,
        _ => Some(format!("{path}: {ours} where Kubernetes has {theirs}")),
    }
}

/// Saves a snapshot of the etcd and opens it.
pub fn snapshot(site: &ControlPlane, folder: &std::path::Path) -> Backend {
    let path = folder.join(format!("{}.db", std::fs::read_dir(folder).unwrap().count()));
    site.etcdctl(&["snapshot", "save", path.to_str().unwrap()]).unwrap();
    Backend::open(Map::open(&path).unwrap()).unwrap()
}

/// One resource as discovery prefers it.
#[derive(Debug, Clone)]
pub struct Discovered {
    pub plural: String,
    pub short_names: Vec<String>,
    pub gvk: Gvk,
    pub namespaced: bool,
    pub listed: bool,
}

/// What `kubectl api-resources` knows.
pub fn discover(site: &ControlPlane) -> Vec<Discovered> {
    let table = site.kubectl(&["api-resources", "--no-headers", "--output=wide", "--cached=false"]).unwrap();
    table.lines().map(discovered).collect()
}

/// NAME [SHORTNAMES] APIVERSION NAMESPACED KIND VERBS [CATEGORIES]
fn discovered(line: &str) -> Discovered {
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "true" || *word == "false").unwrap();
    Discovered {
        plural: words[0].to_owned(),
        short_names: if at == 3 { words[1].split(',').map(str::to_owned).collect() } else { Vec::new() },
        gvk: Gvk::new(words[at - 1], words[at + 1]),
        namespaced: words[at] == "true",
        listed: words[at + 2].split(',').any(|verb| verb == "list") && words[0] != "componentstatuses",
    }
}

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Compared {
    /// Objects that are the same.
    pub equal: usize,
    /// Resources of which there was one.
    pub resources: BTreeSet<String>,
    /// Resources of which there was none.
    pub none: BTreeSet<String>,
    /// What differs.
    pub wrong: Vec<String>,
    /// How values were encrypted, and how many.
    pub seals: BTreeMap<String, usize>,
}

type Named = BTreeMap<(String, String), Value>;

/// Every object that the API lists at the snapshot's newest revision, against the file.
pub fn compare(site: &ControlPlane, backend: &Backend, objects: &Objects) -> Compared {
    let newest = backend.readable().unwrap().newest;
    let catalogue = Catalogue::of(backend, objects, None).unwrap();
    let mut compared = Compared::default();
    let mut ours: BTreeMap<String, BTreeMap<Gvk, Named>> = BTreeMap::new();
    keyspace::list(backend, b"", None, &mut |record| {
        let key = String::from_utf8_lossy(record.key).into_owned();
        match catalogue.place(objects.prefix(), record.key) {
            Place::Object(at) if at.known.is_none() => {
                compared.wrong.push(format!("{key} is of no resource known"));
            }
            Place::Object(at) => match objects.show(record) {
                Ok(shown) => {
                    if let Some(seal) = &shown.seal {
                        *compared.seals.entry(seal.to_string()).or_default() += 1;
                    }
                    if shown.unknown_count > 0 {
                        compared.wrong.push(format!("{key} has unknown fields: {:?}", shown.unknown));
                    }
                    let name = (at.namespace.unwrap_or_default().to_owned(), at.name.to_owned());
                    let full = at.known.unwrap().full_name();
                    ours.entry(full).or_default().entry(shown.gvk).or_default().insert(name, shown.object);
                }
                Err(why) => compared.wrong.push(format!("{key} is not shown: {why}")),
            },
            Place::Internal(_) => {
                if !matches!(objects.show(record), Ok(_) | Err(NotShown::NoObject)) {
                    compared.wrong.push(format!("{key} cannot be read"));
                }
            }
            Place::Foreign => compared.wrong.push(format!("{key} is foreign")),
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    for resource in discover(site).into_iter().filter(|resource| resource.listed) {
        let group = &resource.gvk.group;
        // Events of both groups are the same objects.
        if resource.plural == "events" && !group.is_empty() {
            continue;
        }
        let full =
            if group.is_empty() { resource.plural.clone() } else { format!("{}.{group}", resource.plural) };
        match ours.remove(&full) {
            None => {
                let theirs = list(site, &resource, &resource.gvk, newest);
                if !theirs.as_ref().is_ok_and(BTreeMap::is_empty) {
                    compared.wrong.push(format!("{full}: the file has none, the API {theirs:?}"));
                }
                compared.none.insert(full);
            }
            Some(stored) => {
                let names: Vec<_> = stored.values().flat_map(BTreeMap::keys).cloned().collect();
                for (gvk, ours) in &stored {
                    match list(site, &resource, gvk, newest) {
                        Ok(theirs) => compare_named(&full, ours, &theirs, &names, &mut compared),
                        Err(why) => compared.wrong.push(format!("{full} is stored at {gvk}: {why}")),
                    }
                }
                compared.resources.insert(full);
            }
        }
    }
    compared
        .wrong
        .extend(ours.into_keys().map(|full| format!("{full} is in the file, and discovery has it not")));
    compared
}

fn compare_named(
    full: &str,
    ours: &Named,
    theirs: &Named,
    all: &[(String, String)],
    compared: &mut Compared,
) {
    for (name, ours) in ours {
        let Some(theirs) = theirs.get(name) else {
            compared.wrong.push(format!("{full} {name:?} is in the file, and the API has it not"));
            continue;
        };
        match difference("", ours, theirs) {
            None => compared.equal += 1,
            Some(why) => compared.wrong.push(format!("{full} {name:?}: {why}")),
        }
    }
    for name in theirs.keys().filter(|name| !all.contains(name)) {
        compared.wrong.push(format!("{full} {name:?} is in the API, and the file has it not"));
    }
}

/// The API's objects of a resource at a revision, in the version of `gvk`.
fn list(site: &ControlPlane, resource: &Discovered, gvk: &Gvk, revision: i64) -> Result<Named, String> {
    let api = if gvk.group.is_empty() { "api".to_owned() } else { format!("apis/{}", gvk.group) };
    let path = format!(
        "/{api}/{}/{}?resourceVersion={revision}&resourceVersionMatch=Exact",
        gvk.version, resource.plural
    );
    let text = site.kubectl(&["get", "--raw", &path]).map_err(|error| error.to_string())?;
    let list: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let items = list["items"].as_array().cloned().unwrap_or_default();
    Ok(items
        .into_iter()
        .map(|mut item| {
            // The items of a list of a built-in kind do not say theirs.
            item["apiVersion"] = gvk.api_version().into();
            item["kind"] = gvk.kind.clone().into();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            ((text(&item["metadata"]["namespace"]), text(&item["metadata"]["name"])), item)
        })
        .collect())
}
