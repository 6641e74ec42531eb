//! Creates over many connections; every request is made before the clock starts.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::json;
use tokio::task::{JoinSet, LocalSet};

use super::Creates;
use super::lean::{Answer, Lean};
use crate::chance::Chance;
use crate::connect::Server;
use crate::settings;

/// What creating took.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    /// From the first request until the last answer.
    wall: f64,
    /// CPU seconds of this client meanwhile.
    cpu: f64,
}

/// One thread does all of it: the other core is the server's.
pub fn create(creates: &Creates) -> Result<Created> {
    let server = Server::of(&creates.kubeconfig)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    LocalSet::new().block_on(&runtime, async {
        namespace(&server, &creates.namespace).await?;
        let requests: Vec<Vec<u8>> =
            (0..creates.count).map(|number| request(&server, &creates.namespace, number)).collect();
        let (requests, next) = (Rc::new(requests), Rc::new(Cell::new(0)));
        let mut connections = Vec::new();
        for _ in 0..creates.connections {
            connections.push(Lean::connect(&server).await?);
        }
        let (begin, before) = (Instant::now(), cpu()?);
        let mut loaders = JoinSet::new();
        for mut connection in connections {
            let (requests, next) = (Rc::clone(&requests), Rc::clone(&next));
            loaders.spawn_local(async move {
                while let Some(request) = requests.get(next.replace(next.get() + 1)) {
                    accepted(&connection.ask(request).await?)?;
                }
                Ok(())
            });
        }
        while let Some(loaded) = loaders.join_next().await {
            let loaded: Result<()> = loaded.context("a loader panicked")?;
            loaded?;
        }
        Ok(Created { wall: begin.elapsed().as_secs_f64(), cpu: cpu()? - before })
    })
}

/// Makes the namespace, which may be there.
pub async fn namespace(server: &Server, name: &str) -> Result<()> {
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}).to_string();
    let answer = Lean::connect(server).await?.ask(&post(server, "/api/v1/namespaces", &body)).await?.status;
    if !matches!(answer, 201 | 409) {
        bail!("the namespace {name}: {answer}");
    }
    Ok(())
}

/// Fails where an object was not created.
pub fn accepted(answer: &Answer<'_>) -> Result<()> {
    if answer.status == 201 {
        return Ok(());
    }
    bail!("a create: {}: {}", answer.status, String::from_utf8_lossy(answer.body));
}

/// The request that creates ConfigMap number `number`, head and body.
pub fn request(server: &Server, namespace: &str, number: u32) -> Vec<u8> {
    let (file, text) = settings::file(&mut Chance::new(u64::from(number)));
    let body = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": format!("settings-{number:06}"),
            "labels": {"app.kubernetes.io/name": "settings", "app.kubernetes.io/instance": format!("i-{}", number % 50)},
        },
        "data": {file: text},
    });
    post(server, &format!("/api/v1/namespaces/{namespace}/configmaps"), &body.to_string())
}

fn post(server: &Server, path: &str, body: &str) -> Vec<u8> {
    let head = server.head("POST", path);
    format!("{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// CPU seconds of this process so far.
#[expect(clippy::cast_precision_loss, reason = "seconds of a benchmark")]
fn cpu() -> Result<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_SELF).context("no account of this process")?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}
