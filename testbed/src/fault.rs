//! A proxy on loopback that goes wrong on request: before an API server, or before an S3 server over plain HTTP.
//!
//! Networks, load balancers and overloaded servers fail in ways the servers themselves cannot be brought to. The
//! requests that no [`Rule`] names pass through byte by byte, so that what is tested is still the real server.
//! It speaks HTTP/1.1 alone, and lets every client in: to the API server it is the administrator.

mod api;
mod gate;
mod hook;
mod rule;
mod serve;
mod wire;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;

pub use api::Api;
pub use gate::Gate;
pub use hook::Hook;
pub use rule::{Fault, Rule};

use crate::control_plane::ControlPlane;
use crate::nest::{Nest, write_private};
use crate::s3::S3;
use api::Target;
use rule::Armed;

/// A request that came by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its method.
    pub method: String,
    /// Its path and query, as sent.
    pub path: String,
    /// Whether a rule met it.
    pub met: bool,
}

/// A running proxy; dropping it closes its port. Connections that are open end with their clients.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    state: Arc<State>,
    listener: Option<JoinHandle<()>>,
    nest: Nest,
}

/// What connections share.
#[derive(Debug)]
struct State {
    target: Target,
    rules: Mutex<Vec<Armed>>,
    seen: Mutex<Vec<Seen>>,
    answered: AtomicU64,
    identity: AtomicBool,
    stopped: AtomicBool,
    stop: (Mutex<bool>, Condvar),
}

impl FaultProxy {
    /// Before an API server; see [`FaultProxy::kubeconfig`].
    ///
    /// # Errors
    /// If no port is to be had, or the administrator's certificate cannot be used.
    pub fn before_apiserver(site: &ControlPlane) -> Result<FaultProxy> {
        let proxy = FaultProxy::before(Target::apiserver(site)?)?;
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "faulty",
            "clusters": [{ "name": "faulty", "cluster": { "server": proxy.url() } }],
            "users": [{ "name": "anyone", "user": {} }],
            "contexts": [{ "name": "faulty", "context": { "cluster": "faulty", "user": "anyone" } }],
        });
        write_private(&proxy.kubeconfig(), &format!("{config:#}\n"))?;
        Ok(proxy)
    }

    /// Before an S3 server that speaks plain HTTP: its clients take [`FaultProxy::url`] for the endpoint.
    ///
    /// # Errors
    /// If no port is to be had, or the server speaks HTTPS.
    pub fn before_s3(s3: &S3) -> Result<FaultProxy> {
        FaultProxy::before(Target::plain(&s3.endpoint())?)
    }

    fn before(target: Target) -> Result<FaultProxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port for the proxy")?;
        let address = listener.local_addr().context("the proxy's port is unknown")?;
        let nest = Nest::new("fault")?;
        let state = Arc::new(State {
            target,
            rules: Mutex::default(),
            seen: Mutex::default(),
            answered: AtomicU64::new(0),
            identity: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            stop: (Mutex::new(false), Condvar::new()),
        });
        let shared = Arc::clone(&state);
        let listener = thread::Builder::new()
            .name("fault proxy".to_owned())
            .spawn(move || listen(&listener, &shared))
            .context("no thread for the proxy")?;
        Ok(FaultProxy { address, state, listener: Some(listener), nest })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig that leads through the proxy; only before an API server.
    pub fn kubeconfig(&self) -> PathBuf {
        self.nest.folder().join("kubeconfig")
    }

    /// A folder that goes with the proxy, for what tests write beside it.
    pub fn folder(&self) -> &Path {
        self.nest.folder()
    }

    /// Adds a rule. Of those that match a request, the first that was added decides.
    pub fn add(&self, rule: Rule) {
        lock(&self.state.rules).push(Armed::new(rule));
    }

    /// Takes all rules away: the proxy is as good as the server from now on.
    pub fn clear(&self) {
        lock(&self.state.rules).clear();
    }

    /// How many requests met a rule.
    pub fn met(&self) -> usize {
        lock(&self.state.seen).iter().filter(|seen| seen.met).count()
    }

    /// From now on the server is never asked to compress, whatever clients ask for.
    pub fn identity(&self) {
        self.state.identity.store(true, Ordering::SeqCst);
    }

    /// The bytes in the bodies of answers, as the server sent them, since the last call of this.
    pub fn take_answered(&self) -> u64 {
        self.state.answered.swap(0, Ordering::SeqCst)
    }

    /// Every request since the last call of this, in the order they came.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut lock(&self.state.seen))
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        *lock(&self.state.stop.0) = true;
        self.state.stop.1.notify_all();
        // Wakes the listener up. Where nobody listens any more it has ended already.
        drop(TcpStream::connect(self.address));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl State {
    /// Takes a request down and says what shall befall it.
    fn meet(&self, method: &str, path: &str) -> Option<Fault> {
        let fault = lock(&self.rules).iter_mut().find_map(|rule| rule.meet(method, path));
        let seen = Seen { method: method.to_owned(), path: path.to_owned(), met: fault.is_some() };
        lock(&self.seen).push(seen);
        fault
    }

    /// Lets `time` pass, or less if the proxy is dropped meanwhile: the pace of a slow network.
    fn pace(&self, time: Duration) {
        let (stop, changed) = &self.stop;
        let waited = changed.wait_timeout_while(lock(stop), time, |stopped| !*stopped);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

fn listen(listener: &TcpListener, state: &Arc<State>) {
    for client in listener.incoming() {
        if state.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else { continue };
        let state = Arc::clone(state);
        // Without a thread the client sees its connection closed, which is a fault too.
        let _ = thread::Builder::new()
            .name("fault proxy".to_owned())
            .spawn(move || serve::connection(&client, &state));
    }
}

/// A panic while one was held leaves a list, which is still one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
