//! Why a request gave no usable answer, and whether it is worth sending again.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;

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

    /// Whether the server has no time: 429, or 503 that says when to come again.
    pub fn pushes_back(&self) -> bool {
        matches!(self, Self::Status { code: 429, .. } | Self::Status { code: 503, retry_after: Some(_), .. })
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

/// Reads the body of an error answer: a Kubernetes `Status`, or whatever stood in front of the server.
pub(super) fn status_error(
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
