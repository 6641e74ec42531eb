//! What a CustomResourceDefinition means: its own rules, and those it makes for the objects of its kind
//! (`k8s.io/apiextensions-apiserver`, v0.36).
//!
//! Nothing here keeps anything or calls anyone: a conversion webhook is not asked, a version is only renamed and its
//! fields taken by the other version's schema; requests that a webhook would have converted carry a warning. What a rule
//! in CEL costs is not counted.

mod cel;
mod check;
pub mod crd;
mod embedded;
mod lists;
mod meta;
pub(crate) mod names;
mod path;
mod pattern;
mod prune;
mod scale;
mod schema;
mod version;
mod write;

use daytwo_core::resource::ResourceType;
use serde_json::{Map, Value};

pub use scale::{ScalePaths, Scaled};

use crate::ask::{Object, Unknown};
use crate::deep;
use crate::status::{Result, Status};
use schema::{Schema, flag, text, texts};

/// A definition, read once for all requests.
#[derive(Debug)]
pub struct Definition {
    /// The API group.
    pub group: String,
    /// What the kind is called.
    pub names: Names,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// In the order of the definition.
    pub versions: Vec<Version>,
    /// Whether a webhook would convert between versions.
    pub webhook: bool,
    /// The generation of the object it was read from.
    pub generation: i64,
    /// Whether it changed since the objects of its kind were first kept.
    pub renewed: bool,
    /// Whether it is being deleted, and takes no new objects.
    pub ending: bool,
    /// What of the definition the twin does not hold objects to, a line each.
    pub notes: Vec<String>,
}

/// The names of a kind.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// `widgets`.
    pub plural: String,
    /// `widget`.
    pub singular: String,
    /// `Widget`.
    pub kind: String,
    /// `WidgetList`.
    pub list_kind: String,
    /// `wg`.
    pub short_names: Vec<String>,
    /// `all`.
    pub categories: Vec<String>,
}

/// One version of a kind.
#[derive(Debug)]
pub struct Version {
    /// `v1`.
    pub name: String,
    /// Whether the API has it.
    pub served: bool,
    /// Whether objects are kept in it.
    pub storage: bool,
    /// What every request at a deprecated version is warned with.
    pub deprecation: Option<String>,
    /// Whether the status is a subresource.
    pub status: bool,
    /// The scale subresource.
    pub scale: Option<ScalePaths>,
    /// Beside the name; `None` where the definition has none, and the age is shown.
    pub columns: Vec<Column>,
    /// What field selectors may name beside the name and the namespace, without the leading dot.
    pub selectable: Vec<String>,
    schema: Schema,
    rules: Option<cel::Rules>,
    /// Whether the schema has resources inside resources.
    embeds: bool,
    /// Whether the schema has lists that are sets or maps.
    keyed: bool,
}

/// One of `additionalPrinterColumns`.
#[derive(Debug, Clone)]
pub struct Column {
    /// The heading.
    pub name: String,
    /// `integer`, `number`, `string`, `boolean` or `date`.
    pub kind: String,
    /// The format of the type; may be empty.
    pub format: String,
    /// 0 is always shown.
    pub priority: i64,
    /// May be empty.
    pub description: String,
    /// `.spec.replicas`.
    pub json_path: String,
}

impl Definition {
    /// Reads a CustomResourceDefinition that the API took.
    ///
    /// # Errors
    /// 500: it has no versions, or no one to keep objects in.
    pub fn of(object: &Object) -> Result<Definition> {
        let empty = Map::new();
        let map = |map: &'_ Map<String, Value>, name: &str| map.get(name).and_then(Value::as_object).cloned();
        let spec = map(object, "spec").unwrap_or_default();
        let named = map(&spec, "names").unwrap_or_default();
        let names = Names {
            plural: text(&named, "plural"),
            singular: text(&named, "singular"),
            kind: text(&named, "kind"),
            list_kind: text(&named, "listKind"),
            short_names: texts(&named, "shortNames"),
            categories: texts(&named, "categories"),
        };
        let group = text(&spec, "group");
        let mut notes = Vec::new();
        let preserve = flag(&spec, "preserveUnknownFields");
        let list = spec.get("versions").and_then(Value::as_array).into_iter().flatten();
        let versions: Vec<Version> = list
            .map(|version| {
                Version::of(version.as_object().unwrap_or(&empty), &group, &names, preserve, &mut notes)
            })
            .collect();
        if !versions.iter().any(|version| version.storage) {
            return Err(Status::internal(
                "invalid apiextensionsv1.CustomResourceDefinition, no storage version",
            ));
        }
        let conversion = map(&spec, "conversion").unwrap_or_default();
        let metadata = map(object, "metadata").unwrap_or_default();
        Ok(Definition {
            group,
            names,
            namespaced: text(&spec, "scope") == "Namespaced",
            versions,
            webhook: text(&conversion, "strategy") == "Webhook",
            generation: metadata.get("generation").and_then(Value::as_i64).unwrap_or(0),
            renewed: false,
            ending: metadata.contains_key("deletionTimestamp"),
            notes,
        })
    }

    /// A version by its name, served or not.
    pub fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.name == name)
    }

    /// The version that objects are kept in.
    pub fn storage(&self) -> &Version {
        self.versions.iter().find(|version| version.storage).expect("invariant: looked for when it was read")
    }

    /// The resource at a version.
    pub fn resource(&self, version: &str) -> ResourceType {
        ResourceType {
            group: self.group.clone(),
            version: version.to_owned(),
            resource: self.names.plural.clone(),
            kind: self.names.kind.clone(),
            namespaced: self.namespaced,
        }
    }

    /// What field selectors may name at a version, beside the name and the namespace.
    pub fn selectable(&self, version: &str) -> &[String] {
        self.version(version).map_or(&[], |version| &version.selectable)
    }

    /// A request's body as the server holds it: metadata read as Go reads it, unknown fields and forbidden nulls taken
    /// out, defaults filled in.
    ///
    /// # Errors
    /// 400: a field of metadata is of a wrong type, or, when strict, a field is unknown. 404: there is no such version.
    pub fn decode(
        &self,
        version: &str,
        mut body: Object,
        unknown: Unknown,
        warnings: &mut Vec<String>,
    ) -> Result<Object> {
        let of = self.version(version).ok_or_else(Status::no_such_path)?;
        let refuse = |why: &str| {
            let kind = &self.names.kind;
            Status::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
        };
        body.values_mut().for_each(deep::read_numbers);
        for name in ["kind", "apiVersion"] {
            if let Some(value) = body.get(name).filter(|value| !value.is_string()) {
                let (shown, kind) = (deep::print(value), deep::type_name(value));
                return Err(refuse(&format!(
                    ".{name} accessor error: {shown} is of the type {kind}, expected string"
                )));
            }
        }
        let ours = body.get("kind").and_then(Value::as_str) == Some(&*self.names.kind)
            && self.group == write::group_of(&body);
        let found = of.take_in(&mut body, ours, unknown != Unknown::Ignore).map_err(|why| refuse(&why))?;
        let said = found.iter().map(|path| format!("unknown field \"{path}\""));
        match unknown {
            Unknown::Strict if !found.is_empty() => {
                let said: Vec<String> = said.collect();
                return Err(refuse(&format!("strict decoding error: {}", said.join(", "))));
            }
            Unknown::Warn => warnings.extend(said),
            _ => {}
        }
        Ok(body)
    }

    /// An object at `version` as it is kept: renamed to the storage version, without what that one does not know, and with
    /// its defaults.
    pub fn stored(&self, mut object: Object) -> Object {
        let storage = self.storage();
        let version = format!("{}/{}", self.group, storage.name);
        if object.get("apiVersion").and_then(Value::as_str) != Some(&version) {
            object.insert("apiVersion".into(), version.into());
            storage.prune(&mut object);
            prune::defaults(&mut object, &storage.schema);
        }
        object
    }

    /// A kept object as `version` serves it: with the defaults that the storage version has by now, renamed, and without
    /// what the version does not know.
    ///
    /// # Errors
    /// 404: there is no such version.
    pub fn served(&self, version: &str, kept: &Object) -> Result<Object> {
        let of = self.version(version).ok_or_else(Status::no_such_path)?;
        let mut object = deep::copy_map(kept);
        let storage = self.storage();
        storage.prune(&mut object);
        prune::defaults(&mut object, &storage.schema);
        if version != storage.name {
            object.insert("apiVersion".into(), format!("{}/{version}", self.group).into());
            of.prune(&mut object);
        }
        Ok(object)
    }
}

#[cfg(test)]
mod tests;
