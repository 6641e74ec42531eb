//! A Kubernetes control plane on loopback: etcd, kube-apiserver, and if asked for the controller manager
//! and the scheduler, with TLS, RBAC and client certificates of an authority of its own.

mod builder;
mod start;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};

pub use builder::Builder;

use crate::build::Parts;
use crate::certs::{Ca, PairFiles};
use crate::family::Family;
use crate::kubeconfig::{Identity, kubeconfig};
use crate::nest::{Nest, write_private};
use crate::{proc, program};

const APISERVER: &str = "kube-apiserver";

/// A running control plane; dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct ControlPlane {
    parts: Parts,
    folder: PathBuf,
    ca: Ca,
    url: String,
    kubeconfig: PathBuf,
    admin: PairFiles,
    etcd: String,
    second_etcd: Option<String>,
    encryption_config: Option<PathBuf>,
    /// What the API server is started with, and started again.
    apiserver_args: Vec<String>,
    nest: Mutex<Nest>,
}

impl ControlPlane {
    /// With the controller manager, without the scheduler. Takes 3 s, 8 s until the default
    /// ServiceAccount is there, for which it waits.
    ///
    /// # Errors
    /// If the parts cannot be built, or are not ready within two minutes: with the end of their logs.
    pub fn start() -> Result<ControlPlane> {
        ControlPlane::builder().start()
    }

    /// To choose what runs, and how.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A kubeconfig of mode 0600 for an administrator, which holds all it needs.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The API server, as `https://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate of the authority that signs for servers and users.
    pub fn ca_pem(&self) -> &str {
        self.ca.pem()
    }

    /// The file of [`ControlPlane::ca_pem`].
    pub fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// The administrator's certificate, PEM. Its group is `system:masters`.
    pub fn admin_cert(&self) -> &Path {
        &self.admin.cert
    }

    /// The administrator's key, PEM.
    pub fn admin_key(&self) -> &Path {
        &self.admin.key
    }

    /// Its folder, which goes when it is dropped. Logs are there as `<program>.log`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A client certificate for `user` in at most two `groups`, in a kubeconfig of its own.
    ///
    /// # Errors
    /// If it cannot be signed or written.
    pub fn kubeconfig_for_user(&self, user: &str, groups: &[&str]) -> Result<PathBuf> {
        let pair = self.ca.client(user, groups)?;
        self.write_kubeconfig(user, &Identity::Certificate(&pair))
    }

    /// A kubeconfig with a token of this ServiceAccount, good for an hour. The ServiceAccount must exist.
    ///
    /// # Errors
    /// If no token is given or the file cannot be written.
    pub fn token_kubeconfig(&self, namespace: &str, service_account: &str) -> Result<PathBuf> {
        let token = self.kubectl(&["create", "token", service_account, "--namespace", namespace])?;
        self.write_kubeconfig(&format!("{namespace}-{service_account}"), &Identity::Token(token.trim()))
    }

    fn write_kubeconfig(&self, user: &str, identity: &Identity<'_>) -> Result<PathBuf> {
        let folder = self.folder.join("users");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join(format!("{}.kubeconfig", user.replace(['/', ':'], "-")));
        write_private(&path, &kubeconfig(&self.url, self.ca.pem(), user, identity))?;
        Ok(path)
    }

    /// Runs kubectl as administrator and returns its stdout.
    ///
    /// # Errors
    /// If it fails: with its stderr.
    pub fn kubectl(&self, args: &[&str]) -> Result<String> {
        program::output(self.kubectl_command(&self.kubeconfig)?.args(args), None)
    }

    /// Runs kubectl as administrator with `input` on stdin, as for `apply --filename=-`.
    ///
    /// # Errors
    /// If it fails: with its stderr.
    pub fn kubectl_stdin(&self, args: &[&str], input: &str) -> Result<String> {
        program::output(self.kubectl_command(&self.kubeconfig)?.args(args), Some(input.as_bytes()))
    }

    /// Runs kubectl with another kubeconfig, such as one of [`ControlPlane::kubeconfig_for_user`].
    ///
    /// # Errors
    /// If it fails: with its stderr.
    pub fn kubectl_as(&self, kubeconfig: &Path, args: &[&str]) -> Result<String> {
        program::output(self.kubectl_command(kubeconfig)?.args(args), None)
    }

    fn kubectl_command(&self, kubeconfig: &Path) -> Result<Command> {
        let mut command = program::bounded(&self.parts.program(Family::Kube, "kubectl")?);
        // Its caches and settings are kept below HOME.
        command.env("KUBECONFIG", kubeconfig).env("HOME", &self.folder);
        Ok(command)
    }

    /// The path of the kubectl it was built with.
    ///
    /// # Errors
    /// Never, as it was built.
    pub fn kubectl_path(&self) -> Result<PathBuf> {
        self.parts.program(Family::Kube, "kubectl")
    }

    /// etcd's client address, plain HTTP on loopback; or what [`Builder::datastore`] was given.
    pub fn etcd_endpoint(&self) -> &str {
        &self.etcd
    }

    /// The address of the etcd that holds what [`Builder::second_etcd_for`] named.
    pub fn second_etcd_endpoint(&self) -> Option<&str> {
        self.second_etcd.as_deref()
    }

    /// etcd's data directory, in use. Not there with [`Builder::datastore`].
    pub fn etcd_data_dir(&self) -> PathBuf {
        self.folder.join("etcd")
    }

    /// The EncryptionConfiguration with the keys, if encryption at rest is on.
    pub fn encryption_config(&self) -> Option<&Path> {
        self.encryption_config.as_deref()
    }

    /// Runs etcdctl against [`ControlPlane::etcd_endpoint`].
    ///
    /// # Errors
    /// If it fails: with its stderr.
    pub fn etcdctl(&self, args: &[&str]) -> Result<String> {
        self.etcdctl_at(&self.etcd, args)
    }

    /// Runs etcdctl against another endpoint, such as [`ControlPlane::second_etcd_endpoint`].
    ///
    /// # Errors
    /// If it fails: with its stderr.
    pub fn etcdctl_at(&self, endpoint: &str, args: &[&str]) -> Result<String> {
        let mut command = program::bounded(&self.parts.program(Family::Etcd, "etcdctl")?);
        program::output(command.env("ETCDCTL_ENDPOINTS", endpoint).args(args), None)
    }

    /// Runs etcdutl, which works on files.
    ///
    /// # Errors
    /// If it fails: with its stderr.
    pub fn etcdutl(&self, args: &[&str]) -> Result<String> {
        program::output(program::bounded(&self.parts.program(Family::Etcd, "etcdutl")?).args(args), None)
    }

    /// The process of the API server.
    ///
    /// # Errors
    /// If it does not run.
    pub fn apiserver_pid(&self) -> Result<u32> {
        self.nest().pid(APISERVER)
    }

    /// The CPU time the API server has spent since it was started, in seconds.
    ///
    /// # Errors
    /// If it does not run.
    pub fn apiserver_cpu_seconds(&self) -> Result<f64> {
        proc::cpu_seconds(self.apiserver_pid()?)
    }

    /// Kills the API server, as a crash would, and starts it again at the same address. Returns once it is
    /// ready; what watches it must connect again.
    ///
    /// # Errors
    /// If it is not ready within two minutes.
    pub fn restart_apiserver(&self) -> Result<()> {
        self.stop_apiserver()?;
        self.start_apiserver()
    }

    /// Kills the API server, as a crash would.
    ///
    /// # Errors
    /// If it does not run.
    pub fn stop_apiserver(&self) -> Result<()> {
        self.nest().kill(APISERVER)
    }

    /// Starts the API server again after [`ControlPlane::stop_apiserver`], and returns once it is ready.
    ///
    /// # Errors
    /// If it is not ready within two minutes.
    pub fn start_apiserver(&self) -> Result<()> {
        self.spawn_apiserver()?;
        self.await_ready()
    }

    /// Lets it outlive this process; [`crate::nest::end`] of the returned folder ends it.
    ///
    /// # Errors
    /// If its watchdog cannot be called off.
    pub fn leave(self) -> Result<PathBuf> {
        self.nest.into_inner().unwrap_or_else(PoisonError::into_inner).leave()
    }

    /// A panic while the lock was held leaves a list of processes, which is still true.
    fn nest(&self) -> MutexGuard<'_, Nest> {
        self.nest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
