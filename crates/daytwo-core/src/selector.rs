//! Label selectors, in the grammar of `kubectl -l` (`k8s.io/apimachinery/pkg/labels/selector.go`).

mod object;
mod parse;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use parse::SelectorError;

use crate::json::{JsonError, find, string};

/// Requirements on labels, all of which must hold; without any, everything matches.
///
/// ```
/// # use daytwo_core::selector::Selector;
/// let selector: Selector = "app=web,tier in (front, back),!canary".parse()?;
/// assert!(selector.matches(|label| match label {
///     "app" => Some("web".into()),
///     "tier" => Some("back".into()),
///     _ => None,
/// }));
/// # Ok::<(), daytwo_core::selector::SelectorError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

impl Selector {
    /// Whether everything matches.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether the labels that `label` looks up meet every requirement. `!=` and `notin` hold where the label is
    /// absent; `>` and `<` hold only for whole numbers.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<Cow<'a, str>>) -> bool {
        self.requirements.iter().all(|requirement| requirement.test.holds(label(&requirement.key).as_deref()))
    }

    /// As [`Selector::matches`], for the JSON object `metadata.labels`.
    ///
    /// # Errors
    /// `labels` is not an object of strings.
    pub fn matches_json(&self, labels: Option<&[u8]>) -> Result<bool, JsonError> {
        for Requirement { key, test } in &self.requirements {
            let value = match labels {
                None => None,
                Some(labels) => match find(labels, &[key.as_str()])? {
                    None => None,
                    Some(span) => Some(
                        string(&labels[span.clone()]).ok_or(JsonError::new(span.start, "a label's text"))?,
                    ),
                },
            };
            if !test.holds(value.as_deref()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match self {
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
            Test::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
            Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|one| one != value)),
            Test::Above(bound) => number().is_some_and(|number| number > *bound),
            Test::Below(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

impl fmt::Display for Selector {
    /// The form that API servers take as `labelSelector`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Requirement { key, test }) in self.requirements.iter().enumerate() {
            if index > 0 {
                formatter.write_str(",")?;
            }
            match test {
                Test::Exists => write!(formatter, "{key}")?,
                Test::Absent => write!(formatter, "!{key}")?,
                Test::In(values) if values.len() == 1 => write!(formatter, "{key}={}", values[0])?,
                Test::NotIn(values) if values.len() == 1 => write!(formatter, "{key}!={}", values[0])?,
                Test::In(values) => write!(formatter, "{key} in ({})", values.join(","))?,
                Test::NotIn(values) => write!(formatter, "{key} notin ({})", values.join(","))?,
                Test::Above(bound) => write!(formatter, "{key}>{bound}")?,
                Test::Below(bound) => write!(formatter, "{key}<{bound}")?,
            }
        }
        Ok(())
    }
}

impl Selector {
    /// As `metav1.LabelSelector` (`k8s.io/apimachinery/pkg/apis/meta/v1/types.go`), which has no `>` and `<`: those two
    /// are left out.
    pub fn to_label_selector(&self) -> Value {
        let expressions = self.requirements.iter().filter_map(|Requirement { key, test }| {
            Some(match test {
                Test::Exists => json!({"key": key, "operator": "Exists"}),
                Test::Absent => json!({"key": key, "operator": "DoesNotExist"}),
                Test::In(values) => json!({"key": key, "operator": "In", "values": values}),
                Test::NotIn(values) => json!({"key": key, "operator": "NotIn", "values": values}),
                Test::Above(_) | Test::Below(_) => return None,
            })
        });
        json!({"matchExpressions": expressions.collect::<Vec<_>>()})
    }
}

impl From<Selector> for String {
    fn from(selector: Selector) -> String {
        selector.to_string()
    }
}

#[cfg(test)]
mod tests;
