//! The objects of a backup as a stream: a thread decompresses, a few batches wait, the caller takes.

use super::archive::ArchiveReader;
use super::source::{Source, explain};
use crate::encrypt::Identity;
use crate::head::{Count, Resource};
use crate::location::{Location, Result};
use bytes::Bytes;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Bytes of objects handed over at once.
const BATCH: usize = 256 * 1024;

/// Batches that wait for the caller.
const WAITING: usize = 2;

/// One object of a backup.
#[derive(Clone)]
pub struct Entry {
    /// What it is.
    pub resource: Arc<Resource>,
    /// `None` for objects outside namespaces.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its JSON, as the server sent it.
    pub bytes: Bytes,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        write!(
            f,
            "Entry({}/{namespace}/{}, {} bytes)",
            self.resource.group_resource(),
            self.name,
            self.bytes.len()
        )
    }
}

/// The objects of a backup, in the order of its archive. Dropped, the rest is not read.
#[derive(Debug)]
pub struct Entries {
    batches: mpsc::Receiver<Result<Vec<Entry>>>,
    current: std::vec::IntoIter<Entry>,
}

impl Entries {
    pub(super) fn of(
        source: Source,
        identities: Option<Vec<Identity>>,
        kinds: Kinds,
        location: Location,
        key: String,
    ) -> Entries {
        let (send, batches) = mpsc::channel(WAITING);
        tokio::task::spawn_blocking(move || {
            let done = source
                .opened(identities.as_deref())
                .and_then(|opened| pump(opened, kinds, &send))
                .map_err(|error| explain(error, &location, &key));
            if let Err(error) = done {
                // Nobody waits any more if this fails.
                let _ = send.blocking_send(Err(error));
            }
        });
        Entries { batches, current: Vec::new().into_iter() }
    }

    /// The next object, or `None` after the last. [`crate::ArchiveError::Corrupt`] where the archive is not what it
    /// should be: the objects before are as stored, unless [`crate::verify()`] says otherwise.
    pub async fn next(&mut self) -> Result<Option<Entry>> {
        loop {
            if let Some(entry) = self.current.next() {
                return Ok(Some(entry));
            }
            match self.batches.recv().await {
                None => return Ok(None),
                Some(batch) => self.current = batch?.into_iter(),
            }
        }
    }
}

fn pump(source: impl Read, mut kinds: Kinds, send: &mpsc::Sender<Result<Vec<Entry>>>) -> io::Result<()> {
    let mut archive = ArchiveReader::new(source);
    let mut batch = Vec::new();
    let mut size = 0;
    while let Some(found) = archive.next()? {
        size += found.bytes.len() + 256;
        batch.push(Entry {
            resource: kinds.of(found.resource, found.namespace.is_some(), found.bytes)?,
            namespace: found.namespace.map(str::to_owned),
            name: found.name.to_owned(),
            bytes: Bytes::copy_from_slice(found.bytes),
        });
        if size >= BATCH {
            size = 0;
            if send.blocking_send(Ok(std::mem::take(&mut batch))).is_err() {
                return Ok(());
            }
        }
    }
    let _ = send.blocking_send(Ok(batch));
    Ok(())
}

/// What is known of the resources of an archive: it names their directories only.
#[derive(Debug, Clone, Default)]
pub(super) struct Kinds(HashMap<String, Arc<Resource>>);

/// What an object says it is.
#[derive(Deserialize)]
struct Type<'a> {
    #[serde(borrow, rename = "apiVersion")]
    api_version: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
}

impl Kinds {
    /// Those a backup's head names.
    pub(super) fn named(counts: &[Count]) -> Kinds {
        let named = counts.iter().filter_map(|count| {
            let name = count.resource.clone()?;
            let namespaced = !count.namespaces.contains_key("");
            let resource = resource(&name, &count.api_version, &count.kind, namespaced);
            Some((name, Arc::new(resource)))
        });
        Kinds(named.collect())
    }

    /// The resource of the directory `name`; what no head names is read from its first object.
    fn of(&mut self, name: &str, namespaced: bool, object: &[u8]) -> io::Result<Arc<Resource>> {
        if let Some(known) = self.0.get(name) {
            return Ok(Arc::clone(known));
        }
        // The error's own text may quote a value.
        let Type { api_version, kind } = serde_json::from_slice(object).map_err(|_| {
            let what = format!("holds an object of {name:?} that is not JSON or does not say what it is");
            io::Error::new(io::ErrorKind::InvalidData, what)
        })?;
        let new = Arc::new(resource(name, &api_version, &kind, namespaced));
        self.0.insert(name.to_owned(), Arc::clone(&new));
        Ok(new)
    }
}

fn resource(name: &str, api_version: &str, kind: &str, namespaced: bool) -> Resource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let plural =
        name.strip_suffix(group).and_then(|rest| rest.strip_suffix('.')).filter(|_| !group.is_empty());
    Resource {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        resource: plural.unwrap_or(name).to_owned(),
        namespaced,
    }
}
