//! Writes the table: text, so that a change of the API is read in a diff.
//!
//! ```text
//! minors 33 37
//! P k8s.io.api.apps.v1 apps v1      a package; with group and version where it has kinds
//! K Deployment                      a message: K a kind, M no kind, B bare (in JSON only its one field)
//! 1 metadata 3.ObjectMeta o         number, name (- inlined), type, flags, @ minors where not all
//! ```
//! Types: `s` text, `y` bytes, `b` bool, `i` integer of 32 bits, `l` of 64, `d` double, `.Name` a message of the same
//! package, `3.Name` of the fourth package; capital letters are types with a JSON of their own ([`special`]).
//! Flags: `r` repeated, `m` map of text to the type, `p` a pointer in Go, `o` omitempty, `z` omitzero. `=v1.ServiceType`
//! is Go's name for the type, where it is not the one that follows from the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};

use super::gather::{Field, Said, Union};
use super::proto::Holds;

const SCHEMAS: &str = "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.";

/// Types whose JSON is made by their own Go code.
pub fn special(name: &str) -> Option<&'static str> {
    if let Some(name) = name.strip_prefix(SCHEMAS) {
        return match name {
            "JSON" => Some("J"),
            "JSONSchemaPropsOrArray" => Some("A"),
            "JSONSchemaPropsOrBool" => Some("O"),
            "JSONSchemaPropsOrStringArray" => Some("S"),
            _ => None,
        };
    }
    Some(match name.strip_prefix("k8s.io.apimachinery.pkg.")? {
        "api.resource.Quantity" => "Q",
        "util.intstr.IntOrString" => "I",
        "apis.meta.v1.Time" => "T",
        "apis.meta.v1.MicroTime" => "U",
        "apis.meta.v1.Duration" => "D",
        "apis.meta.v1.FieldsV1" => "F",
        "runtime.RawExtension" => "R",
        _ => return None,
    })
}

/// The text of the table: all kinds but lists, and what they hold.
pub fn table(all: &Union, versions: &[(u8, &str)]) -> Result<String> {
    let reached = reached(all)?;
    let package = |name: &str| name.rsplit_once('.').map(|(package, _)| package.to_owned());
    let packages: Vec<String> =
        reached.iter().filter_map(|name| package(name)).collect::<BTreeSet<_>>().into_iter().collect();
    let (Some(first), Some(last)) = (versions.first(), versions.last()) else { bail!("no versions") };
    let named: Vec<&str> = versions.iter().map(|(_, version)| *version).collect();
    let mut out = format!(
        "# Made by `cargo xtask tables` from k8s.io/{{api,apiextensions-apiserver,apimachinery,kube-aggregator}} {}\nminors {} {}\n",
        named.join(" "),
        first.0,
        last.0
    );
    let every: BTreeSet<u8> = versions.iter().map(|(minor, _)| *minor).collect();
    for here in &packages {
        match all.groups.get(here) {
            Some((group, version)) => writeln!(out, "P {here} {group} {version}")?,
            None => writeln!(out, "P {here}")?,
        }
        for name in reached.iter().filter(|name| package(name).as_ref() == Some(here)) {
            let message = &all.messages[name];
            let mark = match (message.kind, message.bare) {
                (_, true) => 'B',
                (true, false) => 'K',
                (false, false) => 'M',
            };
            writeln!(out, "{mark} {}", &name[here.len() + 1..])?;
            for field in &message.fields {
                let known = if message.minors == every { &every } else { &message.minors };
                writeln!(out, "{}", line(field, here, &packages, known)?)?;
            }
        }
    }
    Ok(out)
}

fn line(field: &Field, here: &str, packages: &[String], known: &BTreeSet<u8>) -> Result<String> {
    let said = &field.said;
    let holds = match &said.holds {
        Holds::Text => "s".to_owned(),
        Holds::Bytes => "y".to_owned(),
        Holds::Bool => "b".to_owned(),
        Holds::Integer => "i".to_owned(),
        Holds::Long => "l".to_owned(),
        Holds::Double => "d".to_owned(),
        Holds::Message(name) => match (special(name), name.rsplit_once('.')) {
            (Some(letter), _) => letter.to_owned(),
            (None, Some((package, name))) if package == here => format!(".{name}"),
            (None, Some((package, name))) => {
                let at =
                    packages.iter().position(|known| known == package).context("a package not reached")?;
                format!("{at}.{name}")
            }
            (None, None) => bail!("{name} has no package"),
        },
    };
    let mut line = format!("{} {} {holds}", said.number, said.name.as_deref().unwrap_or("-"));
    let flags = [
        (said.repeated, 'r'),
        (said.map, 'm'),
        (said.pointer, 'p'),
        (said.omitempty, 'o'),
        (said.omitzero, 'z'),
    ];
    let flags: String = flags.iter().filter(|(set, _)| *set).map(|(_, flag)| *flag).collect();
    if !flags.is_empty() {
        write!(line, " {flags}")?;
    }
    if field.go != follows(said) {
        write!(line, " ={}", field.go)?;
    }
    if field.minors != *known {
        let minors: Vec<String> = field.minors.iter().map(u8::to_string).collect();
        write!(line, " @{}", minors.join(","))?;
    }
    Ok(line)
}

/// Go's name for a field's type, as a reader of the table takes it where nothing else is said.
pub fn follows(said: &Said) -> String {
    let of_message = |name: &str| {
        let mut parts = name.rsplit('.');
        let (last, package) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        format!("{package}.{last}")
    };
    let one = match &said.holds {
        Holds::Text => "string".to_owned(),
        Holds::Bytes => "[]uint8".to_owned(),
        Holds::Bool => "bool".to_owned(),
        Holds::Integer => "int32".to_owned(),
        Holds::Long => "int64".to_owned(),
        Holds::Double => "float64".to_owned(),
        Holds::Message(name) => of_message(name),
    };
    match (said.map, said.repeated) {
        (true, _) => format!("map[string]{one}"),
        (false, true) => format!("[]{one}"),
        (false, false) => one,
    }
}

/// Full names of all kinds but lists, and of the messages they hold.
fn reached(all: &Union) -> Result<BTreeSet<String>> {
    let list = "k8s.io.apimachinery.pkg.apis.meta.v1.ListMeta";
    let mut queue: Vec<String> = all
        .messages
        .iter()
        .filter(|(name, message)| {
            let lists = message.fields.iter().any(|f| f.said.holds == Holds::Message(list.to_owned()));
            message.kind && !lists && !name.starts_with("k8s.io.apimachinery.")
        })
        .map(|(name, _)| name.clone())
        .collect();
    let mut reached = BTreeSet::new();
    let mut asked_by: BTreeMap<String, String> = BTreeMap::new();
    while let Some(name) = queue.pop() {
        if special(&name).is_some() || reached.contains(&name) {
            continue;
        }
        let by = asked_by.get(&name).cloned().unwrap_or_default();
        let message =
            all.messages.get(&name).with_context(|| format!("{by} holds {name}, which is nowhere"))?;
        for field in &message.fields {
            if let Holds::Message(held) = &field.said.holds {
                asked_by.entry(held.clone()).or_insert_with(|| name.clone());
                queue.push(held.clone());
            }
        }
        reached.insert(name);
    }
    Ok(reached)
}
