//! The metadata of a custom resource, and of resources inside one, read as Go reads an `ObjectMeta`: known fields of the
//! right types, without what is empty (`pkg/apiserver/schema/objectmeta/{coerce,algorithm}.go`, v0.36).
//!
//! It refuses to judge names: the rules of metadata do.

mod time;

use serde_json::{Map, Value};

use super::schema::{Additional, Schema};
use crate::deep::{self, GoNumber};
use crate::field::FieldError;

/// What Go reads into a field.
#[derive(Clone, Copy)]
enum Shape {
    /// A string, and the name Go has for its type; written even when empty, or not.
    Text(&'static str, bool),
    Whole,
    /// A pointer: 0 and false are something.
    WholeOrNone,
    FlagOrNone,
    Time,
    Texts,
    List(&'static Kind),
    Names,
    Raw,
}

/// A struct.
struct Kind {
    name: &'static str,
    /// With its package, as in a complaint about the whole.
    full: &'static str,
    /// In alphabetical order.
    fields: &'static [(&'static str, Shape)],
}

const PLAIN: Shape = Shape::Text("string", false);

static OBJECT_META: Kind = Kind {
    name: "ObjectMeta",
    full: "v1.ObjectMeta",
    fields: &[
        ("annotations", Shape::Texts),
        ("creationTimestamp", Shape::Time),
        ("deletionGracePeriodSeconds", Shape::WholeOrNone),
        ("deletionTimestamp", Shape::Time),
        ("finalizers", Shape::Names),
        ("generateName", PLAIN),
        ("generation", Shape::Whole),
        ("labels", Shape::Texts),
        ("managedFields", Shape::List(&MANAGED_FIELDS)),
        ("name", PLAIN),
        ("namespace", PLAIN),
        ("ownerReferences", Shape::List(&OWNER_REFERENCE)),
        ("resourceVersion", PLAIN),
        ("selfLink", PLAIN),
        ("uid", Shape::Text("types.UID", false)),
    ],
};

static OWNER_REFERENCE: Kind = Kind {
    name: "OwnerReference",
    full: "v1.OwnerReference",
    fields: &[
        ("apiVersion", Shape::Text("string", true)),
        ("blockOwnerDeletion", Shape::FlagOrNone),
        ("controller", Shape::FlagOrNone),
        ("kind", Shape::Text("string", true)),
        ("name", Shape::Text("string", true)),
        ("uid", Shape::Text("types.UID", true)),
    ],
};

static MANAGED_FIELDS: Kind = Kind {
    name: "ManagedFieldsEntry",
    full: "v1.ManagedFieldsEntry",
    fields: &[
        ("apiVersion", PLAIN),
        ("fieldsType", PLAIN),
        ("fieldsV1", Shape::Raw),
        ("manager", PLAIN),
        ("operation", Shape::Text("v1.ManagedFieldsOperationType", false)),
        ("subresource", PLAIN),
        ("time", Shape::Time),
    ],
};

/// `metadata`, as Go reads it and writes it again. Unknown fields are added to `unknown` below `path`.
///
/// # Errors
/// Go's words for the first field of a wrong type, in alphabetical order.
pub(crate) fn read(
    metadata: &Value,
    path: &str,
    unknown: &mut Vec<String>,
) -> Result<Map<String, Value>, String> {
    match metadata {
        Value::Object(map) => read_struct(map, &OBJECT_META, "", path, unknown),
        Value::Null => Ok(Map::new()),
        other => Err(mismatch(other, &format!("value of type {}", OBJECT_META.full))),
    }
}

fn read_struct(
    map: &Map<String, Value>,
    kind: &Kind,
    stack: &str,
    path: &str,
    unknown: &mut Vec<String>,
) -> Result<Map<String, Value>, String> {
    let mut out = Map::new();
    let mut given: Vec<(&String, &Value)> = map.iter().collect();
    given.sort_by_key(|(name, _)| *name);
    for (name, value) in given {
        let Some((_, shape)) = kind.fields.iter().find(|(known, _)| known == name) else {
            unknown.push(format!("{path}.{name}"));
            continue;
        };
        if value.is_null() {
            continue;
        }
        let nested = Nested {
            stack: format!("{stack}{name}."),
            path: format!("{path}.{name}"),
            place: format!("struct field {}.{stack}{name}", kind.name),
        };
        if let Some(read) = read_field(value, *shape, &nested, unknown)? {
            out.insert(name.clone(), read);
        }
    }
    for (name, _) in kind.fields.iter().filter(|(_, shape)| matches!(shape, Shape::Text(_, true))) {
        out.entry(*name).or_insert_with(|| "".into());
    }
    out.sort_keys();
    Ok(out)
}

struct Nested {
    stack: String,
    path: String,
    place: String,
}

/// The field as written again; `None` where Go leaves it out.
fn read_field(
    value: &Value,
    shape: Shape,
    at: &Nested,
    unknown: &mut Vec<String>,
) -> Result<Option<Value>, String> {
    let wrong = |value: &Value, kind: &str| mismatch(value, &format!("{} of type {kind}", at.place));
    Ok(match (shape, value) {
        (Shape::Text(_, kept), Value::String(text)) => (kept || !text.is_empty()).then(|| value.clone()),
        (Shape::Text(kind, _), other) => return Err(wrong(other, kind)),
        (Shape::Whole, Value::Number(number)) if number.is_i64() => {
            (number.as_i64() != Some(0)).then(|| value.clone())
        }
        (Shape::WholeOrNone, Value::Number(number)) if number.is_i64() => Some(value.clone()),
        (Shape::Whole | Shape::WholeOrNone, other) => return Err(wrong(other, "int64")),
        (Shape::FlagOrNone, Value::Bool(_)) => Some(value.clone()),
        (Shape::FlagOrNone, other) => return Err(wrong(other, "bool")),
        (Shape::Time, Value::String(text)) => time::canonical(text)?.map(Value::from),
        (Shape::Time, other) => return Err(mismatch(other, "value of type string")),
        (Shape::Texts, Value::Object(map)) => {
            let mut sorted: Vec<_> = map.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            let mut out = Map::new();
            for (key, value) in sorted {
                match value {
                    Value::String(_) => out.insert(key.clone(), value.clone()),
                    Value::Null => out.insert(key.clone(), "".into()),
                    other => return Err(wrong(other, "string")),
                };
            }
            (!out.is_empty()).then_some(Value::Object(out))
        }
        (Shape::Texts, other) => return Err(wrong(other, "map[string]string")),
        (Shape::Names, Value::Array(list)) => {
            let mut out = Vec::with_capacity(list.len());
            for value in list {
                match value {
                    Value::String(_) => out.push(value.clone()),
                    Value::Null => out.push("".into()),
                    other => return Err(wrong(other, "string")),
                }
            }
            (!out.is_empty()).then_some(Value::Array(out))
        }
        (Shape::Names, other) => return Err(wrong(other, "[]string")),
        (Shape::List(kind), Value::Array(list)) => {
            let mut out = Vec::with_capacity(list.len());
            for (index, value) in list.iter().enumerate() {
                let empty = Map::new();
                let map = match value {
                    Value::Object(map) => map,
                    Value::Null => &empty,
                    other => return Err(wrong(other, kind.full)),
                };
                out.push(Value::Object(read_struct(
                    map,
                    kind,
                    &at.stack,
                    &format!("{}[{index}]", at.path),
                    unknown,
                )?));
            }
            (!out.is_empty()).then_some(Value::Array(out))
        }
        (Shape::List(kind), other) => return Err(wrong(other, &format!("[]{}", kind.full))),
        (Shape::Raw, value) => Some(deep::copy(value)),
    })
}

fn mismatch(value: &Value, into: &str) -> String {
    let what = match value {
        Value::Number(number) if into.ends_with("int64") => {
            format!("number {}", GoNumber::from(number).text())
        }
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
        Value::Null => "null".to_owned(),
    };
    format!("json: cannot unmarshal {what} into Go {into}")
}

/// Reads the metadata of the resources inside a value as [`read`] does, and sees that their `apiVersion` and `kind` are
/// strings. `embedded` says that `value` is a resource itself, whatever its schema says.
///
/// # Errors
/// About the first that is none.
pub(crate) fn coerce(
    value: &mut Value,
    schema: &Schema,
    embedded: bool,
    path: &str,
    unknown: &mut Vec<String>,
) -> Result<(), Box<FieldError>> {
    match value {
        Value::Object(map) => coerce_map(map, schema, embedded || schema.embedded, path, unknown),
        Value::Array(list) => {
            let Some(items) = &schema.items else { return Ok(()) };
            for (at, value) in list.iter_mut().enumerate() {
                coerce(value, items, false, &format!("{path}[{at}]"), unknown)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// [`coerce`] for the fields of an object.
pub(crate) fn coerce_map(
    map: &mut Map<String, Value>,
    schema: &Schema,
    embedded: bool,
    path: &str,
    unknown: &mut Vec<String>,
) -> Result<(), Box<FieldError>> {
    let child = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    for (key, value) in map.iter_mut() {
        match (embedded, key.as_str()) {
            (true, "apiVersion" | "kind") if !value.is_string() => {
                return Err(Box::new(FieldError::invalid(
                    child(key),
                    deep::quotable(value),
                    "must be a string",
                )));
            }
            (true, "metadata") => {
                let read = read(value, &child(key), unknown).map_err(|words| {
                    Box::new(FieldError::invalid(child(key), deep::quotable(value), words))
                })?;
                *value = Value::Object(read);
            }
            _ => {}
        }
        match (schema.properties.get(key), &schema.additional) {
            (Some(inner), _) => coerce(value, inner, false, &child(key), unknown)?,
            (None, Additional::Like(inner)) => {
                coerce(value, inner, false, &format!("{path}[{key}]"), unknown)?;
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
