//! What a server of the testbed says and holds right after its first start, without any controller: `version.json`,
//! `discovery.json` (both aggregated documents, a group a line) and `objects.jsonl` (an object a line, by resource,
//! namespace and name).
//!
//! Left out: the Lease of the server itself, whose name and holder are random, and the ConfigMap
//! `extension-apiserver-authentication`, which holds this server's own authorities.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};
use testbed::{ControlPlane, until};

use super::File;
use super::ask::get;
use crate::cargo::say;

const PLAIN: &str = "application/json";
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// How long a server may go on making objects of its own after it is ready.
const SETTLED: Duration = Duration::from_secs(60);

/// How many looks in a row must show the same as the one before.
const LOOKS: u32 = 3;

/// What a fresh server listens on in the record.
const PORT: u16 = 6443;

/// The three files of the testbed's minor.
pub fn files() -> Result<Vec<File>> {
    say("starting a server");
    let site = ControlPlane::builder().controller_manager(false).start()?;
    let version = get(&site, "/version", PLAIN)?;
    let text = |field: &str| version[field].as_str().with_context(|| format!("a version without {field}"));
    let folder = format!("record/{}.{}", text("major")?, text("minor")?);
    let discovery = [get(&site, "/api", AGGREGATED)?, get(&site, "/apis", AGGREGATED)?];

    // Some objects come after the server is ready.
    let (mut last, mut same) = (Vec::new(), 0);
    let objects = until(SETTLED, "a server that makes no more objects", || {
        let now = objects(&site, &discovery)?;
        same = if now == last { same + 1 } else { 0 };
        last = now;
        Ok((same == LOOKS).then(|| last.clone()))
    })?;
    let pretty = serde_json::to_string_pretty(&version).context("cannot write the version")?;
    Ok(vec![
        File { path: "version.json", folder: folder.clone(), content: format!("{pretty}\n").into_bytes() },
        File { path: "discovery.json", folder: folder.clone(), content: written(&discovery).into_bytes() },
        File { path: "objects.jsonl", folder, content: (objects.join("\n") + "\n").into_bytes() },
    ])
}

/// One JSON object with both documents, a group a line.
fn written(documents: &[Value; 2]) -> String {
    let [core, groups] = documents.each_ref().map(|document| {
        let mut head = document.as_object().cloned().unwrap_or_default();
        let items = head.remove("items").unwrap_or_default();
        let lines: Vec<String> = items.as_array().into_iter().flatten().map(Value::to_string).collect();
        let head = Value::Object(head).to_string();
        format!("{},\"items\":[\n{}\n]}}", head.strip_suffix('}').unwrap_or(&head), lines.join(",\n"))
    });
    format!("{{\n\"/api\":{core},\n\"/apis\":{groups}\n}}\n")
}

/// All objects of all resources that can be listed, in the order of the record.
fn objects(site: &ControlPlane, discovery: &[Value; 2]) -> Result<Vec<String>> {
    let port = site.url().rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    let mut kept = Vec::new();
    for group in discovery.iter().filter_map(|document| document["items"].as_array()).flatten() {
        let name = group["metadata"]["name"].as_str().unwrap_or_default();
        // The first version is the preferred one.
        let version = &group["versions"][0];
        let prefix = match name {
            "" => "/api/v1".to_owned(),
            name => format!("/apis/{name}/{}", version["version"].as_str().unwrap_or_default()),
        };
        for resource in version["resources"].as_array().into_iter().flatten() {
            let lists = resource["verbs"].as_array().is_some_and(|verbs| verbs.contains(&"list".into()));
            let plural = resource["resource"].as_str().unwrap_or_default();
            // A view of what runs, kept nowhere. And Events are not what a server holds.
            if !lists || plural == "componentstatuses" || plural == "events" {
                continue;
            }
            let list = get(site, &format!("{prefix}/{plural}"), PLAIN)?;
            let api = list["apiVersion"].clone();
            let kind = resource["responseKind"]["kind"].clone();
            for item in list["items"].as_array().into_iter().flatten() {
                let mut object =
                    Map::from_iter([("kind".into(), kind.clone()), ("apiVersion".into(), api.clone())]);
                object.extend(item.as_object().cloned().unwrap_or_default());
                if !left_out(&object) {
                    let mut object = Value::Object(object);
                    mark(&mut object, port);
                    let meta = &object["metadata"];
                    let key =
                        [name, plural, text(&meta["namespace"]), text(&meta["name"])].map(str::to_owned);
                    kept.push((key, object.to_string()));
                }
            }
        }
    }
    kept.sort();
    Ok(kept.into_iter().map(|(_, line)| line).collect())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn left_out(object: &Map<String, Value>) -> bool {
    let name = text(&object["metadata"]["name"]);
    match text(&object["kind"]) {
        "Lease" => name.starts_with("apiserver-"),
        "ConfigMap" => name == "extension-apiserver-authentication",
        _ => false,
    }
}

/// Replaces what differs from one fresh server to the next.
fn mark(value: &mut Value, port: Option<u16>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                match name.as_str() {
                    "uid" if field.is_string() => *field = "@uid".into(),
                    "resourceVersion" if field.is_string() => *field = "@revision".into(),
                    _ => mark(field, port),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mark(item, port)),
        Value::String(text) if is_time(text) => *text = "@now".into(),
        Value::String(text) if is_date(text) => *text = "@date".into(),
        Value::Number(number) if port.is_some() && number.as_u64() == port.map(u64::from) => {
            *value = PORT.into();
        }
        _ => {}
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

fn is_time(text: &str) -> bool {
    text.len() >= 20 && text.ends_with('Z') && text.get(..10).is_some_and(is_date) && &text[10..11] == "T"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_differs_between_two_servers_becomes_a_mark() {
        let mut object = json!({
            "metadata": {"uid": "1", "resourceVersion": "2", "creationTimestamp": "2026-01-02T03:04:05Z"},
            "data": {"since": "2026-01-02", "at": "T"}, "ports": [41234, 443],
        });
        mark(&mut object, Some(41234));
        let meta = json!({"uid": "@uid", "resourceVersion": "@revision", "creationTimestamp": "@now"});
        assert_eq!(
            object,
            json!({"metadata": meta, "data": {"since": "@date", "at": "T"}, "ports": [6443, 443]})
        );
    }
}
