//! What a control plane is made of, chosen before it is started.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::ControlPlane;
use crate::build::build;
use crate::family::Family;
use crate::{port, say};

/// How often a start is tried where another program takes a port first.
const ATTEMPTS: u32 = 5;

/// Chooses what [`Builder::start`] starts.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    pub(super) controller_manager: bool,
    pub(super) controllers: Vec<String>,
    pub(super) tokens: Vec<String>,
    pub(super) scheduler: bool,
    pub(super) nodes: u32,
    pub(super) apiserver_args: Vec<String>,
    pub(super) etcd_args: Vec<String>,
    pub(super) datastore: Option<String>,
    pub(super) on_second_etcd: Vec<String>,
    pub(super) encryption: Option<String>,
    pub(super) folder: Option<PathBuf>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            controller_manager: true,
            controllers: Vec::new(),
            tokens: Vec::new(),
            scheduler: false,
            nodes: 0,
            apiserver_args: Vec::new(),
            etcd_args: Vec::new(),
            datastore: None,
            on_second_etcd: Vec::new(),
            encryption: None,
            folder: None,
        }
    }
}

impl Builder {
    /// Whether garbage is collected, namespaces are ended, Deployments get ReplicaSets. Default: yes.
    pub fn controller_manager(mut self, on: bool) -> Self {
        self.controller_manager = on;
        self
    }

    /// Which controllers the controller manager runs, such as `garbage-collector-controller`. Default: those it runs by
    /// itself.
    pub fn controllers(mut self, names: &[&str]) -> Self {
        self.controllers = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// A bearer token and whom it names, who has no uid.
    pub fn token(mut self, token: &str, user: &str, groups: &[&str]) -> Self {
        self.tokens.push(format!("{token},{user},,\"{}\"", groups.join(",")));
        self
    }

    /// Whether pods are given to nodes. Default: no.
    pub fn scheduler(mut self, on: bool) -> Self {
        self.scheduler = on;
        self
    }

    /// How many nodes there are, `node-0` and on: kwok plays their kubelets, so that pods on them become ready and
    /// run nothing. Each has 4 CPUs and 8 GiB. Default: none.
    pub fn nodes(mut self, count: u32) -> Self {
        self.nodes = count;
        self
    }

    /// A further flag of kube-apiserver, such as `--max-requests-inflight=10`; it wins over ours.
    pub fn apiserver_arg(mut self, arg: impl Into<String>) -> Self {
        self.apiserver_args.push(arg.into());
        self
    }

    /// A further flag of the (first) etcd, such as `--auto-compaction-retention=1`.
    pub fn etcd_arg(mut self, arg: impl Into<String>) -> Self {
        self.etcd_args.push(arg.into());
        self
    }

    /// Uses what listens at this address, such as [`Kine::endpoint`](crate::Kine::endpoint), and starts no etcd of its
    /// own. Several, of one cluster, are separated by commas.
    pub fn datastore(mut self, endpoint: impl Into<String>) -> Self {
        self.datastore = Some(endpoint.into());
        self
    }

    /// Keeps a resource, as `/events` or `apps/deployments`, in a second etcd.
    pub fn second_etcd_for(mut self, group_and_resource: impl Into<String>) -> Self {
        self.on_second_etcd.push(group_and_resource.into());
        self
    }

    /// How often the API server compacts etcd, five minutes by default; zero for never. What is older than
    /// one to two intervals can no longer be listed.
    pub fn compaction_interval(self, interval: Duration) -> Self {
        self.apiserver_arg(format!("--etcd-compaction-interval={}ms", interval.as_millis()))
    }

    /// Whether Secrets and ConfigMaps are encrypted in etcd, with aescbc. Default: no.
    pub fn encryption_at_rest(mut self, on: bool) -> Self {
        self.encryption = on.then(|| "aescbc".to_owned());
        self
    }

    /// Encrypts Secrets and ConfigMaps in etcd by this provider: `aescbc`, `aesgcm` or `secretbox`.
    pub fn encryption_provider(mut self, provider: impl Into<String>) -> Self {
        self.encryption = Some(provider.into());
        self
    }

    /// Where it keeps its files; the folder must not exist. Default: a temporary one.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Whether something makes the ServiceAccount `default` of each namespace.
    pub(super) fn makes_accounts(&self) -> bool {
        let chosen = self.controllers.iter().any(|name| name == "*" || name == "serviceaccount-controller");
        self.controller_manager && (self.controllers.is_empty() || chosen)
    }

    /// Starts it, and returns once it is ready.
    ///
    /// # Errors
    /// If the parts cannot be built, or are not ready within two minutes: with the end of their logs.
    pub fn start(&self) -> Result<ControlPlane> {
        let mut families = vec![Family::Etcd, Family::Kube];
        if self.nodes > 0 {
            families.push(Family::Kwok);
        }
        let parts = build(&families)?;
        let mut attempt = 1;
        loop {
            match ControlPlane::launch(self, &parts) {
                Err(error) if attempt < ATTEMPTS && port::taken(&error) => {
                    say("a port was taken meanwhile; starting again with others");
                    attempt += 1;
                }
                result => return result,
            }
        }
    }
}
