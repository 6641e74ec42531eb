//! Real parts by hand: `build` them, bring them `up` to work with, and take them `down` again.
//!
//! What is up outlives this command. Its state is a folder of the cache, `run/<name>/`, with a folder
//! for each part and `state.json`; nothing else remembers it.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ::testbed::{ControlPlane, Family, S3, build, nest};
use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::cargo::{print, say};

const STATE: &str = "state.json";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build families with Go, all of them by default; what is in the cache is not built again
    Build {
        /// bbolt, etcd, etcd35, etcd37, s3, kwok, kine, kube, defaults, velero
        families: Vec<Family>,
    },
    /// Start a control plane that outlives this command; prints what to export
    Up(Up),
    /// Stop what `up` started, and remove its folder
    Down {
        /// Which one
        #[arg(long, default_value = "default")]
        name: String,
    },
    /// Show what is up
    List,
}

#[derive(Debug, clap::Args)]
pub struct Up {
    /// To tell several apart
    #[arg(long, default_value = "default")]
    name: String,
    /// Also write the administrator's kubeconfig here; the file must not exist
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Also start an S3 server, with an empty bucket `backups`
    #[arg(long)]
    s3: bool,
    /// Whether to run the controller manager
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    controller_manager: bool,
}

/// What `up` leaves for `list` and `down`.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    url: String,
    kubeconfig: PathBuf,
    /// A copy, which `down` removes.
    copy: Option<PathBuf>,
    s3: Option<String>,
}

pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Build { families } => {
            let families = if families.is_empty() { Family::ALL.to_vec() } else { families.clone() };
            let parts = build(&families)?;
            for family in families {
                print(&parts.bin(family)?.display().to_string())?;
            }
            Ok(())
        }
        Command::Up(args) => up(args),
        Command::Down { name } => down(name),
        Command::List => list(),
    }
}

fn up(args: &Up) -> Result<()> {
    let folder = folder_of(&args.name)?;
    fs::create_dir_all(runs()).with_context(|| format!("cannot create {}", runs().display()))?;
    match fs::create_dir(&folder) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{0} is up already; end it with `cargo xtask testbed down --name {0}`", args.name)
        }
        Err(error) => return Err(error).with_context(|| format!("cannot create {}", folder.display())),
    }
    let started = start(args, &folder);
    if started.is_err() {
        // Parts that are not left end by themselves, folder and all; this is the folder around them.
        let _ = fs::remove_dir_all(&folder);
    }
    started
}

fn start(args: &Up, folder: &Path) -> Result<()> {
    let site = ControlPlane::builder()
        .controller_manager(args.controller_manager)
        .folder(folder.join("control-plane"))
        .start()?;
    let s3 = args.s3.then(|| S3::builder().folder(folder.join("s3")).start()).transpose()?;
    let copy = args.kubeconfig.as_deref().map(|file| copy(site.kubeconfig(), file)).transpose()?;
    let mut exports =
        vec![("KUBECONFIG", copy.as_deref().unwrap_or(site.kubeconfig()).display().to_string())];
    if let Some(s3) = &s3 {
        s3.create_bucket("backups")?;
        exports.extend(s3.env());
    }
    let state = State {
        url: site.url().to_owned(),
        kubeconfig: site.kubeconfig().to_owned(),
        copy,
        s3: s3.as_ref().map(S3::endpoint),
    };
    let text = serde_json::to_string_pretty(&state).context("cannot write the state")?;
    fs::write(folder.join(STATE), text).with_context(|| format!("cannot write {STATE}"))?;
    site.leave()?;
    if let Some(s3) = s3 {
        s3.leave()?;
    }
    for (name, value) in exports {
        print(&format!("export {name}='{}'", value.replace('\'', r"'\''")))?;
    }
    Ok(())
}

/// A new file of mode 0600; never over one that is there.
fn copy(from: &Path, to: &Path) -> Result<PathBuf> {
    let to = std::path::absolute(to).with_context(|| format!("no path {}", to.display()))?;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&to)
        .with_context(|| format!("cannot create {}", to.display()))?;
    let mut source = fs::File::open(from).with_context(|| format!("cannot read {}", from.display()))?;
    std::io::copy(&mut source, &mut file).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(to)
}

fn down(name: &str) -> Result<()> {
    let folder = folder_of(name)?;
    if !folder.exists() {
        bail!("{name} is not up; `cargo xtask testbed list` shows what is");
    }
    if let Ok(State { kubeconfig, copy: Some(copy), .. }) = state(&folder)
        && fs::read(&copy).ok() == fs::read(&kubeconfig).ok()
    {
        fs::remove_file(&copy).with_context(|| format!("cannot remove {}", copy.display()))?;
    }
    for part in ["s3", "control-plane"].map(|part| folder.join(part)) {
        if part.exists() {
            nest::end(&part)?;
        }
    }
    fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))
}

fn list() -> Result<()> {
    let runs = runs();
    let Ok(entries) = fs::read_dir(&runs) else {
        say("nothing is up");
        return Ok(());
    };
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", runs.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let line = match state(&entry.path()) {
            Err(_) => "not whole; take it down".to_owned(),
            Ok(state) => {
                let address = state.url.trim_start_matches("https://");
                let word = if TcpStream::connect(address).is_ok() { "up" } else { "dead" };
                let s3 = state.s3.unwrap_or_else(|| "-".to_owned());
                format!("{word}\t{}\t{s3}\t{}", state.url, state.kubeconfig.display())
            }
        };
        print(&format!("{name}\t{line}"))?;
    }
    Ok(())
}

fn state(folder: &Path) -> Result<State> {
    let text = fs::read(folder.join(STATE)).with_context(|| format!("no {STATE}"))?;
    serde_json::from_slice(&text).with_context(|| format!("cannot understand {STATE}"))
}

fn runs() -> PathBuf {
    build::cache().join("run")
}

fn folder_of(name: &str) -> Result<PathBuf> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if name.is_empty() || !name.bytes().all(plain) {
        bail!("{name:?} is no name: use letters, digits, `-` and `_`");
    }
    Ok(runs().join(name))
}
