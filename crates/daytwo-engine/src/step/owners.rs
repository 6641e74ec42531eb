//! Gives objects their owners, by the UIDs those have in this cluster.
//!
//! Most owners are there before what they own. What is created before its owner keeps a mark, which the cluster and not
//! the run remembers: whoever goes on finds it. It refuses to name an owner that is not there: the garbage collector
//! would delete the object.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use daytwo_core::finding::{Finding, Severity};
use daytwo_core::resource::ResourceType;
use daytwo_core::restore::{Existing, Later, Owner, Rules, UNFINISHED_MARK, Verdict};
use futures::stream::{FuturesUnordered, StreamExt};

use super::object::Objects;
use super::request::Writer;
use super::step_name;
use crate::advance::{Act, Carried, RunError};
use crate::api::ApiError;
use crate::discovery;
use crate::restore::lists::escape;
use crate::restore::{Intake, Live, Look, Seen};

/// Finds owners, and remembers those that are there.
pub(super) struct Owners<'a> {
    writer: Writer<'a>,
    rules: &'a Rules,
    /// Whether nothing is replaced any more: until then an owner that is there may be about to go.
    settled: bool,
    known: Mutex<HashMap<Place, String>>,
}

/// Resource, namespace and name.
type Place = (String, Option<String>, String);

impl<'a> Owners<'a> {
    /// Of the cluster that `writer` writes to. Unless it is `settled`, an owner that may be replaced is not there yet.
    pub fn new(writer: Writer<'a>, rules: &'a Rules, settled: bool) -> Self {
        Self { writer, rules, settled, known: Mutex::default() }
    }

    /// The UIDs of the owners of an object in `namespace`, in their order. An owner that is not there is `None` if it is
    /// the `last` look; before that the whole is.
    ///
    /// # Errors
    /// As [`Writer::uid`].
    pub async fn find(
        &self,
        namespace: Option<&str>,
        later: &Later,
        last: bool,
    ) -> Result<Option<Vec<Option<String>>>, ApiError> {
        let mut uids = Vec::with_capacity(later.owners.len());
        for owner in &later.owners {
            let uid = self.uid(owner, namespace).await?;
            if uid.is_none() && !last {
                return Ok(None);
            }
            uids.push(uid);
        }
        Ok(Some(uids))
    }

    async fn uid(&self, owner: &Owner, namespace: Option<&str>) -> Result<Option<String>, ApiError> {
        let Some(kind) = self.rules.resource_of(&owner.group, &owner.kind) else { return Ok(None) };
        // An owner lives in the namespace of what it owns, or in none.
        if kind.namespaced && namespace.is_none() {
            return Ok(None);
        }
        let namespace = namespace.filter(|_| kind.namespaced);
        // Its UID may be one that goes: what names it then is collected.
        if !self.settled && self.rules.existing(&kind.group_resource()) == Existing::Replace {
            return Ok(None);
        }
        let place = (kind.group_resource(), namespace.map(str::to_owned), owner.name.clone());
        if let Some(uid) = self.known().get(&place) {
            return Ok(Some(uid.clone()));
        }
        let path = discovery::path(&kind, &kind.version, namespace);
        let uid = self.writer.uid(&format!("{path}/{}", escape(&owner.name))).await?;
        if let Some(uid) = &uid {
            self.known().insert(place, uid.clone());
        }
        Ok(uid)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Place, String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives every object that waits for its owners those that are there; with `last` it loses the others.
pub(super) async fn bind(last: bool, act: &Act<'_>) -> Result<Carried, RunError> {
    let world = act.world;
    let kinds: Vec<ResourceType> = world.rules.census().owned().cloned().collect();
    let live = Live::see(world.site.client(), world.rules, &kinds, Look::Everywhere).await;
    let cluster = |source| RunError::Cluster { step: step_name::OWNERS.to_owned(), source };
    let mut live = live.map_err(cluster)?;
    for (resource, error) in std::mem::take(&mut live.unseen) {
        // What cannot be listed now can perhaps when the run is gone on with.
        if error.retry().is_some() {
            return Err(cluster(error));
        }
        if last && !error.is_not_found() {
            act.tally(|tally| tally.findings.push(unbound(&resource, &error)));
        }
    }
    // What a replaced object owned was left without an owner.
    let replaced = world.rules.request().existing == Existing::Replace;
    let waits = |seen: &Seen| seen.half_done || replaced && !seen.owned;
    if !live.any(waits) {
        return Ok(Carried::default());
    }
    let objects = Objects::new(act, live, None);
    let mut entries = world.backup.entries().await?;
    let mut intake = Intake::new(world.rules.target());
    let mut under_way = FuturesUnordered::new();
    while let Some(entry) = entries.next().await? {
        let admitted = intake.admit(entry);
        if admitted.stays_behind() || !kinds.contains(&admitted.kind) {
            continue;
        }
        let source = admitted.source();
        if !objects.seen(&source).is_some_and(|seen| waits(&seen))
            || !matches!(world.rules.judge(&source), Ok(Verdict::Take(_)))
        {
            continue;
        }
        while under_way.len() >= world.rules.request().in_flight() {
            under_way.next().await;
        }
        // While it waits for a place, those under way go on.
        let pass = loop {
            tokio::select! {
                pass = act.enter() => break pass,
                Some(()) = under_way.next() => {}
            }
        };
        let Some(pass) = pass else { break };
        if !act.may_act().await {
            break;
        }
        let objects = &objects;
        under_way.push(async move {
            let _pass = pass;
            let told = objects.bind(&admitted.source(), last).await;
            act.tally(|tally| told.add_to(&admitted.kind.group_resource(), tally));
        });
    }
    while under_way.next().await.is_some() {}
    Ok(Carried { stopped: act.halt.is_cancelled(), ..Carried::default() })
}

/// Objects of `resource` may wait for their owners, and nobody can tell which.
fn unbound(resource: &str, error: &ApiError) -> Finding {
    Finding {
        id: "restore-owners-not-seen".to_owned(),
        severity: Severity::Warning,
        subject: resource.to_owned(),
        evidence: format!("its objects cannot be listed: {error}"),
        breaks: format!(
            "those that were restored before their owners carry the annotation {UNFINISHED_MARK} and have none"
        ),
        remedy: "allow the caller to list them, and restore again".to_owned(),
        command: Some(format!("kubectl auth can-i list {resource} --all-namespaces")),
    }
}
