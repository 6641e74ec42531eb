//! What a side of a comparison would have shown if it were there: only then is its absence a difference.

use std::collections::{BTreeMap, BTreeSet};

use daytwo_archive::{Head, MadeBy};
use daytwo_core::filter::Filter;
use serde_json::Value;

/// The resources and namespaces of which a side shows every object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cover(BTreeMap<String, Spaces>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Spaces {
    All,
    These(BTreeSet<String>),
}

impl Cover {
    /// What a backup says it covers. Velero's say nothing: of them [`Cover::note`] each object.
    pub fn of(head: &Head) -> Self {
        let mut cover = BTreeMap::new();
        for complete in &head.complete {
            let spaces = match &complete.namespaces {
                None => Spaces::All,
                Some(names) => Spaces::These(names.iter().cloned().collect()),
            };
            cover.insert(complete.resource.clone(), spaces);
        }
        Self(cover)
    }

    /// All objects of a resource in a namespace.
    pub fn note(&mut self, resource: &str, namespace: Option<&str>) {
        match self.0.entry(resource.to_owned()).or_insert_with(|| Spaces::These(BTreeSet::new())) {
            Spaces::All => {}
            Spaces::These(names) => {
                names.insert(namespace.unwrap_or_default().to_owned());
            }
        }
    }

    /// All objects of a resource.
    pub fn whole(&mut self, resource: &str) {
        self.0.insert(resource.to_owned(), Spaces::All);
    }

    /// Whether it covers anything of a resource.
    pub fn has(&self, resource: &str) -> bool {
        self.0.contains_key(resource)
    }

    /// The namespaces of a resource it covers, to be listed one by one; `None` in place of all of them, where it
    /// covers all, only objects outside namespaces, or nothing.
    pub fn spaces(&self, resource: &str) -> Vec<Option<String>> {
        match self.0.get(resource) {
            Some(Spaces::These(names)) if !names.contains("") => names.iter().cloned().map(Some).collect(),
            _ => vec![None],
        }
    }

    /// Whether an object of this resource and namespace would have been shown.
    pub fn covers(&self, resource: &str, namespace: Option<&str>) -> bool {
        match self.0.get(resource) {
            None => false,
            Some(Spaces::All) => true,
            Some(Spaces::These(names)) => names.contains(namespace.unwrap_or_default()),
        }
    }
}

/// What a backup was asked for, as a filter. Its label selector is not in it: a backup with one covers nothing.
pub fn asked(head: &Head) -> Filter {
    let names = |key: &str| -> Vec<String> {
        let list = head.spec.get(key).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    Filter {
        include_namespaces: names("includedNamespaces"),
        exclude_namespaces: names("excludedNamespaces"),
        include_resources: names("includedResources"),
        exclude_resources: names("excludedResources"),
        selector: None,
        include_cluster_resources: head.spec.get("includeClusterResources").and_then(Value::as_bool),
    }
}

/// Whether a backup covers what it holds objects of, because it says nothing better: one of Velero's, of all labels.
pub fn by_objects(head: &Head) -> bool {
    let selects = |key: &str| head.spec.get(key).is_some_and(|selector| !selector.is_null());
    head.made_by == MadeBy::Velero && !selects("labelSelector") && !selects("orLabelSelectors")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_is_not_missing() {
        let mut cover = Cover::default();
        cover.note("configmaps", Some("a"));
        cover.note("nodes", None);
        cover.whole("secrets");
        cover.note("secrets", Some("a"));
        assert!(cover.covers("configmaps", Some("a")) && !cover.covers("configmaps", Some("b")));
        assert!(cover.covers("nodes", None) && !cover.covers("pods", Some("a")));
        assert!(cover.covers("secrets", Some("z")));
        assert_eq!(cover.spaces("configmaps"), [Some("a".to_owned())]);
        assert_eq!(cover.spaces("nodes"), [None]);
        assert_eq!(cover.spaces("secrets"), [None]);
    }
}
