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

use crate::ask::{Around, Object};
use crate::chance::Chance;
use crate::kinds::{Kinds, Origin, Resource};
use crate::status::{Result, Status, Subject};
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
    pub(crate) inner: RwLock<Inner>,
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
}

/// What a call comes to.
#[derive(Debug)]
pub enum Outcome {
    /// An object, and the HTTP code.
    Object(u16, Object),
    /// An object as it is kept.
    Stored(Arc<Resource>, Arc<Stored>),
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
        let inner = Inner {
            store: Store::default(),
            kinds: Arc::new(Kinds::built_in()),
            chance: Chance::new(settings.seed),
            todo: settle::Todo::default(),
        };
        Api {
            inner: RwLock::new(inner),
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
        Arc::clone(&self.read().kinds)
    }

    /// The revision of the last write.
    pub fn revision(&self) -> u64 {
        self.read().store.revision()
    }

    /// Forgets what was before `revision`, as etcd's compaction does: older lists and watches get 410.
    pub fn compact(&self, revision: u64) {
        self.lock().store.compact(revision);
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

    fn dispatch(&self, call: &Call, body: &[u8], warnings: &mut Vec<String>) -> Result<Outcome> {
        let kinds = self.kinds();
        let target = &call.target;
        let resource =
            kinds.find(&target.group, &target.version, &target.resource).ok_or_else(Status::no_such_path)?;
        if call.method == "GET" && call.flag("export") {
            return Err(Status::bad_request(
                "the export parameter, deprecated since v1.14, is no longer supported",
            ));
        }
        if target.name.is_none() && target.namespace.is_some() && !resource.kind.namespaced {
            return Err(Status::no_such_path());
        }
        if resource.kind.namespaced && target.namespace.is_none() && target.name.is_some() {
            return Err(Status::no_such_path());
        }
        // Over all namespaces only lists and watches go.
        if resource.kind.namespaced
            && target.namespace.is_none()
            && (call.method != "GET" || !resource.does("list"))
        {
            let listed = resource.does("list") && matches!(resource.origin, Origin::BuiltIn);
            return Err(if listed { Status::not_allowed() } else { Status::no_such_path() });
        }
        if let Some(definition) = resource.definition() {
            let version = definition.version(&resource.kind.version);
            warnings.extend(version.and_then(|version| version.deprecation.clone()));
        }
        // The query of a delete with a body says nothing, so that it may be no dry run whatever it says.
        let dry_run = call.dry_run && (call.method != "DELETE" || body.is_empty());
        if call.writes() && self.settings.read_only && !dry_run && !review::is_review(resource) {
            return Err(Status::forbidden(
                subject(resource),
                target.name.as_deref().unwrap_or_default(),
                "this twin was opened read-only",
            ));
        }
        match &target.subresource {
            Some(sub) => self.subresource(call, resource, sub, body, warnings),
            None => self.whole(call, resource, body, warnings),
        }
    }

    fn whole(
        &self,
        call: &Call,
        resource: &Arc<Resource>,
        body: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Outcome> {
        let named = call.target.name.is_some();
        let verb = match (&*call.method, named) {
            ("GET", _) if call.target.watch => "watch",
            // A watch of one object is a get: only lists are watched.
            ("GET", true) => "get",
            ("GET", false) if call.flag("watch") => "watch",
            ("GET", false) => "list",
            ("POST", false) => "create",
            ("PUT", true) => "update",
            ("PATCH", true) => "patch",
            ("DELETE", true) => "delete",
            ("DELETE", false) => "deletecollection",
            _ => "",
        };
        if verb.is_empty() || !resource.does(verb) {
            return Err(Status::not_allowed());
        }
        warnings.extend(deprecation(resource).map(str::to_owned));
        match verb {
            "get" => self.get(call, resource),
            "list" => self.list(call, resource).map(Outcome::List),
            "watch" => self.watch(call, resource).map(|watching| Outcome::Watch(Box::new(watching))),
            "create" if resource.kind.is("", "bindings") => {
                self.bind(call, &kinds_pods(&self.kinds())?, body, warnings)
            }
            "create" if review::is_review(resource) => review::create(self, call, resource, body, warnings),
            "create" => self.create(call, resource, body, warnings),
            "update" => self.update(call, resource, None, body, warnings),
            "patch" => self.patch(call, resource, None, body, warnings),
            "delete" => self.delete(call, resource, body, warnings),
            _ => self.delete_collection(call, resource, body, warnings),
        }
    }

    fn subresource(
        &self,
        call: &Call,
        resource: &Arc<Resource>,
        name: &str,
        body: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Outcome> {
        let sub = resource.subresource(name).ok_or_else(|| match &resource.origin {
            Origin::Custom(_) => {
                Status::not_found(subject(resource), call.target.name.as_deref().unwrap_or_default())
            }
            _ => Status::no_such_path(),
        })?;
        let verb = match &*call.method {
            "GET" => "get",
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" => "delete",
            _ => "",
        };
        if !sub.verbs.iter().any(|one| one == verb) {
            return Err(Status::not_allowed());
        }
        match (name, verb) {
            ("scale", _) => self.scale(call, resource, body, warnings),
            ("eviction", _) => self.evict(call, resource, body, warnings),
            ("binding", _) => self.bind(call, resource, body, warnings),
            ("token", _) => self.token(call, resource, body, warnings),
            ("log" | "exec" | "attach" | "portforward" | "proxy", _) => self.kubelet(call, resource, name),
            (_, "get") => self.get(call, resource),
            (_, "update") => self.update(call, resource, Some(name), body, warnings),
            (_, "patch") => self.patch(call, resource, Some(name), body, warnings),
            _ => Err(Status::not_allowed()),
        }
    }

    /// Does a write under the lock, then what follows from it, and tells the watches.
    pub(crate) fn write<T>(&self, act: impl FnOnce(&mut Inner) -> Result<T>) -> Result<T> {
        let mut inner = self.lock();
        let before = inner.store.revision();
        let result = act(&mut inner);
        settle::settle(&mut inner, &self.settings);
        let revision = inner.store.revision();
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

/// What a binding binds.
fn kinds_pods(kinds: &Kinds) -> Result<Arc<Resource>> {
    kinds.find("", "v1", "pods").cloned().ok_or_else(Status::no_such_path)
}

/// What a client of a deprecated kind is told (`k8s.io/api/core/v1/zz_generated.prerelease-lifecycle.go`, v0.36: of what
/// is served by default, nothing else is deprecated).
fn deprecation(resource: &Resource) -> Option<&'static str> {
    match (&*resource.kind.group, &*resource.kind.resource) {
        ("", "componentstatuses") => Some("v1 ComponentStatus is deprecated in v1.19+"),
        ("", "endpoints") => {
            Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
        }
        _ => None,
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
}
