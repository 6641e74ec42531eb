//! Requests to the API server as bytes: what a typed client would decode and encode again, this does not.
//!
//! One place for the time a request may take, for what is retried, and for what the server's `Status`
//! answers mean. Objects pass through as the bytes the server sent.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use kube::Client;
use kube::client::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};

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
/// The longest that one `Retry-After` is honoured for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);

/// Why a request to the API server gave no usable answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// The server answered with an error.
    #[error("{method} {path}: {} ({code}{})", message.trim_end(), if reason.is_empty() { String::new() } else { format!(" {reason}") })]
    Status {
        /// The request's method.
        method: Method,
        /// The request's path.
        path: String,
        /// The HTTP status.
        code: u16,
        /// The `Status` object's reason, such as `Forbidden`; empty where the body was no `Status`.
        reason: String,
        /// The server's message.
        message: String,
        /// The server's `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// No answer: refused, reset, a TLS failure, credentials that cannot be had.
    #[error("{method} {path}: no answer: {what}")]
    Unreachable {
        /// The request's method.
        method: Method,
        /// The request's path.
        path: String,
        /// What the connection met, causes included.
        what: String,
    },
    /// The answer began and then broke off or stalled.
    #[error("{method} {path}: the answer broke off: {what}")]
    Broken {
        /// The request's method.
        method: Method,
        /// The request's path.
        path: String,
        /// What happened.
        what: String,
    },
    /// An answer that is not what the API promises.
    #[error("{method} {path}: the answer cannot be read: {what}")]
    Garbled {
        /// The request's method.
        method: Method,
        /// The request's path.
        path: String,
        /// What is wrong with it.
        what: String,
    },
}

impl ApiError {
    /// The HTTP status, where the server gave one.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// The `Status` reason, where the server gave one.
    pub fn reason(&self) -> &str {
        match self {
            Self::Status { reason, .. } => reason,
            _ => "",
        }
    }

    /// Whether the server said that the revision asked for is gone (compacted).
    pub fn is_gone(&self) -> bool {
        self.code() == Some(410)
    }

    /// Whether the caller may not do this.
    pub fn is_denied(&self) -> bool {
        matches!(self.code(), Some(401 | 403))
    }

    /// Whether there is no such path or object.
    pub fn is_not_found(&self) -> bool {
        matches!(self.code(), Some(404 | 405))
    }

    /// Whether the server was not there to answer at all.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// Whether the server says the revision asked for is one it has not reached: the resource lives in a
    /// store with a revision of its own, or behind a proxy that lags.
    pub fn is_ahead(&self) -> bool {
        matches!(self, Self::Status { code: 504, message, .. } if message.contains("Too large resource version"))
    }

    /// Whether the same request may succeed if sent again, and after how long at the least.
    pub fn retry(&self) -> Option<Duration> {
        match self {
            Self::Status { code: 429, retry_after, .. } => {
                Some(retry_after.unwrap_or(Duration::from_secs(1)).min(MAX_RETRY_AFTER))
            }
            Self::Status { code: 500 | 502 | 503 | 504, retry_after, .. } if !self.is_ahead() => {
                Some(retry_after.unwrap_or_default().min(MAX_RETRY_AFTER))
            }
            Self::Status { .. } | Self::Garbled { .. } => None,
            Self::Unreachable { .. } | Self::Broken { .. } => Some(Duration::ZERO),
        }
    }
}

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
        let outcome = get_once(client, path, accept, &patience).await;
        match outcome {
            Ok(body) => return Ok(body),
            Err(error) => attempts.again(error).await?,
        }
    }
}

async fn get_once(client: &Client, path: &str, accept: &str, patience: &Patience) -> Result<Bytes, ApiError> {
    let answer = send(client, get_request(path, accept)?, patience).await?;
    let broken = |what: String| ApiError::Broken { method: Method::GET, path: path.to_owned(), what };
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

/// Reads the body of an error answer: a Kubernetes `Status`, or whatever stood in front of the server.
fn status_error(
    method: Method,
    path: String,
    code: u16,
    body: &[u8],
    retry_after: Option<Duration>,
) -> ApiError {
    #[derive(Deserialize)]
    struct Status {
        #[serde(default)]
        reason: String,
        #[serde(default)]
        message: String,
    }
    let (reason, message) = match serde_json::from_slice::<Status>(body) {
        Ok(status) if !(status.message.is_empty() && status.reason.is_empty()) => {
            (status.reason, status.message)
        }
        _ => {
            let text: String = String::from_utf8_lossy(body).chars().take(200).collect();
            let known = StatusCode::from_u16(code).ok().and_then(|code| code.canonical_reason());
            let message = if text.trim().is_empty() { known.unwrap_or("error").to_owned() } else { text };
            (String::new(), message)
        }
    };
    ApiError::Status { method, path, code, reason, message, retry_after }
}

/// An error and its causes in one line, each said once.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, body: &str) -> ApiError {
        status_error(Method::GET, "/api".to_owned(), code, body.as_bytes(), None)
    }

    #[test]
    fn a_status_body_gives_reason_and_message() {
        let error = status(403, r#"{"kind":"Status","reason":"Forbidden","message":"no","code":403}"#);
        assert_eq!(error.reason(), "Forbidden");
        assert!(error.is_denied());
        assert_eq!(error.to_string(), "GET /api: no (403 Forbidden)");
    }

    #[test]
    fn a_proxy_page_is_cut_short() {
        let error = status(502, &"x".repeat(5000));
        assert!(error.to_string().len() < 300);
        assert!(error.retry().is_some());
    }

    #[test]
    fn a_revision_not_reached_is_not_tried_again() {
        let error =
            status(504, r#"{"reason":"Timeout","message":"Too large resource version: 9, current: 3"}"#);
        assert!(error.is_ahead());
        assert_eq!(error.retry(), None);
    }

    #[test]
    fn gone_and_not_found_are_final() {
        assert_eq!(status(410, "{}").retry(), None);
        assert_eq!(status(404, "{}").retry(), None);
    }
}
