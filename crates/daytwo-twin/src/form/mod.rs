//! The stored form of built-in kinds: what an API server makes of a body before anything else looks at it.
//!
//! [`decode`] gives the normal form, [`default`] fills in what the server fills in, and leaves what its way to the internal
//! types and back leaves. Types come from the table of `daytwo-etcd`, defaults from `defaults.txt` and from
//! the functions beside it. It refuses custom resources, which have no Go types, and to change what is stored already.

mod conditional;
mod convert;
mod decode;
mod defaults;
mod identity;
mod image;
mod leaf;
mod path;
mod pod_level;
mod quantity;
mod request;
mod times;

use std::sync::OnceLock;

use daytwo_core::resource::ResourceType;
use daytwo_etcd::kube::types::{Struct, Types};
pub(crate) use identity::internal;
pub use identity::unrecognized;
pub use request::protobuf;

use crate::ask::{Object, Unknown};
use crate::field::quoted;
use crate::status::{Result, Status};

/// The Kubernetes whose forms these are: 1.36.
pub const MINOR: u8 = 36;

/// The types of that minor.
pub(crate) fn types() -> &'static Types {
    static TYPES: OnceLock<Types> = OnceLock::new();
    TYPES.get_or_init(|| Types::of(MINOR))
}

fn structure(kind: &ResourceType) -> Option<&'static Struct> {
    types().kind(&kind.group, &kind.version, &kind.kind)
}

/// Whether the kind is built in: whether [`decode`] knows its types.
pub fn knows(kind: &ResourceType) -> bool {
    structure(kind).is_some()
}

/// The normal form of a body of a built-in kind: in Go's order of fields, with canonical quantities and times, without
/// what Go leaves out, without fields the kind has not. Those are refused, warned of or dropped as `unknown` says.
/// A body of a kind that is not known comes back as it is.
///
/// # Errors
/// 400 where the body is of another kind or version, where a field is of another type than the kind's, or, when strict,
/// unknown.
pub fn decode(
    kind: &ResourceType,
    body: Object,
    unknown: Unknown,
    warnings: &mut Vec<String>,
) -> Result<Object> {
    decode_checked(kind, body, unknown, &[], warnings)
}

/// As [`decode`], for a body in whose text [`crate::body::read`] has found `twice`: these count as unknown fields do.
///
/// # Errors
/// As [`decode`].
pub fn decode_checked(
    kind: &ResourceType,
    mut body: Object,
    unknown: Unknown,
    twice: &[String],
    warnings: &mut Vec<String>,
) -> Result<Object> {
    let Some(of) = structure(kind) else { return Ok(body) };
    identity::same_kind(kind, &body)?;
    body.insert("kind".to_owned(), kind.kind.clone().into());
    body.insert("apiVersion".to_owned(), identity::api_version(kind).into());
    let refused = |why: &str| {
        let (version, kind) = (quoted(&kind.version), &kind.kind);
        Status::bad_request(format!("{kind} in version {version} cannot be handled as a {kind}: {why}"))
    };
    let mut decoder = decode::Decoder {
        types: types(),
        path: path::Path::default(),
        noted: None,
        unknown: (unknown != Unknown::Ignore).then(Vec::new),
        opaque: (!twice.is_empty()).then(Vec::new),
    };
    let (object, _) = decoder.structure(of, body).map_err(|decode::Fatal(why)| refused(&why))?;
    if let Some(why) = decoder.noted {
        return Err(refused(&why));
    }
    convert::check(of, &object).map_err(|why| refused(&why))?;
    let opaque = decoder.opaque.unwrap_or_default();
    let twice = twice.iter().filter(|path| !below(path, &opaque));
    let mut faults: Vec<String> = twice.map(|path| format!("duplicate field {}", quoted(path))).collect();
    faults.extend(decoder.unknown.iter().flatten().map(|path| format!("unknown field {}", quoted(path))));
    match unknown {
        Unknown::Ignore => {}
        Unknown::Warn => warnings.append(&mut faults),
        Unknown::Strict if faults.is_empty() => {}
        Unknown::Strict => return Err(refused(&format!("strict decoding error: {}", faults.join(", ")))),
    }
    Ok(object)
}

/// What is wrong with a body as one of another kind than the one it was written to.
fn misread(of: &'static Struct, body: Object) -> Option<String> {
    let path = path::Path::default();
    let mut decoder = decode::Decoder { types: types(), path, noted: None, unknown: None, opaque: None };
    match decoder.structure(of, body) {
        Ok((object, _)) => decoder.noted.or_else(|| convert::check(of, &object).err()),
        Err(decode::Fatal(why)) => Some(why),
    }
}

/// Fills in what the kind's defaulting functions fill in, and what conversion to the server's internal types and back
/// leaves. The object is in normal form, and is so afterwards.
pub fn default(kind: &ResourceType, object: &mut Object, now: jiff::Timestamp) {
    let Some(of) = structure(kind) else { return };
    defaults::apply(of, object, now);
    convert::convert(of, object);
    defaults::order(of, object);
}

/// Whether the path is one of `opaque`, or lies below one.
fn below(path: &str, opaque: &[String]) -> bool {
    opaque.iter().any(|above| {
        path.strip_prefix(above.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn kind(group: &str, version: &str, kind: &str) -> ResourceType {
        let [group, version, kind] = [group, version, kind].map(str::to_owned);
        ResourceType { group, version, resource: kind.to_lowercase(), kind, namespaced: true }
    }

    fn body(value: Value) -> Object {
        let Value::Object(body) = value else { panic!("{value}") };
        body
    }

    fn refused(kind: &ResourceType, value: Value) -> String {
        decode(kind, body(value), Unknown::Ignore, &mut Vec::new()).unwrap_err().message
    }

    #[test]
    fn a_body_of_another_kind_is_refused_and_one_that_says_none_is_taken() {
        let map = kind("", "v1", "ConfigMap");
        let taken = decode(&map, body(json!({"data": {}})), Unknown::Strict, &mut Vec::new()).unwrap();
        assert_eq!(
            Value::Object(taken).to_string(),
            r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{}}"#
        );
        assert_eq!(
            refused(&map, json!({"apiVersion": "v1", "kind": "Pod"})),
            "Pod in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown conversion"
        );
        assert_eq!(
            refused(&map, json!({"apiVersion": "v9", "kind": "ConfigMap"})),
            "ConfigMap in version \"v9\" cannot be handled as a ConfigMap: no kind \"ConfigMap\" is registered for version \"v9\" in scheme \"pkg/runtime/scheme.go:111\""
        );
        assert_eq!(
            refused(
                &kind("autoscaling", "v2", "HorizontalPodAutoscaler"),
                json!({"apiVersion": "autoscaling/v1"})
            ),
            "the API version in the data (autoscaling/v1) does not match the expected API version (autoscaling/v2)"
        );
        assert_eq!(
            refused(&map, json!({"kind": 5, "data": {"a": "bcdefghijklmnop"}})),
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of type string ({\"kind\":5,\"data\":{\"a\":\"bcdefgh ...)"
        );
    }

    #[test]
    fn what_is_unknown_or_there_twice_is_refused_when_strict() {
        let map = kind("", "v1", "ConfigMap");
        let given = || body(json!({"spec": {"a": 1}, "metadata": {"Name": "x"}, "data": {"a": "1"}}));
        let twice = ["data.a".to_owned(), "spec.a".to_owned()];
        let strict = decode_checked(&map, given(), Unknown::Strict, &twice, &mut Vec::new()).unwrap_err();
        assert_eq!(
            strict.message,
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: duplicate field \"data.a\", unknown field \"spec\", unknown field \"metadata.Name\""
        );
        let mut warnings = Vec::new();
        decode(&map, given(), Unknown::Warn, &mut warnings).unwrap();
        assert_eq!(warnings, ["unknown field \"spec\"", "unknown field \"metadata.Name\""]);
    }

    #[test]
    fn a_taint_of_a_device_gets_the_time_of_day() {
        let slice = kind("resource.k8s.io", "v1", "ResourceSlice");
        let given =
            json!({"spec": {"devices": [{"name": "a", "taints": [{"key": "k", "effect": "NoSchedule"}]}]}});
        let mut object = decode(&slice, body(given), Unknown::Warn, &mut Vec::new()).unwrap();
        default(&slice, &mut object, "2026-01-02T03:04:05.6Z".parse().unwrap());
        assert_eq!(object["spec"]["devices"][0]["taints"][0]["timeAdded"], "2026-01-02T03:04:05Z");
    }

    /// `json!` would walk what it is given.
    fn wrapped(name: &str, value: Value) -> Value {
        Value::Object(Object::from_iter([(name.to_owned(), value)]))
    }

    #[test]
    fn depth_is_refused_or_passed_by_but_never_followed_without_end() {
        let lists = |depth| (0..depth).fold(Value::Null, |value, _| Value::Array(vec![value]));
        let schemas = |depth| (0..depth).fold(wrapped("x", Value::Null), |value, _| wrapped("items", value));
        let decoded = |kind: &ResourceType, value: Value| {
            decode(kind, body(value), Unknown::Ignore, &mut Vec::new()).map_err(|status| status.message)
        };
        let definition = kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
        let of = |schema: Value| {
            let version = wrapped("schema", wrapped("openAPIV3Schema", schema));
            wrapped("spec", wrapped("versions", Value::Array(vec![version])))
        };
        let too_deep = |value: Value| decoded(&definition, of(value)).unwrap_err();
        assert!(too_deep(schemas(3_000)).ends_with("exceeded max depth"));
        assert!(too_deep(wrapped("default", lists(3_000))).ends_with("exceeded max depth"));
        assert!(decoded(&definition, of(schemas(150))).is_ok());
        let map = kind("", "v1", "ConfigMap");
        assert!(decoded(&map, wrapped("x", lists(3_000))).is_ok());
        assert!(decoded(&map, wrapped("data", lists(3_000))).is_err());
    }

    #[test]
    fn requests_in_protobuf_become_json() {
        let kinds = [
            ("", "v1", "Binding"),
            ("policy", "v1", "Eviction"),
            ("autoscaling", "v1", "Scale"),
            ("authentication.k8s.io", "v1", "TokenRequest"),
            ("authentication.k8s.io", "v1", "TokenReview"),
            ("authorization.k8s.io", "v1", "SelfSubjectAccessReview"),
            ("authorization.k8s.io", "v1", "SelfSubjectRulesReview"),
            ("authorization.k8s.io", "v1", "SubjectAccessReview"),
            ("authorization.k8s.io", "v1", "LocalSubjectAccessReview"),
            ("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
        ];
        for (group, version, name) in kinds {
            let kind = kind(group, version, name);
            // An object of which nothing is written.
            let field = |tag: u8, bytes: &[u8]| {
                let length = u8::try_from(bytes.len()).unwrap();
                [&[tag, length], bytes].concat()
            };
            let meta = [field(0x0a, kind.api_version().as_bytes()), field(0x12, name.as_bytes())].concat();
            let bytes = [b"k8s\0".to_vec(), field(0x0a, &meta), field(0x12, &[])].concat();
            let object = protobuf(&kind, &bytes).unwrap();
            assert_eq!(object["kind"], kind.kind.as_str());
            assert!(decode(&kind, object, Unknown::Strict, &mut Vec::new()).is_ok(), "{kind:?}");
        }
        // As client-go writes it for apps: {gracePeriodSeconds: 5}.
        let options = b"k8s\0\x0a\x18\x0a\x07apps/v1\x12\x0dDeleteOptions\x12\x02\x08\x05";
        let kind = kind("meta.k8s.io", "v1", "DeleteOptions");
        let object =
            decode(&kind, protobuf(&kind, options).unwrap(), Unknown::Strict, &mut Vec::new()).unwrap();
        assert_eq!(
            Value::Object(object).to_string(),
            r#"{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":5}"#
        );
        assert_eq!(protobuf(&kind, b"{}").unwrap_err().code, 400);
    }
}
