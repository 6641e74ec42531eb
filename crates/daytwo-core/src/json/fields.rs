//! Walks one level of an object or array, and finds a value by its path.

use std::borrow::Cow;
use std::ops::Range;

use super::{JsonError, key_is, skip_value, skip_whitespace, string};

/// One field of an object; the spans index the bytes given to [`fields`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// The key's text.
    pub key: Cow<'a, str>,
    /// Where the key stands, quotes included.
    pub key_span: Range<usize>,
    /// Where the value stands.
    pub value: Range<usize>,
}

/// Where a key and its value stand.
type Spans = (Range<usize>, Range<usize>);

/// The fields of the object that `object` starts with, in their order; duplicates are given as often as they stand.
///
/// Ends after the first error. Bytes after the object are not looked at.
pub fn fields(object: &[u8]) -> Fields<'_> {
    Fields { walk: Walk::new(object, b'{') }
}

/// The iterator of [`fields`].
#[derive(Debug)]
pub struct Fields<'a> {
    walk: Walk<'a>,
}

impl<'a> Fields<'a> {
    /// The next field's spans, leaving its key as it stands.
    pub(super) fn next_spans(&mut self) -> Option<Result<Spans, JsonError>> {
        self.next_with(|bytes, key, value| {
            let end = skip_value(bytes, value)?;
            Ok(((key, value..end), end))
        })
    }

    /// The next field, its value read by `read` instead of passed over: it is given the bytes, where the key stands
    /// and where the value starts, and says where the value ends.
    pub(super) fn next_with<T>(
        &mut self,
        read: impl FnOnce(&'a [u8], Range<usize>, usize) -> Result<(T, usize), JsonError>,
    ) -> Option<Result<T, JsonError>> {
        self.walk.next(|bytes, at| {
            if bytes.get(at) != Some(&b'"') {
                return Err(JsonError::new(at, "a key in quotes"));
            }
            let key_end = skip_value(bytes, at)?;
            let colon = skip_whitespace(bytes, key_end);
            if bytes.get(colon) != Some(&b':') {
                return Err(JsonError::new(colon, "':'"));
            }
            read(bytes, at..key_end, skip_whitespace(bytes, colon + 1))
        })
    }

    /// Where the object ends, once all fields were given.
    pub(super) fn end(&self) -> usize {
        self.walk.at
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, JsonError>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.walk.bytes;
        let spans = self.next_spans()?;
        Some(spans.and_then(|(key_span, value)| match string(&bytes[key_span.clone()]) {
            Some(key) => Ok(Field { key, key_span, value }),
            None => {
                self.walk.ended = true;
                Err(JsonError::new(key_span.start, "a key of UTF-8 text"))
            }
        }))
    }
}

/// The spans of the elements of the array that `array` starts with.
///
/// Ends after the first error. Bytes after the array are not looked at.
pub fn elements(array: &[u8]) -> Elements<'_> {
    Elements { walk: Walk::new(array, b'[') }
}

/// The iterator of [`elements`].
#[derive(Debug)]
pub struct Elements<'a> {
    walk: Walk<'a>,
}

impl Iterator for Elements<'_> {
    type Item = Result<Range<usize>, JsonError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.walk.next(|bytes, at| {
            let end = skip_value(bytes, at)?;
            Ok((at..end, end))
        })
    }
}

/// The span of the value at `path`: keys of objects, or decimal indices of arrays. `None` if it is not there, also
/// where the path leads through a value that is neither. Of duplicate keys the first counts. The search ends at the
/// value: what stands after it is not looked at.
///
/// # Errors
/// The bytes up to there are not JSON.
pub fn find(object: &[u8], path: &[&str]) -> Result<Option<Range<usize>>, JsonError> {
    let start = skip_whitespace(object, 0);
    let mut span = start..object.len();
    let mut whole = true;
    for segment in path {
        let here = &object[span.clone()];
        let found = match here.first() {
            Some(b'{') => find_field(here, segment),
            Some(b'[') => find_element(here, segment),
            _ => Ok(None),
        };
        match found.map_err(|error| error.shifted(span.start))? {
            Some(inner) => span = span.start + inner.start..span.start + inner.end,
            None => return Ok(None),
        }
        whole = false;
    }
    if whole {
        span.end = skip_value(object, start)?;
    }
    Ok(Some(span))
}

fn find_field(object: &[u8], name: &str) -> Result<Option<Range<usize>>, JsonError> {
    let mut walk = fields(object);
    while let Some(spans) = walk.next_spans() {
        let (key, value) = spans?;
        if key_is(&object[key], name) {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn find_element(array: &[u8], index: &str) -> Result<Option<Range<usize>>, JsonError> {
    let Ok(index) = index.parse::<usize>() else { return Ok(None) };
    for (at, element) in elements(array).enumerate() {
        let element = element?;
        if at == index {
            return Ok(Some(element));
        }
    }
    Ok(None)
}

/// Steps through what commas separate between a pair of brackets.
#[derive(Debug)]
struct Walk<'a> {
    bytes: &'a [u8],
    open: u8,
    at: usize,
    started: bool,
    ended: bool,
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a [u8], open: u8) -> Walk<'a> {
        Walk { bytes, open, at: 0, started: false, ended: false }
    }

    fn next<T>(
        &mut self,
        item: impl FnOnce(&'a [u8], usize) -> Result<(T, usize), JsonError>,
    ) -> Option<Result<T, JsonError>> {
        if self.ended {
            return None;
        }
        match self.step(item) {
            Ok(Some(item)) => Some(Ok(item)),
            Ok(None) => {
                self.ended = true;
                None
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }

    fn step<T>(
        &mut self,
        item: impl FnOnce(&'a [u8], usize) -> Result<(T, usize), JsonError>,
    ) -> Result<Option<T>, JsonError> {
        let (close, expected) = match self.open {
            b'{' => (b'}', "',' or '}'"),
            _ => (b']', "',' or ']'"),
        };
        let mut at = skip_whitespace(self.bytes, self.at);
        if !self.started {
            if self.bytes.get(at) != Some(&self.open) {
                return Err(JsonError::new(at, if close == b'}' { "an object" } else { "an array" }));
            }
            at = skip_whitespace(self.bytes, at + 1);
            if self.bytes.get(at) == Some(&close) {
                self.at = at + 1;
                return Ok(None);
            }
        } else {
            match self.bytes.get(at) {
                Some(byte) if *byte == close => {
                    self.at = at + 1;
                    return Ok(None);
                }
                Some(b',') => at = skip_whitespace(self.bytes, at + 1),
                _ => return Err(JsonError::new(at, expected)),
            }
        }
        self.started = true;
        let (item, end) = item(self.bytes, at)?;
        self.at = end;
        Ok(Some(item))
    }
}
