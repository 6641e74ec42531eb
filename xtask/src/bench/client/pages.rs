//! The pages that a backup read, made readable again: the same lists with the same limits in the same order,
//! at a fresh revision and with fresh tokens.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::SendRequest;
use serde::{Deserialize, Serialize};

use super::connect::{Server, successful};

/// What a floor reads, and uploads.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Job {
    /// Path and query of each page, token included.
    pub pages: Vec<String>,
    /// What to upload besides.
    pub upload: Option<Upload>,
}

/// A signed upload of that many bytes, whatever they are.
#[derive(Debug, Serialize, Deserialize)]
pub struct Upload {
    /// `HOST:PORT`, plain HTTP.
    pub address: String,
    /// The path of the object.
    pub path: String,
    /// The signature among them.
    pub headers: Vec<(String, String)>,
    /// How many.
    pub bytes: u64,
}

#[derive(Deserialize)]
struct List {
    metadata: Meta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    #[serde(default)]
    resource_version: String,
    #[serde(default, rename = "continue")]
    next: String,
}

/// Where a list goes on.
enum Place {
    Begin,
    At(String),
    End,
}

/// Reads the recorded pages once and returns how they can be read now.
#[tokio::main(flavor = "current_thread")]
pub async fn plan(kubeconfig: &Path, recorded: &Path) -> Result<Job> {
    let text = std::fs::read(recorded).with_context(|| format!("cannot read {}", recorded.display()))?;
    let recorded: Vec<String> = serde_json::from_slice(&text).context("not an array of paths")?;
    let server = Server::of(kubeconfig)?;
    let mut connection = server.connect().await?;
    let revision = list(&server, &mut connection, "/api/v1/namespaces?limit=1").await?.resource_version;

    let mut pages = Vec::with_capacity(recorded.len());
    let mut places: HashMap<String, (Place, u64)> = HashMap::new();
    let mut order: Vec<String> = Vec::new();
    for request in recorded.iter().filter_map(|path| Recorded::of(path)) {
        let (place, limit) = places.entry(request.path.clone()).or_insert_with(|| {
            order.push(request.path.clone());
            (Place::Begin, request.limit)
        });
        *limit = request.limit;
        if let Some(page) = request.page(place, &revision) {
            *place = follow(list(&server, &mut connection, &page).await?.next);
            pages.push(page);
        }
    }
    // Objects that came since it was recorded.
    for path in order {
        let Some((mut place, limit)) = places.remove(&path) else { continue };
        let rest = Recorded { path, limit };
        while let Some(page) = rest.page(&place, &revision) {
            place = follow(list(&server, &mut connection, &page).await?.next);
            pages.push(page);
        }
    }
    if pages.is_empty() {
        bail!("no list pages were recorded");
    }
    Ok(Job { pages, upload: None })
}

fn follow(token: String) -> Place {
    if token.is_empty() { Place::End } else { Place::At(token) }
}

async fn list(server: &Server, connection: &mut SendRequest<Empty<Bytes>>, page: &str) -> Result<Meta> {
    connection.ready().await.context("the API server closed the connection")?;
    let response = connection.send_request(server.get(page)?).await.context("no answer")?;
    let body = successful(page, response).await?.into_body().collect().await.context("no whole answer")?;
    let list: List = serde_json::from_slice(&body.to_bytes()).with_context(|| format!("{page}: no list"))?;
    Ok(list.metadata)
}

/// A recorded page. Probes, which ask for one object to see the list's revision, are none.
struct Recorded {
    path: String,
    limit: u64,
}

impl Recorded {
    fn of(request: &str) -> Option<Recorded> {
        let (path, query) = request.split_once('?')?;
        let limit = query.split('&').find_map(|pair| pair.strip_prefix("limit="))?.parse().ok()?;
        (limit > 1).then(|| Recorded { path: path.to_owned(), limit })
    }

    fn page(&self, place: &Place, revision: &str) -> Option<String> {
        let Recorded { path, limit } = self;
        match place {
            Place::Begin => {
                Some(format!("{path}?limit={limit}&resourceVersion={revision}&resourceVersionMatch=Exact"))
            }
            Place::At(token) => Some(format!("{path}?limit={limit}&continue={}", escape(token))),
            Place::End => None,
        }
    }
}

/// Tokens are base64 for URLs, with padding.
fn escape(token: &str) -> String {
    token.replace('=', "%3D").replace('+', "%2B").replace('/', "%2F")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_no_page() {
        assert!(Recorded::of("/api/v1/pods?limit=1").is_none());
        assert!(Recorded::of("/apis/apps/v1").is_none());
        assert_eq!(Recorded::of("/api/v1/pods?limit=500&continue=a").unwrap().limit, 500);
    }

    #[test]
    fn a_token_is_asked_for_without_the_revision() {
        let page = Recorded { path: "/api/v1/pods".to_owned(), limit: 9 };
        assert_eq!(
            page.page(&Place::At("a=".to_owned()), "7").unwrap(),
            "/api/v1/pods?limit=9&continue=a%3D"
        );
        assert!(page.page(&Place::End, "7").is_none());
    }
}
