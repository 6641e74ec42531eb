//! Names resource types and objects, and reads the names that people type.
//!
//! It knows no server: what exists is an argument.

mod names;

pub(crate) use names::spells;
pub use names::{NameError, Named, is_builtin, lookup, objects};

use std::fmt;

use serde::{Deserialize, Serialize};

/// A resource type at one version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceType {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version, such as `v1`.
    pub version: String,
    /// The plural name, such as `deployments`.
    pub resource: String,
    /// The kind, such as `Deployment`.
    pub kind: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl ResourceType {
    /// `pods`, `deployments.apps`: what Go's `GroupResource.String()` writes and Velero names its folders by.
    pub fn group_resource(&self) -> String {
        if self.group.is_empty() {
            self.resource.clone()
        } else {
            format!("{}.{}", self.resource, self.group)
        }
    }

    /// `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether this is the resource `resource` of `group`, at whatever version.
    pub fn is(&self, group: &str, resource: &str) -> bool {
        self.resource == resource && self.group == group
    }

    /// The object of this resource with that name.
    pub fn object(&self, namespace: Option<&str>, name: &str) -> ObjectKey {
        ObjectKey {
            resource: self.group_resource(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }
}

/// One object of a site or a backup.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    /// [`ResourceType::group_resource`].
    pub resource: String,
    /// `None` for cluster-scoped objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(formatter, "{}/{namespace}/{}", self.resource, self.name),
            None => write!(formatter, "{}/{}", self.resource, self.name),
        }
    }
}

#[cfg(test)]
mod tests;
