//! The API itself: what each verb does to the store, without HTTP.
//!
//! Every call is one pass under one lock, its consequences (garbage, ended namespaces, kubelets) included: what a client
//! sees after a write is settled. It refuses to know sockets and bytes of requests beyond their bodies.

mod binding;
pub(crate) mod call;
mod collection;
pub(crate) mod convert;
mod create;
mod decode;
pub(crate) mod delete;
mod dispatch;
mod eviction;
pub(crate) mod filter;
mod impersonate;
mod kubelet;
pub(crate) mod list;
pub(crate) mod meta;
mod patch;
mod read;
mod review;
mod rights;
mod scale;
pub(crate) mod settle;
mod token;
mod update;
pub(crate) mod watch;
mod webhooks;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use daytwo_engine::Clock;
use ring::hmac;
use tokio::sync::watch as signal;

pub(crate) use delete::{Deleted, Deletion, FOREGROUND, ORPHAN, delete as delete_stored};
pub(crate) use meta as meta_of;

pub use call::{Call, Caller};
pub use impersonate::Wanted as Impersonated;
pub use list::Listed;
pub use watch::Watching;
pub use webhooks::PassedBy;

use crate::ask::{Around, Object};
use crate::chance::Chance;
use crate::kinds::{Kinds, Resource};
use crate::status::{Result, Subject};
use crate::store::{Store, Stored};

/// How a twin behaves.
#[derive(Clone)]
pub struct Settings {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Decides uids, generated names, allocated addresses.
    pub seed: u64,
    /// Whether writes are refused.
    pub read_only: bool,
    /// Whether pods on nodes are run, and ended when they are deleted, as kubelets would; and volumes and claims bound,
    /// released and let go, as the volume controllers and a storage driver would.
    pub kubelets: bool,
    /// What `/version` says, as `v1.36.3`.
    pub version: String,
}

impl Settings {
    /// As a fresh server of 1.36 behaves, whose clock is `clock`: seed 0, kubelets, writes allowed.
    pub fn new(clock: Arc<dyn Clock>) -> Settings {
        Settings { clock, seed: 0, read_only: false, kubelets: true, version: "v1.36.3".to_owned() }
    }
}

/// A Kubernetes API over a store.
pub struct Api {
    inner: RwLock<Inner>,
    /// The kinds of `inner`, for whoever only asks for them: writers are not waited for.
    kinds: RwLock<Arc<Kinds>>,
    /// Says the newest revision to whoever watches.
    moved: signal::Sender<u64>,
    settings: Settings,
    deep: AtomicBool,
    token_key: hmac::Key,
}

/// What the lock is over.
pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) kinds: Arc<Kinds>,
    pub(crate) chance: Chance,
    pub(crate) todo: settle::Todo,
    pub(crate) webhooks: webhooks::Webhooks,
}

/// What a call comes to.
#[derive(Debug)]
pub enum Outcome {
    /// The HTTP code, and an object.
    Object(u16, Object),
    /// The HTTP code, and an object as it is kept.
    Stored(u16, Arc<Resource>, Arc<Stored>),
    /// A list of them.
    List(Listed),
    /// A watch that goes on.
    Watch(Box<Watching>),
    /// An answer without a body.
    Nothing,
}

/// An outcome, and what the client is to be warned of.
#[derive(Debug)]
pub struct Said {
    /// What came of it.
    pub outcome: Result<Outcome>,
    /// One `Warning` header each.
    pub warnings: Vec<String>,
}

impl Api {
    /// An API over nothing, whose ServiceAccounts' tokens are signed with `token_key`. A secret, unlike the seed: whoever has
    /// it can be any ServiceAccount.
    pub fn new(settings: Settings, token_key: hmac::Key) -> Api {
        let kinds = Arc::new(Kinds::built_in());
        let inner = Inner {
            store: Store::default(),
            kinds: Arc::clone(&kinds),
            chance: Chance::new(settings.seed),
            todo: settle::Todo::default(),
            webhooks: webhooks::Webhooks::default(),
        };
        Api {
            inner: RwLock::new(inner),
            kinds: RwLock::new(kinds),
            moved: signal::Sender::new(0),
            settings,
            deep: AtomicBool::new(false),
            token_key,
        }
    }

    /// What tokens of ServiceAccounts are signed with.
    pub(crate) fn token_key(&self) -> &hmac::Key {
        &self.token_key
    }

    /// How it behaves.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether a body nested too deeply for a thread's stack was kept.
    pub(crate) fn is_deep(&self) -> bool {
        self.deep.load(Ordering::Relaxed)
    }

    /// A body nested too deeply for a thread's stack is about to be kept.
    pub(crate) fn went_deep(&self) {
        self.deep.store(true, Ordering::Relaxed);
    }

    /// The kinds that are served now.
    pub fn kinds(&self) -> Arc<Kinds> {
        Arc::clone(&self.kinds.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The revision of the last write.
    pub fn revision(&self) -> u64 {
        self.read().store.revision()
    }

    /// Forgets what was before `revision`, as etcd's compaction does: older lists and watches get 410.
    pub fn compact(&self, revision: u64) {
        self.lock().store.compact(revision);
    }

    /// The webhooks that a real server would have asked about the writes so far, and how often.
    pub fn passed_by(&self) -> Vec<(PassedBy, u64)> {
        self.read().webhooks.passed().iter().map(|(webhook, times)| (webhook.clone(), *times)).collect()
    }

    /// Tells of new revisions.
    pub(crate) fn moves(&self) -> signal::Receiver<u64> {
        self.moved.subscribe()
    }

    /// A panic under the lock leaves a store that was changed in whole steps only.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what a call asks.
    pub fn call(&self, call: &Call, body: &[u8]) -> Said {
        let mut warnings = Vec::new();
        let outcome = self.dispatch(call, body, &mut warnings);
        Said { outcome, warnings }
    }

    /// Who bears a token of a ServiceAccount; `None` if it is not good, or not for the API server.
    pub fn bearer(&self, token: &str) -> Option<Caller> {
        token::bearer(self, token)
    }

    /// Refuses a request that its caller may not make.
    ///
    /// # Errors
    /// 403.
    pub fn authorize(&self, caller: &Caller, method: &str, path: &str, query: &str) -> Result<()> {
        match caller.is_master() {
            true => Ok(()),
            false => rights::check(&self.read(), caller, &rights::Wish::of(method, path, query)),
        }
    }

    /// Lets requests know what is served now.
    pub(crate) fn serves(&self, inner: &Inner) {
        if !Arc::ptr_eq(&self.kinds(), &inner.kinds) {
            *self.kinds.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&inner.kinds);
        }
    }

    /// Does a write under the lock, then what follows from it, and tells the watches.
    pub(crate) fn write<T>(&self, act: impl FnOnce(&mut Inner) -> Result<T>) -> Result<T> {
        let mut inner = self.lock();
        let before = inner.store.revision();
        let result = act(&mut inner);
        settle::settle(&mut inner, &self.settings);
        let revision = inner.store.revision();
        self.serves(&inner);
        drop(inner);
        if revision != before {
            self.moved.send_replace(revision);
        }
        result
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Api").field("revision", &self.revision()).finish_non_exhaustive()
    }
}

/// How errors name a resource.
pub(crate) fn subject(resource: &Resource) -> Subject<'_> {
    Subject { group: &resource.kind.group, kind: &resource.kind.resource }
}

/// The store as rules see it.
pub(crate) struct View<'a> {
    pub(crate) store: &'a Store,
    pub(crate) kinds: &'a Kinds,
}

impl Around for View<'_> {
    fn get(&self, group: &str, resource: &str, namespace: Option<&str>, name: &str) -> Option<Arc<Object>> {
        let table = self.kinds.table_of(group, resource)?;
        self.store.get(table, &crate::store::key(namespace, name)).map(|stored| Arc::new(stored.object()))
    }

    fn list(&self, group: &str, resource: &str, namespace: Option<&str>) -> Vec<Arc<Object>> {
        let Some(table) = self.kinds.table_of(group, resource) else { return Vec::new() };
        self.store.range(table, namespace, None).map(|stored| Arc::new(stored.object())).collect()
    }

    fn text(
        &self,
        (group, resource): (&str, &str),
        namespace: Option<&str>,
        name: &str,
        path: &[&str],
    ) -> Option<String> {
        let table = self.kinds.table_of(group, resource)?;
        let stored = self.store.get(table, &crate::store::key(namespace, name))?;
        Some(stored.text_at(path).unwrap_or_default())
    }
}
