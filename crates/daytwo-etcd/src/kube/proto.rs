//! Protobuf of Kubernetes' built-in kinds to the JSON that an API server of a given minor shows for it.
//!
//! The rules are those of Go's `encoding/json` on the structs the protobuf was made from: a slice or map that is empty is
//! nil, a pointer is set if its field was written, a struct is always there. A field that no minor of the table knows is
//! named by its number and passed over: a store written by a newer Kubernetes stays readable. What it refuses to do:
//! guess a type, go deeper than [`DEPTH`], or make more values than the bytes can stand for.

use serde_json::{Map, Value};

use super::special::{self, Alternative};
use super::table::{Field, Holds, Message, Or, Table};
use super::wire::{Broken, Fields, Wire, varint};

/// Deeper than any kind goes; Go's own limit for JSON is 10,000, protobuf's 100.
const DEPTH: usize = 100;

/// Values that may be made beyond one for each byte: structs that are there though nothing was written.
const FREE: usize = 65_536;

/// How many unknown fields are listed; further ones are only counted.
const LISTED: usize = 1_000;

/// A field that the table has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The object's part that holds it, as `spec.containers[1]`; empty for the object itself.
    pub path: String,
    /// Its number.
    pub number: u32,
}

/// Where an object's bytes cannot be what was written, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The part, as in [`Unknown::path`].
    pub path: String,
    /// What is wrong with it.
    pub what: &'static str,
}

/// An object's fields, and what was not understood.
#[derive(Debug, Default)]
pub struct Decoded {
    /// Without apiVersion and kind.
    pub fields: Map<String, Value>,
    /// The first thousand.
    pub unknown: Vec<Unknown>,
    /// All of them, counted.
    pub unknown_count: usize,
}

/// Whether there is a decoder for the kind. `group` is empty for the core's.
pub fn knows(group: &str, version: &str, kind: &str) -> bool {
    Table::get().kind(group, version, kind).is_some()
}

/// The object's JSON as an API server of Kubernetes 1.`minor` shows it; `None` if no minor has the kind. A minor that the
/// table has not is taken for the nearest one.
///
/// # Errors
/// At the first part that cannot have been written so.
pub fn decode(
    group: &str,
    version: &str,
    kind: &str,
    raw: &[u8],
    minor: u8,
) -> Option<Result<Decoded, Damage>> {
    let table = Table::get();
    let message = table.kind(group, version, kind)?;
    let mut decoder = Decoder {
        table,
        bit: table.bit(minor),
        path: Vec::new(),
        left: raw.len().saturating_add(FREE),
        decoded: Decoded::default(),
    };
    let mut fields = Map::new();
    let result = decoder.message(&table.messages[message], raw, &mut fields);
    Some(match result {
        Ok(_) => Ok(Decoded { fields, ..decoder.decoded }),
        Err(what) => Err(Damage { path: shown(&decoder.path), what }),
    })
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Name(&'static str),
    Index(usize),
}

struct Decoder {
    table: &'static Table,
    bit: u8,
    /// Where we are. Left as it is by an error, which is how the error knows its place.
    path: Vec<Step>,
    left: usize,
    decoded: Decoded,
}

impl Decoder {
    /// Adds the message's fields to `out`. Whether all of them are zero, as `omitzero` asks.
    fn message(
        &mut self,
        message: &'static Message,
        bytes: &[u8],
        out: &mut Map<String, Value>,
    ) -> Result<bool, Broken> {
        if self.path.len() > DEPTH {
            return Err("deeper than any kind goes");
        }
        let mut written: Vec<(u32, Wire<'_>)> = Vec::new();
        for field in Fields::of(bytes) {
            let (number, wire) = field?;
            match message.newest(number) {
                Some(_) => written.push((number, wire)),
                None => self.unknown(number),
            }
        }
        // One that stands alone is last; of a field that is not repeated the last one counts.
        written.sort_by_key(|(number, _)| *number);
        let mut zero = true;
        for field in &message.fields {
            let from = written.partition_point(|(number, _)| *number < field.number);
            let to = written.partition_point(|(number, _)| *number <= field.number);
            let wires = &written[from..to];
            if field.applies(self.bit, !wires.is_empty()) {
                zero &= self.field(field, wires, out)?;
            }
        }
        Ok(zero)
    }

    /// Adds one field to `out`, or leaves it out as Go would. Whether it is zero.
    fn field(
        &mut self,
        field: &'static Field,
        written: &[(u32, Wire<'_>)],
        out: &mut Map<String, Value>,
    ) -> Result<bool, Broken> {
        let Some(name) = field.name else { return self.inlined(field, written, out) };
        self.path.push(Step::Name(name));
        let (value, zero, empty) = if field.map {
            let made = self.map(field, written)?;
            (
                if made.is_empty() { Value::Null } else { Value::Object(made) },
                written.is_empty(),
                written.is_empty(),
            )
        } else if field.repeated {
            let made = self.list(field, written)?;
            (
                if made.is_empty() { Value::Null } else { Value::Array(made) },
                written.is_empty(),
                written.is_empty(),
            )
        } else {
            // The last one counts, but none may be damaged.
            let mut made = None;
            for (_, wire) in written {
                made = Some(self.value(field.holds, *wire)?);
            }
            match made {
                None if field.pointer => (Value::Null, true, true),
                None => self.absent(field)?,
                Some((value, zero)) => {
                    let empty = zero && !self.always(field);
                    (value, zero && !field.pointer, empty && !field.pointer)
                }
            }
        };
        self.path.pop();
        let left_out = (field.omitempty && empty) || (field.omitzero && zero);
        if !left_out {
            self.spend()?;
            out.insert(name.to_owned(), value);
        }
        Ok(zero)
    }

    /// A struct is there even if nothing was written, `omitempty` or not.
    fn always(&self, field: &Field) -> bool {
        match field.holds {
            Holds::Message(at) => !self.table.messages[at].bare,
            Holds::Text | Holds::Bytes | Holds::Bool | Holds::Integer | Holds::Long | Holds::Double => false,
            _ => true,
        }
    }

    /// What Go shows for a field that was not written and is no pointer.
    fn absent(&mut self, field: &Field) -> Result<(Value, bool, bool), Broken> {
        let empty = !self.always(field);
        let value = match field.holds {
            Holds::Text => Value::String(String::new()),
            Holds::Bytes => Value::Null,
            Holds::Bool => Value::Bool(false),
            Holds::Integer | Holds::Long | Holds::Double => 0.into(),
            holds => self.value(holds, Wire::Bytes(&[]))?.0,
        };
        Ok((value, true, empty))
    }

    fn inlined(
        &mut self,
        field: &'static Field,
        written: &[(u32, Wire<'_>)],
        out: &mut Map<String, Value>,
    ) -> Result<bool, Broken> {
        let Holds::Message(at) = field.holds else { return Err("an inlined field that is no message") };
        let message = &self.table.messages[at];
        if written.is_empty() {
            return if field.pointer { Ok(true) } else { self.message(message, &[], out) };
        }
        let mut zero = true;
        for (_, wire) in written {
            let Wire::Bytes(bytes) = wire else { return Err(OTHER) };
            zero &= self.message(message, bytes, out)?;
        }
        Ok(zero)
    }

    fn list(&mut self, field: &Field, written: &[(u32, Wire<'_>)]) -> Result<Vec<Value>, Broken> {
        let mut made = Vec::new();
        for (_, wire) in written {
            let packed = matches!(field.holds, Holds::Integer | Holds::Long | Holds::Bool);
            match wire {
                &Wire::Bytes(mut rest) if packed => {
                    while !rest.is_empty() {
                        let number = Wire::Varint(varint(&mut rest)?);
                        self.item(field, number, &mut made)?;
                    }
                }
                wire => self.item(field, *wire, &mut made)?,
            }
        }
        Ok(made)
    }

    fn item(&mut self, field: &Field, wire: Wire<'_>, made: &mut Vec<Value>) -> Result<(), Broken> {
        self.spend()?;
        self.path.push(Step::Index(made.len()));
        made.push(self.value(field.holds, wire)?.0);
        self.path.pop();
        Ok(())
    }

    /// An entry is a message of a key and a value; either may be left out when it is zero.
    fn map(&mut self, field: &Field, written: &[(u32, Wire<'_>)]) -> Result<Map<String, Value>, Broken> {
        let mut made = Map::new();
        for (index, (_, wire)) in written.iter().enumerate() {
            self.spend()?;
            let Wire::Bytes(entry) = wire else { return Err(OTHER) };
            self.path.push(Step::Index(index));
            let (mut key, mut value) = (String::new(), None);
            for part in Fields::of(entry) {
                match part? {
                    (1, Wire::Bytes(bytes)) => key = String::from_utf8_lossy(bytes).into_owned(),
                    (2, wire) => value = Some(self.value(field.holds, wire)?.0),
                    (1, _) => return Err(OTHER),
                    (number, _) => self.unknown(number),
                }
            }
            let value = match value {
                Some(value) => value,
                None => self.absent(field)?.0,
            };
            self.path.pop();
            made.insert(key, value);
        }
        Ok(made)
    }

    /// A value that was written, and whether it is zero.
    fn value(&mut self, holds: Holds, wire: Wire<'_>) -> Result<(Value, bool), Broken> {
        match (holds, wire) {
            (Holds::Text, Wire::Bytes(bytes)) => Ok((special::text_of(bytes), bytes.is_empty())),
            (Holds::Bytes, Wire::Bytes(bytes)) => Ok((special::base64_of(bytes), bytes.is_empty())),
            (Holds::Bool, Wire::Varint(number)) => Ok(((number != 0).into(), number == 0)),
            (Holds::Integer | Holds::Long, Wire::Varint(number)) => {
                Ok((number.cast_signed().into(), number == 0))
            }
            (Holds::Double, Wire::Fixed64(bytes)) => {
                let number = f64::from_le_bytes(bytes);
                Ok((number.into(), number == 0.0))
            }
            (Holds::Message(at), Wire::Bytes(bytes)) => self.nested(&self.table.messages[at], bytes),
            (Holds::SchemaOr(at, or), Wire::Bytes(bytes)) => Ok((self.alternative(at, or, bytes)?, false)),
            (Holds::Text | Holds::Bytes | Holds::Bool | Holds::Integer | Holds::Long | Holds::Double, _) => {
                Err(OTHER)
            }
            (holds, Wire::Bytes(bytes)) => special::value(holds, bytes),
            _ => Err(OTHER),
        }
    }

    fn nested(&mut self, message: &'static Message, bytes: &[u8]) -> Result<(Value, bool), Broken> {
        if !message.bare {
            let mut fields = Map::new();
            let zero = self.message(message, bytes, &mut fields)?;
            return Ok((Value::Object(fields), zero));
        }
        let [field] = message.fields.as_slice() else { return Err("a bare type of more than one field") };
        let mut written = Vec::new();
        for part in Fields::of(bytes) {
            match part? {
                (number, wire) if number == field.number => written.push((number, wire)),
                (number, _) => self.unknown(number),
            }
        }
        let made = self.list(field, &written)?;
        Ok((if made.is_empty() { Value::Null } else { Value::Array(made) }, written.is_empty()))
    }

    /// A schema, or what stands in its place.
    fn alternative(&mut self, at: usize, or: Or, bytes: &[u8]) -> Result<Value, Broken> {
        let (mut schema, mut others) = (None, Vec::new());
        for field in Fields::of(bytes) {
            let field = field?;
            match or.meaning(field) {
                Alternative::Schema(bytes) => schema = Some(self.nested(&self.table.messages[at], bytes)?.0),
                Alternative::Other(wire) => {
                    self.spend()?;
                    let holds = match or {
                        Or::Schemas => Holds::Message(at),
                        Or::Bool => Holds::Bool,
                        Or::Names => Holds::Text,
                    };
                    others.push(self.value(holds, wire)?.0);
                }
                Alternative::Unknown => self.unknown(field.0),
            }
        }
        Ok(match (or, schema) {
            (Or::Bool, Some(schema)) => schema,
            (Or::Bool, None) => others.pop().unwrap_or(Value::Bool(false)),
            (_, _) if !others.is_empty() => Value::Array(others),
            (_, schema) => schema.unwrap_or(Value::Null),
        })
    }

    fn unknown(&mut self, number: u32) {
        self.decoded.unknown_count += 1;
        if self.decoded.unknown.len() < LISTED {
            self.decoded.unknown.push(Unknown { path: shown(&self.path), number });
        }
    }

    fn spend(&mut self) -> Result<(), Broken> {
        self.left = self.left.checked_sub(1).ok_or("more values than its bytes can stand for")?;
        Ok(())
    }
}

pub(super) const OTHER: Broken = "a value of another type than the field has";

fn shown(path: &[Step]) -> String {
    let mut shown = String::new();
    for step in path {
        match step {
            Step::Name(name) if shown.is_empty() => shown.push_str(name),
            Step::Name(name) => shown.push_str(&format!(".{name}")),
            Step::Index(index) => shown.push_str(&format!("[{index}]")),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_a_newer_kubernetes_is_named_and_passed_over() {
        // Pod{spec: {containers: [{name: "a", 999: 7}]}, 77: 1}
        let pod = [0x12, 0x08, 0x12, 0x06, 0x0a, 0x01, b'a', 0xb8, 0x3e, 0x07, 0xe8, 0x04, 0x01];
        let decoded = decode("", "v1", "Pod", &pod, 36).unwrap().unwrap();
        assert_eq!(decoded.fields["spec"]["containers"][0]["name"], "a");
        let unknown = |path: &str, number| Unknown { path: path.to_owned(), number };
        assert_eq!(decoded.unknown, [unknown("", 77), unknown("spec.containers[0]", 999)]);
    }

    #[test]
    fn a_few_bytes_do_not_become_a_great_many_values() {
        // Containers without a byte each: some ten values for two bytes.
        let containers = [0x12, 0x00].repeat(500_000);
        let mut pod = vec![0x12, 0xc0, 0x84, 0x3d];
        pod.extend(containers);
        let damage = decode("", "v1", "Pod", &pod, 36).unwrap().unwrap_err();
        assert_eq!(damage.what, "more values than its bytes can stand for");
        assert!(damage.path.starts_with("spec.containers["), "{damage:?}");
    }

    #[test]
    fn what_is_absent_is_shown_as_go_shows_it() {
        let role = decode("rbac.authorization.k8s.io", "v1", "Role", &[], 36).unwrap().unwrap().fields;
        assert_eq!(Value::Object(role).to_string(), r#"{"metadata":{},"rules":null}"#);
        let pod = decode("", "v1", "Pod", &[], 33).unwrap().unwrap().fields;
        let text = r#"{"metadata":{"creationTimestamp":null},"spec":{"containers":null},"status":{}}"#;
        assert_eq!(Value::Object(pod).to_string(), text);
        assert!(decode("", "v1", "Gadget", &[], 36).is_none() && !knows("", "v1", "Gadget"));
    }

    #[test]
    fn damage_names_its_place() {
        let damage = decode("", "v1", "Pod", &[0x12, 0x04, 0x12, 0x02, 0x0a, 0x05], 36).unwrap().unwrap_err();
        assert_eq!(damage, Damage { path: "spec.containers[0]".to_owned(), what: "a length past the end" });
        let other = decode("", "v1", "Pod", &[0x12, 0x02, 0x20, 0x01, 0x08, 0x01], 36).unwrap().unwrap_err();
        assert_eq!(other.what, OTHER);
    }
}
