//! What gets its status back. It refuses to write one where the kind has no subresource for it: there it is content, or
//! there is none.

use serde::{Deserialize, Serialize};

use crate::restore::order::{built_in, group};

/// Kinds that get their status back: custom resources, unless `none` is among the words, and those named, as in
/// `deployments.apps`, or `*` for all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StatusChoice(Vec<String>);

impl StatusChoice {
    /// Of words, each `none`, `*`, or a resource that `resolve` gives in full.
    ///
    /// # Errors
    /// What `resolve` says of a word.
    pub fn parse<E>(words: &[String], mut resolve: impl FnMut(&str) -> Result<String, E>) -> Result<Self, E> {
        let full = |word: &String| match word.as_str() {
            "none" | "*" => Ok(word.clone()),
            resource => resolve(resource),
        };
        words.iter().map(full).collect::<Result<_, _>>().map(Self)
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

    fn gives(words: &[&str]) -> [bool; 3] {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let choice = StatusChoice::parse(&words, |word| Ok::<_, ()>(format!("{word}.apps"))).unwrap();
        ["widgets.x.io", "deployments.apps", "daemonsets.apps"].map(|resource| choice.gives(resource))
    }

    #[test]
    fn custom_resources_have_it_by_default_and_others_where_they_are_named() {
        assert_eq!(gives(&[]), [true, false, false]);
        assert_eq!(gives(&["deployments"]), [true, true, false]);
        assert_eq!(gives(&["none"]), [false, false, false]);
        assert_eq!(gives(&["none", "deployments"]), [false, true, false]);
        assert_eq!(gives(&["*"]), [true, true, true]);
    }

    #[test]
    fn a_word_that_names_nothing_is_refused() {
        assert_eq!(StatusChoice::parse(&["none".into(), "x".into()], |_| Err("no")), Err("no"));
    }
}
