//! The types of built-in kinds as Go's JSON sees them: for one minor, embedded structs flattened into those that embed
//! them, and each type by the name that errors give it.
//!
//! It refuses to say more than `table.txt` does: no enumerations, no bounds, no defaults.

use std::collections::HashMap;

use super::table::{self, Message, Table};
pub use super::table::{Holds, Or};

/// All types of one minor.
#[derive(Debug)]
pub struct Types {
    structs: Vec<Struct>,
    kinds: HashMap<(&'static str, &'static str, &'static str), usize>,
}

/// A struct, or a named list.
#[derive(Debug)]
pub struct Struct {
    /// Its place among all: what [`Holds::Message`] names it by.
    pub index: usize,
    /// As in Go, without the package: `Container`.
    pub name: &'static str,
    /// The package of its protobuf message: `k8s.io.api.core.v1`.
    pub package: &'static str,
    /// Whether it is no struct: in JSON it is what its only field is.
    pub bare: bool,
    /// In the order in which Go writes them.
    pub fields: Vec<Field>,
    places: HashMap<&'static str, usize>,
}

/// One field of a struct.
#[derive(Debug, Clone)]
pub struct Field {
    /// In JSON; empty in a bare type.
    pub name: &'static str,
    /// The embedded structs it stands in, as errors name them: `VolumeSource`, `RuleWithOperations.Rule`.
    pub within: Option<String>,
    /// What it holds; of a list or a map, what the elements are.
    pub holds: Holds,
    /// How many of it.
    pub many: Many,
    /// Whether Go tells absent from zero.
    pub pointer: bool,
    /// Left out when empty; a struct never is.
    pub omitempty: bool,
    /// Left out when zero.
    pub omitzero: bool,
    /// Go's name for the type: `[]v1.Container`.
    pub go: String,
}

/// How many values a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Many {
    /// One.
    One,
    /// A list.
    List,
    /// A map from text.
    Map,
}

impl Types {
    /// The types as Kubernetes 1.`minor` has them; a minor that the table has not is taken for the nearest one.
    pub fn of(minor: u8) -> Types {
        let table = Table::get();
        let bit = table.bit(minor);
        let structs = (0..table.messages.len()).map(|index| Struct::of(table, index, bit)).collect();
        Types { structs, kinds: table.kinds().collect() }
    }

    /// The struct of a kind; `group` is empty for the core's.
    pub fn kind(&self, group: &str, version: &str, kind: &str) -> Option<&Struct> {
        self.kinds.get(&(group, version, kind)).map(|at| &self.structs[*at])
    }

    /// Group, version and kind of all kinds that some minor has.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> + '_ {
        self.kinds.keys().copied()
    }

    /// All structs, in the order of their places.
    pub fn all(&self) -> &[Struct] {
        &self.structs
    }

    /// The struct that [`Holds::Message`] or [`Holds::SchemaOr`] names.
    pub fn at(&self, index: usize) -> &Struct {
        &self.structs[index]
    }
}

impl Struct {
    fn of(table: &Table, index: usize, bit: u8) -> Struct {
        let message = &table.messages[index];
        let mut fields = Vec::new();
        if message.kind {
            fields.extend(["kind", "apiVersion"].map(Field::of_kind));
        }
        flatten(table, message, bit, None, &mut fields);
        let places = fields.iter().enumerate().map(|(at, field)| (field.name, at)).collect();
        Struct { index, name: message.name, package: message.package, bare: message.bare, fields, places }
    }

    /// The place of a field in `fields`, by its name in JSON.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }
}

impl Field {
    /// The fields that make a struct a kind stand in no protobuf message.
    fn of_kind(name: &'static str) -> Field {
        Field {
            name,
            within: Some("TypeMeta".to_owned()),
            holds: Holds::Text,
            many: Many::One,
            pointer: false,
            omitempty: true,
            omitzero: false,
            go: "string".to_owned(),
        }
    }

    fn of(table: &Table, field: &table::Field, within: Option<&str>) -> Field {
        let many = match (field.map, field.repeated) {
            (true, _) => Many::Map,
            (false, true) => Many::List,
            (false, false) => Many::One,
        };
        let follows = || {
            let one = name_of(table, field.holds);
            match many {
                Many::One => one,
                Many::List => format!("[]{one}"),
                Many::Map => format!("map[string]{one}"),
            }
        };
        Field {
            name: field.name.unwrap_or_default(),
            within: within.map(str::to_owned),
            holds: field.holds,
            many,
            pointer: field.pointer,
            omitempty: field.omitempty,
            omitzero: field.omitzero,
            go: field.go.map_or_else(follows, str::to_owned),
        }
    }

    /// Go's name for what the list or map holds.
    pub fn element(&self) -> &str {
        let inner = match self.many {
            Many::One => None,
            Many::List => self.go.strip_prefix("[]"),
            Many::Map => self.go.strip_prefix("map[").and_then(|rest| Some(rest.split_once(']')?.1)),
        };
        inner.unwrap_or("string")
    }
}

fn flatten(table: &Table, message: &Message, bit: u8, within: Option<&str>, fields: &mut Vec<Field>) {
    for field in message.fields.iter().filter(|field| field.applies(bit, false)) {
        match (field.name, field.holds) {
            (None, Holds::Message(at)) if !message.bare => {
                let embedded = &table.messages[at];
                let path =
                    within.map_or(embedded.name.to_owned(), |outer| format!("{outer}.{}", embedded.name));
                flatten(table, embedded, bit, Some(&path), fields);
            }
            _ => fields.push(Field::of(table, field, within)),
        }
    }
}

/// The name of Go's package, which is the last part of protobuf's.
fn version(package: &'static str) -> &'static str {
    package.rsplit('.').next().unwrap_or(package)
}

fn name_of(table: &Table, holds: Holds) -> String {
    match holds {
        Holds::Text => "string",
        Holds::Bytes => "[]uint8",
        Holds::Bool => "bool",
        Holds::Integer => "int32",
        Holds::Long => "int64",
        Holds::Double => "float64",
        Holds::Message(at) => {
            return format!("{}.{}", version(table.messages[at].package), table.messages[at].name);
        }
        Holds::Quantity => "resource.Quantity",
        Holds::IntOrString => "intstr.IntOrString",
        Holds::Time => "v1.Time",
        Holds::MicroTime => "v1.MicroTime",
        Holds::Duration => "v1.Duration",
        Holds::FieldsV1 => "v1.FieldsV1",
        Holds::RawExtension => "runtime.RawExtension",
        Holds::Json => "v1.JSON",
        Holds::SchemaOr(_, Or::Schemas) => "v1.JSONSchemaPropsOrArray",
        Holds::SchemaOr(_, Or::Bool) => "v1.JSONSchemaPropsOrBool",
        Holds::SchemaOr(_, Or::Names) => "v1.JSONSchemaPropsOrStringArray",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_has_the_fields_of_its_source_and_types_have_gos_names() {
        let types = Types::of(36);
        let pod = types.kind("", "v1", "Pod").unwrap();
        assert_eq!(
            pod.fields.iter().map(|field| field.name).collect::<Vec<_>>()[..3],
            ["kind", "apiVersion", "metadata"]
        );
        let Holds::Message(spec) = pod.fields[pod.place("spec").unwrap()].holds else { panic!() };
        let volumes = &types.at(spec).fields[0];
        assert_eq!(
            (volumes.name, volumes.go.as_str(), volumes.element()),
            ("volumes", "[]v1.Volume", "v1.Volume")
        );
        let Holds::Message(volume) = volumes.holds else { panic!() };
        let volume = types.at(volume);
        let source = &volume.fields[volume.place("emptyDir").unwrap()];
        assert_eq!(source.within.as_deref(), Some("VolumeSource"));
        let service = types.kind("", "v1", "Service").unwrap();
        let Holds::Message(spec) = service.fields[service.place("spec").unwrap()].holds else { panic!() };
        let kind = &types.at(spec).fields[types.at(spec).place("type").unwrap()];
        assert_eq!(kind.go, "v1.ServiceType");
    }

    #[test]
    fn rules_are_embedded_twice_over() {
        let types = Types::of(36);
        let rules = types.structs.iter().find(|one| one.name == "NamedRuleWithOperations").unwrap();
        let groups = &rules.fields[rules.place("apiGroups").unwrap()];
        assert_eq!(groups.within.as_deref(), Some("RuleWithOperations.Rule"));
    }
}
