//! The comparison itself. The second side is passed over once only, since a cluster changes meanwhile.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hasher};

use bytes::Bytes;
use daytwo_core::diff::{Options, diff};
use daytwo_core::filter::{Choice, Filter};
use daytwo_core::json::Meta;
use daytwo_core::resource::{ObjectKey, ResourceType};
use daytwo_engine::{Event, Observer};

use crate::failure::Result;

use super::cover::Cover;
use super::live::{Listed, Live};
use super::stored::{Object, Stored};
use super::{Changed, Differences};

/// How many bytes of objects that may differ are kept before they are compared.
const HELD: usize = 64 << 20;

/// Every how many objects progress is told.
const TOLD: u64 = 1000;

/// What is compared to.
pub enum Side {
    /// What is stored elsewhere.
    Stored(Stored),
    /// The cluster.
    Live(Box<Live>),
}

impl Side {
    fn name(&self) -> &str {
        match self {
            Self::Stored(stored) => stored.name(),
            Self::Live(live) => live.name(),
        }
    }
}

/// A first side, and how to compare with it.
pub struct Comparison<'a> {
    before: &'a Stored,
    filter: &'a Filter,
    options: Options,
    events: &'a dyn Observer,
    cover: Cover,
    /// What the first side was asked for.
    asked: Filter,
    /// Objects of the first side that the second has not shown yet.
    hashes: HashMap<ObjectKey, u64>,
    /// The version each resource has in the first side.
    versions: BTreeMap<String, String>,
    /// Objects of the second side whose bytes differ.
    held: BTreeMap<ObjectKey, Bytes>,
    held_bytes: usize,
    seen: u64,
    diff: Differences,
}

impl<'a> Comparison<'a> {
    /// Prepares a comparison of `before` with something.
    pub fn new(before: &'a Stored, filter: &'a Filter, options: Options, events: &'a dyn Observer) -> Self {
        Self {
            before,
            filter,
            options,
            events,
            cover: before.cover(),
            asked: before.asked(),
            hashes: HashMap::new(),
            versions: BTreeMap::new(),
            held: BTreeMap::new(),
            held_bytes: 0,
            seen: 0,
            diff: Differences { before: before.name().to_owned(), ..Differences::default() },
        }
    }

    /// Compares with `after`.
    ///
    /// # Errors
    /// Those of reading either side. A resource of the cluster that cannot be listed is named in the result instead.
    pub async fn run(mut self, after: Side) -> Result<Differences> {
        self.diff.after = after.name().to_owned();
        self.diff.live = matches!(after, Side::Live(_));
        self.hash_before().await?;
        let (cover, asked) = match after {
            Side::Stored(stored) => (self.pass_stored(&stored).await?, stored.asked()),
            Side::Live(live) => (self.pass_live(&live).await?, Filter::default()),
        };
        self.compare_held().await?;
        let unseen = std::mem::take(&mut self.hashes).into_keys();
        self.diff.removed.extend(unseen.filter(|key| {
            let within = if key.resource == "namespaces" { Some(&key.name) } else { key.namespace.as_ref() };
            cover.covers(&key.resource, key.namespace.as_deref())
                && within.is_none_or(|space| asked.namespace(space))
        }));
        self.diff.added.sort();
        self.diff.removed.sort();
        self.diff.changed.sort_by(|a, b| a.object.cmp(&b.object));
        Ok(self.diff)
    }

    async fn hash_before(&mut self) -> Result<()> {
        let by_objects = self.before.covered_by_objects();
        let mut pass = self.before.pass(self.filter).await?;
        while let Some(Object { kind, key, bytes }) = pass.next().await? {
            self.tell();
            if !takes(self.filter, &kind, &bytes)? {
                continue;
            }
            if by_objects {
                self.cover.note(&key.resource, key.namespace.as_deref());
            }
            self.versions.entry(key.resource.clone()).or_insert_with(|| kind.version.clone());
            self.hashes.insert(key, hash(&bytes));
        }
        Ok(())
    }

    async fn pass_stored(&mut self, after: &Stored) -> Result<Cover> {
        let mut cover = after.cover();
        let by_objects = after.covered_by_objects();
        let mut pass = after.pass(self.filter).await?;
        while let Some(Object { kind, key, bytes }) = pass.next().await? {
            if by_objects {
                cover.note(&key.resource, key.namespace.as_deref());
            }
            self.meet(&kind, key, bytes).await?;
        }
        Ok(cover)
    }

    async fn pass_live(&mut self, live: &Live) -> Result<Cover> {
        let mut cover = Cover::default();
        let held: BTreeSet<String> = self.versions.keys().cloned().collect();
        for resource in &held {
            if let Some(why) = live.unknown(resource) {
                self.diff.unknown.push(format!("{resource}: {why}"));
            } else if !live.serves(resource) {
                cover.whole(resource);
            }
        }
        for served in live.resources() {
            let resource = served.kind.group_resource();
            let known = held.contains(&resource) || self.cover.has(&resource);
            if !known || self.filter.resource(&served.kind) != Choice::Take {
                continue;
            }
            let version = self.versions.get(&resource).cloned();
            for namespace in self.cover.spaces(&resource) {
                let mut list = live.list(served, version.as_deref(), namespace.as_deref());
                let ended = loop {
                    match list.next().await {
                        Ok(Some(page)) => {
                            for Listed { namespace, name, bytes } in page {
                                let key = list.kind().object(namespace.as_deref(), &name);
                                self.meet(list.kind(), key, bytes).await?;
                            }
                        }
                        Ok(None) => break Ok(()),
                        Err(error) => break Err(error),
                    }
                };
                match (ended, namespace) {
                    (Ok(()), None) => cover.whole(&resource),
                    (Ok(()), Some(namespace)) => cover.note(&resource, Some(&namespace)),
                    (Err(error), _) => {
                        self.diff.unknown.push(format!("{resource} cannot be compared: {error}"));
                    }
                }
            }
        }
        Ok(cover)
    }

    /// Takes in one object of the second side.
    async fn meet(&mut self, kind: &ResourceType, key: ObjectKey, bytes: Bytes) -> Result<()> {
        self.tell();
        if !takes(self.filter, kind, &bytes)? {
            return Ok(());
        }
        match self.hashes.remove(&key) {
            None if self.held.contains_key(&key) => {}
            None => {
                let covered = self.cover.covers(&key.resource, key.namespace.as_deref());
                if covered && takes(&self.asked, kind, &bytes)? {
                    self.diff.added.push(key);
                }
            }
            Some(before) if before == hash(&bytes) => self.diff.same += 1,
            Some(_) => {
                self.held_bytes += bytes.len();
                // A slice of a page would keep the whole page.
                self.held.insert(key, Bytes::copy_from_slice(&bytes));
                if self.held_bytes > HELD {
                    self.compare_held().await?;
                }
            }
        }
        Ok(())
    }

    /// Passes over the first side again, for the objects whose bytes differ.
    async fn compare_held(&mut self) -> Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let mut pass = self.before.pass(self.filter).await?;
        while let Some(Object { key, bytes, .. }) = pass.next().await? {
            let Some(after) = self.held.remove(&key) else { continue };
            let fields = diff(&key.resource, &bytes, &after, self.options)?;
            if fields.is_empty() {
                self.diff.same += 1;
            } else {
                self.diff.changed.push(Changed { object: key, fields });
            }
            if self.held.is_empty() {
                break;
            }
        }
        self.held.clear();
        self.held_bytes = 0;
        Ok(())
    }

    fn tell(&mut self) {
        self.seen += 1;
        if self.seen.is_multiple_of(TOLD) {
            self.events.event(Event::Progress {
                what: "objects compared".to_owned(),
                done: self.seen,
                total: None,
            });
        }
    }
}

fn takes(filter: &Filter, kind: &ResourceType, bytes: &[u8]) -> Result<bool> {
    if filter.resource(kind) != Choice::Take {
        return Ok(false);
    }
    Ok(filter.object(kind, &Meta::of_prefix(bytes)?, bytes) == Choice::Take)
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}
