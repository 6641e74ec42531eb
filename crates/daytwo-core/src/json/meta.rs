//! Reads who an object is: type, name, namespace and the metadata that filters and restores ask for.

use std::borrow::Cow;
use std::ops::Range;

use super::fields::{Fields, fields};
use super::{JsonError, string};

/// What the top level and the metadata of an object say. A field that is `null` or `""` counts as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meta<'a> {
    /// `apiVersion`; absent from the items of built-in lists.
    pub api_version: Option<Cow<'a, str>>,
    /// `kind`; absent from the items of built-in lists.
    pub kind: Option<Cow<'a, str>>,
    /// `metadata.name`.
    pub name: Cow<'a, str>,
    /// `metadata.namespace`; absent for cluster-scoped objects.
    pub namespace: Option<Cow<'a, str>>,
    /// `metadata.generateName`.
    pub generate_name: Option<Cow<'a, str>>,
    /// `metadata.uid`.
    pub uid: Option<Cow<'a, str>>,
    /// `metadata.resourceVersion`.
    pub resource_version: Option<Cow<'a, str>>,
    /// `metadata.creationTimestamp`, as written.
    pub creation_timestamp: Option<Cow<'a, str>>,
    /// Whether `metadata.deletionTimestamp` is set.
    pub deletion_timestamp: bool,
    /// The object `metadata.labels`.
    pub labels: Option<&'a [u8]>,
    /// The object `metadata.annotations`.
    pub annotations: Option<&'a [u8]>,
    /// The array `metadata.ownerReferences`.
    pub owner_references: Option<&'a [u8]>,
    /// The array `metadata.finalizers`.
    pub finalizers: Option<&'a [u8]>,
    /// The array `metadata.managedFields`.
    pub managed_fields: Option<&'a [u8]>,
    /// Where the value of `metadata` stands in the object.
    pub span: Range<usize>,
}

impl<'a> Meta<'a> {
    /// Reads the whole top level, whatever the order of its keys.
    ///
    /// # Errors
    /// The top level or the metadata is not JSON, or there is no `metadata.name`.
    pub fn of(object: &'a [u8]) -> Result<Meta<'a>, JsonError> {
        Meta::read(object, false)
    }

    /// Reads up to the end of `metadata`, so that `spec` and `status` cost nothing; the object may be cut off after
    /// it. An `apiVersion` or `kind` that stands later is missed: API servers and Velero write both before.
    ///
    /// # Errors
    /// As [`Meta::of`], for the bytes up to the end of `metadata`.
    pub fn of_prefix(object: &'a [u8]) -> Result<Meta<'a>, JsonError> {
        Meta::read(object, true)
    }

    fn read(object: &'a [u8], stop: bool) -> Result<Meta<'a>, JsonError> {
        let mut meta = Meta::default();
        let mut top = fields(object);
        let mut found = false;
        while let Some((key, value)) = next(&mut top, object)? {
            match &*key {
                "apiVersion" => meta.api_version = text(object, &value)?,
                "kind" => meta.kind = text(object, &value)?,
                "metadata" if !found => {
                    meta.read_metadata(&object[value.clone()]).map_err(|error| error.shifted(value.start))?;
                    meta.span = value;
                    found = true;
                    if stop {
                        break;
                    }
                }
                _ => {}
            }
        }
        match (found, meta.name.is_empty()) {
            (true, false) => Ok(meta),
            (true, true) => Err(JsonError::new(meta.span.start, "metadata with a name")),
            (false, _) => Err(JsonError::new(0, "an object with metadata")),
        }
    }

    fn read_metadata(&mut self, metadata: &'a [u8]) -> Result<(), JsonError> {
        let mut walk = fields(metadata);
        while let Some((key, value)) = next(&mut walk, metadata)? {
            match &*key {
                "name" => self.name = text(metadata, &value)?.unwrap_or_default(),
                "namespace" => self.namespace = text(metadata, &value)?,
                "generateName" => self.generate_name = text(metadata, &value)?,
                "uid" => self.uid = text(metadata, &value)?,
                "resourceVersion" => self.resource_version = text(metadata, &value)?,
                "creationTimestamp" => self.creation_timestamp = text(metadata, &value)?,
                "deletionTimestamp" => self.deletion_timestamp = text(metadata, &value)?.is_some(),
                "labels" => self.labels = raw(metadata, value, b'{')?,
                "annotations" => self.annotations = raw(metadata, value, b'{')?,
                "ownerReferences" => self.owner_references = raw(metadata, value, b'[')?,
                "finalizers" => self.finalizers = raw(metadata, value, b'[')?,
                "managedFields" => self.managed_fields = raw(metadata, value, b'[')?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The value of a label.
    ///
    /// # Errors
    /// The labels are not an object of strings.
    pub fn label(&self, name: &str) -> Result<Option<Cow<'a, str>>, JsonError> {
        value_of(self.labels, name)
    }

    /// The value of an annotation.
    ///
    /// # Errors
    /// The annotations are not an object of strings.
    pub fn annotation(&self, name: &str) -> Result<Option<Cow<'a, str>>, JsonError> {
        value_of(self.annotations, name)
    }
}

fn value_of<'a>(map: Option<&'a [u8]>, name: &str) -> Result<Option<Cow<'a, str>>, JsonError> {
    let Some(map) = map else { return Ok(None) };
    match super::find(map, &[name])? {
        None => Ok(None),
        Some(span) => match string(&map[span.clone()]) {
            Some(text) => Ok(Some(text)),
            None => Err(JsonError::new(span.start, "a string")),
        },
    }
}

type KeyAndSpan<'a> = (Cow<'a, str>, Range<usize>);

fn next<'a>(walk: &mut Fields<'a>, bytes: &'a [u8]) -> Result<Option<KeyAndSpan<'a>>, JsonError> {
    match walk.next_spans().transpose()? {
        None => Ok(None),
        Some((key, value)) => match string(&bytes[key.clone()]) {
            Some(key) => Ok(Some((key, value))),
            None => Err(JsonError::new(key.start, "a key of UTF-8 text")),
        },
    }
}

fn text<'a>(bytes: &'a [u8], span: &Range<usize>) -> Result<Option<Cow<'a, str>>, JsonError> {
    let value = &bytes[span.clone()];
    if value == b"null" {
        return Ok(None);
    }
    match string(value) {
        Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        None => Err(JsonError::new(span.start, "a string")),
    }
}

fn raw(bytes: &[u8], span: Range<usize>, open: u8) -> Result<Option<&[u8]>, JsonError> {
    let value = &bytes[span.clone()];
    match value.first() {
        Some(first) if *first == open => Ok(Some(value)),
        _ if value == b"null" => Ok(None),
        _ => Err(JsonError::new(span.start, if open == b'{' { "an object" } else { "an array" })),
    }
}
