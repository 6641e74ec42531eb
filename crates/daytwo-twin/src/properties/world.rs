//! A small API to take steps in.

use std::collections::BTreeMap;
use std::sync::Arc;

use daytwo_engine::Clock;
use jiff::Timestamp;
use ring::hmac;
use serde_json::{Value, json};

use super::steps::{Kind, Owner, Place, SPACES, Step};
use crate::api::{Api, Call, Caller, Outcome, Settings};
use crate::ask::Object;
use crate::kinds::TableId;
use crate::store::{Stored, key};

/// A clock that stands.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// All objects by table and key.
pub type Objects = BTreeMap<(TableId, Box<str>), Arc<Stored>>;

pub struct World {
    pub api: Api,
}

impl World {
    /// Two namespaces, and nothing else.
    pub fn new() -> World {
        let world = World {
            api: Api::new(Settings::new(Arc::new(Still)), hmac::Key::new(hmac::HMAC_SHA256, b"no secret")),
        };
        for space in SPACES {
            world.take(&Step::MakeSpace(space));
        }
        world
    }

    pub fn revision(&self) -> u64 {
        self.api.revision()
    }

    pub fn table(&self, kind: Kind) -> TableId {
        let (version, _, plural) = kind.words();
        let group = version.split_once('/').map_or("", |(group, _)| group);
        self.api.kinds().table_of(group, plural).unwrap()
    }

    pub fn objects(&self) -> Objects {
        let inner = self.api.read();
        let tables = (0..inner.kinds.tables()).map(TableId);
        tables
            .flat_map(|table| inner.store.range(table, None, None).map(move |stored| (table, stored)))
            .map(|(table, stored)| ((table, stored.key.clone()), Arc::clone(stored)))
            .collect()
    }

    pub fn get(&self, place: Place) -> Option<Arc<Stored>> {
        self.api.read().store.get(self.table(place.kind), &place.key()).cloned()
    }

    /// Does what a step says, if the server allows it: that it does not is an answer as well.
    pub fn take(&self, step: &Step) {
        let none = Value::Null;
        match step {
            Step::MakeSpace(space) => {
                let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}});
                self.call("POST", "/api/v1/namespaces", "", &body);
            }
            Step::EndSpace(space) => self.call("DELETE", &format!("/api/v1/namespaces/{space}"), "", &none),
            Step::Create { place, label, owners, held } => {
                let (version, kind, _) = place.kind.words();
                let finalizers = if *held { json!(["daytwo.dev/held"]) } else { json!([]) };
                let body = json!({
                    "apiVersion": version, "kind": kind,
                    "metadata": {
                        "name": place.name, "labels": {"colour": label}, "finalizers": finalizers,
                        "ownerReferences": self.references(owners),
                    },
                });
                self.call("POST", &place.collection(), "", &body);
            }
            Step::Label { place, label } => {
                self.change(*place, |object| object["metadata"]["labels"]["colour"] = json!(label));
            }
            Step::Own { place, owners } => {
                let references = self.references(owners);
                self.change(*place, |object| object["metadata"]["ownerReferences"] = references);
            }
            Step::Free(place) => self.change(*place, |object| object["metadata"]["finalizers"] = json!([])),
            Step::Delete { place, policy } => {
                let path = format!("{}/{}", place.collection(), place.name);
                let query = policy.map(|policy| format!("propagationPolicy={policy}")).unwrap_or_default();
                self.call("DELETE", &path, &query, &none);
            }
            Step::DeleteMany { kind, space, label } => {
                let place = Place { kind: *kind, space, name: "" };
                self.call("DELETE", &place.collection(), &format!("labelSelector=colour%3D{label}"), &none);
            }
        }
    }

    fn change(&self, place: Place, change: impl FnOnce(&mut Value)) {
        let Some(stored) = self.get(place) else { return };
        let mut object = Value::Object(stored.object());
        change(&mut object);
        self.call("PUT", &format!("{}/{}", place.collection(), place.name), "", &object);
    }

    fn references(&self, owners: &[Owner]) -> Value {
        let reference = |owner: &Owner| {
            let (version, kind, _) = owner.place.kind.words();
            let there = self.get(owner.place).filter(|_| !owner.gone);
            let uid = there.map_or_else(
                || "00000000-0000-4000-8000-00000000dead".to_owned(),
                |owner| owner.uid.to_string(),
            );
            json!({
                "apiVersion": version, "kind": kind, "name": owner.place.name, "uid": uid,
                "blockOwnerDeletion": owner.blocks,
            })
        };
        Value::Array(owners.iter().map(reference).collect())
    }

    /// Makes a call. What is refused must be refused in so many words: nothing here is the server's own fault.
    fn call(&self, method: &str, path: &str, query: &str, body: &Value) {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        if let Err(status) = self.ask(method, path, query, &body) {
            assert!((400..500).contains(&status.code), "{method} {path}: {status:?}");
        }
    }

    pub fn ask(&self, method: &str, path: &str, query: &str, body: &[u8]) -> crate::status::Result<Outcome> {
        let now = Timestamp::UNIX_EPOCH;
        let call = Call::new(method, path, query, "application/json", Caller::admin(), now)?;
        self.api.call(&call, body).outcome
    }
}

impl Place {
    pub fn collection(self) -> String {
        let (version, _, plural) = self.kind.words();
        let root = if version.contains('/') { "apis" } else { "api" };
        match self.kind {
            Kind::Role => format!("/{root}/{version}/{plural}"),
            _ => format!("/{root}/{version}/namespaces/{}/{plural}", self.space),
        }
    }

    pub fn key(self) -> String {
        key((self.kind != Kind::Role).then_some(self.space), self.name)
    }
}

/// The metadata of a tree.
pub fn metadata<'a>(object: &'a Object, name: &str) -> &'a Value {
    object.get("metadata").and_then(|metadata| metadata.get(name)).unwrap_or(&Value::Null)
}
