//! What the cluster holds of the kinds a restore is about: for each object a digest of what it is compared by.
//!
//! It remembers 40 bytes for an object, whatever its size. It refuses to leave the process: digests of Secrets would
//! let weak ones be guessed, so nothing here is ever written down.

use std::collections::{BTreeSet, HashMap, HashSet};

use daytwo_core::json::{JsonError, Meta};
use daytwo_core::resource::{ObjectKey, ResourceType};
use daytwo_core::restore::{
    FINISHED_MARK, PARKED_MARK, RECLAIM_MARK, Rules, Source, UNFINISHED_MARK, Unfit, is_webhooks,
};
use futures::stream::{self, StreamExt, TryStreamExt};
use kube::Client;
use memchr::memmem;
use sha2::{Digest, Sha256};

use super::lists;
use crate::api::ApiError;
use crate::discovery;

/// Lists read at the same time.
const LISTS: usize = 4;

/// Half a SHA-256: enough to tell two objects apart, and two names.
type Half = [u8; 16];

/// What was seen of one object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    content: Half,
    /// Whether a restore that was cut off made it, and did not come to its last write: a Job without its status, a
    /// PersistentVolume without its reclaim policy, parked webhooks, an object without its owners.
    pub half_done: bool,
    /// Whether its content is held back until then: a Job is suspended, a volume retained, a webhook parked.
    held_back: bool,
    /// Whether it has owners.
    pub owned: bool,
}

impl std::fmt::Debug for Seen {
    /// Without the digest: it may be of a Secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seen(half done: {})", self.half_done)
    }
}

/// Where it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Where there was something when the run was planned: what it made since is empty.
    Before,
    /// Everywhere, also in what the run made.
    Everywhere,
}

/// What was seen of the kinds and namespaces asked for.
#[derive(Debug, Default)]
pub struct Live {
    objects: HashMap<Half, Seen>,
    /// Resources of which nothing is known, and why.
    pub unseen: Vec<(String, ApiError)>,
}

impl Live {
    /// Lists `resources`, in the namespaces that the backup's objects go to.
    ///
    /// # Errors
    /// An [`ApiError`] where the server does not answer; what may not be read is [`Live::unseen`].
    pub async fn see(
        client: &Client,
        rules: &Rules,
        resources: &[ResourceType],
        look: Look,
    ) -> Result<Self, ApiError> {
        let seen: Vec<Live> = stream::iter(resources)
            .map(|kind| see_kind(client, rules, kind, look))
            .buffer_unordered(LISTS)
            .try_collect()
            .await?;
        let mut all = Live::default();
        for live in seen {
            all.objects.extend(live.objects);
            all.unseen.extend(live.unseen);
        }
        Ok(all)
    }

    /// Whether anything is as `what` asks.
    pub fn any(&self, what: impl Fn(&Seen) -> bool) -> bool {
        self.objects.values().any(what)
    }

    /// What was seen of the object that `source` would be in the cluster.
    pub fn get(&self, rules: &Rules, source: &Source<'_>) -> Option<Seen> {
        let key = rules.key(source);
        self.objects.get(&name(&key.resource, key.namespace.as_deref(), &key.name)).copied()
    }
}

impl Seen {
    /// What is seen of `object`, one of `resource` in the cluster.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn of(
        rules: &Rules,
        resource: &str,
        namespace: Option<&str>,
        name: &str,
        object: &[u8],
    ) -> Result<Self, JsonError> {
        let mut digest = Sha256::new();
        rules.live_content(resource, namespace, name, object, &mut |part| digest.update(part))?;
        let holds = |text: &str| memmem::find(object, text.as_bytes()).is_some();
        // Data may speak of a mark; an annotation is one.
        let marked =
            |mark: &str| Ok::<_, JsonError>(holds(mark) && Meta::of(object)?.annotation(mark)?.is_some());
        let held_back = match resource {
            "jobs.batch" => marked(FINISHED_MARK)?,
            "persistentvolumes" => marked(RECLAIM_MARK)?,
            _ if is_webhooks(resource) => marked(PARKED_MARK)?,
            _ => false,
        };
        let half_done = held_back || marked(UNFINISHED_MARK)?;
        // Inside an annotation its quotes would be escaped.
        let owned = holds(r#""ownerReferences""#);
        Ok(Self { content: half(digest), half_done, held_back, owned })
    }

    /// Whether a restore of `source` has its last write to do: it is half done, and what is there is what `source` would
    /// be, as far as that can be compared before.
    ///
    /// # Errors
    /// As of [`Seen::is`].
    pub fn finishes(&self, rules: &Rules, source: &Source<'_>) -> Result<bool, Unfit> {
        Ok(self.half_done && (self.held_back || self.is(rules, source)?))
    }

    /// Whether it is what `source` would be if it were restored.
    ///
    /// # Errors
    /// The source is not JSON, or cannot be changed as asked.
    pub fn is(&self, rules: &Rules, source: &Source<'_>) -> Result<bool, Unfit> {
        let mut digest = Sha256::new();
        rules.content(source, &mut |part| digest.update(part))?;
        Ok(half(digest) == self.content)
    }
}

/// Names of objects, as digests.
#[derive(Debug, Default)]
pub struct Names(HashSet<Half>);

impl Names {
    /// Takes one in.
    pub fn insert(&mut self, object: &ObjectKey) {
        self.0.insert(name(&object.resource, object.namespace.as_deref(), &object.name));
    }

    /// Whether it was taken in.
    pub fn contains(&self, object: &ObjectKey) -> bool {
        self.0.contains(&name(&object.resource, object.namespace.as_deref(), &object.name))
    }
}

async fn see_kind(client: &Client, rules: &Rules, kind: &ResourceType, look: Look) -> Result<Live, ApiError> {
    let mut live = Live::default();
    let resource = kind.group_resource();
    let before = look == Look::Before;
    if before && !rules.target().serves(&resource, &kind.version) {
        return Ok(live);
    }
    let mapping = &rules.request().namespace_mapping;
    let within: BTreeSet<&str> = rules
        .census()
        .namespaces_of(&resource)
        .map(|namespace| mapping.map(namespace))
        .filter(|namespace| !before || rules.target().namespaces.contains_key(*namespace))
        .collect();
    if kind.namespaced && within.is_empty() {
        return Ok(live);
    }
    let all = discovery::path(kind, &kind.version, None);
    let one_by_one = within.iter().map(|namespace| discovery::path(kind, &kind.version, Some(namespace)));
    let mut paths = match kind.namespaced && within.len() <= lists::ONE_BY_ONE {
        true => one_by_one.collect::<Vec<_>>(),
        false => vec![all.clone()],
    };
    while let Some(path) = paths.pop() {
        match see_list(client, rules, &resource, &path, &within, &mut live).await {
            Ok(()) => {}
            Err(error) if error.is_denied() && path == all && kind.namespaced => {
                paths = within.iter().map(|at| discovery::path(kind, &kind.version, Some(at))).collect();
            }
            Err(error) if error.is_unavailable() => return Err(error),
            Err(error) => live.unseen.push((resource.clone(), error)),
        }
    }
    Ok(live)
}

async fn see_list(
    client: &Client,
    rules: &Rules,
    resource: &str,
    path: &str,
    within: &BTreeSet<&str>,
    live: &mut Live,
) -> Result<(), ApiError> {
    lists::each(client, path, "application/json", |object| {
        let meta = Meta::of_prefix(object)?;
        let namespace = meta.namespace.as_deref();
        if namespace.is_none_or(|namespace| within.contains(namespace)) {
            let seen = Seen::of(rules, resource, namespace, &meta.name, object)?;
            live.objects.insert(name(resource, namespace, &meta.name), seen);
        }
        Ok(())
    })
    .await
}

fn name(resource: &str, namespace: Option<&str>, name: &str) -> Half {
    let mut digest = Sha256::new();
    for part in [resource, namespace.unwrap_or_default(), name] {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    half(digest)
}

fn half(digest: Sha256) -> Half {
    let whole = digest.finalize();
    let mut half = Half::default();
    half.copy_from_slice(&whole[..16]);
    half
}
