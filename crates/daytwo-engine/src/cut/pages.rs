//! Reads one resource page by page, at one revision, and goes on where an answer broke off.
//!
//! The next page is asked for as soon as its token is known, while this one still arrives: half of a list's
//! time is the server's work on a page. Page sizes follow the bytes seen, since `limit=500` is superlinear on
//! large resources. What was delivered is remembered by key, so a page read twice delivers nothing twice.

use std::fmt::Write as _;
use std::sync::Arc;

use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::batch::{Batch, ListMeta};
use super::split::Splitter;
use crate::api::{self, ApiError, Attempts, Patience};

/// Objects asked for in the first page.
const FIRST_LIMIT: u32 = 500;
/// The least objects asked for in a page while nothing fails.
const MIN_LIMIT: u32 = 8;
/// The most objects asked for in a page.
const MAX_LIMIT: u32 = 10_000;
/// The bytes a page should have.
const PAGE_BYTES: u64 = 8 << 20;
/// After this many bytes of a page the size of its objects is known well enough to ask for the next one.
const ENOUGH_TO_MEASURE: u64 = 128 << 10;

/// The list to read.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    /// The list's path.
    pub path: String,
    /// The API version in the path.
    pub version: String,
    /// A label selector that the server applies.
    pub selector: Option<String>,
    /// The revision to read at; `None` reads whatever the server holds now.
    pub revision: Option<u64>,
}

impl Ask {
    /// The request path of one page. A token carries the revision: naming both is refused by the server (422).
    fn page(&self, token: &str, limit: u32) -> String {
        let mut path = format!("{}?limit={limit}", self.path);
        if let Some(selector) = &self.selector {
            let _ = write!(path, "&labelSelector={}", escape(selector));
        }
        if !token.is_empty() {
            let _ = write!(path, "&continue={}", escape(token));
        } else if let Some(revision) = self.revision {
            let _ = write!(path, "&resourceVersion={revision}&resourceVersionMatch=Exact");
        }
        path
    }
}

/// Percent-encodes a query value.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// Why a list could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    /// The revision was compacted while it was read.
    #[error(transparent)]
    Gone(ApiError),
    /// The server refused, or never gave a whole answer.
    #[error(transparent)]
    Failed(ApiError),
    /// Nobody reads on: the run was given up.
    #[error("nobody reads on")]
    Dropped,
}

impl From<ApiError> for PageError {
    fn from(error: ApiError) -> Self {
        if error.is_gone() { Self::Gone(error) } else { Self::Failed(error) }
    }
}

/// Complete objects and the API version they were read at, which items of built-in lists do not carry.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// The version of the list they came in.
    pub version: Arc<str>,
    /// The objects.
    pub batch: Batch,
}

/// A page whose request is already on its way.
type Early = JoinHandle<Result<http::Response<Body>, ApiError>>;

/// The reader of one resource: it remembers what it delivered, across pages, attempts and fallbacks.
pub(super) struct Pager<'a> {
    client: &'a Client,
    patience: Patience,
    sink: &'a mpsc::Sender<Delivery>,
    /// The API version that objects are read at.
    version: Arc<str>,
    limit: u32,
    /// The etcd key, below the resource's, of the last object delivered.
    last: Option<Vec<u8>>,
    delivered: u64,
    /// Whether pages shrank because larger ones failed.
    pub shrank: bool,
}

impl<'a> Pager<'a> {
    /// A reader that delivers into `sink`.
    pub fn new(client: &'a Client, patience: Patience, sink: &'a mpsc::Sender<Delivery>) -> Self {
        let version = Arc::from("");
        Self { client, patience, sink, version, limit: FIRST_LIMIT, last: None, delivered: 0, shrank: false }
    }

    /// Reads `ask` to its end and returns the metadata of its first page.
    pub async fn read(&mut self, ask: &Ask) -> Result<ListMeta, PageError> {
        self.version = Arc::from(ask.version.as_str());
        let mut first: Option<ListMeta> = None;
        let mut token = String::new();
        let mut early: Option<Early> = None;
        loop {
            let (meta, next) = self.page(ask, &token, early.take()).await?;
            let following = meta.next.clone();
            first.get_or_insert(meta);
            if following.is_empty() {
                return Ok(first.unwrap_or_default());
            }
            if following == token {
                return Err(PageError::Failed(garbled(&ask.path, "the continue token does not move on")));
            }
            token = following;
            early = next;
        }
    }

    /// Reads one page, as often as it takes.
    async fn page(
        &mut self,
        ask: &Ask,
        token: &str,
        mut early: Option<Early>,
    ) -> Result<(ListMeta, Option<Early>), PageError> {
        let mut attempts = Attempts::new(self.patience);
        let mut failures = 0u32;
        loop {
            let outcome = self.page_once(ask, token, early.take()).await;
            let error = match outcome {
                Ok(page) => return Ok(page),
                Err(PageError::Failed(error)) => error,
                Err(other) => return Err(other),
            };
            failures += 1;
            // A page that fails twice may be too large for the server or the network between.
            if failures >= 2 && error.code() != Some(429) && self.limit > 1 {
                self.limit = (self.limit / 4).max(1);
                self.shrank = true;
            }
            // Without a revision the same page is another list: what was delivered of it cannot be matched.
            if ask.revision.is_none() && token.is_empty() && self.delivered > 0 {
                return Err(PageError::Failed(error));
            }
            attempts.again(error).await?;
        }
    }

    async fn page_once(
        &mut self,
        ask: &Ask,
        token: &str,
        early: Option<Early>,
    ) -> Result<(ListMeta, Option<Early>), PageError> {
        let path = ask.page(token, self.limit);
        let answer = match early {
            Some(early) => early.await.map_err(|_| PageError::Dropped)??,
            None => request(self.client, &path, self.patience).await?,
        };
        let broken = |what: String| {
            let (method, path) = (http::Method::GET, ask.path.clone());
            PageError::Failed(ApiError::Broken { method, path, what })
        };
        let mut body = answer.into_body();
        let mut splitter = Splitter::default();
        let mut next: Option<Early> = None;
        let mut bytes = 0u64;
        loop {
            let frame = match timeout(self.patience.next_byte, body.frame()).await {
                Err(_) => return Err(broken("it stalled".to_owned())),
                Ok(None) => break,
                Ok(Some(Err(error))) => return Err(broken(api::causes(&error))),
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(chunk) = frame.into_data() else { continue };
            bytes += chunk.len() as u64;
            let batch = splitter.push(&chunk).map_err(|error| broken(error.to_string()))?;
            if next.is_none() && bytes >= ENOUGH_TO_MEASURE {
                self.resize(bytes, splitter.objects());
                next = self.ask_ahead(ask, splitter.meta());
            }
            if let Some(batch) = batch {
                self.deliver(batch, &ask.path).await?;
            }
        }
        let objects = splitter.objects();
        let (batch, meta) = splitter.finish().map_err(|error| broken(error.to_string()))?;
        if let Some(batch) = batch {
            self.deliver(batch, &ask.path).await?;
        }
        self.resize(bytes, objects);
        Ok((meta, next))
    }

    /// Asks for the next page as soon as its token is known.
    fn ask_ahead(&self, ask: &Ask, meta: Option<&ListMeta>) -> Option<Early> {
        let token = meta.map(|meta| meta.next.as_str()).filter(|token| !token.is_empty())?;
        let (client, path, patience) = (self.client.clone(), ask.page(token, self.limit), self.patience);
        Some(tokio::spawn(async move { request(&client, &path, patience).await }))
    }

    /// Fits the page size to the bytes that objects of this resource have.
    fn resize(&mut self, bytes: u64, objects: u64) {
        if self.shrank || objects == 0 {
            return;
        }
        let fitting = PAGE_BYTES / (bytes / objects).max(1);
        self.limit = u32::try_from(fitting).unwrap_or(MAX_LIMIT).clamp(MIN_LIMIT, MAX_LIMIT);
    }

    /// Hands on what was not delivered before.
    async fn deliver(&mut self, batch: Batch, path: &str) -> Result<(), PageError> {
        let batch = match &self.last {
            None => batch,
            Some(last) => {
                let mut known = 0;
                for item in batch.items() {
                    if key(item, path)?.as_slice() > last.as_slice() {
                        break;
                    }
                    known += 1;
                }
                batch.skip(known)
            }
        };
        let Some(item) = batch.items().last() else { return Ok(()) };
        self.last = Some(key(item, path)?);
        self.delivered += batch.len() as u64;
        let delivery = Delivery { version: Arc::clone(&self.version), batch };
        self.sink.send(delivery).await.map_err(|_| PageError::Dropped)
    }
}

async fn request(client: &Client, path: &str, patience: Patience) -> Result<http::Response<Body>, ApiError> {
    api::send(client, api::get_request(path, "application/json")?, &patience).await
}

/// The part of an object's etcd key that lists are ordered by: `namespace/name`, or `name`.
fn key(item: &[u8], path: &str) -> Result<Vec<u8>, PageError> {
    let meta = daytwo_core::json::Meta::of_prefix(item);
    let meta = meta.map_err(|error| PageError::Failed(garbled(path, &error.to_string())))?;
    Ok(match &meta.namespace {
        Some(namespace) => format!("{namespace}/{}", meta.name).into_bytes(),
        None => meta.name.into_owned().into_bytes(),
    })
}

fn garbled(path: &str, what: &str) -> ApiError {
    ApiError::Garbled { method: http::Method::GET, path: path.to_owned(), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_continue_token_is_sent_without_the_revision() {
        let path = "/api/v1/pods".to_owned();
        let version = "v1".to_owned();
        let ask = Ask { path, version, selector: Some("a in (b,c)".into()), revision: Some(7) };
        assert_eq!(
            ask.page("", 500),
            "/api/v1/pods?limit=500&labelSelector=a%20in%20%28b%2Cc%29&resourceVersion=7&resourceVersionMatch=Exact"
        );
        assert_eq!(
            ask.page("t=", 9),
            "/api/v1/pods?limit=9&labelSelector=a%20in%20%28b%2Cc%29&continue=t%3D"
        );
    }
}
