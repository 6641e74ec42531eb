//! `cargo xtask demo`: the tool's main job in front of your eyes, on a control plane of real parts.
//!
//! Every command is shown as one would type it, and what it prints is its own. Nothing outlives the demo, and
//! nothing of yours is touched: it has its own cluster, its own folder and its own kubeconfig.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ::testbed::nest::Nest;
use ::testbed::{ControlPlane, Family, available, until};
use anyhow::{Context as _, Result, bail};

use crate::cargo::{self, print, say};

const DEFINITIONS: &str = include_str!("demo/definitions.yaml");
const SHOP: &str = include_str!("demo/shop.yaml");
const CONTROLLERS: Duration = Duration::from_secs(60);

/// A cluster, a folder to work in, and the two programs that are called by name.
struct Stage {
    site: ControlPlane,
    nest: Nest,
    daytwo: PathBuf,
    kubectl: PathBuf,
}

pub fn run() -> Result<()> {
    available(&[Family::Etcd, Family::Kube]).context("the demo needs a control plane of real parts")?;
    // Unoptimised, as that is built sooner.
    let [daytwo] = cargo::programs(["daytwo"], &["--package", "daytwo"])?;
    say(
        "starting etcd, kube-apiserver and kube-controller-manager (the first time, Go builds them: minutes)",
    );
    let site = ControlPlane::start()?;
    let nest = Nest::new("demo")?;
    let stage = Stage { kubectl: site.kubectl_path()?, site, nest, daytwo };
    stage.play()?;
    print("\nThe namespace is back, and nothing differs.")
}

impl Stage {
    fn play(&self) -> Result<()> {
        self.write("definitions.yaml", DEFINITIONS)?;
        self.write("shop.yaml", SHOP)?;

        title("A namespace with workloads, settings, credentials, rights and custom resources")?;
        self.kubectl(&["apply", "-f", "definitions.yaml"])?;
        self.kubectl(&["wait", "--for=condition=Established", "crd/menus.shop.example", "--timeout=60s"])?;
        self.kubectl(&["apply", "-f", "shop.yaml"])?;
        self.settled()?;

        title("Back up the cluster as of one revision, and prove the backup good")?;
        self.daytwo(&["backup", "create", "before", "--location", "./backups"])?;
        self.daytwo(&["backup", "verify", "before", "--location", "./backups"])?;

        title("Lose the namespace")?;
        self.kubectl(&["delete", "namespace", "shop", "--wait", "--timeout=120s"])?;
        if self.site.kubectl(&["get", "namespace", "shop"]).is_ok() {
            bail!("the namespace is still there");
        }

        title("See what a restore would do, and restore")?;
        let restore = [
            "restore",
            "create",
            "--from",
            "before",
            "--location",
            "./backups",
            "--include-namespaces",
            "shop",
        ];
        self.daytwo(&[&restore[..], &["--dry-run"]].concat())?;
        self.daytwo(&restore)?;
        self.settled()?;

        title("Compare the backup with the cluster, but for pods, which controllers made anew")?;
        let diff = ["backup", "diff", "before", "--live", "--location", "./backups", "-n", "shop"];
        self.daytwo(&[&diff[..], &["--exclude-resources", "pods"]].concat())?;
        self.kubectl(&["get", "deployments,services,configmaps,secrets,menus", "-n", "shop"])
    }

    /// Controllers have seen every Deployment and made its pods: only then is there something to compare.
    fn settled(&self) -> Result<()> {
        let observed = "{range .items[*]}{.metadata.generation}={.status.observedGeneration},\
                        {.spec.replicas}={.status.replicas} {end}";
        until(CONTROLLERS, "the controllers to make the pods of every Deployment", || {
            let output = format!("--output=jsonpath={observed}");
            let seen = self.site.kubectl(&["get", "deployments", "--namespace=shop", &output])?;
            let pairs: Vec<&str> = seen.split([' ', ',']).filter(|pair| !pair.is_empty()).collect();
            let equal = |pair: &&str| pair.split_once('=').is_some_and(|(wanted, is)| wanted == is);
            Ok((!pairs.is_empty() && pairs.iter().all(equal)).then_some(()))
        })
    }

    fn kubectl(&self, args: &[&str]) -> Result<()> {
        self.show("kubectl", &self.kubectl, args)
    }

    fn daytwo(&self, args: &[&str]) -> Result<()> {
        self.show("daytwo", &self.daytwo, args)
    }

    /// Shows the command and runs it, its output going where ours goes.
    fn show(&self, name: &str, program: &Path, args: &[&str]) -> Result<()> {
        let shown = format!("{name} {}", args.join(" "));
        print(&format!("$ {shown}"))?;
        let status = Command::new(program)
            .args(args)
            .current_dir(self.nest.folder())
            .env("KUBECONFIG", self.site.kubeconfig())
            .env("HOME", self.nest.folder())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("DAYTWO_LOCATION")
            .status()
            .with_context(|| format!("cannot run {}", program.display()))?;
        if !status.success() {
            bail!("`{shown}` ended with {status}");
        }
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.nest.folder().join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

fn title(text: &str) -> Result<()> {
    print(&format!("\n# {text}"))
}
