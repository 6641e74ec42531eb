//! Objects as the rows of a `meta.k8s.io/v1` Table, as kubectl shows them: what kube-apiserver 1.36.3 answers to
//! `Accept: application/json;as=Table;v=v1;g=meta.k8s.io`.
//!
//! It refuses the long descriptions of columns, which stand in the API's documentation and which no client shows.

mod admission;
mod age;
mod autoscaler;
mod binding;
mod certificate;
mod claims;
mod column;
mod event;
mod flow;
mod network;
mod node;
mod path;
mod pod;
mod quota;
mod read;
mod selector;
mod source;
mod volume;
mod workload;
mod write;

use std::borrow::Borrow;

use daytwo_core::resource::ResourceType;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub use column::Column;
use source::Kind;

use crate::ask::Object;
use crate::field::FieldError;
use crate::status::{Result, Status};

/// On a bookmark, that a watch has now seen everything there was.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// What a row says of its object beside the cells (`includeObject`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Include {
    /// Nothing.
    None,
    /// Its metadata, as a PartialObjectMetadata.
    #[default]
    Metadata,
    /// All of it.
    Object,
}

impl Include {
    /// Reads the query parameter; empty is the default.
    ///
    /// # Errors
    /// 400 for any other word.
    pub fn of(parameter: &str) -> Result<Self> {
        match parameter {
            "None" => Ok(Self::None),
            "Metadata" | "" => Ok(Self::Metadata),
            "Object" => Ok(Self::Object),
            other => {
                let must = "must be 'Metadata', 'Object', 'None', or empty";
                let error = FieldError::invalid("includeObject", other, must);
                Err(Status::bad_request(format!("Unable to convert to Table as requested: {error}")))
            }
        }
    }
}

/// The form of a table that a client asked for.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// `v1` or `v1beta1`: of the group meta.k8s.io.
    pub version: &'static str,
    /// What rows say of their objects.
    pub include: Include,
    /// Whether the columns are given. Of the tables of one watch only the first one gives them.
    pub headed: bool,
}

/// What a client is shown of an object that is kept at another version than it reads.
type Shown<'a> = Box<dyn Fn(&Object) -> Object + Send + Sync + 'a>;

/// Prints the objects of one resource. They are to be given at the version they are kept at, as the real server prints
/// them: an autoscaling/v1 HorizontalPodAutoscaler has lost the order of its metrics.
pub struct Printer<'a> {
    means: Means<'a>,
    shown: Option<Shown<'a>>,
    /// FlowSchemas are listed in the order in which they are tried.
    by_precedence: bool,
    /// Pods tell in conditions that they have ended.
    ends: bool,
    /// The tables of APIServices have columns even if they are not asked for.
    always_headed: bool,
}

enum Means<'a> {
    BuiltIn(&'static Kind),
    Custom(&'a [Column]),
    /// Name, Created At.
    Default,
}

impl<'a> Printer<'a> {
    /// A printer of `kind`, whose definition gives these columns ([`Column::all`]) if it is a custom one.
    pub fn new(kind: &ResourceType, custom: Option<&'a [Column]>) -> Self {
        let means = match custom {
            Some(columns) => Means::Custom(columns),
            None => Kind::of(&kind.group, &kind.kind).map_or(Means::Default, Means::BuiltIn),
        };
        Self {
            means,
            shown: None,
            by_precedence: kind.is("flowcontrol.apiserver.k8s.io", "flowschemas"),
            ends: kind.is("", "pods"),
            always_headed: kind.is("apiregistration.k8s.io", "apiservices"),
        }
    }

    /// Where rows show the whole object ([`Include::Object`]), this makes it: at the version that is read, of what is kept.
    #[must_use]
    pub fn showing(mut self, shown: impl Fn(&Object) -> Object + Send + Sync + 'a) -> Self {
        self.shown = Some(Box::new(shown));
        self
    }

    /// The definitions of the columns. Those of built-in kinds have no descriptions.
    pub fn columns(&self) -> Vec<Value> {
        let name = || heading("Name", "string", "name", "", 0);
        match self.means {
            Means::BuiltIn(kind) => kind.columns().collect(),
            Means::Custom(columns) => {
                std::iter::once(name()).chain(columns.iter().map(Column::heading)).collect()
            }
            Means::Default => vec![name(), heading("Created At", "date", "", "", 0)],
        }
    }

    /// The cells of an object, one for each column.
    pub fn cells(&self, object: &Object, now: Timestamp) -> Vec<Value> {
        let metadata = |name: &str| read::text(object, &["metadata", name]);
        match self.means {
            Means::BuiltIn(kind) => kind.cells(object, now),
            Means::Custom(columns) => {
                let name = std::iter::once(metadata("name").into());
                name.chain(columns.iter().map(|column| column.cell(object, now))).collect()
            }
            Means::Default => {
                let created = match metadata("creationTimestamp") {
                    "" => "0001-01-01T00:00:00Z",
                    created => created,
                };
                vec![metadata("name").into(), created.into()]
            }
        }
    }

    /// Adds a whole Table to `out`, as JSON: the rows of `objects`, under a list's `metadata`. The table of a single object
    /// has that object's resourceVersion for metadata.
    pub fn table<T: Borrow<Object>>(
        &self,
        out: &mut Vec<u8>,
        form: Form,
        metadata: &Object,
        objects: impl IntoIterator<Item = T>,
        now: Timestamp,
    ) {
        out.extend_from_slice(br#"{"kind":"Table","apiVersion":"meta.k8s.io/"#);
        out.extend_from_slice(form.version.as_bytes());
        out.extend_from_slice(br#"","metadata":"#);
        write::object(out, metadata);
        out.extend_from_slice(br#","columnDefinitions":"#);
        write::value(
            out,
            &if form.headed || self.always_headed { self.columns().into() } else { Value::Null },
        );
        out.extend_from_slice(br#","rows":"#);
        let begin = out.len();
        let mut row = |object: &Object| {
            out.push(if out.len() == begin { b'[' } else { b',' });
            self.row(out, form, object, now);
        };
        if self.by_precedence {
            let mut objects: Vec<T> = objects.into_iter().collect();
            objects.sort_by(|one, other| flow::order(one.borrow(), other.borrow()));
            objects.iter().for_each(|object| row(object.borrow()));
        } else {
            objects.into_iter().for_each(|object| row(object.borrow()));
        }
        match (out.len() == begin, &self.means) {
            (false, _) => out.extend_from_slice(b"]}"),
            // The default table begins without a list of rows.
            (true, Means::Default) => out.extend_from_slice(b"null}"),
            (true, _) => out.extend_from_slice(b"[]}"),
        }
    }

    fn row(&self, out: &mut Vec<u8>, form: Form, object: &Object, now: Timestamp) {
        out.extend_from_slice(br#"{"cells":"#);
        write::value(out, &self.cells(object, now).into());
        if let Some(conditions) = pod::conditions(object).filter(|_| self.ends) {
            out.extend_from_slice(br#","conditions":"#);
            write::value(out, &conditions);
        }
        out.extend_from_slice(br#","object":"#);
        let last = read::text(object, &["metadata", "annotations", INITIAL_EVENTS_END]) == "true";
        match form.include {
            Include::Object => match &self.shown {
                Some(shown) => write::object(out, &shown(object)),
                None => write::object(out, object),
            },
            Include::None if !last => out.extend_from_slice(b"null"),
            Include::None | Include::Metadata => {
                out.extend_from_slice(br#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/"#);
                out.extend_from_slice(form.version.as_bytes());
                out.extend_from_slice(br#"","metadata":"#);
                match object.get("metadata").and_then(Value::as_object) {
                    Some(metadata) => write::object(out, metadata),
                    None => write::object(out, &Map::new()),
                }
                out.push(b'}');
            }
        }
        out.push(b'}');
    }
}

/// A TableColumnDefinition.
fn heading(name: &str, kind: &str, format: &str, description: &str, priority: i64) -> Value {
    json!({"name": name, "type": kind, "format": format, "description": description, "priority": priority})
}

#[cfg(test)]
mod tests;
