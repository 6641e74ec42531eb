//! Deletes what the plan found to be extra: if it still is, of the UID and version that were seen last.

use std::collections::{BTreeSet, HashMap};

use daytwo_core::resource::ObjectKey;
use daytwo_core::restore::Action;
use futures::stream::{self, StreamExt};

use super::request::{Deletion, Tries, Writer};
use super::{count, failed};
use crate::advance::Act;
use crate::api::ApiError;
use crate::discovery;
use crate::restore::lists::escape;
use crate::restore::prune::{self, Extra};

/// Deletes `objects`; returns whether it was stopped.
pub(super) async fn prune(objects: &[ObjectKey], act: &Act<'_>) -> Result<bool, ApiError> {
    let world = act.world;
    let rules = world.rules;
    let planned: BTreeSet<&ObjectKey> = objects.iter().collect();
    let complete = prune::complete(world.backup.head(), rules);
    let still =
        prune::extra(world.site.client(), rules, &complete, |object| !planned.contains(object)).await?;
    let mut still: HashMap<ObjectKey, Extra> =
        still.into_iter().map(|extra| (extra.object.clone(), extra)).collect();
    let writer = Writer::of(act);
    // In the order of the plan; what rests on others goes first.
    let extra: Vec<Extra> = objects.iter().filter_map(|object| still.remove(object)).collect();
    stream::iter(extra)
        .for_each_concurrent(rules.request().in_flight(), |extra| async move {
            let Some(_pass) = act.enter().await else { return };
            if !act.may_act().await {
                return;
            }
            match delete(&writer, &extra).await {
                Ok(()) => count(act, &extra.object.resource, Action::Deleted),
                Err(error) if act.halt.is_cancelled() && error.retry().is_some() => {}
                Err(error) => {
                    let failed = failed(extra.object, &error, &[], "it was to be deleted");
                    act.tally(|tally| tally.failed(failed));
                }
            }
        })
        .await;
    Ok(act.halt.is_cancelled())
}

async fn delete(writer: &Writer<'_>, extra: &Extra) -> Result<(), ApiError> {
    let Extra { object, kind, uid, version } = extra;
    let path = discovery::path(kind, &kind.version, object.namespace.as_deref());
    let path = format!("{path}/{}", escape(&object.name));
    let mut tries = Tries::new(writer.patience, false);
    loop {
        match writer.delete_once(&path, uid, version, Deletion::WithWhatItOwns).await {
            Ok(()) => return Ok(()),
            Err(error) if error.code() == Some(404) => return Ok(()),
            // Changed since it was seen: it is not what was to be deleted.
            Err(error) if error.code() == Some(409) => return Err(error),
            Err(error) => tries.again(error, writer.halt).await?,
        }
    }
}
