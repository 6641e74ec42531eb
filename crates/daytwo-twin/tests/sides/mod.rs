//! Two API servers that must answer alike: the real kube-apiserver, and the twin. What is random by nature is taken out
//! of the answers of both before they are compared ([`labels`]).
//!
//! `DAYTWO_PARITY_AGAINST=real` puts a second real server in the twin's place: then everything must agree, which proves
//! that what is taken out is enough.

pub mod diff;
pub mod known;
pub mod labels;
pub mod report;
mod tidy;

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use daytwo_engine::Clock;
use daytwo_twin::fixture::Fixture;
use daytwo_twin::open::Source;
use daytwo_twin::{Settings, Twin};
use testbed::{ControlPlane, Family, parts_or_skip};

/// Who asks, on both sides.
pub const USER: &str = "daytwo-admin";
const TOKEN: &str = "parity";

/// Whose loops do things by themselves on the real side; the twin does the same things itself.
const CONTROLLERS: [&str; 4] = [
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
];

/// A running API server, and how to ask it.
pub struct Server {
    pub name: &'static str,
    pub url: String,
    pub token: String,
    pub ca_pem: String,
    /// What ends when this is dropped.
    #[expect(dead_code, reason = "held, never asked")]
    held: Box<dyn Any + Send + Sync>,
}

/// Both sides.
pub struct Sides {
    pub real: Server,
    pub twin: Server,
}

impl Sides {
    /// Starts both; `None` after saying what is skipped. Call it in a tokio runtime that outlives it.
    ///
    /// # Panics
    /// If one cannot be started.
    pub async fn start(families: &[Family]) -> Option<Sides> {
        parts_or_skip(families)?;
        let real = tokio::task::spawn_blocking(|| real("real"));
        let twin = match std::env::var("DAYTWO_PARITY_AGAINST").as_deref() {
            Ok("real") => tokio::task::spawn_blocking(real_again).await.expect("no panic"),
            _ => twin().await,
        };
        let real = real.await.expect("no panic");
        Some(Sides { real: real.expect("the real side starts"), twin: twin.expect("the twin starts") })
    }

    pub fn both(&self) -> [&Server; 2] {
        [&self.real, &self.twin]
    }
}

fn real_again() -> Result<Server> {
    real("real, once more")
}

fn real(name: &'static str) -> Result<Server> {
    let plane =
        ControlPlane::builder().controllers(&CONTROLLERS).token(TOKEN, USER, &["system:masters"]).start()?;
    Ok(Server {
        name,
        url: plane.url().to_owned(),
        token: TOKEN.to_owned(),
        ca_pem: plane.ca_pem().to_owned(),
        held: Box::new(plane),
    })
}

/// Without kubelets: the calls play them, or kwok does.
async fn twin() -> Result<Server> {
    let mut settings = Settings::new(Arc::new(Now));
    settings.kubelets = false;
    let twin = Twin::of(Source::fixture(Fixture::Empty, &settings), settings)?;
    let serving = twin.serve("127.0.0.1:0".parse()?, *b"parity: forty bytes that nobody guesses.").await?;
    Ok(Server {
        name: "twin",
        url: serving.url(),
        token: serving.token().to_owned(),
        ca_pem: serving.ca_pem().to_owned(),
        held: Box::new(serving),
    })
}

struct Now;

impl Clock for Now {
    fn now(&self) -> jiff::Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the real side has the time of day too")]
        jiff::Timestamp::now()
    }
}

/// Names and texts of all scripts in a folder, sorted.
pub fn scripts(folder: &Path) -> Vec<(String, String)> {
    let mut scripts: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| {
            let path = entry.expect("the folder can be read").path();
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            (name, std::fs::read_to_string(&path).expect("a script is text"))
        })
        .collect();
    scripts.sort();
    scripts
}

/// What `DAYTWO_PARITY` chooses: scripts, and in each the ids' beginnings. `None` for nothing of this one.
pub fn chosen(area: &str) -> Option<Vec<String>> {
    let Ok(all) = std::env::var("DAYTWO_PARITY") else { return Some(Vec::new()) };
    let mut wanted = Vec::new();
    let mut named = false;
    for word in all.split_whitespace() {
        let (name, id) = word.split_once('/').map_or((word, None), |(name, id)| (name, Some(id)));
        if name == area {
            named = true;
            wanted.extend(id.map(str::to_owned));
        }
    }
    (named || all.trim().is_empty()).then_some(wanted)
}

impl Server {
    /// A kubeconfig of mode 0600 in `folder`, whose context is in `namespace`.
    pub fn kubeconfig(&self, folder: &Path, namespace: &str) -> Result<PathBuf> {
        let config = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "parity",
            "clusters": [{ "name": "parity", "cluster": {
                "server": self.url,
                "certificate-authority-data": STANDARD.encode(&self.ca_pem),
            }}],
            "users": [{ "name": USER, "user": { "token": self.token } }],
            "contexts": [{ "name": "parity", "context": { "cluster": "parity", "user": USER, "namespace": namespace } }],
        });
        let path = folder.join("kubeconfig");
        std::fs::write(&path, format!("{config:#}\n")).context("cannot write a kubeconfig")?;
        Ok(path)
    }
}
