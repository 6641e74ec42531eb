//! What is in a file by kind, in one pass over its keys. No value is decoded.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::ops::ControlFlow;

use daytwo_etcd::keyspace;
use daytwo_etcd::kube::{Catalogue, Place, Seal};
use serde::Serialize;

use super::super::open::Opened;
use super::super::versions::Found;
use crate::failure::Result;

/// What is in a file.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// By resource, the biggest first.
    pub kinds: Vec<Kind>,
    /// The biggest values.
    pub biggest: Vec<Big>,
    /// Values that are encrypted, by what with.
    pub encrypted: Vec<Sealed>,
    /// What the objects say of their API servers.
    #[serde(skip)]
    pub found: Found,
}

/// The keys of one resource.
#[derive(Debug, Serialize)]
pub struct Kind {
    /// `deployments.apps`, or what the keys are where they are no objects'.
    pub resource: String,
    pub keys: u64,
    /// Of keys and values, the live ones.
    pub bytes: u64,
}

/// A key with a big value.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Big {
    pub bytes: u64,
    pub key: String,
    pub revision: i64,
}

/// Values that are encrypted alike.
#[derive(Debug, Serialize)]
pub struct Sealed {
    /// As `aescbc with the key key1`.
    pub by: String,
    pub keys: u64,
}

/// Looks over the keys as of the newest revision, and names the `top` biggest.
///
/// # Errors
/// Those of reading.
pub fn of(opened: &Opened, top: usize) -> Result<Content> {
    // What defines custom resources is not looked for: their keys name group and plural.
    let catalogue = Catalogue::built_in();
    let mut found = Found::default();
    let prefix = opened.objects.prefix();
    let mut kinds: HashMap<String, (u64, u64)> = HashMap::new();
    let mut biggest: BinaryHeap<Reverse<Big>> = BinaryHeap::new();
    let mut encrypted: BTreeMap<String, u64> = BTreeMap::new();
    let mut name = String::new();
    keyspace::list(opened.store(), b"", None, &mut |record| {
        let bytes = (record.key.len() + record.value.len()) as u64;
        let count = |kinds: &mut HashMap<String, (u64, u64)>, name: &str| match kinds.get_mut(name) {
            Some((keys, total)) => (*keys, *total) = (*keys + 1, *total + bytes),
            None => drop(kinds.insert(name.to_owned(), (1, bytes))),
        };
        match catalogue.place(prefix, record.key) {
            Place::Object(at) => {
                found.look(opened, &at, record);
                match at.group {
                    Some(group) if !group.is_empty() => {
                        name.clear();
                        name.extend([at.resource, ".", group]);
                        count(&mut kinds, &name);
                    }
                    _ => count(&mut kinds, at.resource),
                }
            }
            Place::Internal(what) => count(&mut kinds, &format!("({what})")),
            Place::Foreign => count(&mut kinds, "(none of Kubernetes)"),
        }
        let small = biggest.len() >= top && biggest.peek().is_none_or(|least| least.0.bytes >= bytes);
        if top > 0 && !small {
            let key = String::from_utf8_lossy(record.key).into_owned();
            biggest.push(Reverse(Big { bytes, key, revision: record.revision.main }));
            if biggest.len() > top {
                biggest.pop();
            }
        }
        if let Some((seal, _)) = Seal::of(record.value) {
            *encrypted.entry(seal.to_string()).or_default() += 1;
        }
        ControlFlow::Continue(())
    })?;
    let mut kinds: Vec<Kind> =
        kinds.into_iter().map(|(resource, (keys, bytes))| Kind { resource, keys, bytes }).collect();
    kinds.sort_by(|a, b| (Reverse(a.bytes), &a.resource).cmp(&(Reverse(b.bytes), &b.resource)));
    Ok(Content {
        kinds,
        biggest: biggest.into_sorted_vec().into_iter().map(|Reverse(big)| big).collect(),
        encrypted: encrypted.into_iter().map(|(by, keys)| Sealed { by, keys }).collect(),
        found: found.in_order(),
    })
}
