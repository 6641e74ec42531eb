//! Where the definitions of a Harvester site's custom resources come from: Go modules, at the versions that Harvester
//! v1.6.0 names where it names one.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::tables::fetch;

/// A module, and where in it definitions are.
pub struct Source {
    pub module: &'static str,
    pub version: &'static str,
    pub place: Place,
}

/// Where in a module.
pub enum Place {
    /// Files of YAML, or folders of them.
    Files(&'static [&'static str]),
    /// A folder of packed Helm charts, of which these are opened (the part of the file's name before its version).
    Charts(&'static str, &'static [&'static str]),
    /// Schemas as texts in a Go file; the rest of each definition is a line of `shells.txt`.
    Schemas(&'static str),
    /// No schema at all: the definition is a line of `shells.txt`.
    Shells,
}

pub const SOURCES: &[Source] = &[
    Source {
        module: "github.com/harvester/harvester",
        version: "v1.6.0",
        place: Place::Files(&[
            "deploy/charts/harvester-crd/templates",
            "tests/integration/controllers/manifest/ranchersettings-crd.yaml",
            "tests/integration/controllers/manifest/app-crd.yaml",
            "tests/integration/controllers/manifest/clusterrepos-crd.yaml",
        ]),
    },
    Source {
        module: "github.com/harvester/harvester",
        version: "v1.6.0",
        place: Place::Charts(
            "deploy/charts/harvester/charts",
            &[
                "cdi",
                "harvester-load-balancer",
                "harvester-network-controller",
                "harvester-networkfs-manager",
                "harvester-node-disk-manager",
                "harvester-node-manager",
                "longhorn",
            ],
        ),
    },
    Source {
        module: "kubevirt.io/kubevirt",
        version: "v1.5.0",
        place: Place::Schemas("pkg/virt-operator/resource/generate/components/validations_generated.go"),
    },
    Source {
        module: "github.com/cert-manager/cert-manager",
        version: "v1.21.2",
        place: Place::Files(&["deploy/crds"]),
    },
    Source {
        module: "github.com/rancher/fleet",
        version: "v0.12.0",
        place: Place::Files(&["charts/fleet-crd/templates/crds.yaml"]),
    },
    Source {
        module: "github.com/k3s-io/helm-controller",
        version: "v0.17.9",
        place: Place::Files(&["pkg/crds/yaml/generated"]),
    },
    Source {
        module: "github.com/rancher/rancher",
        version: "v0.0.0-20240919204204-3da2ae0cabd1",
        place: Place::Files(&["pkg/crds/yaml/generated"]),
    },
    Source {
        module: "github.com/rancher/rancher",
        version: "v0.0.0-20240919204204-3da2ae0cabd1",
        place: Place::Shells,
    },
    Source {
        module: "github.com/k8snetworkplumbingwg/network-attachment-definition-client",
        version: "v1.3.0",
        place: Place::Files(&["artifacts/networks-crd.yaml"]),
    },
];

impl Source {
    /// The texts that hold definitions, in order of their names.
    ///
    /// # Errors
    /// If the module cannot be fetched or has no such file.
    pub fn texts(&self) -> Result<Vec<String>> {
        let module = fetch::download(self.module, self.version)?;
        let read = |path: &Path| {
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
        };
        match &self.place {
            Place::Shells => Ok(Vec::new()),
            Place::Schemas(file) => Ok(vec![read(&module.join(file))?]),
            Place::Files(paths) => {
                let mut texts = Vec::new();
                for path in paths.iter().map(|path| module.join(path)) {
                    if path.is_dir() {
                        let mut files = entries(&path)?;
                        files.retain(|file| file.extension().is_some_and(|ending| ending == "yaml"));
                        texts.extend(files.iter().map(|file| read(file)).collect::<Result<Vec<_>>>()?);
                    } else {
                        texts.push(read(&path)?);
                    }
                }
                Ok(texts)
            }
            Place::Charts(folder, charts) => {
                let files = entries(&module.join(folder))?;
                charts.iter().map(|chart| unpacked(&files, chart)).collect()
            }
        }
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// What is in the chart's files that have `crd` in their path, one after the other.
fn unpacked(files: &[PathBuf], chart: &str) -> Result<String> {
    let of_it = |path: &&PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.strip_prefix(chart)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    let file = files.iter().find(of_it).with_context(|| format!("no chart {chart}"))?;
    let output = Command::new("tar")
        .args(["--extract", "--gzip", "--wildcards", "--to-command=echo ---; cat; echo", "--file"])
        .arg(file)
        .arg("*/crd*.yaml")
        .output()
        .context("cannot run tar")?;
    if !output.status.success() {
        bail!("{}: {}", file.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("no text in {}", file.display()))
}
