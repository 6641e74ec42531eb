//! Fills a cluster with objects as fast as its API server takes them, and deletes them as fast.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Request, StatusCode};
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
        send(&server, &mut connection, Act::Create, &object).await?;
    }
    established(&server).await?;
    each(&server, Act::Create, prefix, numbers, connections).await
}

/// Deletes the objects of `numbers` in namespaces that begin with `prefix`; what those need stays.
#[tokio::main]
pub async fn clear(kubeconfig: &Path, prefix: &str, numbers: Range<u32>, connections: usize) -> Result<()> {
    each(&Server::of(kubeconfig)?, Act::Delete, prefix, numbers, connections).await
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Create,
    Delete,
}

async fn each(
    server: &Server,
    act: Act,
    prefix: &str,
    numbers: Range<u32>,
    connections: usize,
) -> Result<()> {
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
                send(&server, &mut connection, act, &objects::object(&prefix, number)).await?;
            }
        });
    }
    while let Some(loaded) = loaders.join_next().await {
        let loaded: Result<()> = loaded.context("a loader panicked")?;
        loaded?;
    }
    Ok(())
}

async fn send(
    server: &Server,
    connection: &mut SendRequest<Full<Bytes>>,
    act: Act,
    object: &objects::Object,
) -> Result<()> {
    let (method, path, body, done) = match act {
        Act::Create => {
            let done = [StatusCode::CREATED, StatusCode::CONFLICT];
            (Method::POST, object.path.clone(), object.body.clone(), done)
        }
        Act::Delete => {
            let path = format!("{}/{}", object.path, object.name);
            (Method::DELETE, path, Bytes::new(), [StatusCode::OK, StatusCode::ACCEPTED])
        }
    };
    for _ in 0..ATTEMPTS {
        connection.ready().await.context("the API server closed the connection")?;
        let request = Request::builder()
            .method(&method)
            .uri(&path)
            .header(hyper::header::HOST, &server.address)
            .header(hyper::header::CONTENT_TYPE, "application/json")
            .body(Full::new(body.clone()))
            .context("no request")?;
        let response = connection.send_request(request).await.context("no answer")?;
        let status = response.status();
        let body = response.into_body().collect().await.context("no whole answer")?.to_bytes();
        match status {
            status if done.contains(&status) => return Ok(()),
            StatusCode::TOO_MANY_REQUESTS => {}
            _ => bail!("{method} {path}: {status}: {}", String::from_utf8_lossy(&body)),
        }
    }
    bail!("{method} {path}: the server has no time")
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
