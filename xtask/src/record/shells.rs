//! Definitions whose schema stands apart, or nowhere: the rest of each is a line of `shells.txt`.

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

const LINES: &str = include_str!("shells.txt");

/// The definitions of the groups that end in `domain`, each with the schema that `schema` finds for its singular.
pub fn definitions(domain: &str, schema: impl Fn(&str) -> Option<Value>) -> Result<Vec<Value>> {
    let lines = LINES.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let of_it = lines.filter(|line| line.split(' ').next().is_some_and(|group| group.ends_with(domain)));
    of_it.map(|line| definition(line, &schema).with_context(|| format!("shells.txt: {line}"))).collect()
}

fn definition(line: &str, schema: impl Fn(&str) -> Option<Value>) -> Result<Value> {
    let words: Vec<&str> = line.split(' ').collect();
    let [group, plural, kind, shorts, categories, scope, versions, subresources, columns @ ..] = &words[..]
    else {
        bail!("too few fields");
    };
    let singular = kind.to_lowercase();
    let schema = schema(&singular).with_context(|| format!("no schema for {singular}"))?;
    let columns = columns.iter().map(|column| printed(column)).collect::<Result<Vec<_>>>()?;
    let versions: Vec<Value> = list(versions)
        .map(|mark| {
            let name = mark.trim_end_matches(['*', '!']);
            let mut version = json!({"name": name, "served": true, "storage": mark.contains('*')});
            if mark.ends_with('!') {
                version["deprecated"] = true.into();
            }
            version["schema"] = json!({"openAPIV3Schema": schema});
            if *subresources != "-" {
                version["subresources"] = list(subresources).map(subresource).collect::<Map<_, _>>().into();
            }
            if !columns.is_empty() {
                version["additionalPrinterColumns"] = columns.clone().into();
            }
            version
        })
        .collect();
    let mut names = json!({"plural": plural, "singular": singular, "kind": kind});
    for (field, words) in [("shortNames", shorts), ("categories", categories)] {
        if *words != "-" {
            names[field] = list(words).collect();
        }
    }
    Ok(json!({
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {"group": group, "names": names, "scope": scope, "versions": versions},
    }))
}

fn list(words: &str) -> impl Iterator<Item = &str> {
    words.split(',').filter(|word| *word != "-")
}

fn subresource(name: &str) -> (String, Value) {
    let value = match name {
        "scale" => json!({
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.labelSelector",
        }),
        _ => json!({}),
    };
    (name.to_owned(), value)
}

fn printed(column: &str) -> Result<Value> {
    let parts: Vec<&str> = column.split(':').collect();
    let [name, kind, path, priority @ ..] = &parts[..] else {
        bail!("{column} is no column");
    };
    let mut printed = json!({"name": name.replace('_', " "), "type": kind, "jsonPath": path});
    if let [priority] = priority {
        printed["priority"] = priority.parse::<u8>().context("no priority")?.into();
    }
    Ok(printed)
}
