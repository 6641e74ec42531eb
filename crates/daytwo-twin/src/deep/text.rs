//! Values as text, in the two ways that Go writes them.

use serde_json::Value;

use super::GoNumber;
use crate::field::go_json;

enum Step<'a> {
    Value(&'a Value),
    Text(&'static str),
    Key(&'a str),
}

/// One way of writing.
struct Way {
    /// Around maps.
    map: [&'static str; 2],
    /// Between what stands in lists and maps.
    between: &'static str,
    key: fn(&str) -> String,
    scalar: fn(&Value) -> String,
}

/// JSON as Go writes unstructured content: keys sorted, `<`, `>` and `&` escaped, numbers as [`GoNumber::text`].
pub fn json(value: &Value) -> String {
    let scalar = |value: &Value| match value {
        Value::Number(number) => GoNumber::from(number).text(),
        other => go_json(other),
    };
    write(value, &Way { map: ["{", "}"], between: ",", key: |key| go_json(&Value::from(key)), scalar })
}

/// A value as `%v` prints it: `map[a:1 b:[x y]]`, keys sorted.
pub fn print(value: &Value) -> String {
    let scalar = |value: &Value| match value {
        Value::Number(number) => GoNumber::from(number).plain(),
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    };
    write(value, &Way { map: ["map[", "]"], between: " ", key: str::to_owned, scalar })
}

fn write(value: &Value, way: &Way) -> String {
    let mut out = String::new();
    let mut left = vec![Step::Value(value)];
    while let Some(step) = left.pop() {
        match step {
            Step::Text(text) => out.push_str(text),
            Step::Key(key) => {
                out.push_str(&(way.key)(key));
                out.push(':');
            }
            Step::Value(Value::Array(list)) => {
                out.push('[');
                left.push(Step::Text("]"));
                for (at, value) in list.iter().enumerate().rev() {
                    left.push(Step::Value(value));
                    left.extend((at > 0).then_some(Step::Text(way.between)));
                }
            }
            Step::Value(Value::Object(map)) => {
                out.push_str(way.map[0]);
                left.push(Step::Text(way.map[1]));
                let mut fields: Vec<_> = map.iter().collect();
                fields.sort_by_key(|(key, _)| *key);
                for (at, (key, value)) in fields.into_iter().enumerate().rev() {
                    left.extend([Step::Value(value), Step::Key(key)]);
                    left.extend((at > 0).then_some(Step::Text(way.between)));
                }
            }
            Step::Value(scalar) => out.push_str(&(way.scalar)(scalar)),
        }
    }
    out
}

pub(super) fn float_text(float: f64, least: f64) -> String {
    let size = float.abs();
    if size == 0.0 || (size >= least && size < 1e21) {
        return format!("{float}");
    }
    let text = format!("{float:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if exponent.starts_with('-') => {
            let exponent = &exponent[1..];
            let zero = if exponent.len() < 2 && least > 1e-5 { "0" } else { "" };
            format!("{digits}e-{zero}{exponent}")
        }
        Some((digits, exponent)) => format!("{digits}e+{exponent}"),
        None => text,
    }
}
