//! Where benchmarks run: an API server without controllers, an S3 server, the release-built programs, and a
//! folder, all gone afterwards.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use ::testbed::nest::Nest;
use ::testbed::{ControlPlane, Family, S3, available};
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::measure::Sample;
use crate::cargo;

/// The bucket of our own backups. Velero has another, so that it does not take ours for its own.
pub const OURS: &str = "ours";
/// Velero's bucket.
pub const THEIRS: &str = "theirs";

/// Everything that is measured, or measured with.
pub struct Ground {
    pub site: ControlPlane,
    pub s3: S3,
    nest: Nest,
    daytwo: PathBuf,
    client: PathBuf,
}

/// What the release-built half prints of a command.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Took {
    wall: f64,
    cpu: f64,
    peak_rss: f64,
    code: Option<i32>,
}

impl Ground {
    /// Builds what is needed and starts it, without a controller manager.
    pub fn start() -> Result<Ground> {
        Ground::with_controllers(false)
    }

    /// The same, with `controllers` or without.
    pub fn with_controllers(controllers: bool) -> Result<Ground> {
        available(&[Family::Etcd, Family::Kube, Family::S3])?;
        let [daytwo, client] = cargo::programs(
            ["daytwo", "bench-client"],
            &["--release", "--package", "daytwo", "--package", "xtask"],
        )?;
        // Compaction would come in some rounds and not in others.
        let site = ControlPlane::builder()
            .controller_manager(controllers)
            .compaction_interval(Duration::ZERO)
            .start()?;
        let s3 = S3::start()?;
        s3.create_bucket(OURS)?;
        s3.create_bucket(THEIRS)?;
        Ok(Ground { site, s3, nest: Nest::new("bench")?, daytwo, client })
    }

    /// A path in the folder that goes afterwards.
    pub fn path(&self, name: &str) -> PathBuf {
        self.nest.folder().join(name)
    }

    /// Creates the objects numbered from `from` to `to`.
    pub fn fill(&self, from: u32, to: u32) -> Result<()> {
        let (from, to) = (from.to_string(), to.to_string());
        self.client("fill", &["--from", &from, "--to", &to]).map(drop)
    }

    /// Runs the release-built half against the API server, and returns what it prints.
    pub fn client(&self, verb: &str, args: &[&str]) -> Result<Vec<u8>> {
        Ok(finished(&mut self.client_command(verb, args))?.stdout)
    }

    /// The release-built half, at the API server.
    pub fn client_command(&self, verb: &str, args: &[&str]) -> Command {
        let mut command = Command::new(&self.client);
        command.arg(verb).arg("--kubeconfig").arg(self.site.kubeconfig()).args(args);
        command
    }

    /// The floor: reads the pages of the job in that file.
    pub fn floor(&self, job: &Path, in_flight: u32) -> Command {
        let mut command = Command::new(&self.client);
        command.arg("read").arg("--kubeconfig").arg(self.site.kubeconfig());
        command.arg("--job").arg(job).arg("--in-flight").arg(in_flight.to_string());
        command
    }

    /// Our backup of everything, through that kubeconfig.
    pub fn backup(&self, name: &str, location: &str, kubeconfig: &Path) -> Command {
        let mut command = self.daytwo(&["backup", "create", name, "--location", location]);
        command.arg("--kubeconfig").arg(kubeconfig);
        command
    }

    /// Our tool, with the credentials of the S3 server and no settings of this machine's user.
    pub fn daytwo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.daytwo);
        command.args(args).envs(self.s3.env());
        for variable in ["DAYTWO_LOCATION", "DAYTWO_IDENTITY", "KUBECONFIG", "XDG_CONFIG_HOME"] {
            command.env_remove(variable);
        }
        command.env("HOME", self.nest.folder());
        command
    }

    /// Runs `command` to its end and says what it took. Only success counts.
    pub fn measure(&self, command: &Command) -> Result<Sample> {
        let before = self.site.apiserver_cpu_seconds()?;
        let sample = took(&self.client, command, &[0])?;
        let server_cpu = self.site.apiserver_cpu_seconds()? - before;
        Ok(Sample { server_cpu, ..sample })
    }

    /// Writes `text` for another process to read.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

/// Runs `command` to its end by the release-built `client`, which says what it took. It must end with one of `codes`.
pub fn took(client: &Path, command: &Command, codes: &[i32]) -> Result<Sample> {
    let mut wrapped = Command::new(client);
    wrapped.arg("run").arg("--").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    let output = finished(&mut wrapped)?;
    let took: Took = parse(&output.stdout)?;
    if !took.code.is_some_and(|code| codes.contains(&code)) {
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        bail!("{} ended with {:?}: {stderr}", shown(command), took.code);
    }
    Ok(Sample { wall: took.wall, cpu: took.cpu, server_cpu: 0.0, peak_rss: took.peak_rss })
}

/// Runs `command` to its end, and fails if it does.
pub fn finished(command: &mut Command) -> Result<Output> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {}", shown(command)))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        bail!("{} ended with {}: {stderr}", shown(command), output.status);
    }
    Ok(output)
}

pub fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T> {
    serde_json::from_slice(json).context("a program did not print the JSON that was expected")
}

/// The size of a file, in bytes.
pub fn size(file: &Path) -> Result<u64> {
    let metadata = fs::metadata(file).with_context(|| format!("no {}", file.display()))?;
    Ok(metadata.len())
}

fn shown(command: &Command) -> String {
    let words: Vec<&OsStr> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
    words.join(&OsString::from(" ")).to_string_lossy().into_owned()
}
