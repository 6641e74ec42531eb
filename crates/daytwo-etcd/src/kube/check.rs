//! Whether a stored object can be decoded, without making the object: for a pass over a whole store, where hundreds of
//! thousands are looked at and none is shown.
//!
//! It finds what [`super::decode`] finds, but for what only a calendar or a quantity of values can tell. What it refuses to
//! do: remember anything.

use serde::de::IgnoredAny;

use super::special::Alternative;
use super::table::{Field, Holds, Message, Or, Table};
use super::wire::{Broken, Fields, Wire, bytes_of, integer_of, varint};

/// As deep as the decoder goes.
const DEPTH: usize = 100;

/// How many fields of a kind's message are not known, if it can be decoded; `None` if no minor has the kind.
pub(super) fn check(group: &str, version: &str, kind: &str, raw: &[u8]) -> Option<Result<usize, Broken>> {
    let table = Table::get();
    let message = table.kind(group, version, kind)?;
    Some(fields(table, &table.messages[message], raw, 0))
}

fn fields(table: &Table, message: &Message, bytes: &[u8], depth: usize) -> Result<usize, Broken> {
    if depth > DEPTH {
        return Err("deeper than any kind goes");
    }
    let mut unknown = 0;
    for field in Fields::of(bytes) {
        let (number, wire) = field?;
        let Some(field) = message.newest(number) else {
            unknown += 1;
            continue;
        };
        match (field.map, wire) {
            (true, Wire::Bytes(entry)) => {
                for part in Fields::of(entry) {
                    match part? {
                        (1, Wire::Bytes(_)) => {}
                        (2, wire) => unknown += value(table, field, wire, depth)?,
                        (1, _) => return Err(super::proto::OTHER),
                        _ => unknown += 1,
                    }
                }
            }
            (true, _) => return Err(super::proto::OTHER),
            (false, wire) => unknown += value(table, field, wire, depth)?,
        }
    }
    Ok(unknown)
}

fn value(table: &Table, field: &Field, wire: Wire<'_>, depth: usize) -> Result<usize, Broken> {
    match (field.holds, wire) {
        (Holds::Text | Holds::Bytes, Wire::Bytes(_)) => Ok(0),
        (Holds::Bool | Holds::Integer | Holds::Long, Wire::Varint(_)) => Ok(0),
        (Holds::Bool | Holds::Integer | Holds::Long, Wire::Bytes(mut packed)) if field.repeated => {
            while !packed.is_empty() {
                varint(&mut packed)?;
            }
            Ok(0)
        }
        (Holds::Double, Wire::Fixed64(_)) => Ok(0),
        (Holds::Message(at), Wire::Bytes(bytes)) => fields(table, &table.messages[at], bytes, depth + 1),
        (Holds::Quantity, Wire::Bytes(bytes)) => bytes_of(bytes, 1).map(|_| 0),
        (Holds::IntOrString, Wire::Bytes(bytes)) => match integer_of(bytes, 1)? {
            0 => integer_of(bytes, 2).map(|_| 0),
            1 => bytes_of(bytes, 3).map(|_| 0),
            _ => Err("neither number nor text where it should be one of them"),
        },
        (Holds::Time | Holds::MicroTime | Holds::Duration, Wire::Bytes(bytes)) => {
            integer_of(bytes, 1).map(|_| 0)
        }
        // Other bytes than JSON are legal in a RawExtension; what manages a field is always JSON.
        (Holds::RawExtension, Wire::Bytes(bytes)) => bytes_of(bytes, 1).map(|_| 0),
        (Holds::SchemaOr(at, or), Wire::Bytes(bytes)) => alternative(table, (at, or), bytes, depth + 1),
        (Holds::FieldsV1 | Holds::Json, Wire::Bytes(bytes)) => match bytes_of(bytes, 1)? {
            Some(json) if serde_json::from_slice::<IgnoredAny>(json).is_err() => {
                Err("JSON that is cut or mangled")
            }
            _ => Ok(0),
        },
        _ => Err(super::proto::OTHER),
    }
}

fn alternative(table: &Table, (at, or): (usize, Or), bytes: &[u8], depth: usize) -> Result<usize, Broken> {
    let mut unknown = 0;
    for field in Fields::of(bytes) {
        unknown += match (or.meaning(field?), or) {
            (Alternative::Schema(bytes), _) => fields(table, &table.messages[at], bytes, depth)?,
            (Alternative::Other(Wire::Bytes(bytes)), Or::Schemas) => {
                fields(table, &table.messages[at], bytes, depth)?
            }
            (Alternative::Other(Wire::Bytes(_)), Or::Names)
            | (Alternative::Other(Wire::Varint(_)), Or::Bool) => 0,
            (Alternative::Other(_), _) => return Err(super::proto::OTHER),
            (Alternative::Unknown, _) => 1,
        };
    }
    Ok(unknown)
}
