//! Takes out of an answer what is random by nature, and puts a label in its place: uids, resourceVersions, times, allocated
//! addresses and ports, generated names, tokens. A label says where the value was first seen, so that an answer which
//! repeats a value has the same label again: that two things are one, or differ, is compared still.
//!
//! What the script itself wrote is never taken out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use super::tidy::tidy;

/// What is written in place of what one side made up.
pub struct Labels {
    /// By the value, what stands for it.
    known: HashMap<String, String>,
    /// What generated names begin with.
    prefixes: BTreeSet<String>,
    /// `host:port` of the server, and the path below which it serves.
    address: String,
    /// What the script says, whose values stay.
    script: String,
}

static UUID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").expect("a pattern")
});
/// The years in which tests run; scripts write earlier ones.
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"20(?:2[1-9]|[3-8][0-9])-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})")
        .expect("a pattern")
});
/// Addresses of Services, and of the pods that kwok runs, in the order in which it comes to them.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:10\.[0-9]{1,3}|198\.51)\.[0-9]{1,3}\.[0-9]{1,3}\b").expect("a pattern")
});
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"eyJ[\w-]+\.[\w-]+\.[\w-]+|-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?")
        .expect("a pattern")
});
/// Names that admission makes.
static MADE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(kube-api-access-)[a-z0-9]{5}\b").expect("a pattern"));
/// Revisions in messages.
static REVISION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(current: |ResourceVersion in precondition: |ResourceVersion in object meta: |compacted: |resource version: [0-9]+ \(|does not match the ResourceVersion in record \()[0-9]+")
        .expect("a pattern")
});
/// A whole object in a message, as where a patch makes of it what cannot be read.
static WHOLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"Invalid value: "\{\\"(?:apiVersion|kind)\\"(?:[^"\\]|\\.)*""#).expect("a pattern")
});
/// Where in its source a server made a scheme depends on how it was built.
static SCHEME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"in scheme "[^"]*""#).expect("a pattern"));
/// managedFields in a message.
static MANAGED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#","managedFields":\[[^\]]*\]"#).expect("a pattern"));
/// A node's port in a table: `80:30123/TCP`.
static PORT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r":(3[0-2][0-9]{3})/").expect("a pattern"));
/// A generated name holds at most so much of its prefix
/// (`MaxGeneratedNameLength`, k8s.io/apiserver/pkg/storage/names/generate.go).
const PREFIX: usize = 58;

impl Labels {
    /// For one side, at this URL, and this script.
    pub fn new(url: &str, script: &str) -> Self {
        let address = url.trim_start_matches("https://").to_owned();
        Self { known: HashMap::new(), prefixes: BTreeSet::new(), address, script: script.to_owned() }
    }

    /// `value` as it can be compared; `place` names the call.
    pub fn value(&mut self, place: &str, value: &Value) -> Value {
        self.learn(value);
        let value = tidy(value, &self.script);
        self.name_objects(place, &value);
        self.walk(place, &value)
    }

    /// An object's own uid is called after the object, wherever else it stands.
    fn name_objects(&mut self, place: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(uid)) = fields.get("metadata").and_then(|meta| meta.get("uid"))
                    && UUID.is_match(uid)
                {
                    self.label("uid", &format!("{place}.metadata.uid"), uid);
                }
                fields.iter().for_each(|(key, value)| self.name_objects(&format!("{place}.{key}"), value));
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items.for_each(|(at, value)| self.name_objects(&format!("{place}[{at}]"), value));
            }
            _ => {}
        }
    }

    /// Notes what generated names begin with, in what is sent and in what comes back.
    pub fn learn(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(prefix)) = fields.get("generateName")
                    && !prefix.is_empty()
                {
                    self.prefixes.insert(prefix.chars().take(PREFIX).collect());
                }
                fields.values().for_each(|value| self.learn(value));
            }
            Value::Array(items) => items.iter().for_each(|value| self.learn(value)),
            _ => {}
        }
    }

    fn walk(&mut self, place: &str, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let mut out = Map::new();
                // By name, as the sides may write fields in another order.
                for (key, value) in fields.iter().collect::<BTreeMap<_, _>>() {
                    let place = format!("{place}.{key}");
                    let new = match (key.as_str(), value) {
                        ("resourceVersion", Value::String(text)) => self.revision(&place, text),
                        ("nodePort" | "healthCheckNodePort", Value::Number(port)) => {
                            self.label("port", &place, &port.to_string()).into()
                        }
                        (_, value) => self.walk(&place, value),
                    };
                    out.insert(key.clone(), new);
                }
                Value::Object(out)
            }
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(at, value)| self.walk(&format!("{place}[{at}]"), value))
                .collect(),
            Value::String(text) => self.text(place, text).into(),
            other => other.clone(),
        }
    }

    fn revision(&mut self, place: &str, text: &str) -> Value {
        match text {
            "" | "<revision>" => text.into(),
            _ => self.label("rv", place, &format!("rv {text}")).into(),
        }
    }

    /// Text of a body, a header or a program.
    pub fn text(&mut self, place: &str, text: &str) -> String {
        let host = self.address.split('/').next().unwrap_or_default();
        let mut text = text.replace(&self.address, "<server>").replace(host, "<server>");
        for prefix in self.prefixes.clone() {
            text = self.generated(place, &text, &prefix);
        }
        if text.contains("eyJ") || text.contains("-----BEGIN") {
            text = SECRET.replace_all(&text, "<secret>").into_owned();
        }
        if text.contains('-') {
            text = UUID
                .replace_all(&text, |found: &Captures<'_>| self.label("uid", place, &found[0]))
                .into_owned();
        }
        if text.contains("kube-api-access-") {
            text = MADE.replace_all(&text, "$1<random>").into_owned();
        }
        if text.contains("20") {
            text = TIME
                .replace_all(&text, |found: &Captures<'_>| match found.get(1) {
                    _ if self.script.contains(&found[0]) => found[0].to_owned(),
                    None => "<time>".to_owned(),
                    Some(fraction) => format!("<time.{}>", fraction.len() - 1),
                })
                .into_owned();
        }
        if text.contains("10.") || text.contains("198.51.") {
            text = ADDRESS
                .replace_all(&text, |found: &Captures<'_>| self.label("ip", place, &found[0]))
                .into_owned();
        }
        if text.contains(' ') {
            text = REVISION.replace_all(&text, "$1<revision>").into_owned();
            text = SCHEME.replace_all(&text, "in scheme <scheme>").into_owned();
            text = MANAGED.replace_all(&text, "").into_owned();
            text = WHOLE.replace_all(&text, "Invalid value: \"<the object>\"").into_owned();
        }
        if text.contains(":3") {
            text = PORT
                .replace_all(&text, |found: &Captures<'_>| {
                    format!(":{}/", self.label("port", place, &found[1]))
                })
                .into_owned();
        }
        text
    }

    /// A column without the API's documentation of it, which the twin does not carry; what a definition says stays.
    fn heading(&self, column: &Value) -> Value {
        let mut column = column.clone();
        if let Some(Value::String(text)) = column.get_mut("description")
            && !text.starts_with("Custom resource definition column")
            && !self.script.contains(text.as_str())
        {
            text.clear();
        }
        column
    }

    /// Names of `prefix` and five characters.
    fn generated(&mut self, place: &str, text: &str, prefix: &str) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some(at) = rest.find(prefix) {
            let (before, found) = rest.split_at(at);
            out.push_str(before);
            let suffix: String = found[prefix.len()..]
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
                .collect();
            let length = prefix.len() + if suffix.len() == 5 { 5 } else { 0 };
            let (name, after) = found.split_at(length);
            match suffix.len() {
                5 => out.push_str(&self.label(prefix, place, name)),
                _ => out.push_str(name),
            }
            rest = after;
        }
        out + rest
    }

    /// What stands for `literal`, here and everywhere.
    fn label(&mut self, kind: &str, place: &str, literal: &str) -> String {
        if self.script.contains(literal) {
            return literal.to_owned();
        }
        self.known.entry(literal.to_owned()).or_insert_with(|| format!("<{kind} of {place}>")).clone()
    }
}

/// A bookmark's revision is that of the whole server too.
fn unsay_revisions(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "resourceVersion" => "<revision>".clone_into(text),
                    other => unsay_revisions(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(unsay_revisions),
        _ => {}
    }
}
