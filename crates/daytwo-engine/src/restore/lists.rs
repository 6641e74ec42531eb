//! Lists of a cluster's objects as they are now, object by object as bytes. Pages follow the bytes seen; a page too
//! many is never kept. It refuses consistency between pages: what it finds is looked at again where it is acted on.

use daytwo_core::json::{JsonError, elements, find, string};
use http::Method;
use kube::Client;

use crate::api::{self, ApiError};

/// Objects asked for in the first page.
const FIRST_LIMIT: usize = 500;
/// The most objects asked for in a page.
const MAX_LIMIT: usize = 5_000;
/// The bytes a page should have.
const PAGE_BYTES: usize = 4 << 20;
/// How often a list is begun again because its token expired.
const RESTARTS: u32 = 3;

/// The media type that leaves specs and statuses out.
pub const METADATA_ONLY: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// Hands each object of the list at `path`, which may have a query, to `object`; one that changes place between pages may come twice.
///
/// # Errors
/// As [`api::get`]; [`ApiError::Garbled`] where the answer is no list.
pub async fn each(
    client: &Client,
    path: &str,
    accept: &str,
    mut object: impl FnMut(&[u8]) -> Result<(), JsonError>,
) -> Result<(), ApiError> {
    let mut token = String::new();
    let mut limit = FIRST_LIMIT;
    let mut restarts = 0;
    loop {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut page = format!("{path}{joint}limit={limit}");
        if !token.is_empty() {
            page.push_str("&continue=");
            page.push_str(&escape(&token));
        }
        let body = match api::get(client, &page, accept).await {
            Err(error) if error.is_gone() && restarts < RESTARTS => {
                restarts += 1;
                token.clear();
                continue;
            }
            answer => answer?,
        };
        let garbled = |error: JsonError| ApiError::Garbled {
            method: Method::GET,
            path: path.to_owned(),
            what: error.to_string(),
        };
        let count = page_objects(&body, &mut object).map_err(garbled)?;
        let next = find(&body, &["metadata", "continue"]).map_err(garbled)?;
        token = next.and_then(|span| string(&body[span])).unwrap_or_default().into_owned();
        if token.is_empty() {
            return Ok(());
        }
        if count > 0 {
            limit = (PAGE_BYTES / (body.len() / count).max(1)).clamp(1, MAX_LIMIT);
        }
    }
}

fn page_objects(
    body: &[u8],
    object: &mut impl FnMut(&[u8]) -> Result<(), JsonError>,
) -> Result<usize, JsonError> {
    let Some(items) = find(body, &["items"])? else { return Ok(0) };
    let items = &body[items];
    if !items.starts_with(b"[") {
        return Ok(0);
    }
    let mut count = 0;
    for item in elements(items) {
        object(&items[item?])?;
        count += 1;
    }
    Ok(count)
}

/// Percent-encodes a path segment or a query value.
pub fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}
