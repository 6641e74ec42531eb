//! Makes sources of what an archive holds: the one place where an object comes to the version that the cluster serves.
//!
//! Which types need that is looked up once for each. It refuses to look into objects of the others.

use std::sync::Arc;

use bytes::Bytes;
use daytwo_archive::{Entry, Resource};
use daytwo_core::resource::ResourceType;
use daytwo_core::restore::{Conversion, Converted, Source, Target};

/// The archive's resource types as this cluster knows them.
#[derive(Debug)]
pub struct Intake<'a> {
    target: &'a Target,
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    resource: Arc<Resource>,
    kind: Arc<ResourceType>,
    conversion: Option<Arc<Conversion>>,
}

/// An object on its way into the cluster.
pub struct Admitted {
    /// Its type, at a version that the cluster serves if it is to be had at one.
    pub kind: Arc<ResourceType>,
    /// How it came to that version; `None` where it was at it.
    pub moved: Option<Moved>,
    namespace: Option<String>,
    name: String,
    bytes: Bytes,
}

/// What the move of an object came to.
pub struct Moved {
    /// From where to where.
    pub conversion: Arc<Conversion>,
    /// What it lost on the way, or what keeps it from going.
    pub came: Result<Vec<String>, String>,
}

impl<'a> Intake<'a> {
    /// Into `target`, of which only what it serves has to be known.
    pub fn new(target: &'a Target) -> Self {
        Self { target, known: Vec::new() }
    }

    /// The object of an entry, which keeps its bytes where it stays behind.
    pub fn admit(&mut self, entry: Entry) -> Admitted {
        let known = self.known(&entry.resource);
        let Entry { namespace, name, bytes, .. } = entry;
        let Some(conversion) = &known.conversion else {
            return Admitted { kind: Arc::clone(&known.kind), moved: None, namespace, name, bytes };
        };
        let (bytes, came) = match conversion.convert(&bytes) {
            Ok(Converted { bytes, notes }) => (bytes.into(), Ok(notes)),
            Err(error) => (bytes, Err(error.to_string())),
        };
        let moved = Some(Moved { conversion: Arc::clone(conversion), came });
        Admitted { kind: Arc::clone(&known.kind), moved, namespace, name, bytes }
    }

    fn known(&mut self, resource: &Arc<Resource>) -> &Known {
        // Entries of one type stand together, so the last is nearly always the one.
        let is = |known: &Known| Arc::ptr_eq(&known.resource, resource) || known.resource == *resource;
        let at = match self.known.iter().rposition(is) {
            Some(at) => at,
            None => {
                let kind = ResourceType {
                    group: resource.group.clone(),
                    version: resource.version.clone(),
                    resource: resource.resource.clone(),
                    kind: resource.kind.clone(),
                    namespaced: resource.namespaced,
                };
                let conversion = self.target.conversion(&kind).map(Arc::new);
                let kind = conversion.as_ref().map_or_else(|| Arc::new(kind), |to| Arc::clone(to.to()));
                self.known.push(Known { resource: Arc::clone(resource), kind, conversion });
                self.known.len() - 1
            }
        };
        &self.known[at]
    }
}

impl Admitted {
    /// What is decided over.
    pub fn source(&self) -> Source<'_> {
        let (namespace, name) = (self.namespace.as_deref(), &*self.name);
        Source { resource: &self.kind, namespace, name, bytes: &self.bytes }
    }

    /// Whether nothing brings it to a version that the cluster serves.
    pub fn stays_behind(&self) -> bool {
        self.moved.as_ref().is_some_and(|moved| moved.came.is_err())
    }
}
