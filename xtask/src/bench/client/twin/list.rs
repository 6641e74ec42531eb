//! A whole collection in one answer, read and dropped.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use http_body_util::BodyExt as _;
use serde::Serialize;

use crate::connect::{Server, successful};

/// What a list took.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// From the request until the last byte.
    wall: f64,
    bytes: u64,
}

pub fn list(kubeconfig: &Path, path: &str) -> Result<Listed> {
    let server = Server::of(kubeconfig)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let mut connection = server.connect().await?;
        connection.ready().await.context("the server closed the connection")?;
        let (begin, mut bytes) = (Instant::now(), 0);
        let response = connection.send_request(server.get(path)?).await.context("no answer")?;
        let mut body = successful(path, response).await?.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.context("no whole answer")?;
            bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        Ok(Listed { wall: begin.elapsed().as_secs_f64(), bytes })
    })
}
