//! Storage classes under another name: in claims, the templates of claims, and volumes. It refuses to rename the classes
//! themselves: those of the cluster stand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::json::{Change, Edits, quote, string};

/// Where claims and volumes named their class before `spec.storageClassName`
/// (`k8s.io/api` v0.36.3, `core/v1/types.go`, `BetaStorageClassAnnotation`).
const ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

/// Storage classes, each with the one that takes its place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClassMapping(BTreeMap<String, String>);

/// Why a mapping of storage classes cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClassError {
    /// Not of the form `FROM:TO`.
    #[error("{0:?} is no mapping of storage classes: write FROM:TO")]
    Form(String),
    /// A class is mapped twice.
    #[error("storage class {0} is mapped twice: name it once")]
    Twice(String),
}

impl ClassMapping {
    /// Reads `FROM:TO` texts.
    ///
    /// # Errors
    /// A text that is no mapping, or a class that is mapped twice.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, ClassError> {
        let mut mapping = BTreeMap::new();
        for text in texts {
            let form = || ClassError::Form(text.to_owned());
            let (from, to) = text.split_once(':').ok_or_else(form)?;
            if from.is_empty() || to.is_empty() || to.contains(':') {
                return Err(form());
            }
            if mapping.insert(from.to_owned(), to.to_owned()).is_some() {
                return Err(ClassError::Twice(from.to_owned()));
            }
        }
        Ok(Self(mapping))
    }

    /// Whether nothing is mapped.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the edits that map the classes in an object of `resource`.
    pub(super) fn edit<'f>(&'f self, resource: &str, edits: &mut Edits<'f>) {
        match resource {
            "persistentvolumeclaims" | "persistentvolumes" => self.edit_claim(edits),
            "statefulsets.apps" => {
                edits.each_element(&["spec", "volumeClaimTemplates"], |template| {
                    let mut edits = Edits::new();
                    self.edit_claim(&mut edits);
                    edits.apply(template).map_or(Change::Keep, Change::With)
                });
            }
            _ => {}
        }
    }

    fn edit_claim<'f>(&'f self, edits: &mut Edits<'f>) {
        for path in [&["spec", "storageClassName"][..], &["metadata", "annotations", ANNOTATION]] {
            edits.replace(path, |value| match string(value).as_deref().and_then(|class| self.0.get(class)) {
                Some(to) => Change::With(quote(to).into_bytes()),
                None => Change::Keep,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(resource: &str, object: &str) -> String {
        let mapping = ClassMapping::parse(["fast:ssd", "old:new"]).unwrap();
        let mut edits = Edits::new();
        mapping.edit(resource, &mut edits);
        String::from_utf8(edits.apply(object.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_claim_and_its_volume_name_the_new_class_wherever_they_named_the_old_one() {
        for resource in ["persistentvolumeclaims", "persistentvolumes"] {
            let object = r#"{"metadata":{"annotations":{"volume.beta.kubernetes.io/storage-class":"old"}},"spec":{"storageClassName":"fast"}}"#;
            let object = mapped(resource, object);
            assert!(object.contains(r#""storageClassName":"ssd""#), "{object}");
            assert!(object.contains(r#"storage-class":"new""#), "{object}");
        }
        let other = r#"{"spec":{"storageClassName":"slow"}}"#;
        assert_eq!(mapped("persistentvolumeclaims", other), other);
    }

    #[test]
    fn the_templates_of_claims_are_mapped_too_and_nothing_else_is() {
        let set = r#"{"spec":{"volumeClaimTemplates":[{"spec":{"storageClassName":"fast"}},{"spec":{}}]}}"#;
        let after = r#"{"spec":{"volumeClaimTemplates":[{"spec":{"storageClassName":"ssd"}},{"spec":{}}]}}"#;
        assert_eq!(mapped("statefulsets.apps", set), after);
        assert_eq!(mapped("widgets.x.io", set), set);
    }

    #[test]
    fn what_is_no_mapping_is_refused() {
        let parse = |texts: &[&str]| ClassMapping::parse(texts.iter().copied()).unwrap_err();
        for bad in ["a", "a:", ":b", "a:b:c"] {
            assert_eq!(parse(&[bad]), ClassError::Form(bad.into()));
        }
        assert_eq!(parse(&["a:b", "a:c"]), ClassError::Twice("a".into()));
        assert!(ClassMapping::parse(["a:c", "b:c"]).is_ok(), "two classes may become one");
    }
}
