//! Writes the objects of one resource into the backup, as they come.

use std::sync::Arc;

use daytwo_archive::{ArchiveError, BackupWriter, Object, Problem, Resource};
use daytwo_core::filter::{Choice, Filter};
use daytwo_core::json::Meta;
use daytwo_core::resource::ResourceType;

use super::BackupError;
use crate::cut::Delivery;

/// Writes the objects of one resource that the filter takes.
pub(super) struct Sink<'a> {
    kind: &'a ResourceType,
    filter: &'a Filter,
    begun: bool,
    /// The version that `head` was made for.
    version: Arc<str>,
    /// What stands before the fields of an object that carries no type of its own.
    head: Vec<u8>,
    /// Objects that could not be written, each with why.
    pub problems: Vec<Problem>,
}

impl<'a> Sink<'a> {
    /// A writer for objects of `kind`.
    pub fn new(kind: &'a ResourceType, filter: &'a Filter) -> Self {
        let (version, head, problems) = (Arc::from(""), Vec::new(), Vec::new());
        Self { kind, filter, begun: false, version, head, problems }
    }

    /// Writes what has come.
    pub async fn write(&mut self, writer: &mut BackupWriter, delivery: &Delivery) -> Result<(), BackupError> {
        if self.version != delivery.version {
            self.version = Arc::clone(&delivery.version);
            let kind = ResourceType { version: self.version.to_string(), ..self.kind.clone() };
            self.head =
                format!(r#"{{"kind":"{}","apiVersion":"{}","#, kind.kind, kind.api_version()).into_bytes();
        }
        for item in delivery.batch.items() {
            let meta = match Meta::of_prefix(item) {
                Ok(meta) => meta,
                Err(error) => {
                    let what = format!("the server sent an object that cannot be read: {error}");
                    let resource = self.kind.group_resource();
                    self.problems.push(Problem { resource, namespace: None, name: None, what });
                    continue;
                }
            };
            if self.filter.object(self.kind, &meta, item) != Choice::Take {
                continue;
            }
            if !self.begun {
                writer.begin(&resource(self.kind)).await?;
                self.begun = true;
            }
            // Items of built-in lists leave the type to the list.
            let (head, body) =
                if meta.kind.is_some() { (&b""[..], item) } else { (&self.head[..], &item[1..]) };
            let namespace = meta.namespace.as_deref();
            match writer.add(Object { namespace, name: &meta.name, head, body }).await {
                Err(ArchiveError::Invalid(what)) => self.problem(&meta, what),
                other => other?,
            }
        }
        Ok(())
    }
}

impl Sink<'_> {
    fn problem(&mut self, meta: &Meta<'_>, what: String) {
        self.problems.push(Problem {
            resource: self.kind.group_resource(),
            namespace: meta.namespace.as_deref().map(str::to_owned),
            name: Some(meta.name.to_string()),
            what,
        });
    }
}

pub(super) fn resource(kind: &ResourceType) -> Resource {
    Resource {
        group: kind.group.clone(),
        version: kind.version.clone(),
        kind: kind.kind.clone(),
        resource: kind.resource.clone(),
        namespaced: kind.namespaced,
    }
}
