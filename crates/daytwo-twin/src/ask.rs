//! A write as the rules see it: what it is about, when, by whom, and what else there is.

use std::sync::Arc;

use daytwo_core::resource::ResourceType;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::chance::Chance;

/// An object: its fields, apiVersion and kind among them.
pub type Object = Map<String, Value>;

/// What else there is at the moment of a write.
pub trait Around {
    /// One object, at the version it is kept at. `group` is empty for the core's; `resource` is the plural.
    fn get(&self, group: &str, resource: &str, namespace: Option<&str>, name: &str) -> Option<Arc<Object>>;

    /// A text of one object, empty where none stands there; `None` where the object is not.
    fn text(
        &self,
        (group, resource): (&str, &str),
        namespace: Option<&str>,
        name: &str,
        path: &[&str],
    ) -> Option<String> {
        let object = self.get(group, resource, namespace, name)?;
        let found = path
            .split_first()
            .and_then(|(first, rest)| rest.iter().try_fold(object.get(*first)?, |at, name| at.get(name)));
        Some(found.and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// All objects of a resource, or those of one namespace, by namespace and name.
    fn list(&self, group: &str, resource: &str, namespace: Option<&str>) -> Vec<Arc<Object>>;
}

/// What a client wants done with fields that the kind has not (`fieldValidation`). The default warns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unknown {
    /// Dropped without a word.
    Ignore,
    /// Dropped, with a warning for each.
    #[default]
    Warn,
    /// The request is refused.
    Strict,
}

/// One write.
pub struct Ask<'a> {
    /// The resource, at the version the client wrote.
    pub kind: &'a ResourceType,
    /// `status`, `scale`, `resize`, `ephemeralcontainers`, `approval`, `finalize`, or `None` for the object itself.
    pub subresource: Option<&'a str>,
    /// The namespace in the path.
    pub namespace: Option<&'a str>,
    /// Who writes.
    pub user: &'a str,
    /// When.
    pub now: Timestamp,
    /// Whether nothing will be kept.
    pub dry_run: bool,
    /// What else there is.
    pub around: &'a dyn Around,
    /// Where names and addresses that are random come from.
    pub chance: &'a mut Chance,
    /// What the client is to be told beside the answer: one `Warning` header each.
    pub warnings: &'a mut Vec<String>,
}
