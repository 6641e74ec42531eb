//! Reads one resource to its end, by whichever way the server still allows, and says which way that was.
//!
//! One broken conversion webhook turns the list at the preferred version into 500 while the storage version
//! still answers; a page can be too large for what stands between; one namespace can be readable where the
//! whole is not. Each is tried in turn, and each fallback is named in the result.

use kube::Client;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::batch::ListMeta;
use super::pages::{Ask, Delivery, PageError, Pager};
use super::{Reading, Verdict, Wanted, When};
use crate::api::{self, ApiError};

/// A resource under way: its batches, and then how it ended.
pub(crate) struct Listing {
    /// Complete objects, in the server's order.
    pub batches: mpsc::Receiver<Delivery>,
    /// How the reading ended, once `batches` is closed.
    pub end: tokio::task::JoinHandle<Ended>,
}

/// How the reading of a resource ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// There is nothing to read: no store stands behind its list.
    Virtual,
    /// There is nothing to read: it is gone since discovery.
    Gone,
    /// Every object was delivered; the fallbacks that it took, and namespaces that could not be read.
    Whole { fallbacks: Vec<String>, unread: Vec<(String, ApiError)>, outside: Option<String> },
    /// The revision is gone, or the resource is: start over.
    StartOver(String),
    /// It could not be read, or not to its end.
    Failed(ApiError),
}

/// Batches that wait to be written, at most, per resource.
const WAITING: usize = 4;

/// Begins to read `wanted` as `verdict` says. Dropping the listing ends the reading.
pub(crate) fn read(client: &Client, wanted: Wanted, verdict: Verdict, reading: Reading) -> Listing {
    let (sink, batches) = mpsc::channel(WAITING);
    let client = client.clone();
    let end = tokio::spawn(async move {
        match verdict {
            Verdict::Read(When::Empty) => {
                Ended::Whole { fallbacks: Vec::new(), unread: Unread::new(), outside: None }
            }
            Verdict::Read(when) => run(&client, &wanted, when, None, &reading, &sink).await,
            Verdict::Elsewhere(why) => run(&client, &wanted, When::Now, Some(why), &reading, &sink).await,
            Verdict::Virtual => Ended::Virtual,
            Verdict::Gone => Ended::Gone,
            Verdict::Failed(error) => Ended::Failed(error),
            Verdict::Lost(why) => Ended::StartOver(why),
        }
    });
    Listing { batches, end }
}

struct Reader<'a> {
    client: &'a Client,
    wanted: &'a Wanted,
    when: When,
    reading: &'a Reading,
    pager: Pager<'a>,
    fallbacks: Vec<String>,
    outside: Option<String>,
}

async fn run(
    client: &Client,
    wanted: &Wanted,
    when: When,
    outside: Option<String>,
    reading: &Reading,
    sink: &mpsc::Sender<Delivery>,
) -> Ended {
    let pager = Pager::new(client, reading.patience, sink);
    let mut reader = Reader { client, wanted, when, reading, pager, fallbacks: Vec::new(), outside };
    let result = match &wanted.namespaces {
        Some(names) => reader.each(names.clone()).await,
        None => reader.whole().await,
    };
    let Reader { pager, mut fallbacks, outside, .. } = reader;
    if pager.shrank {
        fallbacks.push("read in smaller pages".to_owned());
    }
    match result {
        Ok(unread) => Ended::Whole { fallbacks, unread, outside },
        Err(PageError::Gone(error)) => Ended::StartOver(error.to_string()),
        Err(PageError::Failed(error)) if error.is_not_found() => {
            Ended::StartOver(format!("{} is no longer served", wanted.kind().group_resource()))
        }
        Err(PageError::Failed(error)) => Ended::Failed(error),
        Err(PageError::Dropped) => Ended::StartOver("given up".to_owned()),
    }
}

type Unread = Vec<(String, ApiError)>;

impl Reader<'_> {
    /// All namespaces in one list, or one list per namespace where that fails.
    async fn whole(&mut self) -> Result<Unread, PageError> {
        let error = match self.versions(None).await {
            Ok(()) => return Ok(Unread::new()),
            Err(PageError::Failed(error)) => error,
            Err(other) => return Err(other),
        };
        let worth = self.wanted.kind().namespaced && !error.is_not_found() && !error.is_unavailable();
        if !worth {
            return Err(PageError::Failed(error));
        }
        let Ok(names) = namespaces(self.client).await else { return Err(PageError::Failed(error)) };
        let unread = self.each(names.clone()).await?;
        if unread.len() == names.len() {
            return Err(PageError::Failed(error));
        }
        self.fallbacks.push(format!("read namespace by namespace, because {error}"));
        Ok(unread)
    }

    /// One list per namespace; a namespace that fails does not stop the others.
    async fn each(&mut self, mut names: Vec<String>) -> Result<Unread, PageError> {
        // The order of etcd's keys, which what was delivered before is remembered by.
        names.sort_by_cached_key(|name| format!("{name}/"));
        let mut unread = Unread::new();
        for name in names {
            match self.versions(Some(&name)).await {
                Ok(()) => {}
                Err(PageError::Failed(error)) => unread.push((name, error)),
                Err(other) => return Err(other),
            }
        }
        Ok(unread)
    }

    /// The preferred version, or another that still answers: the storage version first.
    async fn versions(&mut self, namespace: Option<&str>) -> Result<(), PageError> {
        let kind = self.wanted.kind();
        let error = match self.list(&kind.version, namespace).await {
            Err(PageError::Failed(error)) if error.code() == Some(500) => error,
            other => return other,
        };
        let storage = self.reading.storage.get(&(kind.group.clone(), kind.resource.clone()));
        let mut others = self.wanted.served.other_versions.clone();
        others.sort_by_key(|version| Some(version) != storage);
        for version in others {
            match self.list(&version, namespace).await {
                Ok(()) => {
                    let fallback = format!("read at {version}, because {error}");
                    if !self.fallbacks.contains(&fallback) {
                        self.fallbacks.push(fallback);
                    }
                    return Ok(());
                }
                Err(PageError::Failed(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(PageError::Failed(error))
    }

    async fn list(&mut self, version: &str, namespace: Option<&str>) -> Result<(), PageError> {
        let mut ask = Ask {
            path: self.wanted.served.path(version, namespace),
            version: version.to_owned(),
            // Namespaces and volumes are taken for what they hold: the filter decides, object by object.
            selector: self.reading.selector.clone().filter(|_| self.wanted.kind().namespaced),
            revision: match self.when {
                When::At(revision) if self.outside.is_none() => Some(revision),
                _ => None,
            },
        };
        let Some(revision) = ask.revision else { return self.pager.read(&ask).await.map(drop) };
        let why = match self.pager.read(&ask).await {
            Ok(meta) if at(&meta) == Some(revision) => return Ok(()),
            Ok(meta) => {
                self.outside = Some(format!(
                    "the server answered with revision {} where {revision} was asked for",
                    meta.resource_version
                ));
                return Ok(());
            }
            Err(PageError::Failed(error)) if error.is_ahead() => {
                "its store has not reached the cut's revision".to_owned()
            }
            Err(PageError::Failed(error)) if matches!(error.code(), Some(400 | 422)) => error.to_string(),
            Err(other) => return Err(other),
        };
        self.outside = Some(why);
        ask.revision = None;
        self.pager.read(&ask).await.map(drop)
    }
}

fn at(meta: &ListMeta) -> Option<u64> {
    meta.resource_version.parse().ok()
}

/// The names of all namespaces.
async fn namespaces(client: &Client) -> Result<Vec<String>, ApiError> {
    #[derive(Deserialize)]
    struct List {
        items: Vec<Item>,
    }
    #[derive(Deserialize)]
    struct Item {
        metadata: Meta,
    }
    #[derive(Deserialize)]
    struct Meta {
        name: String,
    }
    let path = "/api/v1/namespaces";
    let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
    let list: List = api::parse(path, &api::get(client, path, accept).await?)?;
    Ok(list.items.into_iter().map(|item| item.metadata.name).collect())
}
