//! Reads a `generated.proto` file: its messages, and the number and type of each field.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto};

/// A field as the proto file has it.
#[derive(Debug, Clone)]
pub struct Field {
    pub number: u32,
    pub repeated: bool,
    pub map: bool,
    /// Of a map: its values' type.
    pub holds: Holds,
}

/// What a field's value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    Text,
    Bytes,
    Bool,
    /// Of 32 bits.
    Integer,
    /// Of 64 bits.
    Long,
    Double,
    /// The full name of a message, such as `k8s.io.api.core.v1.Pod`.
    Message(String),
}

/// The package's name and its messages.
pub fn file(path: &Path) -> Result<(String, BTreeMap<String, Vec<Field>>)> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let parsed = protox_parse::parse("generated.proto", &text)
        .with_context(|| format!("{} is no proto file", path.display()))?;
    let package = parsed.package().to_owned();
    let mut messages = BTreeMap::new();
    for message in &parsed.message_type {
        let fields = message.field.iter().map(|field| read(&package, message, field)).collect::<Result<_>>();
        let fields = fields.with_context(|| format!("in {package}.{}", message.name()))?;
        messages.insert(message.name().to_owned(), fields);
    }
    Ok((package, messages))
}

fn read(package: &str, message: &DescriptorProto, field: &FieldDescriptorProto) -> Result<Field> {
    let number = u32::try_from(field.number()).context("a number below zero")?;
    let repeated = field.label() == Label::Repeated;
    let entry = message.nested_type.iter().find(|nested| {
        let named = field.type_name().rsplit('.').next();
        nested.options.as_ref().is_some_and(|options| options.map_entry()) && named == nested.name.as_deref()
    });
    if let Some(entry) = entry {
        let of = |name: &str| entry.field.iter().find(|field| field.name() == name);
        let (Some(key), Some(value)) = (of("key"), of("value")) else { bail!("a map without key and value") };
        if key.r#type() != Type::String {
            bail!("{}: a map whose keys are no text", field.name());
        }
        return Ok(Field { number, repeated: false, map: true, holds: holds(package, value)? });
    }
    Ok(Field { number, repeated, map: false, holds: holds(package, field)? })
}

fn holds(package: &str, field: &FieldDescriptorProto) -> Result<Holds> {
    if !field.type_name().is_empty() {
        let name = field.type_name();
        return Ok(Holds::Message(match name.strip_prefix('.') {
            Some(full) => full.to_owned(),
            None if name.contains('.') => name.to_owned(),
            None => format!("{package}.{name}"),
        }));
    }
    Ok(match field.r#type() {
        Type::String => Holds::Text,
        Type::Bytes => Holds::Bytes,
        Type::Bool => Holds::Bool,
        Type::Int32 | Type::Uint32 => Holds::Integer,
        Type::Int64 | Type::Uint64 => Holds::Long,
        Type::Double => Holds::Double,
        other => bail!("{}: no decoder knows {}", field.name(), other.as_str_name()),
    })
}
