//! The form in which a client wants its answers: whole objects, their metadata, or the rows of a table.

use std::sync::Arc;

use daytwo_core::json::Meta;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::api::convert;
use crate::ask::Object;
use crate::definitions::Definition;
use crate::kinds::{Origin, Resource};
use crate::print::{Column, Form, Include, Printer};
use crate::store::Stored;

/// A form of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    /// What of an object is shown.
    pub(super) shape: Shape,
    /// Whether it is written as YAML.
    pub(super) yaml: bool,
}

/// What of objects is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// All of them.
    Whole,
    /// The metadata of one alone, in a version of the group meta.k8s.io.
    Partial(&'static str),
    /// The metadata of those of a list.
    Partials(&'static str),
    /// Rows.
    Table(&'static str, Include),
}

/// The columns that a definition asks for.
fn columns(definition: &Definition, version: &str) -> Vec<Column> {
    let entries: Vec<Value> = definition
        .version(version)
        .into_iter()
        .flat_map(|version| &version.columns)
        .map(|column| {
            json!({"name": column.name, "type": column.kind, "format": column.format, "priority": column.priority,
                "description": column.description, "jsonPath": column.json_path})
        })
        .collect();
    Column::all(&entries)
}

/// Where version 1 of the API has the generation of a DaemonSet's template (`pkg/apis/apps/v1/conversion.go`, v1.36.3).
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// Writes objects of one resource in one form.
pub(super) struct Writer {
    pub(super) resource: Arc<Resource>,
    pub(super) view: View,
    columns: Option<Vec<Column>>,
    converts: bool,
    now: Timestamp,
}

impl Writer {
    pub(super) fn new(resource: Arc<Resource>, view: View, now: Timestamp) -> Writer {
        let columns = match &resource.origin {
            Origin::BuiltIn => None,
            Origin::Custom(definition) => Some(columns(definition, &resource.kind.version)),
            Origin::Foreign => Some(Column::all(&[])),
        };
        let converts = convert::converts(&resource);
        Writer { resource, view, columns, converts, now }
    }

    pub(super) fn printer(&self) -> Printer<'_> {
        let printer = Printer::new(&self.resource.kind, self.columns.as_deref());
        match self.prints_kept() {
            true => printer
                .showing(|kept| convert::from_storage(&self.resource, kept.clone()).unwrap_or_default()),
            false => printer,
        }
    }

    /// Whether what is kept is what is sent.
    pub(super) fn as_kept(&self) -> bool {
        self.view.shape == Shape::Whole && !self.converts
    }

    /// The object at the version asked for.
    pub(super) fn object(&self, stored: &Stored) -> Object {
        let object = stored.object();
        if !self.converts {
            return object;
        }
        convert::from_storage(&self.resource, object).unwrap_or_default()
    }

    /// Adds an object, whole or in part, as it stands alone.
    pub(super) fn alone(&self, stored: &Stored, out: &mut Vec<u8>) {
        match self.view.shape {
            Shape::Whole if !self.converts => stored.write(out),
            Shape::Whole => write(out, &self.object(stored)),
            Shape::Partial(version) | Shape::Partials(version) if self.hides_note() => {
                write(out, &partial_of(&self.printed(stored), version));
            }
            Shape::Partial(version) | Shape::Partials(version) => partial(stored, version, out),
            Shape::Table(version, include) => self.table(version, include, true, &self.printed(stored), out),
        }
    }

    /// Adds an object as an item of a list: those of built-in kinds name no kind there.
    pub(super) fn item(&self, stored: &Stored, out: &mut Vec<u8>) {
        if self.view.shape != Shape::Whole || !matches!(self.resource.origin, Origin::BuiltIn) {
            return self.alone(stored, out);
        }
        if !self.converts {
            return untyped(&stored.json(), &self.resource, out);
        }
        let mut object = self.object(stored);
        object.shift_remove("kind");
        object.shift_remove("apiVersion");
        write(out, &object);
    }

    /// Whether an answer is an object of the resource: of a status, nobody wants a part.
    pub(super) fn answers(&self, object: &Object) -> bool {
        object.get("kind").and_then(Value::as_str) == Some(&self.resource.kind.kind)
    }

    /// Adds an object that is not kept: what a write came to.
    pub(super) fn tree(&self, object: &Object, out: &mut Vec<u8>) {
        match self.view.shape {
            Shape::Whole => write(out, object),
            _ if !self.answers(object) => write(out, object),
            Shape::Partial(version) | Shape::Partials(version) => {
                write(out, &partial_of(&self.internal(object.clone()), version));
            }
            Shape::Table(version, include) if self.prints_kept() => {
                let kept = convert::to_storage(&self.resource, object.clone()).unwrap_or_default();
                self.table(version, include, true, &kept, out);
            }
            Shape::Table(version, include) => {
                self.table(version, include, true, &self.internal(object.clone()), out);
            }
        }
    }

    /// Whether rows are printed of what is kept, and not of what is read.
    fn prints_kept(&self) -> bool {
        self.converts && matches!(self.resource.origin, Origin::BuiltIn)
    }

    /// What a row is printed of.
    pub(super) fn printed(&self, stored: &Stored) -> Object {
        if self.prints_kept() { stored.object() } else { self.internal(self.object(stored)) }
    }

    /// Whether version 1 of the API has a note that the server's own type has as a field.
    fn hides_note(&self) -> bool {
        self.resource.kind.is("apps", "daemonsets")
    }

    /// The object as the server holds it, of whose metadata parts are shown: without what only version 1 notes there, but
    /// where rows show it whole.
    fn internal(&self, mut object: Object) -> Object {
        if self.hides_note() && !matches!(self.view.shape, Shape::Table(_, Include::Object)) {
            let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
            if let Some(metadata) = metadata
                && let Some(Value::Object(notes)) = metadata.get_mut("annotations")
                && notes.shift_remove(TEMPLATE_GENERATION).is_some()
                && notes.is_empty()
            {
                metadata.shift_remove("annotations");
            }
        }
        object
    }

    /// Adds a table of one row.
    pub(super) fn table(
        &self,
        version: &'static str,
        include: Include,
        headed: bool,
        object: &Object,
        out: &mut Vec<u8>,
    ) {
        let mut metadata = Map::new();
        let revision = crate::store::field(object, "resourceVersion");
        if !revision.is_empty() {
            metadata.insert("resourceVersion".into(), revision.into());
        }
        self.printer().table(out, Form { version, include, headed }, &metadata, [object], self.now);
    }

    /// When it is.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }
}

/// Adds the JSON of an object.
pub(super) fn write(out: &mut Vec<u8>, object: &Object) {
    serde_json::to_writer(out, object).expect("invariant: a tree of values is JSON, and memory takes it");
}

/// Adds an object without its kind, which stands in front of what a twin keeps.
fn untyped(json: &[u8], resource: &Resource, out: &mut Vec<u8>) {
    let front = |out: &mut Vec<u8>, rest: &[u8]| {
        out.push(b'{');
        out.extend_from_slice(rest);
    };
    let prefix =
        format!("{{\"kind\":\"{}\",\"apiVersion\":\"{}\",", resource.kind.kind, resource.kind.api_version());
    if let Some(rest) = json.strip_prefix(prefix.as_bytes()) {
        return front(out, rest);
    }
    match serde_json::from_slice::<Object>(json) {
        Ok(mut object) => {
            object.shift_remove("kind");
            object.shift_remove("apiVersion");
            write(out, &object);
        }
        Err(_) => out.extend_from_slice(json),
    }
}

fn partial(stored: &Stored, version: &str, out: &mut Vec<u8>) {
    let json = stored.json();
    out.extend_from_slice(b"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/");
    out.extend_from_slice(version.as_bytes());
    out.extend_from_slice(b"\",\"metadata\":");
    match Meta::of(&json) {
        Ok(meta) => out.extend_from_slice(&json[meta.span]),
        Err(_) => out.extend_from_slice(b"{}"),
    }
    out.push(b'}');
}

fn partial_of(object: &Object, version: &str) -> Object {
    let mut out = Map::new();
    out.insert("kind".into(), "PartialObjectMetadata".into());
    out.insert("apiVersion".into(), format!("meta.k8s.io/{version}").into());
    out.insert("metadata".into(), object.get("metadata").cloned().unwrap_or_default());
    out
}
