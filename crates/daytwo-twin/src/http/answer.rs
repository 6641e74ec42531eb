//! Answers: their media types, and the headers that stand on every one.

use std::sync::atomic::{AtomicU64, Ordering};

use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
    VARY, WARNING, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, Response, StatusCode};
use serde_json::Value;

use super::reply::Reply;
use crate::status::Status;

/// How many answers there were, by which they are told apart.
static ANSWERS: AtomicU64 = AtomicU64::new(1);

/// Answers smaller than this are not compressed, as the real server's.
pub(super) const WORTH_COMPRESSING: usize = 128 << 10;

/// Whether a client takes compressed answers.
pub(super) fn gzip(headers: &HeaderMap) -> bool {
    let encodings = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    encodings.split(',').any(|one| one.split(';').next().is_some_and(|name| name.trim() == "gzip"))
}

/// An answer of JSON that is made, as YAML where that was asked for.
pub(super) fn finished(
    yaml: bool,
    code: u16,
    mut json: Vec<u8>,
    headers: &HeaderMap,
    warnings: &[String],
) -> Response<Reply> {
    if yaml
        && let Ok(value) = crate::body::value(&json)
        && let Ok(yaml) = serde_saphyr::to_string(&value)
    {
        return respond(code, "application/yaml", Reply::whole(yaml), warnings);
    }
    if json.last() != Some(&b'\n') {
        json.push(b'\n');
    }
    if json.len() < WORTH_COMPRESSING || !gzip(headers) {
        return respond(code, "application/json", Reply::whole(json), warnings);
    }
    use std::io::Write as _;
    // The level the real server compresses at.
    let mut encoder =
        flate2::write::GzEncoder::new(Vec::with_capacity(json.len() / 8), flate2::Compression::new(1));
    let zipped = encoder.write_all(&json).and_then(|()| encoder.finish());
    match zipped {
        Ok(zipped) => {
            let mut response = respond(code, "application/json", Reply::whole(zipped), warnings);
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
            response
        }
        Err(_) => respond(code, "application/json", Reply::whole(json), warnings),
    }
}

/// What the real server says at a path of nothing.
pub(super) fn lost() -> Response<Reply> {
    let mut response = respond(404, "text/plain; charset=utf-8", Reply::whole("404 page not found\n"), &[]);
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// What did not go well, as YAML where the client takes that first.
pub(super) fn failed(status: &Status, yaml: bool, warnings: &[String]) -> Response<Reply> {
    let body: Value = status.to_json();
    let mut response = match serde_saphyr::to_string(&body) {
        Ok(text) if yaml => respond(status.code, "application/yaml", Reply::whole(text), warnings),
        _ => respond(status.code, "application/json", Reply::whole(format!("{body}\n")), warnings),
    };
    if let Some(seconds) = status.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// An answer with what stands on all of them.
pub(super) fn respond(code: u16, media: &'static str, body: Reply, warnings: &[String]) -> Response<Reply> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    // By these, clients know a server that shares its time fairly, and hold themselves back no longer.
    const FLOW: [&str; 2] = ["x-kubernetes-pf-flowschema-uid", "x-kubernetes-pf-prioritylevel-uid"];
    for name in FLOW {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static("00000000-0000-4000-8000-000000000000"),
        );
    }
    let audit = format!("00000000-0000-4000-8000-{:012x}", ANSWERS.fetch_add(1, Ordering::Relaxed));
    if let Ok(audit) = HeaderValue::from_str(&audit) {
        headers.insert(HeaderName::from_static("audit-id"), audit);
    }
    for warning in warnings {
        let quoted = crate::field::quoted(warning);
        if let Ok(value) = HeaderValue::from_str(&format!("299 - {quoted}")) {
            headers.append(WARNING, value);
        }
    }
    response
}
