//! Finds the revision of a cut, and which resources share the store that the revision counts.
//!
//! A resource on an etcd of its own (`--etcd-servers-overrides`, an aggregated API) answers an exact list at a
//! foreign revision with 200 and no objects, or the objects of some other time. So every resource is listed
//! once with `limit=1`, between two lists of one anchor resource: a revision outside those two is another
//! store's. A list without a revision has no store at all.
//!
//! Most resources of a cluster have no objects. Where nothing was written meanwhile, their probes were made at
//! the cut's own revision and are their lists: a third of a backup's requests.

use futures::{StreamExt, stream};
use http_body_util::BodyExt;
use kube::Client;
use tokio::time::timeout;

use super::split::Splitter;
use super::{Wanted, When};
use crate::api::{self, ApiError, Attempts, Patience};

/// Requests under way at once.
const AT_ONCE: usize = 8;

/// What the probes found.
#[derive(Debug)]
pub(crate) struct Probed {
    /// The revision of the cut; `None` where no resource could give one.
    pub revision: Option<u64>,
    /// What can be read at it, or now, in the order given.
    pub wanted: Vec<Wanted>,
    /// Resources of other stores, read outside the cut, and how that showed.
    pub elsewhere: Vec<(Wanted, String)>,
    /// Lists that no store stands behind: nothing to back up.
    pub virtual_lists: Vec<Wanted>,
    /// Resources that are gone since discovery.
    pub gone: Vec<Wanted>,
    /// Resources that could not be read.
    pub failed: Vec<(Wanted, ApiError)>,
}

/// What one probe said.
enum Answer {
    Revision { seen: u64, empty: bool },
    None,
    Failed(ApiError),
}

/// Probes every resource of `wanted`; the anchor is the first that answers, in the order given.
pub(crate) async fn probe(client: &Client, wanted: Vec<Wanted>, patience: Patience) -> Probed {
    let anchor = anchor(client, &wanted, patience).await;
    let mut answers: Vec<(usize, Answer)> = stream::iter(wanted.iter().enumerate())
        .map(|(index, wanted)| async move { (index, ask(client, wanted, patience).await) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    answers.sort_unstable_by_key(|(index, _)| *index);
    let after = match anchor {
        Some((index, _)) => ask(client, &wanted[index], patience).await,
        None => Answer::None,
    };
    let window = match (anchor, after) {
        (Some((_, before)), Answer::Revision { seen: after, .. }) if before <= after => Some(before..=after),
        _ => None,
    };
    let mut probed = Probed {
        revision: window.as_ref().map(|window| *window.end()),
        wanted: Vec::with_capacity(wanted.len()),
        elsewhere: Vec::new(),
        virtual_lists: Vec::new(),
        gone: Vec::new(),
        failed: Vec::new(),
    };
    for (mut wanted, (_, answer)) in wanted.into_iter().zip(answers) {
        match (answer, &window) {
            (Answer::Revision { seen, .. }, Some(window)) if !window.contains(&seen) => {
                let (from, to) = (window.start(), window.end());
                let why = format!("its revision is {seen}, the cut's store stood between {from} and {to}");
                wanted.when = When::Now;
                probed.elsewhere.push((wanted, why));
            }
            (Answer::Revision { .. }, Some(_)) if wanted.served.aggregated => {
                wanted.when = When::Now;
                probed.elsewhere.push((wanted, "an aggregated API server answers for it".to_owned()));
            }
            (Answer::Revision { seen, empty }, Some(window)) => {
                // One list, the first, was asked for.
                let whole = wanted.namespaces.as_ref().is_none_or(|names| names.len() == 1);
                let nothing = empty && whole && seen == *window.end();
                wanted.when = if nothing { When::Empty } else { When::At(*window.end()) };
                probed.wanted.push(wanted);
            }
            (Answer::Revision { .. }, None) => probed.wanted.push(wanted),
            (Answer::None, _) => probed.virtual_lists.push(wanted),
            (Answer::Failed(error), _) if error.is_not_found() => probed.gone.push(wanted),
            // A list that fails at the preferred version may work at another: reading it decides.
            (Answer::Failed(error), window) if error.code() == Some(500) => {
                wanted.when = window.as_ref().map_or(When::Now, |window| When::At(*window.end()));
                probed.wanted.push(wanted);
            }
            (Answer::Failed(error), _) => probed.failed.push((wanted, error)),
        }
    }
    probed
}

/// The first resource that gives a revision, and that revision. Core resources come first: they are never
/// anywhere but in the main store unless every other is.
async fn anchor(client: &Client, wanted: &[Wanted], patience: Patience) -> Option<(usize, u64)> {
    let mut order: Vec<usize> = (0..wanted.len()).filter(|index| !wanted[*index].served.aggregated).collect();
    order.sort_by_key(|index| {
        let kind = wanted[*index].kind();
        let known = ["namespaces", "configmaps", "secrets"].iter().position(|name| *name == kind.resource);
        (!kind.group.is_empty(), known.unwrap_or(usize::MAX))
    });
    for index in order {
        if let Answer::Revision { seen, .. } = ask(client, &wanted[index], patience).await {
            return Some((index, seen));
        }
    }
    None
}

/// Lists one object of a resource, for the revision of the list.
async fn ask(client: &Client, wanted: &Wanted, patience: Patience) -> Answer {
    let namespace = wanted.namespaces.as_ref().and_then(|names| names.first());
    let path = wanted.served.path(&wanted.kind().version, namespace.map(String::as_str));
    let path = format!("{path}?limit=1");
    let mut attempts = Attempts::new(Patience { attempts: patience.attempts.min(3), ..patience });
    loop {
        let error = match revision(client, &path, patience).await {
            Ok(Some((seen, empty))) => return Answer::Revision { seen, empty },
            Ok(None) => return Answer::None,
            Err(error) => error,
        };
        if let Err(error) = attempts.again(error).await {
            return Answer::Failed(error);
        }
    }
}

/// The revision of a list, and whether it is empty.
async fn revision(client: &Client, path: &str, patience: Patience) -> Result<Option<(u64, bool)>, ApiError> {
    let broken = |what: String| ApiError::Broken { method: http::Method::GET, path: path.to_owned(), what };
    let answer = api::send(client, api::get_request(path, "application/json")?, &patience).await?;
    let body = match timeout(patience.next_byte, answer.into_body().collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) => return Err(broken(api::causes(&error))),
        Err(_) => return Err(broken("it stalled".to_owned())),
    };
    let mut splitter = Splitter::default();
    splitter.push(&body).map_err(|error| broken(error.to_string()))?;
    let objects = splitter.objects();
    let (_, meta) = splitter.finish().map_err(|error| broken(error.to_string()))?;
    if meta.resource_version.is_empty() {
        return Ok(None);
    }
    // An opaque revision is legal for an API server that is not Kubernetes' own: it is some other store's.
    let revision = meta.resource_version.parse().unwrap_or(u64::MAX);
    Ok(Some((revision, objects == 0 && meta.next.is_empty())))
}
