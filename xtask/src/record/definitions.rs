//! The definitions of a Harvester site's custom resources, out of the modules that define them: `definitions.jsonl.gz`
//! (a definition a line, by name) and `definitions.txt`, which names the module and the version of each.
//!
//! Kept are names, types and rules; descriptions are not ours to copy, and are left out.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::{Context as _, Result, bail};
use flate2::{Compression, GzBuilder};
use serde_json::Value;

use super::sources::{Place, SOURCES, Source};
use super::{File, schema, shells};
use crate::cargo::say;

const HEAD: &str = "\
# The custom resources of the site `enclave`: group, plural, stored version, and the Go module and version that the names
# and types of its definition come from. Written by `cargo xtask record`.
";

pub fn files() -> Result<Vec<File>> {
    let mut all: BTreeMap<String, (Value, &Source)> = BTreeMap::new();
    for source in SOURCES {
        say(&format!("reading {} {}", source.module, source.version));
        for definition in definitions(source).with_context(|| format!("cannot read {}", source.module))? {
            let name =
                definition["metadata"]["name"].as_str().context("a definition without a name")?.to_owned();
            // The first source that has it is asked.
            all.entry(name).or_insert((schema::recorded(&definition), source));
        }
    }
    let mut index = HEAD.to_owned();
    let mut lines = String::new();
    for (definition, source) in all.values() {
        let spec = &definition["spec"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let versions = spec["versions"].as_array().context("a definition without versions")?;
        let stored =
            versions.iter().find(|version| version["storage"] == true).context("no stored version")?;
        let words = [text(&spec["group"]), text(&spec["names"]["plural"]), text(&stored["name"])];
        index.push_str(&format!("{} {} {}\n", words.join(" "), source.module, source.version));
        lines.push_str(&format!("{definition}\n"));
    }
    // No time and no name, so that the same lines give the same file.
    let mut packed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    packed.write_all(lines.as_bytes()).context("cannot compress")?;
    let packed = packed.finish().context("cannot compress")?;
    let folder = "fixture/enclave".to_owned();
    Ok(vec![
        File { path: "definitions.txt", folder: folder.clone(), content: index.into_bytes() },
        File { path: "definitions.jsonl.gz", folder, content: packed },
    ])
}

fn definitions(source: &Source) -> Result<Vec<Value>> {
    let texts = source.texts()?;
    match source.place {
        Place::Shells => shells::definitions("cattle.io", |_| Some(any())),
        Place::Schemas(_) => {
            let schemas = schemas(&texts.concat())?;
            shells::definitions("kubevirt.io", |singular| schemas.get(singular).cloned())
        }
        Place::Files(_) | Place::Charts(..) => {
            let mut found = Vec::new();
            for document in texts.iter().flat_map(|text| text.split("\n---")) {
                if document.contains("kind: CustomResourceDefinition") {
                    found.push(yaml(&undescribed(&untemplated(document)))?);
                }
            }
            Ok(found)
        }
    }
}

/// A schema that takes any field.
fn any() -> Value {
    serde_json::json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

fn yaml(text: &str) -> Result<Value> {
    let options = serde_saphyr::options! { budget: None };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| anyhow::anyhow!("no YAML: {error}"))
}

/// Without what a Helm template would fill in; a line of nothing else goes.
fn untemplated(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        match (line.find("{{"), line.rfind("}}")) {
            (Some(start), Some(end)) => {
                let rest = format!("{}{}", &line[..start], line.get(end + 2..).unwrap_or_default());
                if !rest.trim().is_empty() {
                    kept.push_str(&rest);
                    kept.push('\n');
                }
            }
            _ => {
                kept.push_str(line);
                kept.push('\n');
            }
        }
    }
    kept
}

/// With every description empty. Some are laid out as Go's reader of YAML takes it and a strict one does not.
fn undescribed(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let key = line.trim_start().trim_start_matches("- ");
        let Some(value) = key.strip_prefix("description: ") else {
            kept.push_str(line);
            kept.push('\n');
            continue;
        };
        let column = line.len() - key.len();
        kept.push_str(&line[..column]);
        kept.push_str("description: \"\"\n");
        let quote = value.chars().next().filter(|first| matches!(first, '\'' | '"'));
        match quote {
            Some(quote) if closes(&value[1..], quote) => {}
            Some(quote) => while lines.next().is_some_and(|line| !closes(line, quote)) {},
            None => {
                let within =
                    |line: &&str| line.trim().is_empty() || line.len() - line.trim_start().len() > column;
                while lines.next_if(within).is_some() {}
            }
        }
    }
    kept
}

/// Whether `text` ends with the end of a quoted scalar: in `'` a quote is doubled, in `"` it stands after a backslash.
fn closes(text: &str, quote: char) -> bool {
    let text = text.trim_end();
    let Some(before) = text.strip_suffix(quote) else {
        return false;
    };
    match quote {
        '\'' => (text.len() - text.trim_end_matches(quote).len()) % 2 == 1,
        _ => (before.len() - before.trim_end_matches('\\').len()) % 2 == 0,
    }
}

/// The schemas of a Go file that is a map of names to raw strings of YAML.
fn schemas(go: &str) -> Result<BTreeMap<String, Value>> {
    let mut found = BTreeMap::new();
    // Raw strings are the odd pieces; the piece before each ends with its quoted name.
    let pieces: Vec<&str> = go.split('`').collect();
    for pair in pieces.chunks_exact(2) {
        let name = pair[0].rsplit('"').nth(1).context("a schema without a name")?;
        let schema = yaml(&undescribed(pair[1])).with_context(|| format!("the schema of {name}"))?;
        found.insert(name.to_owned(), schema["openAPIV3Schema"].clone());
    }
    if found.is_empty() {
        bail!("no schemas");
    }
    Ok(found)
}
