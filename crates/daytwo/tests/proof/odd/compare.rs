//! Compares the cluster before it was wiped with the one that was restored, every field of every object.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::kinds::Found;
use super::rules::{FIELDS, Object, apart};

/// What became of an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    Equal,
    /// It is rightly not what it was, for this reason.
    Apart(&'static str),
    /// The fields that differ, with what they were and are.
    Different(Vec<String>),
    Missing,
    /// It was not there before.
    New,
}

impl Fate {
    pub fn well(&self) -> bool {
        matches!(self, Fate::Equal | Fate::Apart(_))
    }
}

/// The fate of every object that is in either.
pub fn compare(
    before: &BTreeMap<String, Found>,
    after: &BTreeMap<String, Found>,
    passed_over: &dyn Fn(&str) -> bool,
) -> BTreeMap<String, Fate> {
    let (was, is) = (Uids::of(before), Uids::of(after));
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    keys.into_iter()
        .map(|key| {
            let fate = match (before.get(key), after.get(key)) {
                (Some(before), after) if apart(key, &before.value).is_some() => {
                    let why = apart(key, &before.value).unwrap();
                    // What was being deleted, or asked for an act, must not come back.
                    let back = matches!(
                        why,
                        "it was being deleted" | "it asks for an act, which would be done again"
                    );
                    if back && after.is_some() { Fate::New } else { Fate::Apart(why) }
                }
                (None, Some(after)) => apart(key, &after.value).map_or(Fate::New, Fate::Apart),
                (Some(_), None) => Fate::Missing,
                (Some(before), Some(after)) => {
                    fields(key, &normal(&before.value, &was), &normal(&after.value, &is), passed_over)
                }
                (None, None) => unreachable!("a key of either"),
            };
            (key.clone(), fate)
        })
        .collect()
}

fn fields(key: &str, before: &Value, after: &Value, passed_over: &dyn Fn(&str) -> bool) -> Fate {
    let mut differences = Vec::new();
    differ(&mut Vec::new(), before, after, &mut differences);
    let object = Object { key, before };
    differences.retain(|(path, _)| {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        !FIELDS.iter().any(|rule| (rule.of)(&object) && within(&path, rule.path))
            && !passed_over(&path.join(" "))
    });
    if differences.is_empty() {
        return Fate::Equal;
    }
    Fate::Different(
        differences.into_iter().map(|(path, what)| format!("{}: {what}", path.join(" "))).collect(),
    )
}

/// Whether `path` is `rule` or lies below it.
fn within(path: &[&str], rule: &[&str]) -> bool {
    let is = |part: &str, rule: &str| match rule.strip_suffix('*') {
        Some(begin) => part.starts_with(begin),
        None => part == rule,
    };
    path.len() >= rule.len() && path.iter().zip(rule).all(|(part, rule)| is(part, rule))
}

fn differ(at: &mut Vec<String>, before: &Value, after: &Value, out: &mut Vec<(Vec<String>, String)>) {
    let empty = Value::Object(Map::new());
    match (before, after) {
        (Value::Object(one), Value::Null) if !one.is_empty() => differ(at, before, &empty, out),
        (Value::Null, Value::Object(other)) if !other.is_empty() => differ(at, &empty, after, out),
        (Value::Object(one), Value::Object(other)) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                at.push(key.clone());
                match (one.get(key), other.get(key)) {
                    (Some(one), Some(other)) => differ(at, one, other, out),
                    (Some(one @ Value::Object(_)), None) => differ(at, one, &Value::Null, out),
                    (None, Some(other @ Value::Object(_))) => differ(at, &Value::Null, other, out),
                    (one, other) => out.push((at.clone(), changed(one, other))),
                }
                at.pop();
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (number, (one, other)) in one.iter().zip(other).enumerate() {
                at.push(number.to_string());
                differ(at, one, other, out);
                at.pop();
            }
        }
        (one, other) if one == other => {}
        (one, other) => out.push((at.clone(), changed(Some(one), Some(other)))),
    }
}

fn changed(before: Option<&Value>, after: Option<&Value>) -> String {
    let short = |value: Option<&Value>| match value {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(value) => {
            let text = value.to_string();
            let short: String = text.chars().take(120).collect();
            if short.len() < text.len() { format!("{short}…") } else { text }
        }
    };
    format!("{} → {}", short(before), short(after))
}

/// What UIDs are of.
struct Uids(HashMap<String, String>);

impl Uids {
    fn of(objects: &BTreeMap<String, Found>) -> Uids {
        let uid = |found: &Found| found.value["metadata"]["uid"].as_str().unwrap().to_owned();
        Uids(objects.iter().map(|(key, found)| (uid(found), key.clone())).collect())
    }

    /// `text` with the names of objects for their UIDs.
    fn named(&self, text: &str) -> Option<String> {
        const LENGTH: usize = 36;
        if text.len() < LENGTH {
            return None;
        }
        let bytes = text.as_bytes();
        let mut out = String::new();
        let (mut from, mut at) = (0, 0);
        while at + LENGTH <= bytes.len() {
            let dashed = bytes[at + 8] == b'-' && bytes[at + 13] == b'-';
            let name = dashed.then(|| text.get(at..at + LENGTH)).flatten().and_then(|uid| self.0.get(uid));
            match name {
                Some(name) => {
                    out.push_str(&text[from..at]);
                    out.push_str("uid of ");
                    out.push_str(name);
                    at += LENGTH;
                    from = at;
                }
                None => at += 1,
            }
        }
        (from > 0).then(|| out + &text[from..])
    }

    fn name(&self, value: Value) -> Value {
        let text = |text: String| self.named(&text).unwrap_or(text);
        match value {
            Value::String(old) => Value::String(text(old)),
            Value::Array(values) => Value::Array(values.into_iter().map(|value| self.name(value)).collect()),
            Value::Object(fields) => {
                Value::Object(fields.into_iter().map(|(key, value)| (text(key), self.name(value))).collect())
            }
            other => other,
        }
    }
}

/// An object as it is compared: its managers by their names, UIDs by what they are of, generations by whether they are
/// the last.
fn normal(object: &Value, uids: &Uids) -> Value {
    let mut object = uids.name(object.clone());
    if let Some(entries) = object["metadata"]["managedFields"].as_array() {
        let managers = entries.iter().map(|entry| {
            let text = |key: &str| entry[key].as_str().unwrap_or_default();
            let (part, manager) = (text("subresource"), text("manager"));
            (format!("{part} {} {} {manager}", text("operation"), text("apiVersion")), entry.clone())
        });
        object["metadata"]["managedFields"] = Value::Object(managers.collect());
    }
    let generation = object["metadata"]["generation"].clone();
    if let Some(status) = object.get_mut("status") {
        older(status, &generation);
    }
    object
}

fn older(value: &mut Value, generation: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(observed) = fields.get_mut("observedGeneration") {
                *observed = (if observed == generation { "the last" } else { "an older one" }).into();
            }
            fields.values_mut().for_each(|value| older(value, generation));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| older(value, generation)),
        _ => {}
    }
}
