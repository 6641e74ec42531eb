//! Which objects are asked for, in kubectl's words: kinds, names, a namespace, labels.

use std::collections::BTreeSet;

use daytwo_core::json::Meta;
use daytwo_core::resource::ResourceType;
use daytwo_core::selector::Selector;

use crate::cli::shared::Scope;
use crate::failure::Result;
use crate::output::objects::Shape;

/// The namespace that is meant where none is named, as for kubectl.
const DEFAULT_NAMESPACE: &str = "default";

/// What was asked for.
pub struct Question {
    /// The kinds, each with the one name that was given with it.
    pub wanted: Vec<(ResourceType, Option<String>)>,
    /// `None`: all of them.
    pub namespace: Option<String>,
    /// Only objects with these labels.
    pub selector: Option<Selector>,
    show_secrets: bool,
}

impl Question {
    /// A question after `wanted`, in the namespace that the flags name.
    pub fn new(
        wanted: Vec<(ResourceType, Option<String>)>,
        scope: &Scope,
        selector: Option<Selector>,
        show_secrets: bool,
    ) -> Self {
        let namespace = match (&scope.namespace, scope.all_namespaces) {
            (_, true) => None,
            (Some(namespace), _) => Some(namespace.clone()),
            (None, _) => Some(DEFAULT_NAMESPACE.to_owned()),
        };
        Self { wanted, namespace, selector, show_secrets }
    }

    /// The form of the answer.
    pub fn shape(&self) -> Shape {
        Shape {
            list: self.single().is_none(),
            namespaces: self.namespace.is_none(),
            kinds: self.wanted.len() > 1,
            show_secrets: self.show_secrets,
        }
    }

    /// The resources and names of the objects that are asked for by name.
    pub fn named(&self) -> BTreeSet<(String, String)> {
        let named =
            |(kind, object): &(ResourceType, Option<String>)| Some((kind.group_resource(), object.clone()?));
        self.wanted.iter().filter_map(named).collect()
    }

    /// Whether one object is asked for by its full name, so that it can be read alone.
    pub fn single(&self) -> Option<(&ResourceType, Option<&str>, &str)> {
        let [(kind, Some(name))] = self.wanted.as_slice() else { return None };
        match (kind.namespaced, self.namespace.as_deref()) {
            (true, None) => None,
            (true, namespace) => Some((kind, namespace, name)),
            (false, _) => Some((kind, None, name)),
        }
    }

    /// Whether objects of this kind are.
    pub fn asks_kind(&self, kind: &ResourceType) -> bool {
        self.wanted.iter().any(|(wanted, _)| wanted.group == kind.group && wanted.resource == kind.resource)
    }

    /// Whether the object of this name is, wherever it stands.
    pub fn asks_name(&self, kind: &ResourceType, name: &str) -> bool {
        self.wanted.iter().any(|(wanted, named)| {
            wanted.group == kind.group
                && wanted.resource == kind.resource
                && named.as_deref().is_none_or(|named| named == name)
        })
    }

    /// Whether objects of this namespace are; those outside of namespaces always are.
    pub fn asks_namespace(&self, namespace: Option<&str>) -> bool {
        match (namespace, &self.namespace) {
            (Some(namespace), Some(wanted)) => namespace == wanted,
            _ => true,
        }
    }

    /// Whether the object's labels are those asked for.
    ///
    /// # Errors
    /// For an object that is no JSON.
    pub fn asks_labels(&self, bytes: &[u8]) -> Result<bool> {
        let Some(selector) = &self.selector else { return Ok(true) };
        Ok(selector.matches_json(Meta::of_prefix(bytes)?.labels)?)
    }
}
