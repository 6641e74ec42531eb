//! Which objects a rule is about. A condition that is not given holds; all that are given must.

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::filter::glob;
use crate::json::{JsonError, Meta};
use crate::restore::Source;
use crate::selector::Selector;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Conditions {
    pub group_resource: GroupResource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_name_regex: Option<NamePattern>,
    /// Of the backup; objects without a namespace are in all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<Selector>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<Match>,
}

/// A value that the object must have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Match {
    pub path: String,
    pub value: Value,
}

impl Conditions {
    /// Whether it may be about an object of this type, namespace and name.
    pub fn name(&self, source: &Source<'_>, resource: &str) -> bool {
        let namespace = |namespace: &str| {
            self.namespaces.is_empty()
                || self.namespaces.iter().any(|wanted| glob::matches(wanted, namespace))
        };
        self.group_resource.is(resource)
            && source.namespace.is_none_or(namespace)
            && self.resource_name_regex.as_ref().is_none_or(|pattern| pattern.regex.is_match(source.name))
    }

    /// Whether it is about an object of this content.
    pub fn content(&self, object: &Value, meta: &Meta<'_>) -> Result<bool, JsonError> {
        if let Some(selector) = &self.label_selector
            && !selector.matches_json(meta.labels)?
        {
            return Ok(false);
        }
        let has = |wanted: &Match| object.pointer(&wanted.path).unwrap_or(&Value::Null) == &wanted.value;
        Ok(self.matches.iter().all(has))
    }
}

/// A resource as in `deployments.apps`, with globs: `*` alone is every resource of the core group, `*.apps` every one
/// of a group, `*.*` every one of a named group. A `*` before the first dot does not reach beyond it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct GroupResource(pub String);

impl GroupResource {
    pub fn is(&self, resource: &str) -> bool {
        alternatives(&self.0).iter().any(|pattern| {
            match (pattern.split_once('.'), resource.split_once('.')) {
                (Some((plural, group)), Some((name, of))) => {
                    glob::matches(plural, name) && glob::matches(group, of)
                }
                (None, None) => glob::matches(pattern, resource),
                _ => false,
            }
        })
    }

    /// Its group, where that is told without globs.
    pub fn group(&self) -> Option<&str> {
        let group = self.0.split_once('.').map_or("", |(_, group)| group);
        (!glob::is_glob(group) && !self.0.contains('{')).then_some(group)
    }
}

/// The patterns that one with `{a,b}` stands for: a dot may be inside the braces.
fn alternatives(pattern: &str) -> Vec<String> {
    let Some((before, rest)) = pattern.split_once('{') else { return vec![pattern.to_owned()] };
    let Some((inside, after)) = rest.split_once('}') else { return vec![pattern.to_owned()] };
    let ends = alternatives(after);
    let each =
        inside.split(',').flat_map(|choice| ends.iter().map(move |end| format!("{before}{choice}{end}")));
    each.collect()
}

/// A regular expression that is found anywhere in a name.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct NamePattern {
    regex: Regex,
}

impl TryFrom<String> for NamePattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match Regex::new(&text) {
            Ok(regex) => Ok(Self { regex }),
            Err(error) => {
                let said = error.to_string();
                let reason = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
                Err(format!("the regular expression {text:?} cannot be read: {reason}"))
            }
        }
    }
}

impl From<NamePattern> for String {
    fn from(pattern: NamePattern) -> String {
        pattern.regex.as_str().to_owned()
    }
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str()
    }
}

impl fmt::Debug for NamePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.regex.as_str())
    }
}
