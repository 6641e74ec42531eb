//! The cluster that work happens on: a client, and who it is.
//!
//! [`Site::connect`] takes any kubeconfig (client certificates, tokens, exec plugins, OIDC), or the
//! ServiceAccount of the pod it runs in. A [`Site`] can also be made of any tower service through
//! [`Site::new`], which is how a twin stands in for a cluster.

use std::path::PathBuf;
use std::time::Duration;

use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde::{Deserialize, Serialize};

use crate::api::{self, ApiError, causes};
use crate::connect;

/// How long one connection attempt may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Which cluster to reach, and how.
#[derive(Debug, Clone, Default)]
pub struct ClusterOptions {
    /// A kubeconfig file; `None` means `$KUBECONFIG`, `~/.kube/config`, then the pod's ServiceAccount.
    pub kubeconfig: Option<PathBuf>,
    /// The context to use; `None` means the file's current context.
    pub context: Option<String>,
    /// Ask the API server for gzip: for slow links (it costs the server about a third more CPU for lists).
    pub compress: bool,
}

/// Why a cluster could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig, or the context in it, cannot be used.
    #[error(
        "cannot use the kubeconfig{}: {reason}; name one with --kubeconfig, or a context of it with --context",
        path.as_ref().map(|path| format!(" {}", path.display())).unwrap_or_default()
    )]
    Invalid {
        /// The file, where one was named.
        path: Option<PathBuf>,
        /// What is wrong with it.
        reason: String,
    },
    /// The API server did not answer as one.
    #[error("cannot reach the cluster of context {context}")]
    Unreachable {
        /// The context used.
        context: String,
        /// What the request met.
        source: ApiError,
    },
}

/// Who a cluster is: what plans and backups name it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The kubeconfig context, or `in-cluster`.
    pub context: String,
    /// The API server's URL.
    pub server: String,
    /// The server's version, such as `v1.36.3`.
    pub version: String,
    /// The major version as the server gives it.
    pub major: String,
    /// The minor version as the server gives it; some vendors add a `+`.
    pub minor: String,
    /// The UID of the namespace kube-system, which identifies a cluster; `None` where it may not be read.
    pub uid: Option<String>,
}

impl Identity {
    /// The minor version as a number; 0 where the server gives none.
    pub fn minor_number(&self) -> u32 {
        let digits: String = self.minor.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(0)
    }
}

/// A cluster: its client and its identity.
#[derive(Clone)]
pub struct Site {
    client: Client,
    identity: Identity,
}

impl Site {
    /// Connects to the cluster that `options` name and asks it who it is.
    ///
    /// # Errors
    /// [`ConnectError::Invalid`] where there is no usable kubeconfig, [`ConnectError::Unreachable`] where the
    /// server does not answer `/version`.
    pub async fn connect(options: &ClusterOptions) -> Result<Self, ConnectError> {
        let (config, context) = load(options).await?;
        let server = config.cluster_url.to_string();
        let invalid = |reason: String| ConnectError::Invalid { path: options.kubeconfig.clone(), reason };
        let client = connect::client(config).map_err(|error| invalid(causes(&error)))?;
        Self::new(client, context, server).await
    }

    /// Makes a site of a client. `context` and `server` are what people will see it called.
    ///
    /// # Errors
    /// [`ConnectError::Unreachable`] where `/version` is not answered.
    pub async fn new(client: Client, context: String, server: String) -> Result<Self, ConnectError> {
        let unreachable = |source| ConnectError::Unreachable { context: context.clone(), source };
        let (version, namespace) = futures::join!(
            api::get_json::<Version>(&client, "/version"),
            api::get_json::<Named>(&client, "/api/v1/namespaces/kube-system"),
        );
        let version = version.map_err(unreachable)?;
        let uid = match namespace {
            Ok(namespace) => namespace.metadata.uid,
            Err(error) if error.is_unavailable() => return Err(unreachable(error)),
            Err(_) => None,
        };
        let identity = Identity {
            context,
            server,
            version: version.git_version,
            major: version.major,
            minor: version.minor,
            uid,
        };
        Ok(Self { client, identity })
    }

    /// The client, authenticated.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Who the cluster is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    git_version: String,
    #[serde(default)]
    major: String,
    #[serde(default)]
    minor: String,
}

#[derive(Deserialize)]
struct Named {
    metadata: NamedMeta,
}

#[derive(Deserialize)]
struct NamedMeta {
    uid: Option<String>,
}

async fn load(options: &ClusterOptions) -> Result<(Config, String), ConnectError> {
    let invalid = |reason: String| ConnectError::Invalid { path: options.kubeconfig.clone(), reason };
    let wanted = KubeConfigOptions { context: options.context.clone(), ..KubeConfigOptions::default() };
    let read = match &options.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let (mut config, context) = match read {
        Ok(kubeconfig) => {
            let context = options.context.clone().or_else(|| kubeconfig.current_context.clone());
            let config = Config::from_custom_kubeconfig(kubeconfig, &wanted)
                .await
                .map_err(|error| invalid(causes(&error)))?;
            (config, context.unwrap_or_else(|| "default".to_owned()))
        }
        Err(error) => {
            if options.kubeconfig.is_some() || options.context.is_some() {
                return Err(invalid(causes(&error)));
            }
            let config = Config::incluster().map_err(|_| invalid(causes(&error)))?;
            (config, "in-cluster".to_owned())
        }
    };
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.disable_compression = !options.compress;
    config.default_retry = false;
    Ok((config, context))
}
