//! The floor: reads planned pages and drops their bodies, and does nothing else that a backup has to do.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::Request;
use hyper::body::Frame;
use serde::Serialize;
use tokio::task::JoinSet;

use super::connect::{Server, handshake, successful, tcp};
use super::pages::{Job, Upload};

/// What is sent in one piece.
const PIECE: usize = 1 << 20;

/// What was read.
#[derive(Debug, Default, Serialize)]
pub struct Sum {
    pages: u64,
    bytes: u64,
}

/// Reads with that many requests in flight. With one, the upload follows; with several, it runs beside.
pub fn read(kubeconfig: &Path, job: &Path, in_flight: usize) -> Result<Sum> {
    let text = std::fs::read(job).with_context(|| format!("cannot read {}", job.display()))?;
    let job: Job = serde_json::from_slice(&text).context("not a job")?;
    let server = Server::of(kubeconfig)?;
    if in_flight > 1 {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        return runtime.context("no runtime")?.block_on(beside(server, job, in_flight));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("no runtime")?.block_on(async {
        let sum = take(&server, &job.pages, &AtomicUsize::new(0)).await?;
        if let Some(what) = job.upload {
            upload(what).await?;
        }
        Ok(sum)
    })
}

async fn beside(server: Server, job: Job, in_flight: usize) -> Result<Sum> {
    let pages: Arc<[String]> = job.pages.into();
    let next = Arc::new(AtomicUsize::new(0));
    let mut readers = JoinSet::new();
    for _ in 0..in_flight {
        let (server, pages, next) = (server.clone(), Arc::clone(&pages), Arc::clone(&next));
        readers.spawn(async move { take(&server, &pages, &next).await });
    }
    if let Some(what) = job.upload {
        readers.spawn(async move { upload(what).await.map(|()| Sum::default()) });
    }
    let mut sum = Sum::default();
    while let Some(read) = readers.join_next().await {
        let read = read.context("a reader panicked")??;
        sum.pages += read.pages;
        sum.bytes += read.bytes;
    }
    Ok(sum)
}

/// Reads what is next until nothing is left.
async fn take(server: &Server, pages: &[String], next: &AtomicUsize) -> Result<Sum> {
    let mut connection = server.connect().await?;
    let mut sum = Sum::default();
    while let Some(page) = pages.get(next.fetch_add(1, Ordering::Relaxed)) {
        connection.ready().await.context("the API server closed the connection")?;
        let response = connection.send_request(server.get(page)?).await.context("no answer")?;
        let mut body = successful(page, response).await?.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.context("no whole answer")?;
            sum.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        sum.pages += 1;
    }
    Ok(sum)
}

async fn upload(what: Upload) -> Result<()> {
    let mut connection = handshake(tcp(&what.address).await?).await?;
    let mut request = Request::put(&what.path).header(hyper::header::CONTENT_LENGTH, what.bytes);
    for (name, value) in &what.headers {
        request = request.header(name, value);
    }
    let piece = Bytes::from(vec![b'd'; PIECE]);
    let mut left = what.bytes;
    let body = StreamBody::new(futures::stream::iter(std::iter::from_fn(move || {
        let size = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        left -= size as u64;
        (size > 0).then(|| Ok::<_, std::convert::Infallible>(Frame::data(piece.slice(..size))))
    })));
    let response = connection.send_request(request.body(body).context("no request")?).await;
    successful(&what.path, response.context("no answer from the store")?).await.map(drop)
}
