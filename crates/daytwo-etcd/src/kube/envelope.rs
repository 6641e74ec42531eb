//! What an API server puts around an object before it writes it: four bytes and a `runtime.Unknown` around protobuf;
//! nothing around JSON, which custom resources and their definitions are kept as.
//!
//! Source: `pkg/runtime/serializer/protobuf` and `pkg/runtime/generated.proto` of k8s.io/apimachinery v0.36.

use serde::Deserialize;

use super::wire::{Broken, bytes_of};

/// Stands before every protobuf object.
const MAGIC: &[u8] = b"k8s\0";

/// An object as it is stored, opened but not decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Envelope<'a> {
    /// Protobuf of the kind named.
    Protobuf {
        /// Of the object.
        gvk: Gvk,
        /// The object's own message.
        raw: &'a [u8],
    },
    /// The object's JSON.
    Json {
        /// Of the object.
        gvk: Gvk,
        /// All of the value.
        raw: &'a [u8],
    },
    /// None of them: some other program's value.
    Other,
}

/// A kind with its group and version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gvk {
    /// Empty for the core's.
    pub group: String,
    /// As `v1`.
    pub version: String,
    /// As `Deployment`.
    pub kind: String,
}

impl Gvk {
    /// From an object's `apiVersion` and `kind`.
    pub fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    /// As an object has it: `apps/v1`, `v1`.
    pub fn api_version(&self) -> String {
        match self.group.is_empty() {
            true => self.version.clone(),
            false => format!("{}/{}", self.group, self.version),
        }
    }
}

impl std::fmt::Display for Gvk {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} {}", self.api_version(), self.kind)
    }
}

#[derive(Deserialize)]
struct TypeMeta<'a> {
    #[serde(default, rename = "apiVersion", borrow)]
    api_version: std::borrow::Cow<'a, str>,
    #[serde(default, borrow)]
    kind: std::borrow::Cow<'a, str>,
}

impl<'a> Envelope<'a> {
    /// Opens a value that is not encrypted. JSON is read once, for its apiVersion and kind.
    ///
    /// # Errors
    /// Where a value that begins as an object's is cut or mangled.
    pub fn open(value: &'a [u8]) -> Result<Envelope<'a>, Broken> {
        if let Some(unknown) = value.strip_prefix(MAGIC) {
            return protobuf(unknown);
        }
        if value.first() != Some(&b'{') {
            return Ok(Envelope::Other);
        }
        match serde_json::from_slice::<TypeMeta<'_>>(value) {
            Ok(meta) if !meta.kind.is_empty() => {
                Ok(Envelope::Json { gvk: Gvk::new(&meta.api_version, &meta.kind), raw: value })
            }
            Ok(_) => Ok(Envelope::Other),
            Err(_) => Err("JSON that is cut or mangled"),
        }
    }
}

fn protobuf(unknown: &[u8]) -> Result<Envelope<'_>, Broken> {
    let meta = bytes_of(unknown, 1)?.unwrap_or_default();
    let raw = bytes_of(unknown, 2)?.unwrap_or_default();
    if bytes_of(unknown, 3)?.is_some_and(|encoding| !encoding.is_empty()) {
        return Err("an object in an encoding that Kubernetes does not write");
    }
    let text =
        |number| Ok::<_, Broken>(bytes_of(meta, number)?.map(String::from_utf8_lossy).unwrap_or_default());
    let gvk = Gvk::new(&text(1)?, &text(2)?);
    match bytes_of(unknown, 4)?.unwrap_or_default() {
        b"application/json" => Ok(Envelope::Json { gvk, raw }),
        _ => Ok(Envelope::Protobuf { gvk, raw }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_opened_and_other_values_are_left_alone() {
        let pod = b"k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod\x12\x01x\x1a\0\"\0";
        let gvk = Gvk::new("v1", "Pod");
        assert_eq!(Envelope::open(pod), Ok(Envelope::Protobuf { gvk: gvk.clone(), raw: b"x" }));
        let json = br#"{"kind":"Gadget","apiVersion":"example.com/v1","spec":{}}"#;
        let Ok(Envelope::Json { gvk, .. }) = Envelope::open(json) else { panic!() };
        assert_eq!((gvk.group.as_str(), gvk.api_version().as_str()), ("example.com", "example.com/v1"));
        assert_eq!(Envelope::open(b"42"), Ok(Envelope::Other));
        assert_eq!(Envelope::open(b""), Ok(Envelope::Other));
        assert_eq!(Envelope::open(br#"{"other":1}"#), Ok(Envelope::Other));
    }

    #[test]
    fn what_begins_as_an_object_and_is_none_is_damage() {
        assert!(Envelope::open(b"k8s\0\x0a\x09").is_err());
        assert!(Envelope::open(br#"{"kind":"Gadget","apiVersion""#).is_err());
        assert!(Envelope::open(b"k8s\0\x1a\x04gzip").is_err());
    }
}
