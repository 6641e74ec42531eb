//! Documents that are known by their hash, as those of OpenAPI are (`pkg/handler3/handler.go` of k8s.io/kube-openapi):
//! who asks by it may keep them for ever.

use http::header::{CACHE_CONTROL, ETAG, EXPIRES, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION, VARY};
use http::request::Parts;
use http::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::Value;

use super::answer::{finished, respond};
use super::reply::Reply;

/// How long a document may be kept.
const KEPT: SignedDuration = SignedDuration::from_hours(365 * 24);

/// The document whose path below `/openapi/v3` is `at`: 304 to who has it, 301 to who asks for another one.
pub(super) fn hashed(document: &Value, at: &str, head: &Parts, now: Timestamp) -> Response<Reply> {
    let hash = crate::openapi::hash(document);
    let query = head.uri.query().unwrap_or_default();
    let asked = query.split('&').find_map(|one| one.strip_prefix("hash=")).filter(|asked| !asked.is_empty());
    let quoted = format!("\"{hash}\"");
    let mut headers: Vec<(HeaderName, String)> = vec![(ETAG, quoted.clone())];
    let mut response = match asked {
        Some(other) if other != hash => {
            headers.push((LOCATION, format!("/openapi/v3/{at}?hash={hash}")));
            respond(StatusCode::MOVED_PERMANENTLY.as_u16(), "text/html; charset=utf-8", Reply::whole(""), &[])
        }
        _ => {
            if asked.is_some() {
                let end = now.checked_add(KEPT).unwrap_or(now).to_zoned(TimeZone::UTC);
                headers.push((VARY, "Accept".to_owned()));
                headers.push((CACHE_CONTROL, "public, immutable".to_owned()));
                headers.push((EXPIRES, end.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()));
            }
            match head.headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == quoted.as_bytes()) {
                true => respond(StatusCode::NOT_MODIFIED.as_u16(), "application/json", Reply::whole(""), &[]),
                false => finished(false, 200, document.to_string().into_bytes(), &head.headers, &[]),
            }
        }
    };
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
