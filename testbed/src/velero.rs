//! A Velero server with its AWS plugin, run as a plain process beside a control plane and an S3 server:
//! what our backups must be readable by, and what we compare ourselves with.
//!
//! Only what needs no pods works: backup, sync, restore, deletion; no volumes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::build::{Parts, build};
use crate::control_plane::ControlPlane;
use crate::family::Family;
use crate::nest::Nest;
use crate::s3::S3;
use crate::wait::until;
use crate::{port, proc, program, say};

const SERVER: &str = "velero";
const PLUGIN: &str = "velero-plugin-for-aws";
const NAMESPACE: &str = "velero";
const READY: Duration = Duration::from_secs(180);
const ATTEMPTS: u32 = 5;

/// A running Velero server. It uses the control plane and the S3 server it was started with: drop it first.
#[derive(Debug)]
pub struct Velero {
    parts: Parts,
    kubeconfig: PathBuf,
    nest: Nest,
}

/// Chooses how [`VeleroBuilder::start`] starts it.
#[derive(Debug, Clone)]
#[must_use]
pub struct VeleroBuilder<'a> {
    site: &'a ControlPlane,
    s3: &'a S3,
    bucket: &'a str,
    kubeconfig: &'a Path,
    args: Vec<String>,
}

impl<'a> VeleroBuilder<'a> {
    /// Requests a second it may send to the API server. Default: Velero's own, 100.
    pub fn client_qps(self, rate: u32) -> Self {
        self.server_arg(format!("--client-qps={rate}"))
    }

    /// Requests it may send at once. Default: Velero's own, 100.
    pub fn client_burst(self, requests: u32) -> Self {
        self.server_arg(format!("--client-burst={requests}"))
    }

    /// The way to the API server of the server and of its commands, such as through a proxy.
    pub fn kubeconfig(mut self, file: &'a Path) -> Self {
        self.kubeconfig = file;
        self
    }

    /// A further flag of `velero server`; it wins over ours.
    pub fn server_arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Installs its resources, starts it, and returns once its location `default` is Available.
    ///
    /// # Errors
    /// If it cannot be built or installed, or is not ready within three minutes: with the end of its log.
    pub fn start(&self) -> Result<Velero> {
        let parts = build(&[Family::Velero])?;
        install(self.site, self.s3, self.bucket, &parts)?;
        let mut attempt = 1;
        loop {
            match Velero::launch(self, &parts) {
                Err(error) if attempt < ATTEMPTS && port::taken(&error) => {
                    say("a port was taken meanwhile; starting again with others");
                    attempt += 1;
                }
                result => return result,
            }
        }
    }
}

impl Velero {
    /// With the bucket as its default location; the bucket is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be built or installed, or is not ready within three minutes: with the end of its log.
    pub fn start(site: &ControlPlane, s3: &S3, bucket: &str) -> Result<Velero> {
        Velero::builder(site, s3, bucket).start()
    }

    /// To choose how it runs. It looks for new backups in the bucket every five seconds, not every minute.
    pub fn builder<'a>(site: &'a ControlPlane, s3: &'a S3, bucket: &'a str) -> VeleroBuilder<'a> {
        let args = ["--backup-sync-period=5s", "--item-operation-sync-frequency=2s"];
        let args = args.map(str::to_owned).to_vec();
        VeleroBuilder { site, s3, bucket, kubeconfig: site.kubeconfig(), args }
    }

    fn launch(builder: &VeleroBuilder<'_>, parts: &Parts) -> Result<Velero> {
        let mut nest = Nest::new("velero")?;
        let [metrics, profiler] = port::free()?;
        let s3 = builder.s3;
        let credentials = nest.write(
            "aws-credentials",
            &format!(
                "[default]\naws_access_key_id={}\naws_secret_access_key={}\n",
                s3.access_key(),
                s3.secret_key()
            ),
        )?;
        let mut command = Command::new(parts.program(Family::Velero, SERVER)?);
        command
            .env("KUBECONFIG", builder.kubeconfig)
            .env("AWS_SHARED_CREDENTIALS_FILE", credentials)
            .env("AWS_REGION", s3.region())
            .args(["server", "--namespace", NAMESPACE])
            .arg("--plugin-dir")
            .arg(plugins(nest.folder(), parts)?)
            .arg(format!("--metrics-address=127.0.0.1:{metrics}"))
            .arg(format!("--profiler-address=127.0.0.1:{profiler}"))
            .args(&builder.args);
        nest.spawn(SERVER, &mut command)?;
        let mut velero = Velero { parts: parts.clone(), kubeconfig: builder.kubeconfig.to_owned(), nest };
        until(READY, "Velero's location to be Available", || {
            velero.nest.check_all()?;
            let phase = builder.site.kubectl(&[
                "get",
                "backupstoragelocations.velero.io/default",
                "--namespace=velero",
                "--output=jsonpath={.status.phase}",
            ])?;
            Ok((phase == "Available").then_some(()))
        })
        .map_err(|error| velero.nest.explain(&error))?;
        Ok(velero)
    }

    /// Runs the velero command against its namespace and returns its stdout.
    ///
    /// # Errors
    /// If it fails: with its stderr.
    pub fn cli(&self, args: &[&str]) -> Result<String> {
        let mut command = program::bounded(&self.parts.program(Family::Velero, "velero")?);
        command.env("KUBECONFIG", &self.kubeconfig).env("HOME", self.nest.folder());
        program::output(command.args(args).args(["--namespace", NAMESPACE]), None)
    }

    /// Makes a backup, waits for its end and returns its phase: `Completed`, `PartiallyFailed`, `Failed`.
    ///
    /// # Errors
    /// If it cannot be asked for.
    pub fn backup(&self, name: &str, args: &[&str]) -> Result<String> {
        self.run("backup", name, args)
    }

    /// Restores, with `args` as `["--from-backup", "NAME"]`, waits for its end and returns its phase.
    ///
    /// # Errors
    /// If it cannot be asked for.
    pub fn restore(&self, name: &str, args: &[&str]) -> Result<String> {
        self.run("restore", name, args)
    }

    fn run(&self, kind: &str, name: &str, args: &[&str]) -> Result<String> {
        let mut all = vec![kind, "create", name, "--wait"];
        all.extend(args);
        self.cli(&all)?;
        let object: serde_json::Value =
            serde_json::from_str(&self.cli(&[kind, "get", name, "--output=json"])?)
                .with_context(|| format!("velero {kind} get did not print JSON"))?;
        object["status"]["phase"]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("{kind} {name} has no phase"))
    }

    /// The process of the server.
    ///
    /// # Errors
    /// If it does not run.
    pub fn server_pid(&self) -> Result<u32> {
        self.nest.pid(SERVER)
    }

    /// The CPU time of the server and of its plugins that have ended, since it was started, in seconds.
    ///
    /// # Errors
    /// If it does not run.
    pub fn cpu_seconds(&self) -> Result<f64> {
        proc::cpu_seconds(self.server_pid()?)
    }

    /// The most memory the server ever had resident, in bytes. Its plugins are processes of their own.
    ///
    /// # Errors
    /// If it does not run.
    pub fn peak_rss(&self) -> Result<u64> {
        proc::peak_rss(self.server_pid()?)
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.nest.log(SERVER)
    }
}

/// A folder with the plugin alone, as Velero runs whatever it finds there.
fn plugins(folder: &Path, parts: &Parts) -> Result<PathBuf> {
    let plugins = folder.join("plugins");
    fs::create_dir(&plugins).with_context(|| format!("cannot create {}", plugins.display()))?;
    // A link would be skipped.
    fs::copy(parts.program(Family::Velero, PLUGIN)?, plugins.join(PLUGIN))
        .context("cannot copy the plugin")?;
    Ok(plugins)
}

/// What `velero install` would install, but that the Deployment runs nothing: restores look it up.
fn install(site: &ControlPlane, s3: &S3, bucket: &str, parts: &Parts) -> Result<()> {
    if !s3.folder().join(bucket).exists() {
        s3.create_bucket(bucket)?;
    }
    let mut command = program::bounded(&parts.program(Family::Velero, "velero")?);
    command.env("HOME", site.folder());
    let crds = program::output(command.args(["install", "--crds-only", "--dry-run", "--output=yaml"]), None)?;
    site.kubectl_stdin(&["apply", "--server-side", "--filename=-"], &crds)?;
    site.kubectl(&[
        "wait",
        "--for=condition=Established",
        "--timeout=60s",
        "customresourcedefinitions",
        "--selector=component=velero",
    ])?;

    let mut location = json!({ "bucket": bucket });
    if let Some(ca) = s3.ca_file() {
        let ca = fs::read(ca).context("cannot read the authority of the S3 server")?;
        location["caCert"] = json!(STANDARD.encode(ca));
    }
    let labels = json!({ "deploy": "velero" });
    let objects = json!({ "apiVersion": "v1", "kind": "List", "items": [
        { "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } },
        {
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "velero", "namespace": NAMESPACE },
            "spec": {
                "replicas": 0,
                "selector": { "matchLabels": labels },
                "template": {
                    "metadata": { "labels": labels },
                    "spec": { "containers": [{ "name": "velero", "image": "velero" }] },
                },
            },
        },
        {
            "apiVersion": "velero.io/v1", "kind": "BackupStorageLocation",
            "metadata": { "name": "default", "namespace": NAMESPACE },
            "spec": {
                "provider": "aws",
                "default": true,
                "objectStorage": location,
                "config": { "region": s3.region(), "s3ForcePathStyle": "true", "s3Url": s3.endpoint() },
            },
        },
    ] });
    site.kubectl_stdin(&["apply", "--server-side", "--filename=-"], &objects.to_string())?;
    Ok(())
}
