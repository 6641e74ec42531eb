//! Whether a body is of the kind it is written to, in the server's words (`runtime/serializer/json/json.go` of
//! k8s.io/apimachinery v0.36, `endpoints/handlers/{create,rest}.go` of k8s.io/apiserver v0.36).
//!
//! It refuses to convert: a body of another version than the path's is not taken.

use daytwo_core::resource::ResourceType;
use serde_json::Value;

use super::decode::named;
use crate::ask::Object;
use crate::field::quoted;
use crate::status::{Result, Status};

/// Kinds of `meta.k8s.io` are in every group; clients write them as the core's.
pub(super) fn api_version(kind: &ResourceType) -> String {
    if kind.group == "meta.k8s.io" { kind.version.clone() } else { kind.api_version() }
}

/// The body names the kind and version it is to be, or names none.
pub(super) fn same_kind(kind: &ResourceType, body: &Object) -> Result<()> {
    let text = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(other) => Err(unreadable(
            kind,
            body,
            &format!(
                "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go struct field .{name} of type string",
                named(other)
            ),
        )),
    };
    let (said_version, said_kind) = (text("apiVersion")?, text("kind")?);
    let expected = api_version(kind);
    let said_version = if said_version.is_empty() { expected.as_str() } else { said_version };
    let said_kind = if said_kind.is_empty() { kind.kind.as_str() } else { said_kind };
    if said_version.matches('/').count() > 1 {
        return Err(unreadable(kind, body, &format!("unexpected GroupVersion string: {said_version}")));
    }
    let (group, version) = said_version.split_once('/').unwrap_or(("", said_version));
    let meta = kind.group == "meta.k8s.io" && said_kind == kind.kind;
    if meta || (said_version == expected && said_kind == kind.kind) {
        return Ok(());
    }
    // A list is known wherever its items are.
    let one = said_kind.strip_suffix("List").unwrap_or(said_kind);
    let found =
        super::types().kind(group, version, said_kind).or_else(|| super::types().kind(group, version, one));
    let why = match found {
        None => unregistered(said_kind, said_version),
        Some(_) if said_kind == kind.kind && group == kind.group => {
            return Err(Status::bad_request(format!(
                "the API version in the data ({said_version}) does not match the expected API version ({expected})"
            )));
        }
        Some(of) => super::misread(of, body.clone()).unwrap_or_else(|| {
            format!("converting ({version}.{said_kind}) to ({}): unknown conversion", internal(kind))
        }),
    };
    Err(Status::bad_request(format!(
        "{said_kind} in version {} cannot be handled as a {}: {why}",
        quoted(version),
        kind.kind
    )))
}

/// The internal type's name: `core.Pod`, `networking.Ingress`.
pub(crate) fn internal(kind: &ResourceType) -> String {
    let group = match kind.group.split('.').next().unwrap_or_default() {
        "" | "events" => "core",
        group => group,
    };
    format!("{group}.{}", kind.kind)
}

/// 400 of a body of which not even the kind can be read, or that is no object at all.
fn unreadable(kind: &ResourceType, body: &Object, why: &str) -> Status {
    let mut short = Short(Vec::new());
    let _ = serde_json::to_writer(&mut short, body);
    unrecognized(&kind.kind, why, &short.0)
}

/// 400 of bytes that no object of a kind can be read from. They are quoted in short: as text where they begin as JSON.
pub fn unrecognized(kind: &str, why: &str, bytes: &[u8]) -> Status {
    let (short, more) = match bytes.get(..SHOWN) {
        Some(short) if bytes.len() > SHOWN => (short, " ..."),
        _ => (bytes, ""),
    };
    let short = match bytes.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(short).into_owned(),
        Some(_) => short.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    Status::bad_request(format!(
        "the object provided is unrecognized (must be of type {kind}): {why} ({short}{more})"
    ))
}

/// How many bytes of a body are quoted.
const SHOWN: usize = 30;

pub(super) fn unregistered(kind: &str, api_version: &str) -> String {
    format!(
        "no kind {} is registered for version {} in scheme \"pkg/runtime/scheme.go:111\"",
        quoted(kind),
        quoted(api_version)
    )
}

/// The first bytes of what is written, one more than are shown. It ends the writing then: a body may be deep.
struct Short(Vec<u8>);

impl std::io::Write for Short {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let left = SHOWN + 1 - self.0.len();
        self.0.extend_from_slice(&bytes[..bytes.len().min(left)]);
        match bytes.len() > left {
            true => Err(std::io::ErrorKind::StorageFull.into()),
            false => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
