//! Fills a cluster with objects as fast as its API server takes them.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, StatusCode};
use tokio::task::JoinSet;

use super::connect::Server;
use super::objects;

/// How often an object is tried that the server has no time for.
const ATTEMPTS: u32 = 20;

/// Creates the objects of `numbers` in namespaces that begin with `prefix`, after what they need. What exists is left as
/// it is.
#[tokio::main]
pub async fn fill(kubeconfig: &Path, prefix: &str, numbers: Range<u32>, connections: usize) -> Result<()> {
    let server = Server::of(kubeconfig)?;
    let mut connection = server.connect().await?;
    for object in objects::needed(prefix) {
        create(&server, &mut connection, &object).await?;
    }
    established(&server).await?;
    let next = Arc::new(AtomicU32::new(numbers.start));
    let mut loaders = JoinSet::new();
    for _ in 0..connections {
        let (server, next, prefix) = (server.clone(), Arc::clone(&next), prefix.to_owned());
        loaders.spawn(async move {
            let mut connection = server.connect().await?;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= numbers.end {
                    return Ok(());
                }
                create(&server, &mut connection, &objects::object(&prefix, number)).await?;
            }
        });
    }
    while let Some(loaded) = loaders.join_next().await {
        let loaded: Result<()> = loaded.context("a loader panicked")?;
        loaded?;
    }
    Ok(())
}

async fn create(
    server: &Server,
    connection: &mut SendRequest<Full<Bytes>>,
    object: &objects::Object,
) -> Result<()> {
    for _ in 0..ATTEMPTS {
        connection.ready().await.context("the API server closed the connection")?;
        let request = Request::post(&object.path)
            .header(hyper::header::HOST, &server.address)
            .header(hyper::header::CONTENT_TYPE, "application/json")
            .body(Full::new(object.body.clone()))
            .context("no request")?;
        let response = connection.send_request(request).await.context("no answer")?;
        let status = response.status();
        let body = response.into_body().collect().await.context("no whole answer")?.to_bytes();
        match status {
            StatusCode::CREATED | StatusCode::CONFLICT => return Ok(()),
            StatusCode::TOO_MANY_REQUESTS => {}
            _ => bail!("POST {}: {status}: {}", object.path, String::from_utf8_lossy(&body)),
        }
    }
    bail!("POST {}: the server has no time", object.path)
}

/// Waits until custom resources can be listed.
async fn established(server: &Server) -> Result<()> {
    let mut connection = server.connect().await?;
    let mut interval = tokio::time::interval(std::time::Duration::from_millis(50));
    for _ in 0..1200 {
        connection.ready().await.context("the API server closed the connection")?;
        let request = server.get(&format!("{}?limit=1", objects::WIDGETS))?;
        let response = connection.send_request(request).await.context("no answer")?;
        let status = response.status();
        response.into_body().collect().await.context("no whole answer")?;
        if status.is_success() {
            return Ok(());
        }
        interval.tick().await;
    }
    bail!("the custom resource was not established within a minute")
}
