//! JSON into Go's structs and out again: the shape of a body.
//!
//! The rules are those of `sigs.k8s.io/json` (20250730) for reading and of Go's `encoding/json` for writing, and what the
//! way through etcd's protobuf adds: an empty list or map is none. It refuses to go deeper than [`DEPTH`].

use daytwo_etcd::kube::types::{Field, Holds, Many, Or, Struct, Types};
use serde_json::{Map, Value};

use super::path::{Path, Step};
use crate::ask::Object;

/// Steps down. No kind but the schemas in definitions goes deeper than twenty.
const DEPTH: usize = 200;
/// As many strict errors as the server keeps.
const STRICT: usize = 100;

/// The first error that ends the reading; what is only noted may come before it.
pub(super) struct Fatal(pub(super) String);

/// A field's value, read.
pub(super) struct Read {
    /// As it is written.
    pub(super) value: Value,
    /// Whether `omitempty` leaves it out.
    pub(super) empty: bool,
    /// Whether `omitzero` leaves it out.
    pub(super) zero: bool,
}

impl Read {
    pub(super) fn none() -> Read {
        Read { value: Value::Null, empty: true, zero: true }
    }

    pub(super) fn some(value: impl Into<Value>, zero: bool) -> Read {
        Read { value: value.into(), empty: zero, zero }
    }
}

/// Reads one body.
pub(super) struct Decoder {
    pub(super) types: &'static Types,
    pub(super) path: Path,
    /// The first type error.
    pub(super) noted: Option<String>,
    /// The paths of fields that are not known, where they are asked for.
    pub(super) unknown: Option<Vec<String>>,
    /// The paths below which nothing is looked at, where they are asked for.
    pub(super) opaque: Option<Vec<String>>,
}

impl Decoder {
    /// The object's fields. Whether all of them are zero.
    pub(super) fn structure(&mut self, of: &'static Struct, body: Object) -> Result<(Object, bool), Fatal> {
        if self.path.depth() > DEPTH {
            return Err(Fatal("exceeded max depth".to_owned()));
        }
        let mut read: Vec<Option<Read>> = Vec::new();
        read.resize_with(of.fields.len(), || None);
        for (name, value) in body {
            match of.place(&name) {
                Some(at) => {
                    let field = &of.fields[at];
                    self.path.push(Step::Field(of, field));
                    read[at] = Some(self.field(field, value)?);
                    self.path.pop();
                }
                None => self.note_unknown(&name),
            }
        }
        let (mut made, mut all_zero) = (Map::new(), true);
        for (field, read) in of.fields.iter().zip(read) {
            let read = match read {
                Some(read) => read,
                None => self.absent(of, field)?,
            };
            all_zero &= read.zero;
            if !((field.omitempty && read.empty) || (field.omitzero && read.zero)) {
                made.insert(field.name.to_owned(), read.value);
            }
        }
        Ok((made, all_zero))
    }

    fn field(&mut self, field: &'static Field, value: Value) -> Result<Read, Fatal> {
        match field.many {
            Many::List => self.list(field, &field.go, value),
            Many::Map => self.map(field, value),
            Many::One if field.pointer => match value {
                Value::Null => Ok(Read::none()),
                value => {
                    let read = self.value(field.holds, &field.go, value)?;
                    // Written as null, which is none when it is read again.
                    let none = read.value.is_null() && matches!(field.holds, Holds::SchemaOr(..));
                    Ok(if none { Read::none() } else { Read { empty: false, zero: false, ..read } })
                }
            },
            Many::One => self.value(field.holds, &field.go, value),
        }
    }

    /// What Go shows for a field that is not there.
    fn absent(&mut self, of: &'static Struct, field: &'static Field) -> Result<Read, Fatal> {
        if field.pointer || field.many != Many::One {
            return Ok(Read::none());
        }
        // What of it is left out need not be made.
        if field.omitempty && matches!(field.holds, Holds::Text | Holds::Bool | Holds::Integer | Holds::Long)
        {
            return Ok(Read::none());
        }
        self.path.push(Step::Field(of, field));
        let read = self.value(field.holds, &field.go, Value::Null)?;
        self.path.pop();
        Ok(read)
    }

    fn list(&mut self, field: &'static Field, go: &str, value: Value) -> Result<Read, Fatal> {
        let items = match value {
            Value::Array(items) => items,
            Value::Null => return Ok(Read::none()),
            other => return Ok(self.mismatch(&other, go)),
        };
        let mut made = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            self.path.push(Step::Index(index));
            made.push(self.value(field.holds, field.element(), item)?.value);
            self.path.pop();
        }
        Ok(if made.is_empty() { Read::none() } else { Read::some(made, false) })
    }

    /// In the order of the keys, as Go writes maps.
    fn map(&mut self, field: &'static Field, value: Value) -> Result<Read, Fatal> {
        let entries = match value {
            Value::Object(entries) => entries,
            Value::Null => return Ok(Read::none()),
            other => return Ok(self.mismatch(&other, &field.go)),
        };
        let mut made = Map::new();
        // No error below a leaf names its key.
        let named = !matches!(field.holds, Holds::Text | Holds::Bytes | Holds::Quantity);
        for (key, value) in entries {
            if named {
                self.path.push(Step::Key(key.clone()));
            }
            let value = match self.value(field.holds, field.element(), value)?.value {
                // In protobuf an entry always has its bytes.
                Value::Null if field.holds == Holds::Bytes => Value::String(String::new()),
                value => value,
            };
            if named {
                self.path.pop();
            }
            made.insert(key, value);
        }
        made.sort_keys();
        Ok(if made.is_empty() { Read::none() } else { Read::some(made, false) })
    }

    /// One value that is there, `null` among them.
    fn value(&mut self, holds: Holds, go: &str, value: Value) -> Result<Read, Fatal> {
        match holds {
            Holds::Message(at) => self.nested(self.types.at(at), go, value),
            Holds::SchemaOr(at, or) => self.alternative(at, or, value),
            Holds::RawExtension | Holds::FieldsV1 => {
                self.close();
                let zero = value.is_null();
                Ok(Read { value, empty: false, zero })
            }
            Holds::Json => {
                self.close();
                let zero = value.is_null();
                Ok(Read { value: self.any(value, self.path.depth())?, empty: false, zero })
            }
            _ => self.leaf(holds, go, value),
        }
    }

    fn nested(&mut self, of: &'static Struct, go: &str, value: Value) -> Result<Read, Fatal> {
        if of.bare {
            return self.list(&of.fields[0], go, value);
        }
        let body = match value {
            Value::Object(body) => body,
            Value::Null => Map::new(),
            other => {
                self.mismatch(&other, go);
                Map::new()
            }
        };
        let (made, zero) = self.structure(of, body)?;
        Ok(Read { value: Value::Object(made), empty: false, zero })
    }

    /// A schema or what may stand in its place. Go reads these by themselves: an error in them ends the reading, and they
    /// are not looked through for what is unknown.
    fn alternative(&mut self, at: usize, or: Or, value: Value) -> Result<Read, Fatal> {
        self.close();
        let (unknown, noted) = (self.unknown.take(), self.noted.take());
        let made = match (or, value) {
            (_, Value::Object(body)) => Value::Object(self.structure(self.types.at(at), body)?.0),
            (Or::Bool, value @ Value::Bool(_)) => value,
            (Or::Bool, _) => return Err(Fatal("boolean or JSON schema expected".to_owned())),
            (Or::Schemas | Or::Names, Value::Array(items)) if !items.is_empty() => {
                let (holds, go) = match or {
                    Or::Names => (Holds::Text, "string"),
                    _ => (Holds::Message(at), "v1.JSONSchemaProps"),
                };
                let items: Result<Vec<Value>, Fatal> =
                    items.into_iter().map(|item| Ok(self.value(holds, go, item)?.value)).collect();
                Value::Array(items?)
            }
            _ => Value::Null,
        };
        if let Some(error) = self.noted.take() {
            return Err(Fatal(error));
        }
        (self.unknown, self.noted) = (unknown, noted);
        Ok(Read { value: made, empty: false, zero: false })
    }

    /// JSON of any shape, as Go's untyped values write it: keys in order, numbers in their shortest form.
    fn any(&self, value: Value, depth: usize) -> Result<Value, Fatal> {
        if depth > DEPTH {
            return Err(Fatal("exceeded max depth".to_owned()));
        }
        Ok(match value {
            Value::Number(number) => super::leaf::number(&number),
            Value::Array(items) => Value::Array(
                items.into_iter().map(|item| self.any(item, depth + 1)).collect::<Result<_, _>>()?,
            ),
            Value::Object(entries) => {
                let entries = entries.into_iter().map(|(key, value)| Ok((key, self.any(value, depth + 1)?)));
                let mut entries: Object = entries.collect::<Result<_, _>>()?;
                entries.sort_keys();
                Value::Object(entries)
            }
            other => other,
        })
    }

    /// Notes a value of another type than the field's, which is zero then.
    pub(super) fn mismatch(&mut self, value: &Value, go: &str) -> Read {
        self.note(self.path.mismatch(named(value), go));
        Read::none()
    }

    pub(super) fn note(&mut self, error: String) {
        self.noted.get_or_insert(error);
    }

    fn note_unknown(&mut self, name: &str) {
        let Some(unknown) = &mut self.unknown else { return };
        let path = self.path.to(name);
        if let Some(opaque) = &mut self.opaque {
            opaque.push(path.clone());
        }
        if unknown.len() < STRICT {
            unknown.push(path);
        }
    }

    /// Nothing below this place is looked through.
    fn close(&mut self) {
        if let Some(opaque) = &mut self.opaque {
            opaque.push(self.path.shown());
        }
    }
}

/// As Go's errors name JSON's types.
pub(super) fn named(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
