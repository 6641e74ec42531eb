//! Reads the LabelSelectors that objects hold (`k8s.io/apimachinery/pkg/apis/meta/v1/types.go`, `LabelSelector`).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Requirement, Selector, Test};

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct LabelSelector {
    match_labels: Option<BTreeMap<String, String>>,
    match_expressions: Option<Vec<Expression>>,
}

#[derive(Deserialize)]
struct Expression {
    key: String,
    operator: String,
    values: Option<Vec<String>>,
}

impl Selector {
    /// The selector that a LabelSelector in JSON is; an empty one, and `null`, take everything. `None` where it is no
    /// LabelSelector.
    pub fn of_json(json: &[u8]) -> Option<Selector> {
        let read: Option<LabelSelector> = serde_json::from_slice(json).ok()?;
        let LabelSelector { match_labels, match_expressions } = read.unwrap_or_default();
        let labels = match_labels.unwrap_or_default().into_iter();
        let mut requirements: Vec<Requirement> =
            labels.map(|(key, value)| Requirement { key, test: Test::In(vec![value]) }).collect();
        for Expression { key, operator, values } in match_expressions.unwrap_or_default() {
            let values = values.unwrap_or_default();
            let test = match operator.as_str() {
                "In" => Test::In(values),
                "NotIn" => Test::NotIn(values),
                "Exists" => Test::Exists,
                "DoesNotExist" => Test::Absent,
                _ => return None,
            };
            requirements.push(Requirement { key, test });
        }
        Some(Selector { requirements })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_of_an_object_asks_for_all_of_its_parts() {
        let selector = Selector::of_json(
            br#"{"matchLabels":{"app":"web"},"matchExpressions":[{"key":"tier","operator":"NotIn","values":["test"]},
                {"key":"skip","operator":"DoesNotExist"}]}"#,
        )
        .unwrap();
        let matches = |labels: &str| selector.matches_json(Some(labels.as_bytes())).unwrap();
        assert!(matches(r#"{"app":"web"}"#) && matches(r#"{"app":"web","tier":"front"}"#));
        assert!(!matches(r#"{"app":"db"}"#) && !matches(r#"{"app":"web","tier":"test"}"#));
        assert!(!matches(r#"{"app":"web","skip":""}"#));
    }

    #[test]
    fn an_empty_selector_takes_everything() {
        for json in ["{}", "null", r#"{"matchLabels":null}"#] {
            assert!(Selector::of_json(json.as_bytes()).unwrap().is_empty(), "{json}");
        }
        let unknown = br#"{"matchExpressions":[{"key":"a","operator":"Near"}]}"#;
        assert_eq!(Selector::of_json(unknown), None);
        assert_eq!(Selector::of_json(b"7"), None);
    }
}
