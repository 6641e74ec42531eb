//! Cuts the body of a list into its objects while it arrives, without decoding them.
//!
//! The bytes of each object are what the server sent: every digit, unknown field and key order. A page is
//! never held whole: complete objects leave in batches, and only the unfinished one stays. Sources of the
//! shape: `ListMeta` in `k8s.io/apimachinery/pkg/apis/meta/v1/types.go`. Built-in lists send `metadata` before
//! `items`, so the continue token is known before the first object; lists of custom resources send it last.

use std::ops::Range;

use bytes::BytesMut;
use memchr::memchr2;

use super::batch::{Batch, ListMeta, MAX_OBJECT, SplitError};

/// A batch leaves once it holds this many bytes of complete objects.
const BATCH: usize = 256 << 10;
/// The deepest nesting that is followed.
const MAX_DEPTH: u32 = 512;

/// Where the splitter stands in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    Key,
    Colon,
    Value,
    AfterValue,
    Item,
    AfterItem,
    End,
}

/// The incremental cutter of one list body.
#[derive(Debug)]
pub struct Splitter {
    buffer: BytesMut,
    /// Everything before this offset of `buffer` has been looked at.
    scanned: usize,
    /// Bytes of the body that have left `buffer`.
    consumed: u64,
    at: At,
    key: Key,
    /// The value or object under way: its start in `buffer`, depth, and whether a string is open.
    start: usize,
    depth: u32,
    in_string: bool,
    items: Vec<Range<usize>>,
    objects: u64,
    meta: Option<ListMeta>,
    /// Whether `items` was there: a document without it is no list, however whole it is.
    listed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Items,
    Metadata,
    Other,
}

impl Default for Splitter {
    fn default() -> Self {
        Self {
            buffer: BytesMut::new(),
            scanned: 0,
            consumed: 0,
            at: At::Start,
            key: Key::Other,
            start: 0,
            depth: 0,
            in_string: false,
            items: Vec::new(),
            objects: 0,
            meta: None,
            listed: false,
        }
    }
}

impl Splitter {
    /// Takes the next bytes of the body; returns a batch where enough objects are complete.
    ///
    /// # Errors
    /// [`SplitError`] where the body is no list; the splitter is then of no further use.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Option<Batch>, SplitError> {
        if self.buffer.capacity() - self.buffer.len() < chunk.len() {
            self.buffer.reserve(chunk.len() + BATCH);
        }
        self.buffer.extend_from_slice(chunk);
        self.scan()?;
        Ok(if self.items.last().is_some_and(|last| last.end >= BATCH) { self.take() } else { None })
    }

    /// The list's metadata, as soon as it was seen.
    pub fn meta(&self) -> Option<&ListMeta> {
        self.meta.as_ref()
    }

    /// How many objects were complete so far.
    pub fn objects(&self) -> u64 {
        self.objects
    }

    /// Ends the body: the objects left, and the list's metadata.
    ///
    /// # Errors
    /// [`SplitError::Truncated`] where the list is not complete, [`SplitError::Malformed`] where the document was
    /// whole but no list: taken for one it would be an empty list, and everything in it missing without a word.
    pub fn finish(mut self) -> Result<(Option<Batch>, ListMeta), SplitError> {
        if self.at != At::End {
            return Err(SplitError::Truncated { objects: self.objects });
        }
        if !self.listed || self.meta.is_none() {
            return Err(self.malformed("a document without items or metadata"));
        }
        let last = self.take();
        Ok((last, self.meta.unwrap_or_default()))
    }

    /// The complete objects as a batch; what is unfinished stays.
    fn take(&mut self) -> Option<Batch> {
        let end = self.items.last()?.end;
        let bytes = self.buffer.split_to(end).freeze();
        self.consumed += end as u64;
        self.scanned -= end;
        if self.start != usize::MAX {
            self.start = self.start.saturating_sub(end);
        }
        let items = std::mem::take(&mut self.items);
        self.items.reserve(items.len());
        Some(Batch { bytes, items })
    }

    fn malformed(&self, what: &'static str) -> SplitError {
        SplitError::Malformed { what, at: self.consumed + self.scanned as u64 }
    }

    fn scan(&mut self) -> Result<(), SplitError> {
        while self.scanned < self.buffer.len() {
            match self.at {
                At::Value | At::Item => {
                    if !self.value()? {
                        if self.buffer.len() - self.start > MAX_OBJECT {
                            return Err(SplitError::TooLong);
                        }
                        return Ok(());
                    }
                }
                At::Key if self.depth == 1 => {
                    if !self.key()? {
                        return Ok(());
                    }
                }
                _ => self.structure()?,
            }
        }
        Ok(())
    }

    /// One byte between keys, values and objects.
    fn structure(&mut self) -> Result<(), SplitError> {
        let byte = self.buffer[self.scanned];
        if byte.is_ascii_whitespace() {
            self.scanned += 1;
            return Ok(());
        }
        match (self.at, byte) {
            (At::Start, b'{') => self.at = At::Key,
            (At::Key, b'"') => {
                self.start = self.scanned;
                self.depth = 1;
            }
            (At::Key | At::AfterValue, b'}') => self.at = At::End,
            (At::AfterValue, b',') => self.at = At::Key,
            (At::Colon, b':') => {
                self.at = At::Value;
                self.start = usize::MAX;
                self.depth = 0;
            }
            (At::AfterItem, b',') => {
                self.at = At::Item;
                self.start = usize::MAX;
            }
            (At::AfterItem, b']') => self.at = At::AfterValue,
            _ => return Err(self.malformed("unexpected byte")),
        }
        self.scanned += 1;
        Ok(())
    }

    /// The rest of a key; `false` where it is not complete yet.
    fn key(&mut self) -> Result<bool, SplitError> {
        match memchr2(b'"', b'\\', &self.buffer[self.scanned..]) {
            None => {
                self.scanned = self.buffer.len();
                Ok(false)
            }
            Some(offset) if self.buffer[self.scanned + offset] == b'\\' => {
                Err(self.malformed("an escape in a list's key"))
            }
            Some(offset) => {
                let key = &self.buffer[self.start + 1..self.scanned + offset];
                self.key = match key {
                    b"items" => Key::Items,
                    b"metadata" => Key::Metadata,
                    _ => Key::Other,
                };
                self.listed |= self.key == Key::Items;
                self.scanned += offset + 1;
                self.depth = 0;
                self.at = At::Colon;
                Ok(true)
            }
        }
    }

    /// Goes on through a value; `false` where it is not complete yet.
    fn value(&mut self) -> Result<bool, SplitError> {
        if self.start == usize::MAX {
            let rest = &self.buffer[self.scanned..];
            let Some(skip) = rest.iter().position(|byte| !byte.is_ascii_whitespace()) else {
                self.scanned = self.buffer.len();
                return Ok(false);
            };
            self.scanned += skip;
            let byte = self.buffer[self.scanned];
            if self.at == At::Value && self.key == Key::Items && byte == b'[' {
                self.scanned += 1;
                self.at = At::Item;
                return Ok(true);
            }
            if self.at == At::Item && byte == b']' {
                self.scanned += 1;
                self.at = At::AfterValue;
                return Ok(true);
            }
            if self.at == At::Item && byte != b'{' {
                return Err(self.malformed("an item that is no object"));
            }
            self.start = self.scanned;
        }
        let Some(end) = self.value_end()? else { return Ok(false) };
        self.scanned = end;
        let range = self.start..end;
        if self.at == At::Item {
            self.items.push(range);
            self.objects += 1;
            self.at = At::AfterItem;
        } else {
            if self.key == Key::Metadata {
                let meta = serde_json::from_slice(&self.buffer[range]);
                self.meta = Some(meta.map_err(|_| self.malformed("list metadata that is none"))?);
            }
            self.at = At::AfterValue;
        }
        Ok(true)
    }

    /// Where the value under way ends, once it does; remembers how far it looked.
    fn value_end(&mut self) -> Result<Option<usize>, SplitError> {
        let buffer = &self.buffer[..];
        let mut at = self.scanned;
        while at < buffer.len() {
            if self.in_string {
                match memchr2(b'"', b'\\', &buffer[at..]) {
                    None => at = buffer.len(),
                    Some(offset) if buffer[at + offset] == b'"' => {
                        self.in_string = false;
                        at += offset + 1;
                        if self.depth == 0 {
                            return Ok(Some(at));
                        }
                    }
                    Some(offset) => {
                        // The escaped byte must be here, or the next call starts at the backslash again.
                        at += offset;
                        if at + 1 >= buffer.len() {
                            break;
                        }
                        at += 2;
                    }
                }
                continue;
            }
            match buffer[at] {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        self.scanned = at;
                        return Err(self.malformed("nesting too deep"));
                    }
                }
                b'}' | b']' if self.depth == 0 => return Ok(Some(at)),
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Ok(Some(at + 1));
                    }
                }
                b',' if self.depth == 0 => return Ok(Some(at)),
                _ => {}
            }
            at += 1;
        }
        self.scanned = at;
        Ok(None)
    }
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
