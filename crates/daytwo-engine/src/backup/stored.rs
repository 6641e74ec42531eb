//! Writes objects that are stored elsewhere, such as in an etcd snapshot, as a backup.
//!
//! No cluster is asked: what is given is what there is. The filter, the order and the files are those of a backup of a
//! cluster, so that a restore cannot tell them apart.

use std::time::Duration;

use daytwo_archive::{
    ArchiveError, BackupName, BackupWriter, Complete, Consistency, Head, LeftOut, Location, Object, Outcome,
    Problem, Server, WriteOptions,
};
use daytwo_core::filter::{Choice, Filter};
use daytwo_core::json::Meta;
use daytwo_core::resource::ResourceType;
use daytwo_core::restore::order::{Traits, wave};
use tokio_util::sync::CancellationToken;

use super::gather::complete;
use super::sink::resource;
use super::{BackupError, spec};
use crate::event::{Clock, Event, Observer};

/// Every how many objects progress is told.
const TOLD: u64 = 1000;

/// What to write, and how.
pub struct StoredRequest {
    /// The backup's name.
    pub name: BackupName,
    /// Which resources and objects; its names are those of the resources that are given.
    pub filter: Filter,
    /// When Velero's garbage collection may delete the backup; `None` means never.
    pub ttl: Option<Duration>,
    /// The Velero storage location that the backup names.
    pub storage_location: String,
    /// The revision that all objects are as of.
    pub revision: Option<u64>,
    /// The cluster they are of, as far as is known.
    pub server: Server,
    /// What a reader should know though nothing is missing.
    pub warnings: Vec<String>,
    /// How the archive is written: encryption, signature, threads.
    pub write: WriteOptions,
}

/// Writes the objects of `resources` to `location` as a backup, and returns its head. An object that could not be read is
/// a problem of the backup, which is then `PartiallyFailed`.
///
/// # Errors
/// [`BackupError::Archive`] where the location failed or the name is taken, [`BackupError::Cancelled`] after `cancel`.
pub async fn store<O>(
    location: &Location,
    request: StoredRequest,
    resources: Vec<(ResourceType, O)>,
    clock: &dyn Clock,
    events: &dyn Observer,
    cancel: &CancellationToken,
) -> Result<Head, BackupError>
where
    O: Iterator<Item = Result<Vec<u8>, Problem>>,
{
    let mut writer = BackupWriter::claim(location, &request.name, request.write.clone()).await?;
    let written = match all(&mut writer, &request.filter, resources, events, cancel).await {
        Ok(written) => written,
        Err(error) => {
            return Err(match writer.abandon().await {
                Ok(()) => error,
                Err(left) => BackupError::LeftBehind { reason: error.to_string(), left: left.to_string() },
            });
        }
    };
    events.event(Event::Started { what: "completing the archive".to_owned() });
    let head = writer.finish(outcome(request, written, clock)).await?;
    events.event(Event::Finished { what: "completing the archive".to_owned() });
    Ok(head)
}

/// What is known once all objects were written.
#[derive(Default)]
struct Written {
    complete: Vec<Complete>,
    left_out: Vec<LeftOut>,
    problems: Vec<Problem>,
    objects: u64,
}

async fn all<O>(
    writer: &mut BackupWriter,
    filter: &Filter,
    mut resources: Vec<(ResourceType, O)>,
    events: &dyn Observer,
    cancel: &CancellationToken,
) -> Result<Written, BackupError>
where
    O: Iterator<Item = Result<Vec<u8>, Problem>>,
{
    resources.sort_by_cached_key(|(kind, _)| {
        let resource = kind.group_resource();
        (wave(&resource, Traits::default()), resource)
    });
    let mut written = Written::default();
    for (kind, objects) in resources {
        if let Choice::LeaveOut(reason) = filter.resource(&kind) {
            written.left_out.push(LeftOut { what: kind.group_resource(), why: reason.to_string() });
            continue;
        }
        let before = written.problems.len();
        one(writer, filter, &kind, objects, &mut written, events, cancel).await?;
        if written.problems.len() == before {
            let namespaces = if kind.namespaced { filter.exact_namespaces() } else { None };
            written.complete.extend(complete(filter, &kind, namespaces));
        }
    }
    Ok(written)
}

/// Writes one resource.
async fn one<O>(
    writer: &mut BackupWriter,
    filter: &Filter,
    kind: &ResourceType,
    objects: O,
    written: &mut Written,
    events: &dyn Observer,
    cancel: &CancellationToken,
) -> Result<(), BackupError>
where
    O: Iterator<Item = Result<Vec<u8>, Problem>>,
{
    let mut begun = false;
    for object in objects {
        if cancel.is_cancelled() {
            return Err(BackupError::Cancelled);
        }
        let problem = |namespace: Option<&str>, name: Option<&str>, what: String| Problem {
            resource: kind.group_resource(),
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
            what,
        };
        let body = match object {
            Ok(body) => body,
            Err(problem) => {
                written.problems.push(problem);
                continue;
            }
        };
        let meta = match Meta::of_prefix(&body) {
            Ok(meta) => meta,
            Err(error) => {
                written.problems.push(problem(None, None, format!("it cannot be read: {error}")));
                continue;
            }
        };
        if filter.object(kind, &meta, &body) != Choice::Take {
            continue;
        }
        if !begun {
            writer.begin(&resource(kind)).await?;
            begun = true;
        }
        let (namespace, name) = (meta.namespace.as_deref(), &*meta.name);
        match writer.add(Object { namespace, name, head: b"", body: &body }).await {
            Err(ArchiveError::Invalid(what)) => written.problems.push(problem(namespace, Some(name), what)),
            other => other?,
        }
        written.objects += 1;
        if written.objects.is_multiple_of(TOLD) {
            let (done, total) = (written.objects, None);
            events.event(Event::Progress { what: "objects".to_owned(), done, total });
        }
    }
    Ok(())
}

fn outcome(request: StoredRequest, written: Written, clock: &dyn Clock) -> Outcome {
    Outcome {
        finished: clock.now(),
        server: request.server,
        revision: request.revision,
        consistency: Consistency::OneRevision,
        problems: written.problems,
        left_out: written.left_out,
        outside: Vec::new(),
        fallbacks: Vec::new(),
        complete: written.complete,
        spec: spec::velero(&request.filter, &request.storage_location, request.ttl),
        ttl: request.ttl,
        warnings: request.warnings,
    }
}
