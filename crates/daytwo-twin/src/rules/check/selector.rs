//! Label selectors: what they must be, and whether they match
//! (`k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go`, v0.36).

use serde_json::Value;

use super::metadata::labels;
use crate::rules::look::{At, Faults, below};
use crate::rules::words;

/// A `LabelSelector`; nothing to say where there is none.
pub(in crate::rules) fn selector(place: &At<'_>, out: &mut Faults) {
    selector_with(place, false, out);
}

/// The same, where values of labels that are no such values have been let through before.
pub(in crate::rules) fn selector_with(place: &At<'_>, any_value: bool, out: &mut Faults) {
    labels(&place.at("matchLabels"), out);
    for wanted in place.at("matchExpressions").items() {
        let values = wanted.at("values");
        match wanted.str("operator") {
            "In" | "NotIn" if values.empty() => {
                out.push(values.required("must be specified when `operator` is 'In' or 'NotIn'"));
            }
            "Exists" | "DoesNotExist" if !values.empty() => {
                out.push(
                    values.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
                );
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => out.push(wanted.at("operator").invalid_as(other, "not a valid selector operator")),
        }
        let key = wanted.at("key");
        out.extend(words::qualified(key.text()).into_iter().map(|words| key.invalid_as(key.text(), words)));
        if !any_value {
            values.items().for_each(|value| words::formed(&value, words::label_value, out));
        }
    }
}

/// Whether a selector holds values that are no values of labels.
pub(in crate::rules) fn odd_values(selector: &At<'_>) -> bool {
    selector.at("matchExpressions").items().any(|wanted| {
        wanted.at("values").values().any(|value| !words::label_value(value.as_str().unwrap_or("")).is_empty())
    })
}

/// Whether there is a selector that can be used: `LabelSelectorAsSelector` gives no error.
pub(in crate::rules) fn usable(selector: &Value) -> bool {
    let mut out = Faults::new();
    self::selector(&At::new(selector, ""), &mut out);
    out.is_empty()
}

/// How many requirements a selector has.
pub(in crate::rules) fn requirements(selector: &At<'_>) -> usize {
    selector.at("matchLabels").len() + selector.at("matchExpressions").len()
}

/// Whether a selector matches labels. None matches nothing, an empty one everything.
pub(in crate::rules) fn matches(selector: &Value, labels: &Value) -> bool {
    if selector.is_null() {
        return false;
    }
    let place = At::new(selector, "");
    place.at("matchLabels").entries().iter().all(|(key, value)| below(labels, key) == value.value())
        && place.at("matchExpressions").items().all(|wanted| {
            let label = labels.get(wanted.str("key"));
            let among =
                || label.is_some_and(|label| wanted.at("values").values().any(|value| value == label));
            match wanted.str("operator") {
                "In" => among(),
                "NotIn" => !among(),
                "Exists" => label.is_some(),
                "DoesNotExist" => label.is_none(),
                _ => false,
            }
        })
}

/// Whether labels hold all of a plain map's entries.
pub(in crate::rules) fn contains(wanted: &At<'_>, labels: &Value) -> bool {
    wanted.entries().iter().all(|(key, value)| below(labels, key) == value.value())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_match_as_they_say() {
        let labels = json!({"a": "1", "b": "2"});
        let cases = [
            (json!(null), false),
            (json!({}), true),
            (json!({"matchLabels": {"a": "1"}}), true),
            (json!({"matchExpressions": [{"key": "c", "operator": "DoesNotExist"}]}), true),
            (json!({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}), false),
            (json!({"matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["1"]}]}), true),
        ];
        for (selector, matching) in cases {
            assert_eq!(matches(&selector, &labels), matching, "{selector}");
        }
    }
}
