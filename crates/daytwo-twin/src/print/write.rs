//! Writes JSON without going deeper into the stack the deeper it is nested: a client may send ten thousand levels.

use serde_json::{Map, Value};

/// What is still to be written of an object or a list.
enum Rest<'a> {
    Fields(Vec<(&'a String, &'a Value)>, bool),
    Members(std::slice::Iter<'a, Value>, bool),
}

/// Adds a value to `out`, its fields in their order.
pub(super) fn value(out: &mut Vec<u8>, value: &Value) {
    run(out, value, false);
}

/// Adds an object to `out`, its fields in their order.
pub(super) fn object(out: &mut Vec<u8>, object: &Map<String, Value>) {
    let mut open = vec![begin_fields(out, object, false)];
    finish(out, &mut open, false);
}

/// A value as Go's `encoding/json` writes what it read: fields sorted, `<`, `>`, `&` and two line ends escaped.
pub(super) fn sorted(value: &Value) -> String {
    let mut out = Vec::new();
    run(&mut out, value, true);
    String::from_utf8(out).expect("invariant: JSON of strings is UTF-8")
}

/// The same of an object.
pub(super) fn sorted_object(object: &Map<String, Value>) -> String {
    let mut out = Vec::new();
    let mut open = vec![begin_fields(&mut out, object, true)];
    finish(&mut out, &mut open, true);
    String::from_utf8(out).expect("invariant: JSON of strings is UTF-8")
}

fn run(out: &mut Vec<u8>, value: &Value, go: bool) {
    let mut open = Vec::new();
    begin(out, value, &mut open, go);
    finish(out, &mut open, go);
}

fn finish<'a>(out: &mut Vec<u8>, open: &mut Vec<Rest<'a>>, go: bool) {
    while let Some(rest) = open.last_mut() {
        let next = match rest {
            Rest::Fields(fields, first) => fields.pop().map(|(name, value)| (Some(name), value, first)),
            Rest::Members(members, first) => members.next().map(|value| (None, value, first)),
        };
        let Some((name, value, first)) = next else {
            out.push(if matches!(rest, Rest::Fields(..)) { b'}' } else { b']' });
            open.pop();
            continue;
        };
        if !std::mem::take(first) {
            out.push(b',');
        }
        if let Some(name) = name {
            string(out, name, go);
            out.push(b':');
        }
        begin(out, value, open, go);
    }
}

fn begin<'a>(out: &mut Vec<u8>, value: &'a Value, open: &mut Vec<Rest<'a>>, go: bool) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Number(number) if go && !number.is_i64() => {
            out.extend_from_slice(float(number.as_f64().unwrap_or_default()).as_bytes());
        }
        Value::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::String(text) => string(out, text, go),
        Value::Array(members) => {
            out.push(b'[');
            open.push(Rest::Members(members.iter(), true));
        }
        Value::Object(fields) => open.push(begin_fields(out, fields, go)),
    }
}

/// The fields from the last to the first, to be taken from the end.
fn begin_fields<'a>(out: &mut Vec<u8>, fields: &'a Map<String, Value>, go: bool) -> Rest<'a> {
    out.push(b'{');
    let mut fields: Vec<_> = fields.iter().collect();
    if go {
        fields.sort_unstable_by_key(|(name, _)| *name);
    }
    fields.reverse();
    Rest::Fields(fields, true)
}

fn string(out: &mut Vec<u8>, text: &str, go: bool) {
    let mut quoted = serde_json::to_string(text).expect("invariant: a string is JSON");
    if go {
        let breaks = [('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")];
        for (plain, escaped) in
            [('&', "\\u0026"), ('<', "\\u003c"), ('>', "\\u003e")].into_iter().chain(breaks)
        {
            if quoted.contains(plain) {
                quoted = quoted.replace(plain, escaped);
            }
        }
    }
    out.extend_from_slice(quoted.as_bytes());
}

/// The shortest form that reads back, with an exponent below 1e-6 and from 1e21 on.
fn float(number: f64) -> String {
    match number.abs() {
        size if size >= 1e21 => format!("{number:e}").replace('e', "e+"),
        size if size != 0.0 && size < 1e-6 => format!("{number:e}"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_writes_what_serde_writes_and_what_go_writes() {
        let value =
            json!({"b": [1, -2.5, true, null, "a\"\n\u{1}", [], {}], "a": {"x": {"y": "<&>\u{2028}"}}});
        let mut out = Vec::new();
        super::value(&mut out, &value);
        assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        assert_eq!(sorted(&value["a"]), r#"{"x":{"y":"\u003c\u0026\u003e\u2028"}}"#);
        assert!(sorted(&value).starts_with(r#"{"a":"#));
    }

    #[test]
    fn ten_thousand_levels_are_written() {
        let mut value = json!(1);
        for _ in 0..10_000 {
            value = Value::Array(vec![value]);
        }
        let mut out = Vec::new();
        super::value(&mut out, &value);
        assert_eq!(out.len(), 20_001);
        // Dropping it goes as deep as it is nested.
        while let Value::Array(members) = &mut value {
            value = members.pop().unwrap_or_default();
        }
    }
}
