//! Shows a record of a store as the object that an API server shows for it, or says why not.
//!
//! It is shown at the version it is stored at, with `metadata.resourceVersion` from the record, since that is where the API
//! takes it from. What it refuses to do: apply what only a cluster knows, such as the defaults of a custom resource's
//! schema.

use serde_json::{Map, Value};

use super::check;
use super::encryption::{Keyring, NotOpened, Seal};
use super::envelope::{Envelope, Gvk};
use super::keys::Prefix;
use super::proto::{self, Damage, Unknown};
use super::reading;
use crate::Record;

/// The minor whose JSON is shown where none is asked for: the newest that the table has.
pub const NEWEST_MINOR: u8 = 37;

/// What is needed to show objects.
#[derive(Debug, Default)]
pub struct Objects {
    prefix: Prefix,
    keyring: Keyring,
    minor: Option<u8>,
}

/// An object as the API shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// With keys in the order of kubectl, which is that of the alphabet.
    pub object: Value,
    /// Its kind, at the version it is shown at.
    pub gvk: Gvk,
    /// How it was encrypted.
    pub seal: Option<Seal>,
    /// Fields that a newer Kubernetes wrote, the first thousand: they are not in `object`.
    pub unknown: Vec<Unknown>,
    /// All of them, counted.
    pub unknown_count: usize,
}

/// Why a record is not shown as an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotShown {
    /// The key was deleted at this revision.
    #[error("deleted")]
    Deleted,
    /// The value is none of Kubernetes: a number, an address, some other program's data, or nothing.
    #[error("no object of Kubernetes")]
    NoObject,
    /// It is encrypted.
    #[error(transparent)]
    Closed(#[from] NotOpened),
    /// A built-in kind that the table has not.
    #[error("of a kind that is not known: {0}")]
    UnknownKind(Gvk),
    /// Its bytes cannot be what was written.
    #[error("damaged{}: {what}", if path.is_empty() { String::new() } else { format!(" at {path}") })]
    Damaged {
        /// The part of the object, as `spec.containers[1]`; empty for all of it.
        path: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl From<Damage> for NotShown {
    fn from(damage: Damage) -> Self {
        NotShown::Damaged { path: damage.path, what: damage.what }
    }
}

fn damaged(what: &'static str) -> NotShown {
    NotShown::Damaged { path: String::new(), what }
}

impl Objects {
    /// Of a store under `prefix`, with the keys of `keyring`.
    pub fn new(prefix: Prefix, keyring: Keyring) -> Self {
        Self { prefix, keyring, minor: None }
    }

    /// Shows objects as Kubernetes 1.`minor` does; some fields that are empty are left out by one and not by another.
    /// Default: [`NEWEST_MINOR`].
    #[must_use]
    pub fn minor(mut self, minor: u8) -> Self {
        self.minor = Some(minor);
        self
    }

    /// Where the objects are.
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// The object that a record put.
    ///
    /// # Errors
    /// Why there is none to show. Only [`NotShown::Damaged`] means that something is wrong with the store.
    pub fn show(&self, record: &Record<'_>) -> Result<Shown, NotShown> {
        if record.deleted {
            return Err(NotShown::Deleted);
        }
        let mut shown = self.value(record.key, record.value)?;
        if let Some(metadata) = shown.object["metadata"].as_object_mut() {
            metadata.insert("resourceVersion".to_owned(), record.revision.main.to_string().into());
        }
        shown.object.sort_all_objects();
        Ok(shown)
    }

    /// The object in a value that was kept beside its record, such as [`Record::previous`]. It has no resourceVersion.
    ///
    /// # Errors
    /// As [`Objects::show`].
    pub fn show_value(&self, key: &[u8], value: &[u8]) -> Result<Shown, NotShown> {
        let mut shown = self.value(key, value)?;
        shown.object.sort_all_objects();
        Ok(shown)
    }

    /// The kind of a value, without decoding the object. Encrypted values are opened for it.
    ///
    /// # Errors
    /// As [`Objects::show`], but for what only decoding finds.
    pub fn kind(&self, key: &[u8], value: &[u8]) -> Result<Gvk, NotShown> {
        match Envelope::open(&self.keyring.open(key, value)?).map_err(damaged)? {
            Envelope::Protobuf { gvk, .. } | Envelope::Json { gvk, .. } => Ok(gvk),
            Envelope::Other => Err(NotShown::NoObject),
        }
    }

    /// Whether [`Objects::show`] would show the record, at a fraction of its cost: nothing is made. How many of its fields
    /// a newer Kubernetes wrote.
    ///
    /// # Errors
    /// As [`Objects::show`], but without the place of damage.
    pub fn check(&self, record: &Record<'_>) -> Result<usize, NotShown> {
        if record.deleted {
            return Err(NotShown::Deleted);
        }
        let opened = self.keyring.open(record.key, record.value)?;
        match Envelope::open(&opened).map_err(damaged)? {
            Envelope::Other => Err(NotShown::NoObject),
            // To find its kind all of it was read.
            Envelope::Json { .. } => Ok(0),
            Envelope::Protobuf { gvk, raw } => {
                let checked = check::check(&gvk.group, &gvk.version, &gvk.kind, raw);
                checked.ok_or(NotShown::UnknownKind(gvk))?.map_err(damaged)
            }
        }
    }

    fn value(&self, key: &[u8], value: &[u8]) -> Result<Shown, NotShown> {
        let opened = self.keyring.open(key, value)?;
        let seal = Seal::of(value).map(|(seal, _)| seal);
        match Envelope::open(&opened).map_err(damaged)? {
            Envelope::Other => Err(NotShown::NoObject),
            Envelope::Json { gvk, raw } => {
                let mut object = json(raw)?;
                let gvk = reading::upgrade(&mut object).unwrap_or(gvk);
                Ok(Shown { object: Value::Object(object), gvk, seal, unknown: Vec::new(), unknown_count: 0 })
            }
            Envelope::Protobuf { gvk, raw } => {
                let minor = self.minor.unwrap_or(NEWEST_MINOR);
                let decoded = proto::decode(&gvk.group, &gvk.version, &gvk.kind, raw, minor);
                let decoded = decoded.ok_or_else(|| NotShown::UnknownKind(gvk.clone()))??;
                let mut object = Map::new();
                object.insert("apiVersion".to_owned(), gvk.api_version().into());
                object.insert("kind".to_owned(), gvk.kind.clone().into());
                object.extend(decoded.fields);
                reading::complete(&gvk, &mut object);
                Ok(Shown {
                    object: Value::Object(object),
                    gvk,
                    seal,
                    unknown: decoded.unknown,
                    unknown_count: decoded.unknown_count,
                })
            }
        }
    }
}

fn json(raw: &[u8]) -> Result<Map<String, Value>, NotShown> {
    match serde_json::from_slice(raw) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(damaged("JSON that is cut or mangled")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Revision;

    fn record<'a>(key: &'a str, value: &'a [u8]) -> Record<'a> {
        Record {
            key: key.as_bytes(),
            value,
            revision: Revision { main: 42, sub: 0 },
            create_revision: 7,
            version: 2,
            lease: 0,
            deleted: false,
            previous: None,
        }
    }

    #[test]
    fn the_resource_version_is_the_revision() {
        let value = br#"{"kind":"Gadget","apiVersion":"example.com/v1","metadata":{"name":"a"},"spec":{"z":1,"a":2}}"#;
        let shown = Objects::default().show(&record("/registry/example.com/gadgets/ns/a", value)).unwrap();
        let text = r#"{"apiVersion":"example.com/v1","kind":"Gadget","metadata":{"name":"a","resourceVersion":"42"},"spec":{"a":2,"z":1}}"#;
        assert_eq!(shown.object.to_string(), text);
        assert_eq!(shown.gvk.to_string(), "example.com/v1 Gadget");
    }

    #[test]
    fn what_is_not_shown_is_said_why() {
        let show = |value: &[u8]| {
            let why = Objects::default().show(&record("/registry/x/y", value)).unwrap_err();
            let checked = Objects::default().check(&record("/registry/x/y", value)).unwrap_err();
            assert_eq!(std::mem::discriminant(&checked), std::mem::discriminant(&why), "{checked} {why}");
            why
        };
        assert_eq!(show(b""), NotShown::NoObject);
        assert_eq!(show(b"1234"), NotShown::NoObject);
        assert!(matches!(show(b"k8s:enc:aescbc:v1:k:x"), NotShown::Closed(NotOpened::MissingKey(_))));
        let unknown = show(b"k8s\0\x0a\x0b\x0a\x02v9\x12\x05Thing\x12\x00");
        assert_eq!(unknown, NotShown::UnknownKind(Gvk::new("v9", "Thing")));
        let damaged = show(b"k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod\x12\x04\x12\x02\x0a\x05");
        assert_eq!(damaged.to_string(), "damaged at spec: a length past the end");
        let deleted = Record { deleted: true, ..record("/registry/pods/a/b", b"") };
        assert_eq!(Objects::default().show(&deleted), Err(NotShown::Deleted));
    }
}
