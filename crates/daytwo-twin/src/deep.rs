//! Values that may be nested 10,000 deep, as an API server takes them: copied, compared, written and dropped without
//! recursion, which would end a thread's stack.
//!
//! It refuses to be general: where a schema leads, depth is the schema's, and plain recursion is used.

mod text;

use serde_json::map;
use serde_json::{Map, Number, Value};

pub use text::{json, print};

/// One number as Go holds it in unstructured content: an `int64`, or else a `float64`
/// (`k8s.io/apimachinery/pkg/util/json`, v0.36).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GoNumber {
    /// A whole number that was written without fraction and exponent, and fits.
    Int(i64),
    /// Any other.
    Float(f64),
}

impl From<&Number> for GoNumber {
    fn from(number: &Number) -> Self {
        match number.as_i64() {
            Some(whole) => GoNumber::Int(whole),
            None => GoNumber::Float(number.as_f64().unwrap_or(f64::NAN)),
        }
    }
}

impl GoNumber {
    /// As Go's `encoding/json` writes it: the shortest digits, an exponent below 1e-6 and from 1e21 on.
    pub fn text(self) -> String {
        match self {
            GoNumber::Int(whole) => whole.to_string(),
            GoNumber::Float(float) => text::float_text(float, 1e-6),
        }
    }

    /// As `%v` prints it: an exponent below 1e-4.
    pub fn plain(self) -> String {
        match self {
            GoNumber::Int(whole) => whole.to_string(),
            GoNumber::Float(float) => text::float_text(float, 1e-4),
        }
    }
}

/// Turns every number into what Go makes of it when it reads it: what no `int64` holds becomes a `float64`.
pub fn read_numbers(value: &mut Value) {
    each_number(value, |number| match (number.as_i64(), number.as_f64()) {
        (None, Some(float)) if number.is_u64() => Number::from_f64(float),
        _ => None,
    });
}

/// Turns every number into what reads the same after Go has written it: `1.0` becomes `1`.
pub fn write_numbers(value: &mut Value) {
    each_number(value, |number| match GoNumber::from(number) {
        written @ GoNumber::Float(float) if float.fract() == 0.0 => {
            // What Go writes without a fraction or an exponent reads as a whole number, where one holds it.
            let text = written.text();
            let whole = text.parse::<i64>().map(Number::from).ok();
            whole.or_else(|| text.parse::<u64>().map(Number::from).ok())
        }
        _ => None,
    });
}

fn each_number(value: &mut Value, change: impl Fn(&Number) -> Option<Number>) {
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            Value::Number(number) => {
                if let Some(changed) = change(number) {
                    *number = changed;
                }
            }
            Value::Array(list) => left.extend(list),
            Value::Object(map) => left.extend(map.values_mut()),
            _ => {}
        }
    }
}

/// Whether two values are the same to Go's `reflect.DeepEqual`: an `int64` never equals a `float64`.
pub fn equal(one: &Value, other: &Value) -> bool {
    let mut left = vec![(one, other)];
    while let Some(pair) = left.pop() {
        match pair {
            (Value::Array(one), Value::Array(other)) => {
                if one.len() != other.len() {
                    return false;
                }
                left.extend(one.iter().zip(other));
            }
            (Value::Object(one), Value::Object(other)) => {
                if one.len() != other.len() {
                    return false;
                }
                for (key, value) in one {
                    let Some(found) = other.get(key) else { return false };
                    left.push((value, found));
                }
            }
            (Value::Number(one), Value::Number(other)) => {
                if GoNumber::from(one) != GoNumber::from(other) {
                    return false;
                }
            }
            (one, other) => {
                if one != other {
                    return false;
                }
            }
        }
    }
    true
}

/// [`equal`] for objects, without one of their fields.
pub fn equal_but(one: &Map<String, Value>, other: &Map<String, Value>, but: &str) -> bool {
    let size = |map: &Map<String, Value>| map.len() - usize::from(map.contains_key(but));
    let same = |(key, value): (&String, &Value)| {
        key == but || other.get(key).is_some_and(|found| equal(value, found))
    };
    size(one) == size(other) && one.iter().all(same)
}

enum Open<'a> {
    List(std::slice::Iter<'a, Value>, Vec<Value>),
    Map(map::Iter<'a>, Map<String, Value>, Option<&'a String>),
}

/// A copy.
pub fn copy(value: &Value) -> Value {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut next = value;
    loop {
        let mut done = match next {
            Value::Array(list) => {
                open.push(Open::List(list.iter(), Vec::with_capacity(list.len())));
                None
            }
            Value::Object(map) => {
                open.push(Open::Map(map.iter(), Map::with_capacity(map.len()), None));
                None
            }
            scalar => Some(scalar.clone()),
        };
        next = loop {
            let Some(top) = open.last_mut() else {
                return done.unwrap_or(Value::Null);
            };
            let following = match top {
                Open::List(rest, made) => {
                    made.extend(done.take());
                    rest.next()
                }
                Open::Map(rest, made, key) => {
                    if let (Some(value), Some(key)) = (done.take(), key.take()) {
                        made.insert(key.clone(), value);
                    }
                    rest.next().map(|(name, value)| {
                        *key = Some(name);
                        value
                    })
                }
            };
            if let Some(following) = following {
                break following;
            }
            done = open.pop().map(|top| match top {
                Open::List(_, made) => Value::Array(made),
                Open::Map(_, made, _) => Value::Object(made),
            });
        };
    }
}

/// A copy of an object.
pub fn copy_map(map: &Map<String, Value>) -> Map<String, Value> {
    map.iter().map(|(key, value)| (key.clone(), copy(value))).collect()
}

/// Drops a value.
pub fn discard(value: Value) {
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            Value::Array(list) => left.extend(list),
            Value::Object(map) => left.extend(map.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
}

/// The name of a value's type, as `%T` prints it.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        Value::Number(number) => match GoNumber::from(number) {
            GoNumber::Int(_) => "int64",
            GoNumber::Float(_) => "float64",
        },
    }
}

/// A value to be quoted in an error: numbers and the order of fields as Go writes them, and nothing deeper than 64.
pub fn quotable(value: &Value) -> Value {
    if exceeds(value, 64) {
        return Value::from("...");
    }
    let mut value = copy(value);
    write_numbers(&mut value);
    value.sort_all_objects();
    value
}

/// Whether a value is nested deeper than `most`.
pub fn exceeds(value: &Value, most: usize) -> bool {
    let mut left = vec![(value, 0)];
    while let Some((value, depth)) = left.pop() {
        if depth > most {
            return true;
        }
        match value {
            Value::Array(list) => left.extend(list.iter().map(|value| (value, depth + 1))),
            Value::Object(map) => left.extend(map.values().map(|value| (value, depth + 1))),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_read_as_go_writes_them() {
        let cases = [
            ("1.0", "1"),
            ("1e21", "1e+21"),
            ("18446744073709551615", "18446744073709552000"),
            ("0.1", "0.1"),
            ("1.5e-9", "1.5e-9"),
            ("123456789012345678901234567890", "1.2345678901234568e+29"),
            ("9223372036854775807", "9223372036854775807"),
        ];
        for (text, written) in cases {
            let mut value: Value = serde_json::from_str(text).unwrap();
            read_numbers(&mut value);
            assert_eq!(json(&value), written, "{text}");
            write_numbers(&mut value);
            assert_eq!(json(&value), written, "{text}");
        }
        assert_eq!(GoNumber::Float(1e-5).plain(), "1e-05");
    }

    #[test]
    fn what_is_ten_thousand_deep_is_copied_compared_written_and_dropped() {
        let mut value = json!({"a": 1.0});
        for at in 0..10_000 {
            value = match at % 2 {
                0 => Value::Array(vec![value]),
                _ => Value::Object(Map::from_iter([("b".into(), value)])),
            };
        }
        let copied = copy(&value);
        assert!(equal(&value, &copied));
        assert_eq!(json(&copied).len(), 10_000 * 2 + 5_000 * 4 + 7);
        assert_eq!(quotable(&copied), json!("..."));
        discard(value);
        discard(copied);
    }

    #[test]
    fn a_copy_is_the_same_in_the_same_order() {
        let value = json!({"b": [1, {"z": null, "a": [[], {}]}], "a": "x"});
        assert_eq!(copy(&value).to_string(), value.to_string());
        assert_eq!(json(&value), r#"{"a":"x","b":[1,{"a":[[],{}],"z":null}]}"#);
        assert_eq!(print(&value), "map[a:x b:[1 map[a:[[] map[]] z:<nil>]]]");
        assert!(!equal(&json!({"a": 1}), &json!({"a": 1.0})) && !equal(&json!([1]), &json!([1, 2])));
        let (one, other) = (json!({"a": 1, "s": 2}), json!({"a": 1}));
        assert!(equal_but(one.as_object().unwrap(), other.as_object().unwrap(), "s"));
    }
}
