//! The Go modules the parts are built from. One module per family, since their dependencies clash.
//!
//! The pins live in `modules/<family>/go.mod` and `go.sum`, which are compiled in: a build depends on
//! nothing but this crate, not on where the checkout is.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};

/// A set of programs built together from one Go module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// etcd, etcdctl, etcdutl.
    Etcd,
    /// The same of the minor before.
    Etcd35,
    /// The same of the minor after.
    Etcd37,
    /// bbolt, which checks the files that etcd keeps.
    Bbolt,
    /// kine, which is etcd to its clients and keeps everything in an SQLite file: K3s' datastore.
    Kine,
    /// kube-apiserver, kube-controller-manager, kube-scheduler, kubectl.
    Kube,
    /// versitygw, an S3 server over a folder.
    S3,
    /// kwok, which plays the kubelets of nodes that are not there.
    Kwok,
    /// defaults, which prints what an API server keeps of an object; of the same module versions as [`Family::Kube`].
    Defaults,
    /// velero and velero-plugin-for-aws.
    Velero,
}

/// What `go build` is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipe {
    pub go_mod: String,
    pub go_sum: String,
    pub ldflags: String,
    /// Whether C is compiled too.
    pub cgo: bool,
    /// Import path of a main package, and the name of the program made of it.
    pub programs: Vec<(String, String)>,
    /// Files of the module itself, where it has a main package of its own: names and texts.
    pub sources: Vec<(String, String)>,
}

impl Family {
    /// All of them, the quickest to build first.
    pub const ALL: [Family; 10] = [
        Family::Bbolt,
        Family::Etcd,
        Family::Etcd35,
        Family::Etcd37,
        Family::S3,
        Family::Kwok,
        Family::Kine,
        Family::Kube,
        Family::Defaults,
        Family::Velero,
    ];

    /// Its name in commands and in the cache.
    pub fn name(self) -> &'static str {
        match self {
            Family::Etcd => "etcd",
            Family::Etcd35 => "etcd35",
            Family::Etcd37 => "etcd37",
            Family::Bbolt => "bbolt",
            Family::Kine => "kine",
            Family::Kube => "kube",
            Family::S3 => "s3",
            Family::Kwok => "kwok",
            Family::Defaults => "defaults",
            Family::Velero => "velero",
        }
    }

    /// The version of its main module, such as `v1.36.3`.
    ///
    /// # Errors
    /// If its go.mod does not require that module.
    pub fn version(self) -> Result<String> {
        let (go_mod, _) = self.pins();
        required(go_mod, self.main_module())
    }

    pub(crate) fn recipe(self) -> Result<Recipe> {
        let (go_mod, go_sum) = self.pins();
        Ok(Recipe {
            go_mod: go_mod.to_owned(),
            go_sum: go_sum.to_owned(),
            ldflags: self.ldflags()?,
            cgo: self == Family::Kine,
            programs: self
                .programs()
                .iter()
                .map(|(package, program)| ((*package).to_owned(), (*program).to_owned()))
                .collect(),
            sources: match self {
                Family::Defaults => {
                    vec![("main.go".to_owned(), include_str!("../modules/defaults/main.go").to_owned())]
                }
                _ => Vec::new(),
            },
        })
    }

    fn pins(self) -> (&'static str, &'static str) {
        match self {
            Family::Etcd => (include_str!("../modules/etcd/go.mod"), include_str!("../modules/etcd/go.sum")),
            Family::Etcd35 => {
                (include_str!("../modules/etcd35/go.mod"), include_str!("../modules/etcd35/go.sum"))
            }
            Family::Etcd37 => {
                (include_str!("../modules/etcd37/go.mod"), include_str!("../modules/etcd37/go.sum"))
            }
            Family::Bbolt => {
                (include_str!("../modules/bbolt/go.mod"), include_str!("../modules/bbolt/go.sum"))
            }
            Family::Kine => (include_str!("../modules/kine/go.mod"), include_str!("../modules/kine/go.sum")),
            Family::Kube => (include_str!("../modules/kube/go.mod"), include_str!("../modules/kube/go.sum")),
            Family::Kwok => (include_str!("../modules/kwok/go.mod"), include_str!("../modules/kwok/go.sum")),
            Family::S3 => (include_str!("../modules/s3/go.mod"), include_str!("../modules/s3/go.sum")),
            Family::Defaults => {
                (include_str!("../modules/defaults/go.mod"), include_str!("../modules/defaults/go.sum"))
            }
            Family::Velero => {
                (include_str!("../modules/velero/go.mod"), include_str!("../modules/velero/go.sum"))
            }
        }
    }

    fn main_module(self) -> &'static str {
        match self {
            Family::Etcd | Family::Etcd35 | Family::Etcd37 => "go.etcd.io/etcd/server/v3",
            Family::Bbolt => "go.etcd.io/bbolt",
            Family::Kine => "github.com/k3s-io/kine",
            Family::Kube | Family::Defaults => "k8s.io/kubernetes",
            Family::Kwok => "sigs.k8s.io/kwok",
            Family::S3 => "github.com/versity/versitygw",
            Family::Velero => "github.com/vmware-tanzu/velero",
        }
    }

    fn programs(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Family::Etcd | Family::Etcd35 | Family::Etcd37 => &[
                ("go.etcd.io/etcd/server/v3", "etcd"),
                ("go.etcd.io/etcd/etcdctl/v3", "etcdctl"),
                ("go.etcd.io/etcd/etcdutl/v3", "etcdutl"),
            ],
            Family::Bbolt => &[("go.etcd.io/bbolt/cmd/bbolt", "bbolt")],
            Family::Kine => &[("github.com/k3s-io/kine", "kine")],
            Family::Kube => &[
                ("k8s.io/kubernetes/cmd/kube-apiserver", "kube-apiserver"),
                ("k8s.io/kubernetes/cmd/kube-controller-manager", "kube-controller-manager"),
                ("k8s.io/kubernetes/cmd/kube-scheduler", "kube-scheduler"),
                ("k8s.io/kubernetes/cmd/kubectl", "kubectl"),
            ],
            Family::Kwok => &[("sigs.k8s.io/kwok/cmd/kwok", "kwok")],
            Family::S3 => &[("github.com/versity/versitygw/cmd/versitygw", "versitygw")],
            Family::Defaults => &[("daytwo.dev/testbed/defaults", "defaults")],
            Family::Velero => &[
                ("github.com/vmware-tanzu/velero/cmd/velero", "velero"),
                (
                    "github.com/vmware-tanzu/velero-plugin-for-aws/velero-plugin-for-aws",
                    "velero-plugin-for-aws",
                ),
            ],
        }
    }

    /// Stripped; and told its version where it would otherwise say v0.0.0, by which clients misjudge it.
    fn ldflags(self) -> Result<String> {
        let version = self.version()?;
        Ok(match self {
            Family::Etcd
            | Family::Etcd35
            | Family::Etcd37
            | Family::Bbolt
            | Family::Kine
            | Family::Kwok
            | Family::Defaults
            | Family::S3 => "-s -w".to_owned(),
            Family::Kube => {
                let mut numbers = version.trim_start_matches('v').split('.');
                let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else {
                    bail!("{version} is no Kubernetes version");
                };
                let package = "k8s.io/component-base/version";
                format!(
                    "-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"
                )
            }
            Family::Velero => {
                format!("-s -w -X github.com/vmware-tanzu/velero/pkg/buildinfo.Version={version}")
            }
        })
    }
}

/// The version of `module` that `go_mod` requires.
fn required(go_mod: &str, module: &str) -> Result<String> {
    go_mod
        .lines()
        .filter(|line| !line.contains("=>"))
        .find_map(|line| {
            let mut words = line.trim().trim_start_matches("require ").split_whitespace();
            (words.next() == Some(module)).then(|| words.next()).flatten()
        })
        .filter(|version| version.starts_with('v'))
        .map(str::to_owned)
        .with_context(|| format!("go.mod does not require {module}"))
}

impl fmt::Display for Family {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Family {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        match Family::ALL.into_iter().find(|family| family.name() == name) {
            Some(family) => Ok(family),
            None => {
                let known: Vec<&str> = Family::ALL.into_iter().map(Family::name).collect();
                bail!("there is no family {name}: they are {}", known.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_knows_its_version() {
        for family in Family::ALL {
            assert!(family.version().unwrap().starts_with('v'), "{family}");
            assert_eq!(family.name().parse::<Family>().unwrap(), family);
        }
    }

    #[test]
    fn defaults_are_those_of_the_kube_at_hand() {
        let lines = |family: Family| {
            let (go_mod, _) = family.pins();
            let lines = go_mod.lines().map(|line| line.trim_end_matches("// indirect").trim().to_owned());
            lines.filter(|line| line.contains(" v")).collect::<Vec<_>>()
        };
        let kube = lines(Family::Kube);
        assert!(lines(Family::Defaults).iter().all(|line| kube.contains(line)));
    }

    #[test]
    fn kube_is_told_the_version_its_module_pins() {
        let version = Family::Kube.version().unwrap();
        let ldflags = Family::Kube.recipe().unwrap().ldflags;
        assert!(ldflags.contains(&format!("gitVersion={version} ")), "{ldflags}");
        assert!(ldflags.contains("gitMajor=1 "), "{ldflags}");
    }

    #[test]
    fn a_replacement_is_not_a_requirement() {
        let go_mod = "replace a => a v0.1.0\nrequire (\n\ta v0.2.0 // indirect\n)\n";
        assert_eq!(required(go_mod, "a").unwrap(), "v0.2.0");
        assert!(required("replace a => a v0.1.0\n", "a").is_err());
    }
}
