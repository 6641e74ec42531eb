//! Values as rules see them: by their schema, names escaped, times and durations and bytes decoded
//! (`k8s.io/apiserver/pkg/cel/{escaping.go,common/valuesunstructured.go}`, v0.36). What no schema names, no rule sees.
//!
//! One thing differs: two sets with the same elements in another order are not equal here.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use kube_cel::cel::objects::{Key, Map as CelMap, Value as Cel};
use serde_json::{Map, Value};

use super::evaluate;
use crate::deep::GoNumber;
use crate::definitions::schema::{Additional, Schema};

/// A resource: beside what its schema names, its kind and names are there.
pub(super) fn resource(object: &Map<String, Value>, schema: &Schema) -> Cel {
    let mut out = named(object, schema);
    for name in ["apiVersion", "kind"] {
        if let Some(Value::String(text)) = object.get(name) {
            out.insert(key(name), string(text));
        }
    }
    if let Some(metadata) = object.get("metadata").and_then(Value::as_object) {
        let names = ["name", "generateName"].into_iter();
        let names =
            names.filter_map(|name| Some((key(name), string(metadata.get(name)?.as_str()?)))).collect();
        out.insert(key("metadata"), map(names));
    }
    map(out)
}

/// A value of a schema.
pub(super) fn value(value: &Value, schema: &Schema) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(flag) => Cel::Bool(*flag),
        Value::Number(number) => match GoNumber::from(number) {
            GoNumber::Int(whole) if schema.kind == "number" && !schema.int_or_string => {
                Cel::Float(float(whole))
            }
            GoNumber::Int(whole) => Cel::Int(whole),
            GoNumber::Float(fraction) if schema.kind == "integer" => Cel::Int(cut(fraction)),
            GoNumber::Float(fraction) => Cel::Float(fraction),
        },
        Value::String(text) => text_of(text, schema),
        Value::Array(list) => {
            let items = schema.items.as_deref();
            let list =
                list.iter().map(|one| items.map_or(Cel::Null, |items| self::value(one, items))).collect();
            Cel::List(Arc::new(list))
        }
        Value::Object(object) if schema.embedded => resource(object, schema),
        Value::Object(object) => match &schema.additional {
            Additional::Like(inner) if schema.properties.is_empty() => {
                map(object.iter().map(|(name, one)| (key(name), self::value(one, inner))).collect())
            }
            _ => map(named(object, schema)),
        },
    }
}

fn named(object: &Map<String, Value>, schema: &Schema) -> HashMap<Key, Cel> {
    schema
        .properties
        .iter()
        .filter_map(|(name, property)| Some((key(&escape(name)?), value(object.get(name)?, property))))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "a number is a double to CEL")]
fn float(whole: i64) -> f64 {
    whole as f64
}

#[expect(clippy::cast_possible_truncation, reason = "the schema saw that it is whole")]
fn cut(fraction: f64) -> i64 {
    fraction as i64
}

fn map(map: HashMap<Key, Cel>) -> Cel {
    Cel::Map(CelMap { map: Arc::new(map) })
}

fn key(name: &str) -> Key {
    Key::String(Arc::new(name.to_owned()))
}

fn string(text: &str) -> Cel {
    Cel::String(Arc::new(text.to_owned()))
}

fn text_of(text: &str, schema: &Schema) -> Cel {
    if schema.int_or_string || schema.kind != "string" {
        return string(text);
    }
    let decoded = match schema.checks.format.as_str() {
        "date-time" => evaluate::timestamp(text),
        "date" => evaluate::timestamp(&format!("{text}T00:00:00Z")),
        "duration" => evaluate::duration(text),
        "byte" => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text);
            bytes.ok().map(|bytes| Cel::Bytes(Arc::new(bytes)))
        }
        _ => None,
    };
    decoded.unwrap_or_else(|| string(text))
}

/// A field's name as rules write it; `None` of one they cannot.
pub(super) fn escape(name: &str) -> Option<String> {
    const RESERVED: [&str; 21] = [
        "true",
        "false",
        "null",
        "in",
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
    ];
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if RESERVED.contains(&name) {
        return Some(format!("__{name}__"));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'/' | b'_')) {
        return None;
    }
    let escaped = name.replace("__", "__underscores__");
    Some(escaped.replace('-', "__dash__").replace('.', "__dot__").replace('/', "__slash__"))
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn names_are_escaped_as_the_server_escapes_them() {
        let cases = [
            ("a", Some("a")),
            ("a_b", Some("a_b")),
            ("a__b", Some("a__underscores__b")),
            ("a-b.c/d", Some("a__dash__b__dot__c__slash__d")),
            ("namespace", Some("__namespace__")),
            ("1a", None),
            ("a b", None),
        ];
        for (name, escaped) in cases {
            assert_eq!(escape(name).as_deref(), escaped, "{name}");
        }
    }
}
