//! Opens what was recorded of a cluster as a cluster: objects as they were found, whatever rules say of them today.

mod backup;
mod cluster;
mod etcd;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use daytwo_core::json::{self, JsonError, Meta, elements, fields};
use daytwo_core::resource::ResourceType;
use serde_json::Value;

pub use etcd::EtcdError;

use crate::api::{Api, Settings, convert};
use crate::ask::Object;
use crate::chance::Chance;
use crate::definitions::Definition;
use crate::depth;
use crate::fixture::Fixture;
use crate::http::Authority;
use crate::kinds::{Kinds, Origin, Resource, TableId};
use crate::store::{Base, Store, Stored, key};

/// What a twin begins with.
#[derive(Debug)]
pub struct Source {
    /// What it is of, as it was named.
    pub name: String,
    /// The version of the server, as `v1.36.3`, where that is known.
    pub version: Option<String>,
    /// What could not be taken over, in words.
    pub notes: Vec<String>,
    store: Store,
    kinds: Kinds,
    objects: u64,
    /// Whether it is a server that no controller has seen yet.
    fresh: bool,
    /// Whether an object is nested too deeply for a thread's stack.
    deep: bool,
}

impl Source {
    /// A cluster of a fixture, at the time and by the chance of `settings`.
    pub fn fixture(fixture: Fixture, settings: &Settings) -> Source {
        let mut loader = Loader::default();
        // What a fixture makes is not what the twin makes afterwards.
        let mut chance = Chance::new(settings.seed ^ 0x6669_7874_7572_6573);
        for object in fixture.objects(settings.clock.now(), &mut chance) {
            loader.object(object);
        }
        loader.end(format!("fixture:{fixture}"), None, 0, fixture == Fixture::Empty)
    }

    /// How many objects there are.
    pub fn objects(&self) -> u64 {
        self.objects
    }

    /// Gives all of it to an API that has nothing yet.
    pub(crate) fn into_api(self, api: &Api, authority: &Authority) {
        if self.deep {
            api.went_deep();
        }
        let mut inner = api.lock();
        inner.store = self.store;
        inner.kinds = Arc::new(self.kinds);
        api.serves(&inner);
        if self.fresh {
            inner.store.begin_at_the_beginning();
            // What the controllers of a cluster do first.
            crate::api::settle::begin(&mut inner, api.settings(), authority.pem());
        }
    }
}

/// Takes objects one by one.
#[derive(Debug)]
pub struct Loader {
    store: Store,
    kinds: Kinds,
    /// By owner: the first text it owned, and what others are compared with.
    templates: HashMap<(TableId, Box<str>), Template>,
    /// Resources that no recorded discovery has, until a definition does.
    seen: BTreeMap<TableId, ResourceType>,
    /// Objects of kinds that nothing names a resource of, until a definition does.
    undefined: Vec<Object>,
    objects: u64,
    notes: Vec<String>,
    revision: u64,
    /// Whether an object was nested too deeply for a thread's stack.
    deep: bool,
}

#[derive(Debug)]
enum Template {
    First(Box<[u8]>),
    Base(Arc<Base>),
}

impl Default for Loader {
    fn default() -> Self {
        Loader {
            store: Store::default(),
            kinds: Kinds::built_in(),
            templates: HashMap::new(),
            seen: BTreeMap::new(),
            undefined: Vec::new(),
            objects: 0,
            notes: Vec::new(),
            revision: 0,
            deep: false,
        }
    }
}

impl Loader {
    /// Takes an object of a kind that its text names.
    pub fn object(&mut self, object: Object) {
        let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (version, kind) = (text("apiVersion"), text("kind"));
        let (group, version) =
            version.split_once('/').map_or(("", &*version), |(group, version)| (group, version));
        let Some(resource) = self.kinds.of_kind(group, Some(version), &kind) else {
            self.undefined.push(object);
            return;
        };
        let resource = resource.kind.clone();
        let json = serde_json::to_vec(&Value::Object(object)).expect("invariant: a tree of values is JSON");
        if let Err(error) = self.json(&resource, &json) {
            self.notes.push(format!("a {kind} of the fixture is no object: {error}"));
        }
    }

    /// Takes an object as it was found.
    ///
    /// # Errors
    /// It is no JSON of an object with a name.
    pub fn json(&mut self, kind: &ResourceType, json: &[u8]) -> Result<(), JsonError> {
        let deep = depth::of(json) > depth::PLAIN;
        self.deep |= deep;
        depth::with_room(deep, || self.take(kind, json))
    }

    fn take(&mut self, kind: &ResourceType, json: &[u8]) -> Result<(), JsonError> {
        let meta = Meta::of(json)?;
        let revision = meta.resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0);
        let key = key(meta.namespace.as_deref().filter(|_| kind.namespaced), &meta.name);
        let owner: Option<Box<str>> = meta.owner_references.and_then(|owners| {
            let first = elements(owners).next()?.ok()?;
            Some(json::text_at(&owners[first], &["uid"]).ok()??.into())
        });
        let api_version =
            meta.api_version.clone().map_or_else(|| kind.api_version(), std::borrow::Cow::into_owned);
        let fronted = front(json, &kind.kind, &api_version)?;
        let table = self.kinds.table(&kind.group, &kind.resource);
        if self.kinds.stored(&kind.group, &kind.resource).is_none() {
            self.seen.entry(table).or_insert_with(|| kind.clone());
        }
        let fronted = self.at_storage(kind, fronted);
        let base = owner.and_then(|owner| self.template(table, owner, &fronted));
        self.store.load(table, Stored::found(&key, revision, &fronted, base.as_ref())?);
        self.objects += 1;
        Ok(())
    }

    /// What an object is like: the others of its owner.
    fn template(&mut self, table: TableId, owner: Box<str>, json: &[u8]) -> Option<Arc<Base>> {
        match self.templates.entry((table, owner)) {
            std::collections::hash_map::Entry::Vacant(vacant) => {
                vacant.insert(Template::First(json.into()));
                None
            }
            std::collections::hash_map::Entry::Occupied(mut occupied) => {
                if let Template::First(first) = occupied.get() {
                    let base = Base::new(first);
                    occupied.insert(Template::Base(base));
                }
                match occupied.get() {
                    Template::Base(base) => Some(Arc::clone(base)),
                    Template::First(_) => None,
                }
            }
        }
    }

    /// A built-in object at the version its kind is kept at.
    fn at_storage(&self, kind: &ResourceType, json: Vec<u8>) -> Vec<u8> {
        let Some(resource) = self.kinds.find(&kind.group, &kind.version, &kind.resource) else { return json };
        if !convert::converts(resource) || !matches!(resource.origin, Origin::BuiltIn) {
            return json;
        }
        match serde_json::from_slice::<Object>(&json).map(|object| convert::to_storage(resource, object)) {
            Ok(Ok(object)) => serde_json::to_vec(&Value::Object(object)).unwrap_or(json),
            _ => json,
        }
    }

    /// Says that something could not be taken over.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// All that was taken, as a cluster at `revision` or at the newest of its objects.
    pub fn finish(self, name: String, version: Option<String>, revision: u64) -> Source {
        self.end(name, version, revision, false)
    }

    fn end(mut self, name: String, version: Option<String>, revision: u64, fresh: bool) -> Source {
        depth::with_room(self.deep, || {
            let definitions = self.define();
            self.defined();
            for definition in definitions {
                self.restamp(&definition);
            }
        });
        for (table, kind) in std::mem::take(&mut self.seen) {
            if self.kinds.stored(&kind.group, &kind.resource).is_none() {
                self.kinds.add(foreign(&kind, table));
            }
        }
        let revision = revision.max(self.revision).max(self.store.revision()).max(1);
        self.store.begin_at(revision, fresh);
        Source {
            name,
            version,
            notes: self.notes,
            store: self.store,
            kinds: self.kinds,
            objects: self.objects,
            fresh,
            deep: self.deep,
        }
    }

    /// Serves what the definitions among the objects define.
    fn define(&mut self) -> Vec<Arc<Definition>> {
        let Some(table) = self.kinds.table_of("apiextensions.k8s.io", "customresourcedefinitions") else {
            return Vec::new();
        };
        let mut definitions = Vec::new();
        for stored in self.store.range(table, None, None) {
            match Definition::of(&stored.object()) {
                Ok(definition) => {
                    let definition = Arc::new(definition);
                    self.kinds.define(&definition);
                    definitions.push(definition);
                }
                Err(error) => {
                    self.notes.push(format!("the definition {} is not served: {error}", stored.name()));
                }
            }
        }
        definitions
    }

    /// Takes the objects that waited for their definition.
    fn defined(&mut self) {
        for object in std::mem::take(&mut self.undefined) {
            self.object(object);
        }
        for object in std::mem::take(&mut self.undefined) {
            let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
            let note = format!("nothing defines the kind {} of {}", text("kind"), text("apiVersion"));
            self.notes.push(note);
        }
    }

    /// Objects that were found at another version than their definition keeps them at.
    fn restamp(&mut self, definition: &Definition) {
        let Some(table) = self.kinds.table_of(&definition.group, &definition.names.plural) else { return };
        let wanted = format!("{}/{}", definition.group, definition.storage().name);
        let others: Vec<Arc<Stored>> = self
            .store
            .range(table, None, None)
            .filter(|stored| stored.text_at(&["apiVersion"]).as_deref() != Some(&wanted))
            .cloned()
            .collect();
        for stored in others {
            let object = definition.stored(stored.object());
            let json = serde_json::to_vec(&Value::Object(object)).unwrap_or_default();
            if let Ok(stored) = Stored::found(&stored.key, stored.revision, &json, None) {
                self.store.replace(table, stored);
            }
        }
    }
}

/// An object with its kind and version in front, as the API server writes it; otherwise as it was.
fn front(json: &[u8], kind: &str, api_version: &str) -> Result<Vec<u8>, JsonError> {
    let mut out = Vec::with_capacity(json.len() + 64);
    out.extend_from_slice(b"{\"kind\":");
    out.extend_from_slice(json::quote(kind).as_bytes());
    out.extend_from_slice(b",\"apiVersion\":");
    out.extend_from_slice(json::quote(api_version).as_bytes());
    for field in fields(json) {
        let field = field?;
        if matches!(&*field.key, "kind" | "apiVersion") {
            continue;
        }
        out.push(b',');
        out.extend_from_slice(&json[field.key_span.start..field.value.end]);
    }
    out.push(b'}');
    Ok(out)
}

/// A resource of another API server: its objects are shown and written as they are.
fn foreign(kind: &ResourceType, table: TableId) -> Resource {
    let verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    Resource {
        kind: kind.clone(),
        singular: kind.kind.to_lowercase(),
        short_names: Vec::new(),
        categories: Vec::new(),
        verbs: verbs.map(str::to_owned).to_vec(),
        subresources: Vec::new(),
        storage: kind.version.clone(),
        table,
        origin: Origin::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl daytwo_engine::Clock for Fixed {
        fn now(&self) -> jiff::Timestamp {
            "2026-05-04T10:00:00Z".parse().unwrap()
        }
    }

    #[test]
    fn every_kind_of_the_site_is_served_as_its_definition_names_it() {
        let source = Source::fixture(Fixture::Enclave, &Settings::new(Arc::new(Fixed)));
        assert_eq!(source.notes, [""; 0]);
        let foreign: Vec<&str> = source
            .kinds
            .each()
            .filter(|resource| matches!(resource.origin, Origin::Foreign))
            .map(|resource| &*resource.kind.resource)
            .collect();
        assert_eq!(foreign, [""; 0]);
        let table = source.kinds.table_of("k8s.cni.cncf.io", "network-attachment-definitions").unwrap();
        assert_eq!(source.store.range(table, None, None).count(), 1);
    }
}
