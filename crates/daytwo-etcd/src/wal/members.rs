//! Members as etcd writes them down: JSON in the database, in a raft snapshot and in the log.
//!
//! A raft snapshot still carries them as the second API's store, of which nothing else is left: a tree of nodes, in it
//! `/0/members/<id>/raftAttributes` and `attributes`. Source: etcd v3.6.16, `server/etcdserver/api/membership/{member,
//! storev2}.go`, `api/v2store/{store,node}.go`; 3.7 reads it too.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::mvcc::Member;
use crate::{Error, Result};

/// How Go writes a time that never was.
const NEVER: &str = "0001-01-01T00:00:00Z";
/// Room for the events that the second API's watchers could ask for.
const EVENTS: usize = 1000;

/// A member as etcd writes it into the database and into the log.
pub fn to_json(member: &Member) -> Value {
    let mut all = json!({"id": member.id});
    let attributes =
        [raft_attributes(member), json!({"name": member.name, "clientURLs": member.client_urls})];
    for (name, value) in attributes.into_iter().filter_map(|fields| fields.as_object().cloned()).flatten() {
        let is_empty = value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty);
        if !is_empty || name == "peerURLs" {
            all[name] = value;
        }
    }
    all
}

fn raft_attributes(member: &Member) -> Value {
    match member.is_learner {
        true => json!({"peerURLs": member.peer_urls, "isLearner": true}),
        false => json!({"peerURLs": member.peer_urls}),
    }
}

/// The second API's store with these members in it and nothing else.
pub fn to_v2(members: &[Member]) -> Vec<u8> {
    let mut nodes = Map::new();
    for (index, member) in (1u64..).zip(members) {
        let path = format!("/0/members/{:x}", member.id);
        let value = raft_attributes(member).to_string();
        let value = file(&format!("{path}/raftAttributes"), &value, index);
        nodes.insert(format!("{:x}", member.id), dir(&path, index, json!({"raftAttributes": value})));
    }
    let count = members.len();
    let members = dir("/0/members", 1, Value::Object(nodes));
    let root =
        dir("/", 0, json!({"0": dir("/0", 0, json!({"members": members})), "1": dir("/1", 0, json!({}))}));
    let events = json!({
        "Queue": {"Events": vec![Value::Null; EVENTS], "Size": 0, "Front": 0, "Back": 0, "Capacity": EVENTS},
        "StartIndex": 0,
        "LastIndex": 0,
    });
    let store = json!({
        "Root": root,
        "WatcherHub": {"EventHistory": events},
        "CurrentIndex": count,
        "Stats": {"createSuccess": count},
        "CurrentVersion": 2,
    });
    store.to_string().into_bytes()
}

fn dir(path: &str, index: u64, children: Value) -> Value {
    let mut node = file(path, "", index);
    node["Children"] = children;
    node
}

fn file(path: &str, value: &str, index: u64) -> Value {
    json!({
        "Path": path,
        "CreatedIndex": index,
        "ModifiedIndex": index,
        "ExpireTime": NEVER,
        "Value": value,
        "Children": null,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Store {
    root: Node,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Node {
    value: String,
    children: Option<BTreeMap<String, Node>>,
}

/// What a node's value holds, of both kinds.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Attributes {
    #[serde(rename = "peerURLs")]
    peer_urls: Vec<String>,
    #[serde(rename = "isLearner")]
    is_learner: bool,
    name: String,
    #[serde(rename = "clientURLs")]
    client_urls: Vec<String>,
}

impl Node {
    fn child(&self, name: &str) -> Option<&Node> {
        self.children.as_ref()?.get(name)
    }
}

/// The members in the second API's store, by id.
///
/// # Errors
/// [`Error::Corrupt`] if it is no such store, or a member's id or attributes cannot be read.
pub fn from_v2(data: &[u8]) -> Result<Vec<Member>> {
    let wrong = |place: &str, what: &dyn std::fmt::Display| Error::Corrupt {
        place: format!("the raft snapshot's {place}"),
        what: what.to_string(),
    };
    let store: Store = serde_json::from_slice(data).map_err(|error| wrong("store", &error))?;
    let nodes = store.root.child("0").and_then(|node| node.child("members"));
    let mut members = Vec::new();
    for (id, node) in nodes.and_then(|node| node.children.as_ref()).into_iter().flatten() {
        let place = format!("member {id:?}");
        let number = u64::from_str_radix(id, 16).map_err(|error| wrong(&place, &error))?;
        let mut member = Member {
            id: number,
            name: String::new(),
            peer_urls: vec![],
            client_urls: vec![],
            is_learner: false,
        };
        for (name, node) in node.children.iter().flatten() {
            let read: Attributes =
                serde_json::from_str(&node.value).map_err(|error| wrong(&place, &error))?;
            match name.as_str() {
                "raftAttributes" => (member.peer_urls, member.is_learner) = (read.peer_urls, read.is_learner),
                "attributes" => (member.name, member.client_urls) = (read.name, read.client_urls),
                _ => {}
            }
        }
        members.push(member);
    }
    members.sort_by_key(|member| member.id);
    Ok(members)
}
