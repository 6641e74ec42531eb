//! The types of Kubernetes' built-in kinds, as `table.txt` has them: for each message its fields' numbers, their names in
//! JSON, and when Go leaves one out.
//!
//! The table is made by `cargo xtask tables`, which documents its format; it is the union of the minors in its second
//! line. Nothing here is written by hand, so that a new minor is a new table.

use std::collections::HashMap;
use std::sync::OnceLock;

static TEXT: &str = include_str!("table.txt");

/// All messages.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) messages: Vec<Message>,
    kinds: HashMap<(&'static str, &'static str, &'static str), usize>,
    /// The oldest and the newest minor it knows.
    minors: (u8, u8),
}

/// One message.
#[derive(Debug)]
pub(super) struct Message {
    /// As in Go, without the package.
    pub(super) name: &'static str,
    /// The package, as protobuf names it.
    pub(super) package: &'static str,
    /// Whether it is a kind.
    pub(super) kind: bool,
    /// In JSON it is what its only field is.
    pub(super) bare: bool,
    /// In the order in which Go writes them. Forms of one field that differ by minor stand side by side.
    pub(super) fields: Vec<Field>,
    /// By number: the place of the field's newest form in `fields`.
    newest: Vec<Option<usize>>,
}

/// One field, in the form some minors have it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) number: u32,
    /// `None`: its own fields stand in the outer object.
    pub(super) name: Option<&'static str>,
    pub(super) holds: Holds,
    pub(super) repeated: bool,
    pub(super) map: bool,
    pub(super) pointer: bool,
    pub(super) omitempty: bool,
    pub(super) omitzero: bool,
    /// Go's name for the type, where it is not the one that follows from the rest.
    pub(super) go: Option<&'static str>,
    /// A bit for each minor that has it so.
    minors: u8,
    /// A bit for each minor that has the field in any form.
    any: u8,
    /// The form of the newest minor that has the field.
    last: bool,
}

/// What a field's value is; of a map, what its values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Text.
    Text,
    /// Bytes, in JSON as base64.
    Bytes,
    /// True or false.
    Bool,
    /// Of 32 bits.
    Integer,
    /// Of 64 bits.
    Long,
    /// A number with a fraction.
    Double,
    /// The index of a message.
    Message(usize),
    /// An amount, as `100m`.
    Quantity,
    /// A number of 32 bits, or text.
    IntOrString,
    /// A time, to the second.
    Time,
    /// A time, to the microsecond.
    MicroTime,
    /// A length of time.
    Duration,
    /// The fields that somebody manages.
    FieldsV1,
    /// Any object.
    RawExtension,
    /// Any JSON, as schemas hold it.
    Json,
    /// A schema, of the message given, or something else.
    SchemaOr(usize, Or),
}

/// What may stand where a schema may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Or {
    /// A list of schemas.
    Schemas,
    /// `true` or `false`.
    Bool,
    /// A list of names of properties.
    Names,
}

impl Table {
    /// The table, read at its first use (some 5,000 lines).
    pub(super) fn get() -> &'static Table {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(|| Table::read(TEXT).expect("invariant: the table in the tree is read by a test"))
    }

    /// The message of a kind; `group` is empty for the core's.
    pub(super) fn kind(&self, group: &str, version: &str, kind: &str) -> Option<usize> {
        self.kinds.get(&(group, version, kind)).copied()
    }

    /// Group, version and kind of each kind, and its message.
    pub(super) fn kinds(
        &self,
    ) -> impl Iterator<Item = ((&'static str, &'static str, &'static str), usize)> + '_ {
        self.kinds.iter().map(|(name, at)| (*name, *at))
    }

    /// The nearest minor that the table knows.
    pub(super) fn nearest(&self, minor: u8) -> u8 {
        minor.clamp(self.minors.0, self.minors.1)
    }

    /// The bit of a minor in [`Field::applies`].
    pub(super) fn bit(&self, minor: u8) -> u8 {
        1 << (self.nearest(minor) - self.minors.0)
    }

    fn read(text: &'static str) -> Option<Table> {
        let lines = || text.lines().filter(|line| !line.starts_with('#'));
        let (_, range) = lines().next()?.split_once(' ')?;
        let (first, last) = range.split_once(' ')?;
        let minors = (first.parse().ok()?, last.parse().ok()?);
        let mut table = Table { messages: Vec::new(), kinds: HashMap::new(), minors };
        let mut packages: Vec<(&str, Option<(&str, &str)>)> = Vec::new();
        let mut names = HashMap::new();
        for line in lines().filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase())) {
            let (mark, rest) = line.split_once(' ')?;
            if mark == "P" {
                let mut words = rest.split(' ');
                packages.push((words.next()?, words.next().zip(words.next())));
                continue;
            }
            let at = table.messages.len();
            names.insert((packages.len() - 1, rest), at);
            if let ("K", Some((group, version))) = (mark, packages.last()?.1) {
                table.kinds.insert((group, version, rest), at);
            }
            table.messages.push(Message {
                name: rest,
                package: packages.last()?.0,
                kind: mark == "K",
                bare: mark == "B",
                fields: Vec::new(),
                newest: Vec::new(),
            });
        }
        let (mut package, mut message) = (None, None);
        for line in lines().skip(1) {
            match line.as_bytes().first()? {
                b'P' => package = Some(package.map_or(0, |at: usize| at + 1)),
                b'K' | b'M' | b'B' => message = Some(message.map_or(0, |at: usize| at + 1)),
                _ => table.messages[message?].fields.push(Field::read(line, package?, &names, minors.0)?),
            }
        }
        table.messages.iter_mut().for_each(Message::settle);
        Some(table)
    }
}

impl Message {
    /// The field of a number, as the newest minor that has it has it.
    pub(super) fn newest(&self, number: u32) -> Option<&Field> {
        let at = self.newest.get(usize::try_from(number).ok()?)?;
        self.fields.get((*at)?)
    }

    /// Says of each form of a field what the other forms cover.
    fn settle(&mut self) {
        let forms: Vec<(u32, u8)> = self.fields.iter().map(|field| (field.number, field.minors)).collect();
        for (at, field) in self.fields.iter_mut().enumerate() {
            let same = || forms.iter().enumerate().filter(|(_, (number, _))| *number == field.number);
            field.any = same().fold(0, |bits, (_, (_, minors))| bits | minors);
            field.last = same().all(|(other, _)| other <= at);
            let number = usize::try_from(field.number).expect("invariant: numbers in the table are small");
            if self.newest.len() <= number {
                self.newest.resize(number + 1, None);
            }
            if field.last {
                self.newest[number] = Some(at);
            }
        }
    }
}

impl Field {
    /// Whether this is the form to use for the minor of `bit`. Where that minor has the field in no form, but the field is
    /// written, the newest form is used.
    pub(super) fn applies(&self, bit: u8, written: bool) -> bool {
        self.minors & bit != 0 || (self.any & bit == 0 && self.last && written)
    }

    fn read(
        line: &'static str,
        package: usize,
        names: &HashMap<(usize, &str), usize>,
        oldest: u8,
    ) -> Option<Field> {
        let mut words = line.split(' ');
        let (number, name, holds) = (words.next()?.parse().ok()?, words.next()?, words.next()?);
        let (mut flags, mut go, mut minors) = ("", None, u8::MAX);
        for word in words {
            match (word.strip_prefix('@'), word.strip_prefix('=')) {
                (_, Some(name)) => go = Some(name),
                (Some(list), _) => {
                    let bits = list.split(',').map(|minor| Some(1 << (minor.parse::<u8>().ok()? - oldest)));
                    minors = bits.sum::<Option<u8>>()?;
                }
                (None, None) => flags = word,
            }
        }
        Some(Field {
            number,
            name: (name != "-").then_some(name),
            holds: Holds::read(holds, package, names)?,
            repeated: flags.contains('r'),
            map: flags.contains('m'),
            pointer: flags.contains('p'),
            omitempty: flags.contains('o'),
            omitzero: flags.contains('z'),
            go,
            minors,
            any: 0,
            last: false,
        })
    }
}

impl Holds {
    fn read(word: &str, package: usize, names: &HashMap<(usize, &str), usize>) -> Option<Holds> {
        Some(match word {
            "s" => Holds::Text,
            "y" => Holds::Bytes,
            "b" => Holds::Bool,
            "i" => Holds::Integer,
            "l" => Holds::Long,
            "d" => Holds::Double,
            "Q" => Holds::Quantity,
            "I" => Holds::IntOrString,
            "T" => Holds::Time,
            "U" => Holds::MicroTime,
            "D" => Holds::Duration,
            "F" => Holds::FieldsV1,
            "R" => Holds::RawExtension,
            "J" => Holds::Json,
            "A" | "O" | "S" => {
                let or = match word {
                    "A" => Or::Schemas,
                    "O" => Or::Bool,
                    _ => Or::Names,
                };
                Holds::SchemaOr(*names.get(&(package, "JSONSchemaProps"))?, or)
            }
            name => {
                let (at, name) = name.split_once('.')?;
                let at = if at.is_empty() { package } else { at.parse().ok()? };
                Holds::Message(*names.get(&(at, name))?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_in_the_tree_is_whole() {
        let table = Table::read(TEXT).unwrap();
        assert!(table.kinds.len() > 180, "{}", table.kinds.len());
        assert!(table.messages.iter().all(|message| !message.bare || message.fields.len() == 1));
        assert_eq!(table.minors, (33, 37));
        assert_eq!((table.nearest(20), table.nearest(99)), (33, 37));
    }

    #[test]
    fn a_field_has_one_form_for_each_minor() {
        let table = Table::get();
        for (minor, message) in (33..=37).flat_map(|minor| table.messages.iter().map(move |m| (minor, m))) {
            let mut numbers: Vec<u32> = message
                .fields
                .iter()
                .filter(|field| field.applies(table.bit(minor), true))
                .map(|field| field.number)
                .collect();
            let all = numbers.len();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), all, "{message:?}");
        }
    }

    #[test]
    fn the_time_of_creation_is_left_out_of_templates_since_1_34() {
        let table = Table::get();
        let pod = &table.messages[table.kind("", "v1", "Pod").unwrap()];
        let Holds::Message(metadata) = pod.fields[0].holds else { panic!("{pod:?}") };
        let form = |minor| {
            let fields = table.messages[metadata].fields.iter();
            fields.filter(|f| f.number == 8 && f.applies(table.bit(minor), true)).collect::<Vec<_>>()
        };
        assert!(!form(33)[0].omitzero && form(34)[0].omitzero && form(33).len() == 1);
    }
}
