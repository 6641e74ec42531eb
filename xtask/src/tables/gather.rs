//! Joins what the proto files and the Go tags say of each message, and what each minor says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::fetch::Module;
use super::golang;
use super::proto::{self, Holds};
use super::write::special;

/// All minors' messages by full name.
#[derive(Debug, Default)]
pub struct Union {
    pub messages: BTreeMap<String, Message>,
    /// Of packages that are an API group's: group and version.
    pub groups: BTreeMap<String, (String, String)>,
}

#[derive(Debug, Default)]
pub struct Message {
    /// Minors that have it.
    pub minors: BTreeSet<u8>,
    pub kind: bool,
    /// Go's type is no struct: in JSON it is what its one field is.
    pub bare: bool,
    /// In the newest minor's order of declaration, fields that went last.
    pub fields: Vec<Field>,
}

/// A field, as the minors named have it.
#[derive(Debug, Clone)]
pub struct Field {
    pub minors: BTreeSet<u8>,
    pub said: Said,
    /// Go's name for its type, with packages' own names; without the pointer it may be behind. Of the newest minor.
    pub go: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub number: u32,
    pub name: Option<String>,
    pub holds: Holds,
    pub repeated: bool,
    pub map: bool,
    pub pointer: bool,
    pub omitempty: bool,
    pub omitzero: bool,
}

impl Union {
    pub fn add(&mut self, minor: u8, modules: &[Module]) -> Result<()> {
        for module in modules {
            for folder in packages(module)? {
                self.package(minor, &module.folder.join(&folder))
                    .with_context(|| format!("in {}/{}", module.import, folder.display()))?;
            }
        }
        Ok(())
    }

    fn package(&mut self, minor: u8, folder: &Path) -> Result<()> {
        let (package, messages) = proto::file(&folder.join("generated.proto"))?;
        let mut go = golang::package(folder)?;
        borrow(&mut go, folder)?;
        if let Some(group) = &go.group {
            let version = package.rsplit('.').next().unwrap_or_default().to_owned();
            self.groups.insert(package.clone(), (group.clone(), version));
        }
        for (name, fields) in messages {
            let full = format!("{package}.{name}");
            if special(&full).is_some() {
                continue;
            }
            let made = match (go.structs.get(&name), go.others.get(&name)) {
                (Some(declared), _) => {
                    let version = package.rsplit('.').next().unwrap_or_default();
                    join(&fields, declared, version).with_context(|| format!("in {name}"))?
                }
                // Of another module, as `type List metav1.List`; if a kind holds it, the writer misses it.
                (None, Some(what)) if what.contains('.') => continue,
                (None, Some(_)) => vec![bare(&fields).with_context(|| format!("in {name}"))?],
                // Declared for protobuf only, as Timestamp is: the decoder knows these by name.
                (None, None) => continue,
            };
            let message = self.messages.entry(full).or_default();
            message.minors.insert(minor);
            message.kind = go.structs.get(&name).is_some_and(|declared| declared.kind);
            message.bare = !go.structs.contains_key(&name);
            message.merge(minor, made);
        }
        Ok(())
    }
}

/// Puts structs in the place of names given to those of the group's v1, as in `type Rule = v1.Rule`.
fn borrow(go: &mut golang::Package, folder: &Path) -> Result<()> {
    let of_v1 = |what: &String| what.trim_start_matches("= ").strip_prefix("v1.").map(str::to_owned);
    let named: Vec<(String, String)> =
        go.others.iter().filter_map(|(name, what)| Some((name.clone(), of_v1(what)?))).collect();
    if named.is_empty() {
        return Ok(());
    }
    let mut v1 = golang::package(&folder.with_file_name("v1"))?;
    for (name, what) in named {
        if let Some(declared) = v1.structs.remove(&what) {
            go.others.remove(&name);
            go.structs.insert(name, declared);
        }
    }
    Ok(())
}

impl Message {
    /// Minors come in rising order, so that what is new decides the order.
    fn merge(&mut self, minor: u8, fields: Vec<(Said, String)>) {
        let mut before = std::mem::take(&mut self.fields);
        for (said, go) in fields {
            let same = before.iter().position(|field| field.said == said);
            let mut minors = same.map(|at| before.remove(at).minors).unwrap_or_default();
            minors.insert(minor);
            // Older forms of the same field stand before it.
            while let Some(at) = before.iter().position(|field| field.said.number == said.number) {
                self.fields.push(before.remove(at));
            }
            self.fields.push(Field { minors, said, go });
        }
        self.fields.append(&mut before);
    }
}

fn packages(module: &Module) -> Result<Vec<PathBuf>> {
    if let Some(named) = module.packages {
        return Ok(named.iter().map(PathBuf::from).collect());
    }
    let mut found = Vec::new();
    for group in std::fs::read_dir(&module.folder)? {
        let group = group?.path();
        for version in group.is_dir().then(|| std::fs::read_dir(&group)).into_iter().flatten().flatten() {
            let version = version?.path();
            if version.join("generated.proto").is_file() {
                found.push(version.strip_prefix(&module.folder)?.to_owned());
            }
        }
    }
    found.sort();
    if found.is_empty() {
        bail!("{} holds no API", module.folder.display());
    }
    Ok(found)
}

fn join(proto: &[proto::Field], declared: &golang::Struct, version: &str) -> Result<Vec<(Said, String)>> {
    let mut made = Vec::new();
    for field in &declared.fields {
        let Some(found) = proto.iter().find(|found| found.number == field.number) else {
            bail!("the proto file has no field {}", field.number);
        };
        let said = Said {
            number: field.number,
            name: field.name.clone(),
            holds: found.holds.clone(),
            repeated: found.repeated,
            map: found.map,
            pointer: field.go_type.starts_with('*'),
            omitempty: field.omitempty,
            omitzero: field.omitzero,
        };
        made.push((said, golang::full(&field.go_type, version)));
    }
    match proto.iter().find(|found| !made.iter().any(|(made, _)| made.number == found.number)) {
        Some(missing) => bail!("no Go tag has the number {}", missing.number),
        None => Ok(made),
    }
}

fn bare(proto: &[proto::Field]) -> Result<(Said, String)> {
    let [field] = proto else { bail!("no struct in Go, and not one field") };
    let said = Said {
        number: field.number,
        name: None,
        holds: field.holds.clone(),
        repeated: field.repeated,
        map: field.map,
        pointer: false,
        omitempty: false,
        omitzero: false,
    };
    let go = super::write::follows(&said);
    Ok((said, go))
}
