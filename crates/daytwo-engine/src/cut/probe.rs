//! Finds the revision of a cut, and which resources share the store that the revision counts.
//!
//! A resource on an etcd of its own (`--etcd-servers-overrides`, an aggregated API) answers an exact list at a
//! foreign revision with 200 and no objects, or the objects of some other time. So every resource is listed
//! once with `limit=1`, after a list of one anchor resource whose revision is the cut's, and before a second
//! one: a revision outside those two is another store's. A list without a revision has no store at all.
//!
//! A probe that shows the cut's own revision needs no second list of the anchor to be told: where nothing is
//! written meanwhile, resources are read while others are still probed. And most resources of a cluster have no
//! objects: such a probe was their list, a third of a backup's requests.

use futures::{StreamExt, stream};
use http_body_util::BodyExt;
use kube::Client;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::split::Splitter;
use super::{Wanted, When};
use crate::api::{self, ApiError, Attempts, Patience};

/// Requests under way at once.
const AT_ONCE: usize = 8;

/// The probes of a round, under way. Dropping them ends them.
#[derive(Debug)]
pub(crate) struct Probing {
    /// The revision of the cut; `None` where no resource could give one.
    pub revision: Option<u64>,
    /// What is said of each resource, in the order given.
    pub verdicts: Vec<Pending>,
    /// The requests.
    pub running: AbortOnDropHandle<()>,
}

/// What a probe says of a resource.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Read it so.
    Read(When),
    /// It is in another store, read outside the cut, and how that showed.
    Elsewhere(String),
    /// No store stands behind its list: nothing to back up.
    Virtual,
    /// It is gone since discovery.
    Gone,
    /// It could not be read.
    Failed(ApiError),
    /// Its store could not be told.
    Lost(String),
}

/// A verdict that may not be known yet.
#[derive(Debug)]
pub(crate) struct Pending(oneshot::Receiver<Verdict>);

impl Pending {
    /// Of a resource that needs no probe.
    pub fn known(verdict: Verdict) -> Self {
        let (said, pending) = oneshot::channel();
        let _ = said.send(verdict);
        Self(pending)
    }

    /// The verdict, once it is known.
    pub async fn verdict(self) -> Verdict {
        self.0.await.unwrap_or_else(|_| Verdict::Lost("the probes ended unexpectedly".to_owned()))
    }
}

/// What one probe said.
enum Answer {
    Revision { seen: u64, empty: bool },
    None,
    Failed(ApiError),
}

/// Finds the revision of a cut where `one_moment`, from the anchor: the first of `wanted` that answers, core resources
/// before others; and begins to probe all of them, in their order.
pub(crate) async fn probe(
    client: &Client,
    wanted: &[Wanted],
    one_moment: bool,
    patience: Patience,
) -> Probing {
    let anchor = if one_moment { anchor(client, wanted, patience).await } else { None };
    let (said, verdicts): (Vec<_>, _) = wanted
        .iter()
        .map(|wanted| {
            let (said, pending) = oneshot::channel();
            ((wanted.clone(), said), Pending(pending))
        })
        .unzip();
    let revision = anchor.map(|(_, revision)| revision);
    let anchor = anchor.map(|(index, revision)| (wanted[index].clone(), revision));
    let client = client.clone();
    let running = tokio::spawn(async move { each(&client, said, anchor, patience).await });
    Probing { revision, verdicts, running: AbortOnDropHandle::new(running) }
}

/// Probes every resource, and says of each what is known as soon as it is.
async fn each(
    client: &Client,
    wanted: Vec<(Wanted, oneshot::Sender<Verdict>)>,
    anchor: Option<(Wanted, u64)>,
    patience: Patience,
) {
    let revision = anchor.as_ref().map(|(_, revision)| *revision);
    let later: Vec<(u64, oneshot::Sender<Verdict>)> = stream::iter(wanted)
        .map(|(wanted, said)| async move {
            match decide(&wanted, ask(client, &wanted, patience).await, revision) {
                Ok(verdict) => {
                    let _ = said.send(verdict);
                    None
                }
                Err(seen) => Some((seen, said)),
            }
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    let Some((anchor, from)) = anchor.filter(|_| !later.is_empty()) else { return };
    let after = ask(client, &anchor, patience).await;
    for (seen, said) in later {
        let _ = said.send(match &after {
            Answer::Revision { seen: to, .. } if seen <= *to => Verdict::Read(When::At(from)),
            Answer::Revision { seen: to, .. } => Verdict::Elsewhere(format!(
                "its revision is {seen}, the cut's store stood between {from} and {to}"
            )),
            Answer::None => Verdict::Lost("the anchor of the cut lost its revision".to_owned()),
            Answer::Failed(error) => Verdict::Lost(error.to_string()),
        });
    }
}

/// What a probe's answer says; the revision it showed where only a later list of the anchor can tell.
fn decide(wanted: &Wanted, answer: Answer, revision: Option<u64>) -> Result<Verdict, u64> {
    let at = revision.map_or(When::Now, When::At);
    Ok(match (answer, revision) {
        (Answer::None, _) => Verdict::Virtual,
        (Answer::Failed(error), _) if error.is_not_found() => Verdict::Gone,
        // A list that fails at the preferred version may work at another: reading it decides.
        (Answer::Failed(error), _) if error.code() == Some(500) => Verdict::Read(at),
        (Answer::Failed(error), _) => Verdict::Failed(error),
        (Answer::Revision { .. }, None) => Verdict::Read(When::Now),
        (Answer::Revision { seen, .. }, Some(revision)) if seen < revision => {
            Verdict::Elsewhere(format!("its revision is {seen}, the cut's store stood at {revision} before"))
        }
        (Answer::Revision { .. }, Some(_)) if wanted.served.aggregated => {
            Verdict::Elsewhere("an aggregated API server answers for it".to_owned())
        }
        (Answer::Revision { seen, empty }, Some(revision)) if seen == revision => {
            // One list, the first, was asked for.
            let whole = wanted.namespaces.as_ref().is_none_or(|names| names.len() == 1);
            Verdict::Read(if empty && whole { When::Empty } else { at })
        }
        (Answer::Revision { seen, .. }, Some(_)) => return Err(seen),
    })
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
