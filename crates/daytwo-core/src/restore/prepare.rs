//! Edits an object of a backup into what is sent: by byte spans, so that every digit, unknown field and key order of
//! the rest survives.
//!
//! It takes out what binds the object to the cluster it came from and would do harm in this one: a PersistentVolume that still names the old claim's UID
//! is released, and with the policy `Delete` its disk deleted; a finished Job runs again. It refuses to add labels.

mod changed;
mod custom;
mod service;
mod volume;
mod workload;

pub use service::address_fallback;
pub use volume::RECLAIM_MARK;
pub use workload::FINISHED_MARK;

use super::later::Later;
use super::order::{built_in, group};
use super::rules::{Rules, Source};
use super::{Unfit, content, owned, parked, references};
use crate::json::{Edits, JsonError, Meta, elements, text_at};
use crate::resource::ObjectKey;

/// The longest field manager that the server takes, in characters (apimachinery, `validation.FieldManagerMaxLength`).
const LONGEST_MANAGER: usize = 128;

/// What is sent for an object.
#[derive(Clone, PartialEq, Eq)]
pub struct Write {
    /// The body of the request that creates it.
    pub body: Vec<u8>,
    /// The field manager to send it as, if the object has exactly one that updates it: its ownership of fields then
    /// survives.
    pub manager: Option<String>,
    /// How it is written.
    pub how: How,
    /// What it gets once it is created.
    pub later: Option<Later>,
    /// What was changed beyond what a server decides, each as a sentence without its subject.
    pub notes: Vec<String>,
}

impl std::fmt::Debug for Write {
    /// Without the body: it may be a Secret's.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { body, manager, how, later, notes } = self;
        write!(f, "Write({} bytes as {manager:?}, {how:?}, {later:?}, {notes:?})", body.len())
    }
}

/// How an object is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// One request creates it.
    Create,
    /// A Job that had finished: created suspended, told its status, released. It stays finished and starts no pod.
    FinishedJob {
        /// The status it had, as JSON.
        status: Vec<u8>,
        /// What `spec.suspend` was, as JSON; `None` where it was not set.
        suspend: Option<Vec<u8>>,
    },
    /// The ServiceAccount `default` of a namespace: where its controller was first, it takes over what the backup's
    /// has beside a bare one.
    DefaultAccount,
}

impl Rules {
    /// The bytes to send for `source`, which was judged to be taken.
    ///
    /// # Errors
    /// Its bytes are no JSON object with metadata, or it cannot be changed as asked.
    pub fn prepare(&self, source: &Source<'_>) -> Result<Write, Unfit> {
        let changed = self.changed(source)?;
        let source = &Source { bytes: &changed.bytes, ..*source };
        let meta = Meta::of(source.bytes)?;
        let resource = source.resource.group_resource();
        let mut edits = Edits::new();
        let mut notes: Vec<String> = self.release(source, &changed).into_iter().collect();
        strip(&mut edits, &resource);
        self.translate(source, &resource, &mut edits)?;
        let mut how = How::Create;
        match resource.as_str() {
            "persistentvolumes" => volume::retain(source.bytes, &mut edits)?,
            "persistentvolumeclaims" => {
                notes.extend(self.comes_empty(source).map(|why| format!("is empty: {why}")));
            }
            "pods" => workload::pod(source.bytes, &self.target, &mut edits, &mut notes)?,
            "jobs.batch" => how = workload::job(source.bytes, &mut edits)?,
            "secrets" => token(source.bytes, &mut edits)?,
            "services" => service::with_new(&self.request.changes, source.bytes, &mut edits)?,
            _ if self.parks(source)? => parked::park(source.bytes, &mut edits)?,
            "serviceaccounts" if source.name == "default" => how = How::DefaultAccount,
            _ => {}
        }
        let manager = manager(&meta)?;
        let body = edits.apply(source.bytes)?;
        // A Job that had finished is changed once more after its create.
        let once = manager.is_some() && how == How::Create;
        let once = once && owned::whole(&body, meta.managed_fields.unwrap_or(b"[]"))?;
        // The account has its owner and its managers from its controller.
        let later = match how {
            How::DefaultAccount => None,
            _ => {
                // A kind that is not served yet may have the subresource.
                let apart = self.target.served.get(&resource).is_none_or(|kind| kind.status);
                let gives = apart && how == How::Create && self.request.changes.status.gives(&resource);
                let status = if gives { custom::status(source.bytes)? } else { None };
                let later = Later::of(&meta, once, status)?;
                let moved = |version: &str, kind: &str| self.target.moved_owner(version, kind);
                later.map(|later| later.moved(moved)).transpose()?
            }
        };
        for namespace in references::unmapped(&self.request.namespace_mapping, &body) {
            notes.push(format!("still names the namespace {namespace} in its content"));
        }
        Ok(Write { body, manager, how, later, notes })
    }

    /// The bytes that make the object `key`, whose metadata is `live`, what `write` would create: of that UID and
    /// version, with its own owners where those of the backup are not known, and with the addresses that it got for
    /// those another has.
    ///
    /// # Errors
    /// Its bytes are not JSON.
    pub fn over(
        &self,
        key: &ObjectKey,
        write: &Write,
        uids: Option<&[Option<String>]>,
        live: &Meta<'_>,
    ) -> Result<Vec<u8>, JsonError> {
        let mut edits = Edits::new();
        edits.set_str(&["metadata", "uid"], live.uid.as_deref().unwrap_or_default());
        edits.set_str(&["metadata", "resourceVersion"], live.resource_version.as_deref().unwrap_or_default());
        let owners = match (&write.later, uids) {
            (Some(later), Some(uids)) if !later.owners.is_empty() => later.references(uids)?,
            _ => live.owner_references.map(<[u8]>::to_vec),
        };
        if let Some(owners) = owners {
            edits.set(&["metadata", "ownerReferences"], owners);
        }
        let lost = self.lost(&key.resource, key.namespace.as_deref().unwrap_or_default(), &key.name);
        if lost.address {
            edits.remove(&["spec", "clusterIP"]).remove(&["spec", "clusterIPs"]);
        }
        if lost.ports {
            service::without_ports(&mut edits);
        }
        edits.apply(&write.body)
    }

    /// Feeds what two copies of an object are compared by to `sink`: of an object of the backup as it would be
    /// restored.
    ///
    /// # Errors
    /// Its bytes are not JSON, or it cannot be changed as asked.
    pub fn content(&self, source: &Source<'_>, sink: &mut dyn FnMut(&[u8])) -> Result<(), Unfit> {
        let changed = self.changed(source)?;
        let source = &Source { bytes: &changed.bytes, ..*source };
        let resource = source.resource.group_resource();
        let key = self.key(source);
        let lost = self.lost(&resource, key.namespace.as_deref().unwrap_or_default(), &key.name);
        let mut edits = Edits::new();
        self.translate(source, &resource, &mut edits)?;
        if edits.is_empty() {
            return Ok(content::feed(&resource, source.bytes, lost, sink)?);
        }
        Ok(content::feed(&resource, &edits.apply(source.bytes)?, lost, sink)?)
    }

    /// Feeds what two copies of an object are compared by to `sink`: of an object as it is in the cluster.
    ///
    /// # Errors
    /// Its bytes are not JSON.
    pub fn live_content(
        &self,
        resource: &str,
        namespace: Option<&str>,
        name: &str,
        object: &[u8],
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<(), JsonError> {
        content::feed(resource, object, self.lost(resource, namespace.unwrap_or_default(), name), sink)
    }

    /// The edits that make the object what it is to be here, as opposed to those that only writing needs.
    pub(super) fn translate<'f>(
        &'f self,
        source: &Source<'_>,
        resource: &str,
        edits: &mut Edits<'f>,
    ) -> Result<(), JsonError> {
        references::map(&self.request.namespace_mapping, source, resource, edits);
        if resource == "persistentvolumeclaims" {
            let namespace = self.request.namespace_mapping.map(source.namespace.unwrap_or_default());
            volume::claim(source.bytes, self.empties(namespace, source.name), edits)?;
        }
        self.request.changes.annotations.edit(edits);
        Ok(())
    }

    /// Why the claim `source` comes back without its data; `None` where it does not.
    pub(super) fn comes_empty(&self, source: &Source<'_>) -> Option<String> {
        let namespace = source.namespace.unwrap_or_default();
        let to = self.request.namespace_mapping.map(namespace);
        let volume = self.census.claim_volume(namespace, source.name);
        if self.empties(to, source.name) {
            let volume = volume.unwrap_or_default();
            return Some(format!("its volume {volume} is neither in the backup nor free in the cluster"));
        }
        let live = volume.is_some_and(|volume| self.target.volumes.contains_key(volume));
        let elsewhere = self.census.data_elsewhere(namespace, source.name) && !live;
        elsewhere.then(|| "its data lies in a snapshot or a volume repository".to_owned())
    }
}

/// Takes out what only the server it came from could say.
fn strip(edits: &mut Edits<'_>, resource: &str) {
    for key in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "managedFields",
        "ownerReferences",
    ] {
        edits.remove(&["metadata", key]);
    }
    // Of a custom resource without a status subresource the status is content; with one the server drops it.
    if built_in(group(resource)) {
        edits.remove(&["status"]);
    }
}

/// A token Secret is filled by its controller; the old UID would get it deleted.
fn token(secret: &[u8], edits: &mut Edits<'_>) -> Result<(), JsonError> {
    if text_at(secret, &["type"])?.as_deref() == Some("kubernetes.io/service-account-token") {
        edits.remove(&["data"]).remove(&["metadata", "annotations", "kubernetes.io/service-account.uid"]);
    }
    Ok(())
}

/// The one manager that updates the object itself; `None` if there are several, or one that applies.
fn manager(meta: &Meta<'_>) -> Result<Option<String>, JsonError> {
    let Some(entries) = meta.managed_fields else { return Ok(None) };
    let mut only: Option<String> = None;
    for entry in elements(entries) {
        let entry = &entries[entry?];
        if text_at(entry, &["subresource"])?.is_some() {
            continue;
        }
        let updates = text_at(entry, &["operation"])?.as_deref() == Some("Update");
        let name = text_at(entry, &["manager"])?.unwrap_or_default();
        if !updates || only.as_ref().is_some_and(|known| *known != name) {
            return Ok(None);
        }
        only = Some(name.into_owned());
    }
    Ok(only.filter(|name| {
        !name.is_empty() && name.chars().count() <= LONGEST_MANAGER && !name.chars().any(char::is_control)
    }))
}

#[cfg(test)]
mod tests;
