//! Reads bodies as the server reads them: JSON (`sigs.k8s.io/json`) and YAML, 10,000 levels deep at most, fields that
//! stand twice named, mistakes in the words of Go's `encoding/json`. Nothing recurses over JSON, so no depth ends a
//! thread's stack.
//!
//! It refuses to know kinds: what a body should hold is for whoever asked for it.

mod scalars;
mod yaml;

use std::fmt;

use serde_json::{Map, Value};

use crate::ask::Object;
use crate::deep;
use crate::field::quoted;

pub use yaml::yaml;

/// As many fields that stand twice as the server names.
const MOST: usize = 100;

/// How deep values may be nested.
pub const MAX_DEPTH: usize = 10_000;

/// What was read.
#[derive(Debug)]
pub struct Read {
    /// The value; of fields that stand twice, the last.
    pub value: Value,
    /// The paths of fields that stand more than once, as `spec.containers[0].name`, each once, the first hundred.
    pub duplicates: Vec<String>,
}

impl Read {
    /// What strict reading has against the fields that stand twice, in order.
    pub fn complaints(&self) -> Vec<String> {
        self.duplicates.iter().map(|path| format!("duplicate field {}", quoted(path))).collect()
    }
}

/// Bytes that are no JSON, or hold a number that Go holds in nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    words: String,
    /// Whether it is the number: then the text is JSON.
    pub number: bool,
}

impl ReadError {
    fn new(words: impl Into<String>) -> ReadError {
        ReadError { words: words.into(), number: false }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.words)
    }
}

impl std::error::Error for ReadError {}

/// The value of a JSON text, of which nobody asks what stands twice.
///
/// # Errors
/// As [`read`].
pub fn value(bytes: &[u8]) -> Result<Value, ReadError> {
    match serde_json::from_slice(bytes) {
        Ok(value) => Ok(value),
        // It stops at 128 levels, takes no lone surrogates, and says what is wrong in other words.
        Err(_) => read(bytes).map(|read| read.value),
    }
}

/// The object of a JSON text that is known to be one.
pub fn object(bytes: &[u8]) -> Option<Object> {
    match value(bytes) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}

/// Reads one value.
///
/// # Errors
/// Go's words, without what they are about.
pub fn read(bytes: &[u8]) -> Result<Read, ReadError> {
    let mut reader = Reader { bytes, at: 0, open: Vec::new(), duplicates: Vec::new() };
    let read = reader.value();
    match read {
        Ok(value) => Ok(Read { value, duplicates: reader.duplicates }),
        Err(error) => {
            for open in reader.open {
                match open {
                    Open::List(list) => list.into_iter().for_each(deep::discard),
                    Open::Map(map, _) => map.into_iter().for_each(|(_, value)| deep::discard(value)),
                }
            }
            Err(error)
        }
    }
}

/// What a value is called in Go's complaints.
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Go's complaint about a body that should have a version and a kind.
pub fn not_an_object(found: &str) -> String {
    let shape = "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }";
    format!("json: cannot unmarshal {found} into Go value of type {shape}")
}

enum Open {
    List(Vec<Value>),
    Map(Map<String, Value>, String),
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    open: Vec<Open>,
    duplicates: Vec<String>,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Value, ReadError> {
        loop {
            let mut done = match self.start()? {
                Some(value) => value,
                None => continue,
            };
            loop {
                let Some(top) = self.open.last_mut() else {
                    self.space();
                    return match self.bytes.get(self.at) {
                        None => Ok(done),
                        Some(byte) => {
                            deep::discard(done);
                            Err(unexpected(*byte, "after top-level value"))
                        }
                    };
                };
                let list = matches!(top, Open::List(_));
                match top {
                    Open::List(list) => list.push(done),
                    Open::Map(map, key) => {
                        if let Some(before) = map.insert(std::mem::take(key), done) {
                            deep::discard(before);
                        }
                    }
                }
                self.space();
                let context = if list { "after array element" } else { "after object key:value pair" };
                match (self.take()?, list) {
                    (b',', true) => break,
                    (b',', false) => {
                        self.key()?;
                        break;
                    }
                    (b']', true) | (b'}', false) => done = self.close(),
                    (byte, _) => return Err(unexpected(byte, context)),
                }
            }
        }
    }

    /// A scalar or something empty; `None` where something was opened.
    fn start(&mut self) -> Result<Option<Value>, ReadError> {
        const CONTEXT: &str = "looking for beginning of value";
        self.space();
        Ok(Some(match self.take()? {
            b'"' => Value::String(self.string()?),
            byte @ (b'{' | b'[') => {
                if self.open.len() >= MAX_DEPTH {
                    return Err(unexpected(byte, "exceeded max depth"));
                }
                self.space();
                let end = if byte == b'{' { b'}' } else { b']' };
                if self.bytes.get(self.at) == Some(&end) {
                    self.at += 1;
                    return Ok(Some(if byte == b'{' {
                        Value::Object(Map::new())
                    } else {
                        Value::Array(Vec::new())
                    }));
                }
                match byte {
                    b'{' => {
                        self.open.push(Open::Map(Map::new(), String::new()));
                        self.key()?;
                    }
                    _ => self.open.push(Open::List(Vec::new())),
                }
                return Ok(None);
            }
            b't' => self.literal("true", Value::Bool(true))?,
            b'f' => self.literal("false", Value::Bool(false))?,
            b'n' => self.literal("null", Value::Null)?,
            b'-' | b'0'..=b'9' => {
                self.at -= 1;
                self.number()?
            }
            byte => return Err(unexpected(byte, CONTEXT)),
        }))
    }

    fn close(&mut self) -> Value {
        match self.open.pop() {
            Some(Open::List(list)) => Value::Array(list),
            Some(Open::Map(map, _)) => Value::Object(map),
            None => Value::Null,
        }
    }

    fn space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn take(&mut self) -> Result<u8, ReadError> {
        let byte =
            self.bytes.get(self.at).copied().ok_or_else(|| ReadError::new("unexpected end of JSON input"))?;
        self.at += 1;
        Ok(byte)
    }

    fn key(&mut self) -> Result<(), ReadError> {
        const CONTEXT: &str = "looking for beginning of object key string";
        self.space();
        match self.take()? {
            b'"' => {}
            byte => return Err(unexpected(byte, CONTEXT)),
        }
        let name = self.string()?;
        self.space();
        match self.take()? {
            b':' => {}
            byte => return Err(unexpected(byte, "after object key")),
        }
        if matches!(self.open.last(), Some(Open::Map(map, _)) if map.contains_key(&name)) {
            let place = self.place(&name);
            if self.duplicates.len() < MOST && !self.duplicates.contains(&place) {
                self.duplicates.push(place);
            }
        }
        if let Some(Open::Map(_, key)) = self.open.last_mut() {
            *key = name;
        }
        Ok(())
    }

    /// Where a field stands, as `a.b[0].name`.
    fn place(&self, name: &str) -> String {
        let mut place = String::new();
        let (_, above) = self.open.split_last().unwrap_or((&Open::List(Vec::new()), &[]));
        for open in above {
            match open {
                Open::List(list) => place.push_str(&format!("[{}]", list.len())),
                Open::Map(_, key) if place.is_empty() => place.push_str(key),
                Open::Map(_, key) => place.push_str(&format!(".{key}")),
            }
        }
        if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
    }
}

fn quote(character: char) -> String {
    match character {
        '\'' => "'\\''".to_owned(),
        '"' => "'\"'".to_owned(),
        other => format!("'{}'", quoted(&other.to_string()).trim_matches('"')),
    }
}

fn unexpected(byte: u8, context: &str) -> ReadError {
    ReadError::new(format!("invalid character {} {context}", quote(char::from(byte))))
}

#[cfg(test)]
mod tests;
