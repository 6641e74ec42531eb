//! Reads struct declarations from Go source, as far as gofmt writes them: one field a line, tags in backquotes.
//!
//! Not a Go parser: expressions, functions and anonymous structs are passed over.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// What one package declares.
#[derive(Debug, Default)]
pub struct Package {
    /// `GroupName`, where the package is an API group's.
    pub group: Option<String>,
    pub structs: BTreeMap<String, Struct>,
    /// Named types that are no structs, such as `type ExtraValue []string`.
    pub others: BTreeMap<String, String>,
}

/// A struct's fields that have tags, in their order.
#[derive(Debug, Default)]
pub struct Struct {
    /// Whether it embeds `TypeMeta`, and so is a kind.
    pub kind: bool,
    pub fields: Vec<Field>,
}

/// A field with a protobuf tag.
#[derive(Debug)]
pub struct Field {
    /// As in the protobuf tag; the proto file has the same.
    pub number: u32,
    /// In JSON. `None`: its fields stand in the outer object.
    pub name: Option<String>,
    pub go_type: String,
    pub omitempty: bool,
    pub omitzero: bool,
}

/// Reads what a folder of Go source declares; tests and generated methods left out.
pub fn package(folder: &Path) -> Result<Package> {
    let mut package = Package::default();
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let generated = name.starts_with("zz_") || name.ends_with(".pb.go") || name.ends_with("_test.go");
        if name.ends_with(".go") && !generated {
            let text = fs::read_to_string(&path)?;
            file(&text, &mut package).with_context(|| format!("cannot read {}", path.display()))?;
        }
    }
    Ok(package)
}

fn file(text: &str, package: &mut Package) -> Result<()> {
    let text = without_block_comments(text);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(group) = line.strip_prefix("const GroupName = ") {
            package.group = Some(group.trim().trim_matches('"').to_owned());
        }
        let Some(declared) = line.strip_prefix("type ") else { continue };
        let Some((name, what)) = declared.split_once(' ') else { continue };
        match what.trim() {
            "struct {" => {
                let body: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with('}')).collect();
                let made = fields(&body).with_context(|| format!("in {name}"))?;
                package.structs.insert(name.to_owned(), made);
            }
            "struct{}" => {
                package.structs.insert(name.to_owned(), Struct::default());
            }
            other => {
                package.others.insert(name.to_owned(), other.to_owned());
            }
        }
    }
    Ok(())
}

/// Those that have lines of their own; a comment at the end of a line may well hold `/*`.
fn without_block_comments(text: &str) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        inside |= line.trim_start().starts_with("/*");
        if !inside {
            out.push_str(line);
            out.push('\n');
        }
        inside &= !line.contains("*/");
    }
    out
}

fn fields(body: &[&str]) -> Result<Struct> {
    let mut made = Struct::default();
    for line in body {
        let line = line.trim();
        if line.starts_with("//") {
            continue;
        }
        let Some((declared, tagged)) = line.split_once('`') else { continue };
        let tag = tagged.split_once('`').map_or(tagged, |(tag, _)| tag);
        let words: Vec<&str> = declared.split_whitespace().collect();
        let (embedded, go_type) = match words.as_slice() {
            [embedded] => (true, *embedded),
            [_, rest @ ..] if !rest.is_empty() => (false, rest[0]),
            _ => bail!("cannot tell name and type apart in: {line}"),
        };
        if embedded && go_type.rsplit('.').next() == Some("TypeMeta") {
            made.kind = true;
        }
        let Some(protobuf) = value(tag, "protobuf").filter(|value| *value != "-") else { continue };
        // Without one its type writes its own JSON, as Duration does.
        let json = value(tag, "json").unwrap_or_default();
        let Some(number) = protobuf.split(',').nth(1).and_then(|number| number.parse().ok()) else {
            bail!("no number in: {line}");
        };
        let mut options = json.split(',');
        let name = options.next().unwrap_or_default().to_owned();
        let options: Vec<&str> = options.collect();
        made.fields.push(Field {
            number,
            name: (!name.is_empty()).then_some(name),
            go_type: go_type.to_owned(),
            omitempty: options.contains(&"omitempty"),
            omitzero: options.contains(&"omitzero"),
        });
    }
    Ok(made)
}

/// A type as errors name it: what a package of `version` calls `*ServiceType` is `v1.ServiceType`. Packages are imported
/// under names such as `corev1`, of which the end is the package's own name.
pub fn full(go_type: &str, version: &str) -> String {
    let name = |word: &str| match word.split_once('.') {
        Some((package, name)) => format!("{}.{name}", own_name(package)),
        None if word == "byte" => "uint8".to_owned(),
        None if word.starts_with(|first: char| first.is_ascii_uppercase()) => format!("{version}.{word}"),
        None => word.to_owned(),
    };
    let (mut made, mut word) = (String::new(), String::new());
    for letter in go_type.trim_start_matches('*').chars() {
        if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.') {
            word.push(letter);
            continue;
        }
        made.push_str(&name(&word));
        word.clear();
        made.push(letter);
    }
    made.push_str(&name(&word));
    made
}

/// `v1` for `corev1`, `types` for `apimachinerytypes`.
fn own_name(package: &str) -> &str {
    if package.ends_with("types") {
        return "types";
    }
    let version = package
        .rmatch_indices('v')
        .find(|(at, _)| package[at + 1..].starts_with(|next: char| next.is_ascii_digit()));
    version.map_or(package, |(at, _)| &package[at..])
}

fn value<'a>(tag: &'a str, key: &str) -> Option<&'a str> {
    let (_, after) = tag.split_once(&format!("{key}:\""))?;
    after.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_gofmt_writes_them() {
        let text = "const GroupName = \"apps\"\n/* type No struct {\n*/\ntype Pod struct {\n\tmetav1.TypeMeta `json:\",inline\"`\n\t// words\n\tSpec *PodSpec `json:\"spec,omitempty\" protobuf:\"bytes,2,opt,name=spec\"` // more\n\tSource `json:\",inline\" protobuf:\"bytes,3,opt,name=source\"`\n}\ntype Extra []string\n";
        let mut package = Package::default();
        file(text, &mut package).unwrap();
        assert_eq!(package.group.as_deref(), Some("apps"));
        assert_eq!(package.others["Extra"], "[]string");
        let pod = &package.structs["Pod"];
        assert!(pod.kind && !package.structs.contains_key("No"));
        assert_eq!((pod.fields[0].number, pod.fields[0].name.as_deref()), (2, Some("spec")));
        assert_eq!((pod.fields[0].go_type.as_str(), pod.fields[0].omitempty), ("*PodSpec", true));
        assert_eq!((pod.fields[1].number, pod.fields[1].name.as_deref()), (3, None));
    }

    #[test]
    fn types_are_named_as_errors_name_them() {
        let known = [
            ("*ServiceType", "v1.ServiceType"),
            ("[]corev1.Container", "[]v1.Container"),
            ("map[ResourceName]resource.Quantity", "map[v1.ResourceName]resource.Quantity"),
            ("[]byte", "[]uint8"),
            ("types.UID", "types.UID"),
        ];
        for (written, named) in known {
            assert_eq!(full(written, "v1"), named);
        }
    }
}
