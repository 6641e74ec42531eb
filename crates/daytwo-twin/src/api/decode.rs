//! A request's body as an object of the kind that was asked for.

use serde_json::{Map, Value};

use crate::api::Call;
use crate::ask::{Object, Unknown};
use crate::body;
use crate::field::quoted;
use crate::form::unrecognized;
use crate::kinds::{Origin, Resource};
use crate::status::{Result, Status};

/// What is taken, in the order in which the real server names it.
const TAKEN: [&str; 3] = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

/// The kind a body must be of.
pub(crate) struct Wanted<'a> {
    /// Group, version, kind.
    pub(crate) group: &'a str,
    /// The version.
    pub(crate) version: &'a str,
    /// The kind.
    pub(crate) kind: &'a str,
    /// Who says how it looks.
    pub(crate) origin: &'a Origin,
}

impl<'a> Wanted<'a> {
    /// An object of the resource itself.
    pub(crate) fn of(resource: &'a Resource) -> Wanted<'a> {
        let kind = &resource.kind;
        Wanted { group: &kind.group, version: &kind.version, kind: &kind.kind, origin: &resource.origin }
    }

    /// Another built-in kind, such as an Eviction.
    pub(crate) fn built_in(group: &'a str, version: &'a str, kind: &'a str) -> Wanted<'a> {
        Wanted { group, version, kind, origin: &Origin::BuiltIn }
    }

    fn api_version(&self) -> String {
        match self.group.is_empty() {
            true => self.version.to_owned(),
            false => format!("{}/{}", self.group, self.version),
        }
    }

    fn resource_type(&self) -> daytwo_core::resource::ResourceType {
        daytwo_core::resource::ResourceType {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            resource: String::new(),
            kind: self.kind.to_owned(),
            namespaced: false,
        }
    }
}

/// Reads a body: JSON, YAML or protobuf; of the wanted kind; in normal form, defaulted.
///
/// # Errors
/// 415 of another type, 400 of what cannot be read as the kind.
pub(crate) fn decode(
    call: &Call,
    wanted: &Wanted<'_>,
    bytes: &[u8],
    warnings: &mut Vec<String>,
) -> Result<Object> {
    let custom = !matches!(wanted.origin, Origin::BuiltIn);
    let (object, twice) = match &*call.content_type {
        "" | "application/json" => json(wanted, call.unknown, bytes)?,
        "application/yaml" => (yaml(wanted, bytes)?, Vec::new()),
        "application/vnd.kubernetes.protobuf" if !custom => {
            (crate::form::protobuf(&wanted.resource_type(), bytes)?, Vec::new())
        }
        _ => return Err(unsupported(custom)),
    };
    if matches!(wanted.origin, Origin::Custom(_))
        && object.get("kind").and_then(Value::as_str).is_none_or(str::is_empty)
    {
        let text = String::from_utf8_lossy(bytes);
        return Err(unrecognized(wanted.kind, &format!("Object 'Kind' is missing in '{text}'"), bytes));
    }
    finish(call, call.unknown, wanted, object, &twice, warnings)
}

/// A tree that was read elsewhere, such as a patched object, as an object of the wanted kind.
///
/// # Errors
/// As [`decode`].
pub(crate) fn finish(
    call: &Call,
    unknown: Unknown,
    wanted: &Wanted<'_>,
    object: Object,
    twice: &[String],
    warnings: &mut Vec<String>,
) -> Result<Object> {
    match wanted.origin {
        Origin::BuiltIn => {
            let kind = wanted.resource_type();
            let mut object = crate::form::decode_checked(&kind, object, unknown, twice, warnings)?;
            crate::form::default(&kind, &mut object, call.now);
            Ok(object)
        }
        Origin::Custom(definition) => {
            let object = typed(wanted, object)?;
            let said = twice.iter().map(|path| format!("duplicate field {}", quoted(path)));
            match unknown {
                Unknown::Strict if !twice.is_empty() => {
                    let all: Vec<String> = said.collect();
                    return Err(handled(wanted, &format!("strict decoding error: {}", all.join(", "))));
                }
                _ => warnings.extend(said),
            }
            definition.decode(wanted.version, object, unknown, warnings)
        }
        Origin::Foreign => typed(wanted, object),
    }
}

/// The object with its kind in front; the wanted kind where it names none. Whether a custom resource is of the kind is
/// for its validation.
fn typed(wanted: &Wanted<'_>, mut object: Object) -> Result<Object> {
    let text = |name: &str| match object.get(name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(unrecognized(
            wanted.kind,
            &format!(
                "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go struct field .{name} of type string",
                body::kind_of(other)
            ),
            object_text(&object).as_bytes(),
        )),
    };
    let (mut kind, version) = (text("kind")?, text("apiVersion")?);
    let custom = matches!(wanted.origin, Origin::Custom(_));
    if (custom || !version.is_empty()) && version != wanted.api_version() {
        return Err(Status::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({})",
            wanted.api_version()
        )));
    }
    if !custom && !kind.is_empty() && kind != wanted.kind {
        return Err(Status::bad_request(format!(
            "{kind} in version {} cannot be handled as a {}: kind in the data does not match",
            quoted(version.rsplit('/').next().unwrap_or_default()),
            wanted.kind
        )));
    }
    if kind.is_empty() {
        kind = wanted.kind.to_owned();
    }
    object.shift_remove("kind");
    object.shift_remove("apiVersion");
    let mut whole = Map::new();
    whole.insert("kind".into(), kind.into());
    whole.insert("apiVersion".into(), wanted.api_version().into());
    whole.extend(object);
    Ok(whole)
}

/// The object of a JSON text, and what stands in it twice where that is asked for.
fn json(wanted: &Wanted<'_>, unknown: Unknown, bytes: &[u8]) -> Result<(Object, Vec<String>)> {
    let read = match unknown {
        Unknown::Ignore => body::value(bytes).map(|value| (value, Vec::new())),
        Unknown::Warn | Unknown::Strict => body::read(bytes).map(|read| (read.value, read.duplicates)),
    };
    let sniffed = |why: &str| {
        unrecognized(wanted.kind, &format!("couldn't get version/kind; json parse error: {why}"), bytes)
    };
    match read {
        Ok((Value::Object(object), twice)) => Ok((object, twice)),
        // To Go, an object of which nothing is said.
        Ok((Value::Null, _)) => Ok((Map::new(), Vec::new())),
        Ok((other, _)) => {
            let found = body::kind_of(&other);
            crate::deep::discard(other);
            Err(sniffed(&body::not_an_object(found)))
        }
        Err(error) if error.number => Err(handled(wanted, &error.to_string())),
        Err(error) => Err(sniffed(&error.to_string())),
    }
}

fn yaml(wanted: &Wanted<'_>, bytes: &[u8]) -> Result<Object> {
    match body::yaml(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(other) => {
            let why = body::not_an_object(body::kind_of(&other));
            Err(unrecognized(
                wanted.kind,
                &format!("couldn't get version/kind; json parse error: {why}"),
                bytes,
            ))
        }
        Err(why) => Err(unrecognized(wanted.kind, &why, bytes)),
    }
}

/// 415 of a type that is not taken.
pub(crate) fn unsupported(custom: bool) -> Status {
    let taken = if custom { &TAKEN[..2] } else { &TAKEN[..] };
    Status::unsupported_media_type(format!(
        "the body of the request was in an unknown format - accepted media types include: {}",
        taken.join(", ")
    ))
}

/// 400 of an object that is not as its kind is.
fn handled(wanted: &Wanted<'_>, why: &str) -> Status {
    Status::bad_request(format!(
        "{} in version {} cannot be handled as a {}: {why}",
        wanted.kind,
        quoted(wanted.version),
        wanted.kind
    ))
}

fn object_text(object: &Object) -> String {
    serde_json::to_string(object).unwrap_or_default()
}
