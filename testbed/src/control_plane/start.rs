//! The flags of each part, and the order in which they start.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::KeyPair;
use ring::rand::{SecureRandom as _, SystemRandom};

use super::{APISERVER, Builder, ControlPlane};
use crate::build::Parts;
use crate::certs::Ca;
use crate::family::Family;
use crate::kubeconfig::{Identity, kubeconfig};
use crate::nest::Nest;
use crate::wait::until;
use crate::{kwok, port};

const ETCD: &str = "etcd";
const SECOND_ETCD: &str = "second-etcd";
const CONTROLLER_MANAGER: &str = "kube-controller-manager";
const SCHEDULER: &str = "kube-scheduler";

/// Two cores may be shared with a compiler.
const READY: Duration = Duration::from_secs(120);

/// Where the Service `kubernetes` says the API server is. Loopback is refused in an EndpointSlice, and
/// nothing here follows it: an address kept for documentation.
const ADVERTISED: &str = "192.0.2.1";

impl ControlPlane {
    /// One try, with one set of ports.
    pub(super) fn launch(builder: &Builder, parts: &Parts) -> Result<ControlPlane> {
        let mut nest = match &builder.folder {
            Some(folder) => Nest::at(folder)?,
            None => Nest::new("control-plane")?,
        };
        let folder = nest.folder().to_owned();
        let [secure, client, peer, second_client, second_peer, manager, scheduler, kwok] = port::free()?;

        let etcd = match &builder.datastore {
            Some(endpoint) => endpoint.clone(),
            None => spawn_etcd(&mut nest, parts, ETCD, [client, peer], &builder.etcd_args)?,
        };
        let mut second_etcd = None;
        if !builder.on_second_etcd.is_empty() {
            let ports = [second_client, second_peer];
            second_etcd = Some(spawn_etcd(&mut nest, parts, SECOND_ETCD, ports, &[])?);
        }

        let ca = Ca::new("testbed")?;
        let url = format!("https://127.0.0.1:{secure}");
        let admin = ca.client("admin", &["system:masters"])?;
        let text = kubeconfig(&url, ca.pem(), "admin", &Identity::Certificate(&admin));
        let encryption_config = builder.encryption.as_deref().map(|with| encrypt(&nest, with)).transpose()?;

        let mut args = apiserver_args(&nest, &ca, secure)?;
        args.push(format!("--etcd-servers={etcd}"));
        if let Some(second) = &second_etcd {
            let overrides: Vec<String> =
                builder.on_second_etcd.iter().map(|resource| format!("{resource}#{second}")).collect();
            args.push(format!("--etcd-servers-overrides={}", overrides.join(",")));
        }
        if let Some(path) = &encryption_config {
            args.push(format!("--encryption-provider-config={}", path.display()));
        }
        if !builder.tokens.is_empty() {
            let file = nest.write("tokens.csv", &(builder.tokens.join("\n") + "\n"))?;
            args.push(format!("--token-auth-file={}", file.display()));
        }
        args.extend(builder.apiserver_args.iter().cloned());

        let site = ControlPlane {
            parts: parts.clone(),
            kubeconfig: nest.write("kubeconfig", &text)?,
            admin: admin.write(&folder, "admin")?,
            folder,
            ca,
            url,
            etcd,
            second_etcd,
            encryption_config,
            apiserver_args: args,
            nest: Mutex::new(nest),
        };
        site.spawn_apiserver()?;
        site.await_ready()?;
        if builder.controller_manager {
            site.spawn_controller_manager(manager, &builder.controllers)?;
        }
        if builder.scheduler {
            site.spawn_scheduler(scheduler)?;
        }
        if builder.nodes > 0 {
            site.spawn_nodes(builder.nodes, kwok)?;
        }
        site.await_defaults(builder.makes_accounts())?;
        Ok(site)
    }

    pub(super) fn spawn_apiserver(&self) -> Result<()> {
        let mut command = Command::new(self.parts.program(Family::Kube, APISERVER)?);
        self.nest().spawn(APISERVER, command.args(&self.apiserver_args))?;
        Ok(())
    }

    pub(super) fn await_ready(&self) -> Result<()> {
        let address = self.url.trim_start_matches("https://");
        self.until("kube-apiserver to listen", || TcpStream::connect(address).is_ok())?;
        // Each look by kubectl costs a tenth of a second of CPU.
        self.until("kube-apiserver to be ready", || self.kubectl(&["get", "--raw=/readyz"]).is_ok())
    }

    /// The namespace `default`, and its ServiceAccount where something makes it.
    fn await_defaults(&self, controller_manager: bool) -> Result<()> {
        let mut wanted = vec!["namespace/default"];
        if controller_manager {
            wanted.push("serviceaccount/default");
        }
        let mut args = vec!["get", "--namespace=default", "--output=name"];
        args.extend(&wanted);
        self.until(&wanted.join(" and "), || self.kubectl(&args).is_ok())
    }

    /// Waits for `there`, and gives up early, with all logs, if a part ends by itself.
    fn until(&self, what: &str, there: impl Fn() -> bool) -> Result<()> {
        until(READY, what, || {
            self.nest().check_all()?;
            Ok(there().then_some(()))
        })
        .map_err(|error| self.nest().explain(&error))
    }

    fn spawn_controller_manager(&self, port: u16, controllers: &[String]) -> Result<()> {
        let kubeconfig = self.kubeconfig_for_user("system:kube-controller-manager", &[])?;
        let ca_key = self.nest().write("ca.key", &self.ca.key_pem())?;
        let folder = self.folder.display();
        let mut command = self.controller(CONTROLLER_MANAGER, &kubeconfig, port)?;
        command.args([
            "--use-service-account-credentials=true".to_owned(),
            format!("--service-account-private-key-file={folder}/service-account.key"),
            format!("--root-ca-file={folder}/ca.crt"),
            format!("--cluster-signing-cert-file={folder}/ca.crt"),
            format!("--cluster-signing-key-file={}", ca_key.display()),
        ]);
        if !controllers.is_empty() {
            command.arg(format!("--controllers={}", controllers.join(",")));
        }
        self.nest().spawn(CONTROLLER_MANAGER, &mut command)?;
        Ok(())
    }

    /// Makes nodes, and what plays their kubelets.
    fn spawn_nodes(&self, count: u32, port: u16) -> Result<()> {
        kwok::spawn(&mut self.nest(), &self.parts, &self.kubeconfig, port)?;
        let mut nodes = String::new();
        for node in 0..count {
            nodes.push_str(&format!(
                "{{apiVersion: v1, kind: Node, metadata: {{name: node-{node}}}, status: {{allocatable: {0}, capacity: {0}}}}}\n---\n",
                "{cpu: 4, memory: 8Gi, pods: 110}"
            ));
        }
        self.kubectl_stdin(&["create", "--filename=-"], &nodes)?;
        self.until("the nodes to be ready", || {
            let ready = "--output=jsonpath={.items[*].status.conditions[?(@.type==\"Ready\")].status}";
            self.kubectl(&["get", "nodes", ready]).is_ok_and(|text| {
                text.split_whitespace().filter(|status| *status == "True").count() == count as usize
            })
        })
    }

    fn spawn_scheduler(&self, port: u16) -> Result<()> {
        let kubeconfig = self.kubeconfig_for_user("system:kube-scheduler", &[])?;
        let mut command = self.controller(SCHEDULER, &kubeconfig, port)?;
        self.nest().spawn(SCHEDULER, &mut command)?;
        Ok(())
    }

    /// What controller manager and scheduler have in common. Their own limit of 20 to 50 requests a second
    /// would make tests wait, for nothing.
    fn controller(&self, name: &str, kubeconfig: &Path, port: u16) -> Result<Command> {
        let mut command = Command::new(self.parts.program(Family::Kube, name)?);
        for flag in ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"] {
            command.arg(format!("--{flag}={}", kubeconfig.display()));
        }
        command.args([
            "--leader-elect=false".to_owned(),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            format!("--cert-dir={}/certs-{name}", self.folder.display()),
            "--kube-api-qps=2000".to_owned(),
            "--kube-api-burst=4000".to_owned(),
        ]);
        Ok(command)
    }
}

/// A single member, which need not survive a power cut. Returns its client address.
fn spawn_etcd(
    nest: &mut Nest,
    parts: &Parts,
    name: &str,
    [client, peer]: [u16; 2],
    args: &[String],
) -> Result<String> {
    let client = format!("http://127.0.0.1:{client}");
    let peer = format!("http://127.0.0.1:{peer}");
    let mut command = Command::new(parts.program(Family::Etcd, "etcd")?);
    command.args([
        format!("--name={name}"),
        format!("--data-dir={}", nest.folder().join(name).display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster={name}={peer}"),
        "--unsafe-no-fsync=true".to_owned(),
        "--quota-backend-bytes=8589934592".to_owned(),
    ]);
    nest.spawn(name, command.args(args))?;
    Ok(client)
}

/// Writes the files the API server reads, and returns its flags but those that name etcd.
fn apiserver_args(nest: &Nest, ca: &Ca, port: u16) -> Result<Vec<String>> {
    let folder = nest.folder();
    let server = ca.server(&[
        "127.0.0.1",
        "localhost",
        "10.96.0.1",
        ADVERTISED,
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ])?;
    let serving = server.write(folder, "apiserver")?;
    let front = Ca::new("testbed-front-proxy")?;
    let proxy = front.client("front-proxy-client", &[])?.write(folder, "front-proxy-client")?;
    let key = KeyPair::generate().context("cannot make a key")?;
    let private = nest.write("service-account.key", &key.serialize_pem())?.display().to_string();
    let public = nest.write("service-account.pub", &key.public_key_pem())?.display().to_string();
    let ca_file = nest.write("ca.crt", ca.pem())?.display().to_string();
    let front_file = nest.write("front-proxy-ca.crt", front.pem())?.display().to_string();
    Ok(vec![
        "--bind-address=127.0.0.1".to_owned(),
        format!("--advertise-address={ADVERTISED}"),
        format!("--secure-port={port}"),
        format!("--cert-dir={}", folder.join("certs-apiserver").display()),
        format!("--tls-cert-file={}", serving.cert.display()),
        format!("--tls-private-key-file={}", serving.key.display()),
        format!("--client-ca-file={ca_file}"),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        "--allow-privileged=true".to_owned(),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
        format!("--service-account-signing-key-file={private}"),
        format!("--service-account-key-file={public}"),
        format!("--requestheader-client-ca-file={front_file}"),
        "--requestheader-allowed-names=front-proxy-client".to_owned(),
        "--requestheader-username-headers=X-Remote-User".to_owned(),
        "--requestheader-group-headers=X-Remote-Group".to_owned(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
        format!("--proxy-client-cert-file={}", proxy.cert.display()),
        format!("--proxy-client-key-file={}", proxy.key.display()),
    ])
}

/// Writes an EncryptionConfiguration with a fresh key of 32 bytes.
fn encrypt(nest: &Nest, provider: &str) -> Result<PathBuf> {
    let mut key = [0; 32];
    SystemRandom::new().fill(&mut key).ok().context("no randomness")?;
    let config = serde_json::json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{
            "resources": ["secrets", "configmaps"],
            "providers": [
                { provider: { "keys": [{ "name": "key1", "secret": STANDARD.encode(key) }] } },
                { "identity": {} },
            ],
        }],
    });
    nest.write("encryption.yaml", &format!("{config:#}\n"))
}
