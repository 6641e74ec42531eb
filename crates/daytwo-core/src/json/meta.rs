//! Reads who an object is: type, name, namespace and the metadata that filters and restores ask for.

use std::borrow::Cow;
use std::ops::Range;

use super::fields::fields;
use super::{JsonError, skip_value, string};

/// What the top level and the metadata of an object say. A field that is `null` or `""` counts as absent, as does one
/// whose key is written with escapes: nobody writes these keys so.
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
        while let Some(field) = top.next_with(|bytes, key, start| {
            let end = match &bytes[key] {
                // Read in place: its managedFields can be most of an object, and are passed over once.
                br#""metadata""# if !found => {
                    found = true;
                    meta.read_metadata(bytes, start)?
                }
                key => {
                    let end = skip_value(bytes, start)?;
                    match key {
                        br#""apiVersion""# => meta.api_version = text(bytes, start..end)?,
                        br#""kind""# => meta.kind = text(bytes, start..end)?,
                        _ => {}
                    }
                    end
                }
            };
            Ok(((), end))
        }) {
            field?;
            if stop && found {
                break;
            }
        }
        match (found, meta.name.is_empty()) {
            (true, false) => Ok(meta),
            (true, true) => Err(JsonError::new(meta.span.start, "metadata with a name")),
            (false, _) => Err(JsonError::new(0, "an object with metadata")),
        }
    }

    /// Reads the metadata at `start` and gives its end.
    fn read_metadata(&mut self, object: &'a [u8], start: usize) -> Result<usize, JsonError> {
        let metadata = &object[start..];
        let shifted = |error: JsonError| error.shifted(start);
        let mut walk = fields(metadata);
        while let Some(spans) = walk.next_spans() {
            let (key, value) = spans.map_err(shifted)?;
            self.read_field(metadata, &metadata[key], value).map_err(shifted)?;
        }
        self.span = start..start + walk.end();
        Ok(self.span.end)
    }

    fn read_field(&mut self, bytes: &'a [u8], key: &[u8], value: Range<usize>) -> Result<(), JsonError> {
        match key {
            br#""name""# => self.name = text(bytes, value)?.unwrap_or_default(),
            br#""namespace""# => self.namespace = text(bytes, value)?,
            br#""generateName""# => self.generate_name = text(bytes, value)?,
            br#""uid""# => self.uid = text(bytes, value)?,
            br#""resourceVersion""# => self.resource_version = text(bytes, value)?,
            br#""creationTimestamp""# => self.creation_timestamp = text(bytes, value)?,
            br#""deletionTimestamp""# => self.deletion_timestamp = text(bytes, value)?.is_some(),
            br#""labels""# => self.labels = raw(bytes, value, b'{')?,
            br#""annotations""# => self.annotations = raw(bytes, value, b'{')?,
            br#""ownerReferences""# => self.owner_references = raw(bytes, value, b'[')?,
            br#""finalizers""# => self.finalizers = raw(bytes, value, b'[')?,
            br#""managedFields""# => self.managed_fields = raw(bytes, value, b'[')?,
            _ => {}
        }
        Ok(())
    }

    /// `metadata.labels` of an object that may have no name, such as the template of a pod.
    ///
    /// # Errors
    /// It is not JSON up to there.
    pub fn labels_of(object: &'a [u8]) -> Result<Option<&'a [u8]>, JsonError> {
        Ok(super::find(object, &["metadata", "labels"])?.map(|span| &object[span]))
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

fn text(bytes: &[u8], span: Range<usize>) -> Result<Option<Cow<'_, str>>, JsonError> {
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
