//! A request's patch, applied to an object as the server applies it (`k8s.io/apiserver/pkg/endpoints/handlers/patch.go`,
//! v0.36): JSON patches, merge patches, and strategic merge patches of built-in kinds.
//!
//! It refuses server-side apply: such a patch gets the answer of a server that has none.

mod merge;
mod operations;

use daytwo_core::patch::{strategic, table};
use daytwo_core::resource::ResourceType;
use serde_json::Value;

use crate::ask::{Object, Unknown};
use crate::body;
use crate::deep;
use crate::field::FieldError;
use crate::status::{Result, Status, Subject};

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// What a request is about, to its patch.
#[derive(Clone, Copy)]
pub struct About<'a> {
    /// The kind.
    pub kind: &'a ResourceType,
    /// Whether it is a custom resource, or a subresource of one.
    pub custom: bool,
    /// What becomes of fields that the kind has not.
    pub unknown: Unknown,
}

/// Reads the object that a patch made as a body is read, with what becomes of unknown fields.
pub type Decode<'a> = &'a mut dyn FnMut(Object, Unknown, &mut Vec<String>) -> Result<Object>;

/// `current` with `patch` applied, decoded.
///
/// # Errors
/// 415: no such patches, or not of this kind. 400: it cannot be read. 413: it has more than 10,000 operations. 422: it
/// does not apply, or what it makes cannot be decoded.
pub fn apply(
    content_type: &str,
    about: About<'_>,
    current: &Object,
    patch: &[u8],
    decode: Decode<'_>,
    warnings: &mut Vec<String>,
) -> Result<Object> {
    let content_type = content_type.split(';').next().unwrap_or_default();
    let strict = about.unknown != Unknown::Ignore;
    let patched = match content_type {
        JSON => operations::apply(current, patch, strict)?,
        MERGE => merge::apply(current, patch, strict)?,
        STRATEGIC if !about.custom => strategic_merge(about.kind, current, patch)?,
        other => return Err(refuse_type(other, about.custom)),
    };
    patched.decode(about, decode, warnings)
}

/// Whether patches of a type are taken of a kind, which is asked before the object is looked for.
///
/// # Errors
/// 415.
pub fn takes(content_type: &str, custom: bool) -> Result<()> {
    match content_type {
        JSON | MERGE => Ok(()),
        STRATEGIC if !custom => Ok(()),
        other => Err(refuse_type(other, custom)),
    }
}

/// Whether a request's type is one of a patch at all; the answer of those that are not, and of patches of other kinds.
fn refuse_type(content_type: &str, custom: bool) -> Status {
    let known = [JSON, MERGE, STRATEGIC, APPLY].contains(&content_type);
    if !custom && !known {
        // Requests about built-in kinds do not get as far as the handler of patches.
        return Status { bare: true, ..Status::unsupported_media_type("415: Unsupported Media Type") };
    }
    let accepted = match (custom, content_type) {
        (true, APPLY) => vec![JSON, MERGE],
        (true, _) => vec![JSON, MERGE, APPLY],
        (false, _) => vec![JSON, MERGE, STRATEGIC],
    };
    let accepted = accepted.join(", ");
    let opening = "the body of the request was in an unknown format - accepted media types include";
    Status::unsupported_media_type(format!("{opening}: {accepted}"))
}

/// The answer to a patch that does not apply: the server says no more.
fn rejected() -> Status {
    Status {
        bare: true,
        ..Status::new(422, "Invalid", "the server rejected our request due to an error in our request")
    }
}

/// What a patch made.
struct Patched {
    value: Value,
    /// What strict reading has against the patch itself.
    complaints: Vec<String>,
    /// The patch, where errors quote it and not what it made.
    quoted: Option<String>,
}

impl Patched {
    fn decode(self, about: About<'_>, decode: Decode<'_>, warnings: &mut Vec<String>) -> Result<Object> {
        let strategic = self.quoted.is_some();
        let shown = self.quoted.unwrap_or_else(|| deep::json(&self.value));
        let invalid = |why: String| {
            let error = FieldError::invalid("patch", shown.as_str(), why);
            Status::invalid(Subject { group: "", kind: "" }, "", &[error])
        };
        if deep::exceeds(&self.value, body::MAX_DEPTH) {
            deep::discard(self.value);
            return Err(invalid("exceeded max depth".to_owned()));
        }
        let Value::Object(object) = self.value else {
            deep::discard(self.value);
            return Err(invalid(format!(
                "couldn't get version/kind; json parse error: {}",
                body::not_an_object("array")
            )));
        };
        let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
        if about.custom && kind.is_empty() {
            return Err(invalid(format!("Object 'Kind' is missing in '{shown}'")));
        }
        let mut found = self.complaints;
        let unknown = if about.unknown == Unknown::Ignore { Unknown::Ignore } else { Unknown::Warn };
        let decoded = decode(object, unknown, &mut found).map_err(|status| match status.code {
            400 => {
                let why = cause(&status.message);
                let unread = if strategic { unread(why) } else { None };
                invalid(unread.unwrap_or_else(|| why.to_owned()))
            }
            _ => status,
        })?;
        match about.unknown {
            Unknown::Ignore => {}
            Unknown::Warn => warnings.extend(found),
            Unknown::Strict if found.is_empty() => {}
            Unknown::Strict => return Err(invalid(format!("strict decoding error: {}", found.join(", ")))),
        }
        Ok(decoded)
    }
}

/// What a decoder said, without what it said it of.
fn cause(message: &str) -> &str {
    let Some((_, rest)) = message.split_once(" cannot be handled as a ") else { return message };
    rest.split_once(": ").map_or(rest, |(_, cause)| cause)
}

fn strategic_merge(kind: &ResourceType, current: &Object, patch: &[u8]) -> Result<Patched> {
    let read = body::read(patch).map_err(|error| Status::bad_request(error.to_string()))?;
    let (complaints, value) = (read.complaints(), read.value);
    if !value.is_object() {
        let found = body::kind_of(&value);
        deep::discard(value);
        if found == "null" {
            return Ok(Patched { value: Value::Object(deep::copy_map(current)), complaints, quoted: None });
        }
        let what = "map[string]interface {}";
        return Err(Status::bad_request(format!(
            "json: cannot unmarshal {found} into Go value of type {what}"
        )));
    }
    let quoted = deep::print(&value);
    let fields = table::fields(&kind.group, &kind.kind).unwrap_or(&table::Fields::NONE);
    let mut object = Value::Object(deep::copy_map(current));
    strategic::apply(&mut object, &value, fields).map_err(strategic_error)?;
    Ok(Patched { value: object, complaints, quoted: Some(quoted) })
}

/// A strategic merge patch that does not apply, in the server's words
/// (`k8s.io/apimachinery/pkg/util/mergepatch/errors.go`, v0.36). The patch is quoted in them.
fn strategic_error(error: strategic::StrategicError) -> Status {
    use strategic::StrategicError as Error;
    let unforeseen = |words: String| Status::unforeseen(words);
    match error {
        Error::RetainKeys => Status::bad_request("invalid patch format of retainKeys"),
        Error::NoKey { key, element, .. } => {
            let element = deep::print(&Value::Object(element));
            unforeseen(format!("map: {element} does not contain declared merge key: {key}"))
        }
        Error::NoList { found, .. } => {
            unforeseen(format!("expected a []interface {{}}, but received a {}", go_type(&found)))
        }
        Error::Order { patch, order, .. } => {
            let [patch, order] = [patch, order].map(|list| deep::print(&Value::Array(list)));
            unforeseen(format!(
                "The order in patch list:\n{patch}\n doesn't match $setElementOrder list:\n{order}\n"
            ))
        }
        Error::Directive { map } => {
            let said = map.get("$patch").map(deep::print).unwrap_or_default();
            let map = deep::print(&Value::Object(map));
            unforeseen(format!("unknown patch type: {said} in map: {map}"))
        }
        Error::List(_) => Status::bad_request("invalid patch format of setElementOrder list"),
        Error::NoObject | Error::Custom(_) => Status::bad_request("invalid JSON document"),
    }
}

/// The type that Go holds a value in.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "%!s(<nil>)",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// What is wrong with a field's type, in the words of a server that does not read the field from text
/// (`k8s.io/apimachinery/pkg/runtime/converter.go`, v0.36): strategic merge patches are not.
fn unread(why: &str) -> Option<String> {
    let rest = why.strip_prefix("json: cannot unmarshal ")?;
    let (found, _) = rest.split_once(" into ")?;
    let found = found.split(' ').next()?;
    let (_, go) = rest.rsplit_once(" of type ")?;
    let [is, long] = match found {
        "object" => ["map", "map[string]interface {}"],
        "array" => ["slice", "[]interface {}"],
        "number" => ["int64", "int64"],
        other => [other, other],
    };
    let shape = match go {
        _ if go.starts_with("[]") => "slice",
        _ if go.starts_with("map[") => "map",
        "string" | "bool" | "int32" | "int64" | "uint32" | "float64" => {
            // Numbers convert to text in Go, but not here.
            let converts = found == "number" && go == "string";
            return Some(match converts {
                true => format!("cannot convert {long} to {go}"),
                false => format!("unrecognized type: {go}"),
            });
        }
        _ => return Some(format!("cannot restore struct from: {is}")),
    };
    Some(format!("cannot restore {shape} from {is}"))
}

#[cfg(test)]
mod tests;
