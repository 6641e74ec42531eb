//! Requests to the API server as bytes: what a typed client would decode and encode again, this does not.
//!
//! One place for the time a request may take, for what is retried, and for what the server's `Status`
//! answers mean. Objects pass through as the bytes the server sent.

mod error;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Limited};
use kube::Client;
use kube::client::Body;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};

pub use error::ApiError;
pub(crate) use error::causes;
use error::status_error;

/// How long the server may take to begin its answer.
pub const FIRST_BYTE: Duration = Duration::from_secs(60);
/// How long the server may pause in the middle of an answer.
pub const NEXT_BYTE: Duration = Duration::from_secs(30);
/// How long a request is tried again for, from its first attempt.
pub const RETRY_FOR: Duration = Duration::from_secs(60);
/// The longest body that is read whole, in bytes: discovery documents and single objects are far smaller.
const MAX_BODY: usize = 64 << 20;
/// The longest error body that is read, in bytes.
const MAX_ERROR_BODY: usize = 64 << 10;

/// How long one request goes on being tried.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// No attempt starts later than this after the first.
    pub limit: Duration,
    /// At most this many attempts.
    pub attempts: u32,
    /// How long the server may take to begin an answer.
    pub first_byte: Duration,
    /// How long the server may pause within an answer.
    pub next_byte: Duration,
}

impl Default for Patience {
    /// Five attempts within a minute; 60 s to the first byte, 30 s between bytes.
    fn default() -> Self {
        Self { limit: RETRY_FOR, attempts: 5, first_byte: FIRST_BYTE, next_byte: NEXT_BYTE }
    }
}

/// Counts the attempts of one request and waits between them.
#[derive(Debug)]
pub struct Attempts {
    patience: Patience,
    since: Instant,
    made: u32,
}

impl Attempts {
    /// Begins with no attempt made.
    pub fn new(patience: Patience) -> Self {
        Self { patience, since: Instant::now(), made: 0 }
    }

    /// Waits until the next attempt may start.
    ///
    /// # Errors
    /// Gives `error` back where it is final, or where attempts or time have run out.
    pub async fn again(&mut self, error: ApiError) -> Result<(), ApiError> {
        self.made += 1;
        let Some(asked) = error.retry() else { return Err(error) };
        let backoff = Duration::from_millis(100u64 << self.made.min(6));
        let pause = asked.max(backoff);
        // One that was silent may have taken all the time: it is tried a second time in any case.
        let late = self.made > 1 && self.since.elapsed() + pause > self.patience.limit;
        if self.made >= self.patience.attempts || late {
            return Err(error);
        }
        tracing::debug!(%error, ?pause, attempt = self.made, "trying again");
        sleep(pause).await;
        Ok(())
    }
}

/// Sends one request and returns the answer's head, its body still to be read.
///
/// # Errors
/// [`ApiError::Status`] for every answer that is not 2xx; the others as they are described.
pub async fn send(
    client: &Client,
    request: Request<Body>,
    patience: &Patience,
) -> Result<Response<Body>, ApiError> {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let unreachable =
        |what: String| ApiError::Unreachable { method: method.clone(), path: path.clone(), what };
    let answer = match timeout(patience.first_byte, client.send(request)).await {
        Err(_) => return Err(unreachable(format!("nothing within {} s", patience.first_byte.as_secs()))),
        Ok(Err(error)) => return Err(unreachable(causes(&error))),
        Ok(Ok(answer)) => answer,
    };
    tracing::trace!(%method, path, status = answer.status().as_u16(), "answered");
    if answer.status().is_success() {
        return Ok(answer);
    }
    let code = answer.status().as_u16();
    let retry_after = answer
        .headers()
        .get(http::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let body = timeout(patience.next_byte, Limited::new(answer.into_body(), MAX_ERROR_BODY).collect()).await;
    let body = match body {
        Ok(Ok(body)) => body.to_bytes(),
        _ => Bytes::new(),
    };
    Err(status_error(method, path, code, &body, retry_after))
}

/// GETs `path` and returns the whole body, trying again where that may help.
///
/// # Errors
/// As [`send`]; [`ApiError::Broken`] where the body never arrived whole.
pub async fn get(client: &Client, path: &str, accept: &str) -> Result<Bytes, ApiError> {
    let patience = Patience::default();
    let mut attempts = Attempts::new(patience);
    loop {
        match whole(client, get_request(path, accept)?, &patience).await {
            Ok(body) => return Ok(body),
            Err(error) => attempts.again(error).await?,
        }
    }
}

/// One attempt, with the whole body of the answer.
async fn whole(client: &Client, request: Request<Body>, patience: &Patience) -> Result<Bytes, ApiError> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let answer = send(client, request, patience).await?;
    let broken = |what: String| ApiError::Broken { method: method.clone(), path: path.clone(), what };
    let body = Limited::new(answer.into_body(), MAX_BODY).collect();
    match timeout(patience.next_byte.max(patience.first_byte), body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) => Err(broken(causes(error.as_ref()))),
        Err(_) => Err(broken("it stalled".to_owned())),
    }
}

/// GETs `path` as JSON.
///
/// # Errors
/// As [`get`]; [`ApiError::Garbled`] where the body is not the shape asked for.
pub async fn get_json<T: DeserializeOwned>(client: &Client, path: &str) -> Result<T, ApiError> {
    let body = get(client, path, "application/json").await?;
    parse(path, &body)
}

/// POSTs `body` to `path`, where nothing is kept of it (a review), and returns the whole answer; tries again where that
/// may help.
///
/// # Errors
/// As [`get`].
pub async fn review(client: &Client, path: &str, body: &[u8]) -> Result<Bytes, ApiError> {
    let patience = Patience::default();
    let mut attempts = Attempts::new(patience);
    loop {
        let request = Request::post(path)
            .header(http::header::ACCEPT, "application/json")
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_vec()));
        let request = request.map_err(|error| ApiError::Garbled {
            method: Method::POST,
            path: path.to_owned(),
            what: error.to_string(),
        })?;
        match whole(client, request, &patience).await {
            Ok(body) => return Ok(body),
            Err(error) => attempts.again(error).await?,
        }
    }
}

/// DELETEs what is at `path`, once.
///
/// # Errors
/// As [`send`].
pub async fn delete(client: &Client, path: &str) -> Result<(), ApiError> {
    once(client, Request::delete(path), Body::empty()).await
}

/// Merges `patch`, a JSON merge patch, into what is at `path`, once.
///
/// # Errors
/// As [`send`].
pub async fn merge(client: &Client, path: &str, patch: &[u8]) -> Result<(), ApiError> {
    let request = Request::patch(path).header(http::header::CONTENT_TYPE, "application/merge-patch+json");
    once(client, request, Body::from(patch.to_vec())).await
}

async fn once(client: &Client, request: http::request::Builder, body: Body) -> Result<(), ApiError> {
    let (method, path) = (request.method_ref().cloned(), request.uri_ref().map(ToString::to_string));
    let request = request.header(http::header::ACCEPT, "application/json").body(body);
    let request = request.map_err(|error| ApiError::Garbled {
        method: method.unwrap_or_default(),
        path: path.unwrap_or_default(),
        what: error.to_string(),
    })?;
    whole(client, request, &Patience::default()).await.map(|_| ())
}

/// Reads `body`, the answer to a GET of `path`, as JSON.
///
/// # Errors
/// [`ApiError::Garbled`] where it is not the shape asked for.
pub fn parse<T: DeserializeOwned>(path: &str, body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::Garbled {
        method: Method::GET,
        path: path.to_owned(),
        what: format!("{error} ({} bytes)", body.len()),
    })
}

/// A GET request for `path`.
///
/// # Errors
/// [`ApiError::Garbled`] where `path` is no path.
pub fn get_request(path: &str, accept: &str) -> Result<Request<Body>, ApiError> {
    let request = Request::get(path).header(http::header::ACCEPT, accept).body(Body::empty());
    request.map_err(|error| ApiError::Garbled {
        method: Method::GET,
        path: path.to_owned(),
        what: error.to_string(),
    })
}
