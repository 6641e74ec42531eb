//! Labels and label selectors as text (apimachinery's `labels` and `meta/v1/helpers.go`, v0.36).

use serde_json::Value;

use super::read;

/// Labels, sorted; `<none>` for none.
pub(super) fn labels(map: Option<&Value>) -> String {
    let mut pairs: Vec<String> = pairs(map).map(|(name, value)| format!("{name}={value}")).collect();
    pairs.sort_unstable();
    or_none(pairs.join(","))
}

/// A label selector; `<none>` if it says nothing, `<error>` if no selector can be made of it.
pub(super) fn selector(selector: Option<&Value>) -> String {
    text(selector).map_or_else(|| "<error>".to_owned(), or_none)
}

/// A label selector, empty if it says nothing; `None` if no selector can be made of it.
pub(super) fn text(selector: Option<&Value>) -> Option<String> {
    let Some(selector) = selector else { return Some(String::new()) };
    let mut wanted: Vec<(&str, String)> =
        pairs(selector.get("matchLabels")).map(|(name, value)| (name, format!("{name}={value}"))).collect();
    for expression in read::members(selector, "matchExpressions") {
        let key = read::field(expression, "key");
        let mut values: Vec<&str> =
            read::members(expression, "values").iter().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let set = values.join(",");
        let text = match (read::field(expression, "operator"), values.is_empty()) {
            ("In", false) => format!("{key} in ({set})"),
            ("NotIn", false) => format!("{key} notin ({set})"),
            ("Exists", true) => key.to_owned(),
            ("DoesNotExist", true) => format!("!{key}"),
            _ => return None,
        };
        wanted.push((key, text));
    }
    wanted.sort_by_key(|(key, _)| *key);
    Some(wanted.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(","))
}

/// A label selector as Go's generated `String` writes it.
pub(super) fn debug(selector: &Value) -> String {
    let mut labels: Vec<String> =
        pairs(selector.get("matchLabels")).map(|(name, value)| format!("{name}: {value},")).collect();
    labels.sort_unstable();
    let mut expressions = String::new();
    for expression in read::members(selector, "matchExpressions") {
        let values: Vec<&str> =
            read::members(expression, "values").iter().filter_map(Value::as_str).collect();
        expressions.push_str(&format!(
            "LabelSelectorRequirement{{Key:{},Operator:{},Values:[{}],}},",
            read::field(expression, "key"),
            read::field(expression, "operator"),
            values.join(" ")
        ));
    }
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{}}},MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}",
        labels.concat()
    )
}

fn pairs(map: Option<&Value>) -> impl Iterator<Item = (&str, &str)> {
    let map = map.and_then(Value::as_object);
    map.into_iter().flatten().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))
}

fn or_none(text: String) -> String {
    if text.is_empty() { "<none>".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_read_as_the_servers() {
        let all = json!({"matchLabels": {"b": "2", "a": ""}, "matchExpressions": [
            {"key": "c", "operator": "In", "values": ["z", "y"]},
            {"key": "aa", "operator": "DoesNotExist"},
            {"key": "d", "operator": "Exists"},
            {"key": "e", "operator": "NotIn", "values": ["x"]},
        ]});
        assert_eq!(selector(Some(&all)), "a=,!aa,b=2,c in (y,z),d,e notin (x)");
        assert_eq!(
            debug(&all),
            "&LabelSelector{MatchLabels:map[string]string{a: ,b: 2,},MatchExpressions:[]LabelSelectorRequirement{\
             LabelSelectorRequirement{Key:c,Operator:In,Values:[z y],},\
             LabelSelectorRequirement{Key:aa,Operator:DoesNotExist,Values:[],},\
             LabelSelectorRequirement{Key:d,Operator:Exists,Values:[],},\
             LabelSelectorRequirement{Key:e,Operator:NotIn,Values:[x],},},}"
        );
        assert_eq!(selector(None), "<none>");
        assert_eq!(selector(Some(&json!({}))), "<none>");
        assert_eq!(selector(Some(&json!({"matchExpressions": [{"key": "a", "operator": "In"}]}))), "<error>");
        assert_eq!(labels(Some(&json!({"b": "1", "a": "2"}))), "a=2,b=1");
    }
}
