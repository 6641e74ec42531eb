//! Asks one side, as any client does: HTTP/1.1 over TLS, with the side's own authority and a bearer token.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use http::HeaderMap;
use reqwest::{Method, Response};
use serde_json::Value;

use crate::sides::Server;

/// No call takes longer, but one that hangs.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long an event may take to come.
const EVENT: Duration = Duration::from_secs(10);

/// A connection pool to one side.
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

/// What to ask.
#[derive(Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    /// Another token than the side's; empty for none.
    pub token: Option<String>,
    pub body: Option<Vec<u8>>,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// A watch that is open.
pub struct Stream {
    response: Response,
    buffer: Vec<u8>,
}

impl Client {
    pub fn new(server: &Server) -> Result<Client> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let ca = reqwest::Certificate::from_pem_bundle(server.ca_pem.as_bytes())?;
        let http = reqwest::Client::builder().http1_only().no_proxy().tls_certs_only(ca).build()?;
        Ok(Client { http, url: server.url.clone(), token: server.token.clone() })
    }

    async fn send(&self, request: &Request) -> Result<Response> {
        let url = format!("{}{}", self.url, request.path);
        let method = Method::from_bytes(request.method.as_bytes())?;
        let mut builder = self.http.request(method, &url);
        match request.token.as_deref() {
            None => builder = builder.bearer_auth(&self.token),
            Some("") => {}
            Some(other) => builder = builder.bearer_auth(other),
        }
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let sent = tokio::time::timeout(DEADLINE, builder.send()).await;
        sent.with_context(|| format!("no answer within {DEADLINE:?}"))?
            .with_context(|| format!("cannot ask {url}"))
    }

    pub async fn call(&self, request: &Request) -> Result<Answer> {
        let response = self.send(request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body =
            tokio::time::timeout(DEADLINE, response.bytes()).await.context("the body does not end")??;
        Ok(Answer { status, headers, body: body.to_vec() })
    }

    /// Opens a watch; the answer's body is empty if it is open, and no stream is given if it is refused.
    pub async fn open(&self, request: &Request) -> Result<(Answer, Option<Stream>)> {
        let response = self.send(request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        if status == 200 {
            let answer = Answer { status, headers, body: Vec::new() };
            return Ok((answer, Some(Stream { response, buffer: Vec::new() })));
        }
        let body = response.bytes().await?.to_vec();
        Ok((Answer { status, headers, body }, None))
    }
}

impl Stream {
    /// The next `count` events; fewer if the server ends the stream, or nothing comes for ten seconds.
    pub async fn next(&mut self, count: usize) -> Result<Vec<Value>> {
        let mut events = Vec::new();
        while events.len() < count {
            if let Some(end) = self.buffer.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                events.push(serde_json::from_slice(&line).context("an event that is no JSON")?);
                continue;
            }
            match tokio::time::timeout(EVENT, self.response.chunk()).await {
                Ok(Ok(Some(chunk))) => self.buffer.extend_from_slice(&chunk),
                Ok(Ok(None)) => break,
                Ok(Err(error)) => bail!("the watch broke off: {error}"),
                Err(_) => {
                    events.push("nothing came for ten seconds".into());
                    break;
                }
            }
        }
        Ok(events)
    }
}
