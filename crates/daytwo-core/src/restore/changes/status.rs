//! What gets its status back. It refuses to write one where the kind has no subresource for it: there it is content, or
//! there is none.

use serde::{Deserialize, Serialize};

use crate::resource::{Named, lookup};
use crate::restore::order::{built_in, group};

/// Kinds that get their status back: custom resources, unless `none` is among the words, and those named, as in
/// `deployments.apps`, or `*` for all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatusChoice(Vec<String>);

impl StatusChoice {
    /// Of words: `none`, `*`, or whatever a resource goes by, which [`StatusChoice::resolve`] then gives in full.
    pub fn of(words: Vec<String>) -> Self {
        Self(words)
    }

    /// Puts `plural.group` in place of every resource name that a type of `known` goes by. Gives the names that mean
    /// none of them: nothing gets its status back by those.
    pub fn resolve(&mut self, known: &[Named]) -> Vec<String> {
        let mut unknown = Vec::new();
        for word in self.0.iter_mut().filter(|word| !matches!(word.as_str(), "none" | "*")) {
            match lookup(word, known) {
                Ok(one) => *word = one.resource.group_resource(),
                Err(_) => unknown.push(word.clone()),
            }
        }
        unknown
    }

    /// Whether nothing was asked for.
    pub fn is_default(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether objects of `resource` get theirs back.
    pub fn gives(&self, resource: &str) -> bool {
        let is = |wanted: &str| self.0.iter().any(|word| word == wanted);
        is("*") || is(resource) || (!built_in(group(resource)) && !is("none"))
    }

    /// The resources named.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str).filter(|word| !matches!(*word, "none" | "*"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::ResourceType;

    fn of(words: &[&str]) -> StatusChoice {
        StatusChoice::of(words.iter().map(|word| (*word).to_owned()).collect())
    }

    fn gives(words: &[&str]) -> [bool; 3] {
        let choice = of(words);
        ["widgets.x.io", "deployments.apps", "daemonsets.apps"].map(|resource| choice.gives(resource))
    }

    #[test]
    fn custom_resources_have_it_by_default_and_others_where_they_are_named() {
        assert_eq!(gives(&[]), [true, false, false]);
        assert_eq!(gives(&["deployments.apps"]), [true, true, false]);
        assert_eq!(gives(&["none"]), [false, false, false]);
        assert_eq!(gives(&["none", "deployments.apps"]), [false, true, false]);
        assert_eq!(gives(&["*"]), [true, true, true]);
    }

    #[test]
    fn resources_go_by_any_of_their_names_and_what_means_none_is_told() {
        let deployments = ResourceType {
            group: "apps".into(),
            version: "v1".into(),
            resource: "deployments".into(),
            kind: "Deployment".into(),
            namespaced: true,
        };
        let mut choice = of(&["none", "deploy", "gizmos"]);
        assert_eq!(choice.resolve(&[Named::from(deployments)]), ["gizmos"]);
        assert_eq!(choice, of(&["none", "deployments.apps", "gizmos"]));
        assert!(choice.gives("deployments.apps"));
    }
}
