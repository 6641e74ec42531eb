//! The set of odd objects: read from `set/*.yaml` (its README says what a document may be), and put into a cluster.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use testbed::{Api, until};

use super::kinds::{Kinds, key};

/// How long a controller may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// An object of the set that was made.
#[derive(Debug)]
pub struct Made {
    /// `KIND/NAMESPACE/NAME`.
    pub key: String,
    /// What is odd about it.
    pub odd: String,
}

struct Document {
    file: String,
    odd: String,
    content: Value,
}

/// Puts the set into the cluster.
pub fn make(api: &mut Api) -> Vec<Made> {
    let mut kinds = Kinds::of(api);
    let mut made: Vec<Made> = Vec::new();
    let mut refused = Vec::new();
    for Document { file, odd, mut content } in documents() {
        match put(api, &mut kinds, &mut content) {
            Ok(Some(key)) if made.iter().all(|made| made.key != key) => {
                assert!(!odd.is_empty(), "{file}: {key}: nothing says what is odd about it");
                made.push(Made { key, odd });
            }
            Ok(_) => {}
            Err(error) => refused.push(format!("{file}: {odd}: {error:#}")),
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
    made
}

/// Does what a document says; the key of what it makes, or changes.
fn put(api: &mut Api, kinds: &mut Kinds, content: &mut Value) -> Result<Option<String>> {
    // What is of an object that is there already can only be looked up now.
    name_uids(api, kinds, content)?;
    match content["do"].as_str() {
        None => create(api, kinds, content).map(Some),
        Some("apply") => apply(api, kinds, content).map(Some),
        Some(act) => {
            act_on(api, kinds, act, content)?;
            // A patch makes an object of the set of one that was there.
            Ok((act == "patch").then(|| content["of"].as_str().unwrap().to_owned()))
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proof/odd/set")
}

fn documents() -> Vec<Document> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    let mut documents = Vec::new();
    for path in files {
        let file = path.file_stem().unwrap().to_str().unwrap()[3..].to_owned();
        let text = repeat(&std::fs::read_to_string(&path).unwrap());
        for text in text.split("\n---\n") {
            let comments = text.lines().map_while(|line| line.strip_prefix("# "));
            let odd = comments.collect::<Vec<_>>().join(" ");
            let options = serde_saphyr::options! { budget: None, strict_booleans: true };
            let content = serde_saphyr::from_str_with_options(text, options);
            let content = content.unwrap_or_else(|error| panic!("{file}: {odd}: {error}"));
            documents.push(Document { file: file.clone(), odd, content });
        }
    }
    documents
}

/// Puts a thousand `x` for `<x*1000>`.
fn repeat(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find('<') {
        let end = rest[begin..].find('>').map_or(rest.len() - 1, |at| begin + at);
        let times =
            rest[begin + 1..end].split_once('*').and_then(|(what, times)| Some((what, times.parse().ok()?)));
        out.push_str(&rest[..begin]);
        match times {
            Some((what, times)) => out.push_str(&str::repeat(what, times)),
            None => out.push_str(&rest[begin..=end]),
        }
        rest = &rest[end + 1..];
    }
    out + rest
}

fn name_uids(api: &mut Api, kinds: &mut Kinds, value: &mut Value) -> Result<()> {
    match value {
        Value::String(text) => {
            if let Some(key) = text.strip_prefix("<uid of ").and_then(|rest| rest.strip_suffix('>')) {
                let path = kinds.path(api, key);
                let object = api.get(&path)?;
                *text = object["metadata"]["uid"].as_str().unwrap().to_owned();
            }
        }
        Value::Array(values) => values.iter_mut().try_for_each(|value| name_uids(api, kinds, value))?,
        Value::Object(fields) => fields.values_mut().try_for_each(|value| name_uids(api, kinds, value))?,
        _ => {}
    }
    Ok(())
}

fn create(api: &mut Api, kinds: &mut Kinds, object: &Value) -> Result<String> {
    let kind = kinds.kind(api, object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    let path = kind.collection(object["metadata"]["namespace"].as_str());
    // What was defined just now is served a moment later.
    until(PATIENCE, &format!("{path} to be served"), || {
        match api.create(&format!("{path}?fieldManager=odd"), object) {
            Err(error)
                if error.to_string().contains(": 404:") && !error.to_string().contains("namespaces \\\"") =>
            {
                Ok(None)
            }
            answer => answer.map(Some),
        }
    })
    .map(|created| key(&created))
}

fn apply(api: &mut Api, kinds: &mut Kinds, document: &Value) -> Result<String> {
    let object = &document["object"];
    let path = kinds.path(api, &key(object));
    api.apply(&path, document["as"].as_str().unwrap(), object).map(|applied| key(&applied))
}

fn act_on(api: &mut Api, kinds: &mut Kinds, act: &str, document: &Value) -> Result<()> {
    let of = document["of"].as_str().unwrap();
    let path = kinds.path(api, of);
    match act {
        "patch" => {
            let at = document["at"].as_str().map_or(String::new(), |at| format!("/{at}"));
            let manager = document["as"].as_str().unwrap();
            api.patch(&format!("{path}{at}?fieldManager={manager}"), &document["patch"]).map(drop)
        }
        "delete" => api.delete(&path).map(drop),
        "wait" => until(PATIENCE, &format!("{of} to be {}", document["until"]), || {
            Ok(contains(&api.get(&path)?, &document["until"]).then_some(()))
        }),
        "end" => end(api, &path, document["phase"].as_str().unwrap()),
        other => panic!("do: {other}"),
    }
}

/// Whether `value` has all that `part` has.
fn contains(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (Value::Object(value), Value::Object(part)) => {
            part.iter().all(|(key, part)| value.get(key).is_some_and(|value| contains(value, part)))
        }
        (value, part) => value == part,
    }
}

/// Lets the pods of a Job end.
fn end(api: &mut Api, job: &str, phase: &str) -> Result<()> {
    let (namespace, name) = job.rsplit_once("/jobs/").unwrap();
    let pods = format!("{}/pods", namespace.replace("/apis/batch/v1", "/api/v1"));
    let status = json!({ "status": { "phase": phase } });
    until(PATIENCE, &format!("a pod of {job}"), || {
        let list = api.get(&format!("{pods}?labelSelector=job-name%3D{name}"))?;
        let Some(pod) = list["items"].as_array().and_then(|items| items.first()) else { return Ok(None) };
        let pod = pod["metadata"]["name"].as_str().unwrap();
        api.patch(&format!("{pods}/{pod}/status?fieldManager=kubelet"), &status).map(Some)
    })?;
    let wanted = if phase == "Failed" { "Failed" } else { "Complete" };
    until(PATIENCE, &format!("{job} to be {wanted}"), || {
        let conditions = api.get(job)?["status"]["conditions"].to_string();
        Ok(conditions.contains(&format!("\"{wanted}\"")).then_some(()))
    })
}
