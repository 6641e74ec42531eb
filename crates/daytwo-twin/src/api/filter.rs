//! Which objects a list, a watch or a delete of many is about: by labels and by fields.

use daytwo_core::resource::ResourceType;
use daytwo_core::selector::Selector;

use super::Call;
use crate::kinds::{Origin, Resource};
use crate::selector::{FieldSelector, labels};
use crate::status::Result;
use crate::store::Stored;

/// What objects must be like.
#[derive(Debug, Clone)]
pub struct Filter {
    labels: Selector,
    fields: FieldSelector,
    name: Option<String>,
    kind: ResourceType,
}

impl Filter {
    /// The selectors of a request.
    ///
    /// # Errors
    /// 400 where one cannot be read, or asks for a field that the kind cannot be chosen by.
    pub fn of(call: &Call, resource: &Resource) -> Result<Filter> {
        let labels = labels(call.one("labelSelector").unwrap_or_default())?;
        let mut fields = FieldSelector::parse(call.one("fieldSelector").unwrap_or_default())?;
        let selectable = match &resource.origin {
            Origin::BuiltIn => None,
            Origin::Custom(definition) => Some(definition.selectable(&resource.kind.version)),
            Origin::Foreign => Some(&[][..]),
        };
        fields.check(&resource.kind, selectable)?;
        Ok(Filter { labels, fields, name: call.target.name.clone(), kind: resource.kind.clone() })
    }

    /// Whether everything is chosen.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty() && self.name.is_none()
    }

    /// The name that everything that is chosen has.
    pub fn name(&self) -> Option<&str> {
        self.fields.name()
    }

    /// Whether an object is chosen.
    pub fn matches(&self, stored: &Stored) -> bool {
        if self.name.as_deref().is_some_and(|name| name != stored.name()) || !stored.has_labels(&self.labels)
        {
            return false;
        }
        if self.fields.is_empty() {
            return true;
        }
        // The commonest of all selectors asks for a name, which needs no look into the object.
        if self.fields.name().is_some_and(|name| name != stored.name()) {
            return false;
        }
        self.fields.matches(&self.kind, &stored.object())
    }
}
