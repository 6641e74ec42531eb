//! Fetches the modules that define the API, by the user's own Go.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// Where the packages are: the import path of a module, its folder, and the folders below it that are read.
pub struct Module {
    pub import: &'static str,
    pub folder: PathBuf,
    /// `None` for all of them.
    pub packages: Option<&'static [&'static str]>,
}

const META: &[&str] = &["pkg/apis/meta/v1", "pkg/apis/meta/v1beta1"];
const AGGREGATOR: &[&str] = &["pkg/apis/apiregistration/v1", "pkg/apis/apiregistration/v1beta1"];

const EXTENSIONS: &[&str] = &["pkg/apis/apiextensions/v1"];

/// The modules at `version`. Definitions of custom resources are JSON in etcd, but their types are needed to read them from
/// clients.
pub fn modules(version: &str) -> Result<Vec<Module>> {
    let module = |import: &'static str, packages| {
        Ok::<_, anyhow::Error>(Module { import, folder: download(import, version)?, packages })
    };
    Ok(vec![
        module("k8s.io/api", None)?,
        module("k8s.io/apiextensions-apiserver", Some(EXTENSIONS))?,
        module("k8s.io/apimachinery", Some(META))?,
        module("k8s.io/kube-aggregator", Some(AGGREGATOR))?,
    ])
}

/// The folder of a module, fetched if it is not there.
pub fn download(import: &str, version: &str) -> Result<PathBuf> {
    let output = Command::new("go")
        .args(["mod", "download", "-json", &format!("{import}@{version}")])
        .env("GOFLAGS", "-mod=mod")
        .env("GOWORK", "off")
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null())
        .output()
        .context("cannot run go: install Go (https://go.dev/dl)")?;
    let said: Value = serde_json::from_slice(&output.stdout).with_context(|| {
        format!("go could not fetch {import}@{version}: {}", String::from_utf8_lossy(&output.stderr).trim())
    })?;
    match said["Dir"].as_str() {
        Some(folder) => Ok(PathBuf::from(folder)),
        None => bail!("go could not fetch {import}@{version}: {}", said["Error"]),
    }
}
