//! Values as text, in the two ways that Go writes them.

use serde_json::Value;

use super::GoNumber;
use crate::field::go_json;

enum Step<'a> {
    Value(&'a Value),
    Text(&'static str),
    Key(&'a str),
}

/// JSON as Go writes unstructured content: keys sorted, `<`, `>` and `&` escaped, numbers as [`GoNumber::text`].
pub fn json(value: &Value) -> String {
    let mut out = String::new();
    let mut left = vec![Step::Value(value)];
    while let Some(step) = left.pop() {
        match step {
            Step::Text(text) => out.push_str(text),
            Step::Key(key) => {
                out.push_str(&go_json(&Value::from(key)));
                out.push(':');
            }
            Step::Value(Value::Array(list)) => {
                out.push('[');
                left.push(Step::Text("]"));
                for (at, value) in list.iter().enumerate().rev() {
                    left.push(Step::Value(value));
                    left.extend((at > 0).then_some(Step::Text(",")));
                }
            }
            Step::Value(Value::Object(map)) => {
                out.push('{');
                left.push(Step::Text("}"));
                let mut fields: Vec<_> = map.iter().collect();
                fields.sort_by_key(|(key, _)| *key);
                for (at, (key, value)) in fields.into_iter().enumerate().rev() {
                    left.extend([Step::Value(value), Step::Key(key)]);
                    left.extend((at > 0).then_some(Step::Text(",")));
                }
            }
            Step::Value(Value::Number(number)) => out.push_str(&GoNumber::from(number).text()),
            Step::Value(scalar) => out.push_str(&go_json(scalar)),
        }
    }
    out
}

/// A value as `%v` prints it: `map[a:1 b:[x y]]`, keys sorted.
pub fn print(value: &Value) -> String {
    let mut out = String::new();
    let mut left = vec![Step::Value(value)];
    while let Some(step) = left.pop() {
        match step {
            Step::Text(text) => out.push_str(text),
            Step::Key(key) => {
                out.push_str(key);
                out.push(':');
            }
            Step::Value(Value::Array(list)) => {
                out.push('[');
                left.push(Step::Text("]"));
                for (at, value) in list.iter().enumerate().rev() {
                    left.push(Step::Value(value));
                    left.extend((at > 0).then_some(Step::Text(" ")));
                }
            }
            Step::Value(Value::Object(map)) => {
                out.push_str("map[");
                left.push(Step::Text("]"));
                let mut fields: Vec<_> = map.iter().collect();
                fields.sort_by_key(|(key, _)| *key);
                for (at, (key, value)) in fields.into_iter().enumerate().rev() {
                    left.extend([Step::Value(value), Step::Key(key)]);
                    left.extend((at > 0).then_some(Step::Text(" ")));
                }
            }
            Step::Value(Value::Number(number)) => out.push_str(&GoNumber::from(number).plain()),
            Step::Value(Value::String(text)) => out.push_str(text),
            Step::Value(Value::Null) => out.push_str("<nil>"),
            Step::Value(Value::Bool(flag)) => out.push_str(if *flag { "true" } else { "false" }),
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
