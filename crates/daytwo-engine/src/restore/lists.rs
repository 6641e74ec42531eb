//! Lists of a cluster's objects as they are now, object by object as bytes, while they arrive. Pages follow the bytes
//! seen. It refuses consistency between pages: what it finds is looked at again where it is acted on.

use daytwo_core::json::JsonError;
use http::Method;
use http_body_util::BodyExt;
use kube::Client;
use tokio::time::timeout;

use crate::api::{self, ApiError, Attempts, Patience};
use crate::cut::{Batch, ListMeta, Splitter};

/// Objects asked for in the first page.
const FIRST_LIMIT: u64 = 500;
/// The most objects asked for in a page.
const MAX_LIMIT: u64 = 5_000;
/// The bytes a page should have.
const PAGE_BYTES: u64 = 8 << 20;
/// How often a list is begun again because its token expired.
const RESTARTS: u32 = 3;

/// Up to this many namespaces are listed one by one, whatever else the cluster holds; of more, all the cluster's are.
pub const ONE_BY_ONE: usize = 16;

/// The media type that leaves specs and statuses out.
pub const METADATA_ONLY: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// Hands each object of the list at `path`, which may have a query, to `object`; one that changes place between pages
/// may come twice, as may those of a page that broke off.
///
/// # Errors
/// As [`api::get`]; [`ApiError::Garbled`] where the answer is no list.
pub async fn each(
    client: &Client,
    path: &str,
    accept: &str,
    mut object: impl FnMut(&[u8]) -> Result<(), JsonError>,
) -> Result<(), ApiError> {
    let patience = Patience::default();
    let joint = if path.contains('?') { '&' } else { '?' };
    let mut token = String::new();
    let mut limit = FIRST_LIMIT;
    let mut restarts = 0;
    let mut attempts = Attempts::new(patience);
    loop {
        let mut page = format!("{path}{joint}limit={limit}");
        if !token.is_empty() {
            page.push_str("&continue=");
            page.push_str(&escape(&token));
        }
        let read = match read_page(client, &page, accept, &patience, &mut object).await {
            Ok(read) => read,
            Err(error) if error.is_gone() && restarts < RESTARTS => {
                restarts += 1;
                token.clear();
                continue;
            }
            Err(error) => {
                attempts.again(error).await?;
                continue;
            }
        };
        if read.meta.next.is_empty() {
            return Ok(());
        }
        attempts = Attempts::new(patience);
        token = read.meta.next;
        if let Some(size) = read.bytes.checked_div(read.objects) {
            limit = (PAGE_BYTES / size.max(1)).clamp(1, MAX_LIMIT);
        }
    }
}

/// A page that was read to its end.
struct Page {
    meta: ListMeta,
    objects: u64,
    bytes: u64,
}

async fn read_page(
    client: &Client,
    path: &str,
    accept: &str,
    patience: &Patience,
    object: &mut impl FnMut(&[u8]) -> Result<(), JsonError>,
) -> Result<Page, ApiError> {
    let broken = |what: String| ApiError::Broken { method: Method::GET, path: path.to_owned(), what };
    let garbled = |what: String| ApiError::Garbled { method: Method::GET, path: path.to_owned(), what };
    let mut hand_over = |batch: Option<Batch>| match batch {
        Some(batch) => batch.items().try_for_each(&mut *object),
        None => Ok(()),
    };
    let mut body = api::send(client, api::get_request(path, accept)?, patience).await?.into_body();
    let mut splitter = Splitter::default();
    let mut bytes = 0;
    loop {
        let frame = match timeout(patience.next_byte, body.frame()).await {
            Err(_) => return Err(broken(format!("nothing for {} s", patience.next_byte.as_secs()))),
            Ok(None) => break,
            Ok(Some(Err(error))) => return Err(broken(api::causes(&error))),
            Ok(Some(Ok(frame))) => frame,
        };
        if let Some(chunk) = frame.data_ref() {
            bytes += chunk.len() as u64;
            let batch = splitter.push(chunk).map_err(|error| garbled(error.to_string()))?;
            hand_over(batch).map_err(|error| garbled(error.to_string()))?;
        }
    }
    let objects = splitter.objects();
    let (batch, meta) = splitter.finish().map_err(|error| broken(error.to_string()))?;
    hand_over(batch).map_err(|error| garbled(error.to_string()))?;
    Ok(Page { meta, objects, bytes })
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
